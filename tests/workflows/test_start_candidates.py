"""Candidates: the models that a fine-tuning could start from."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest
from study_cases import NO_DISTANCES, regions

from wsgeo.workflows.start_candidates import GENERAL, SOUP, candidates_for, named, soup_of


class TestCandidates:
    """Starts that could be."""

    def test_the_base_is_first_and_all_are_distinct(self, members):
        """Base, centroid of all, and each member; equal encoders are listed once."""
        found = candidates_for(members, regions(*members), NO_DISTANCES, ())

        assert [one.kind for one in found] == ["base", "centroid", *["member"] * len(members)]
        assert found[1].name == GENERAL
        assert sum(found[1].weights) == pytest.approx(1)

    def test_members_that_know_the_target_are_in_none(self, members):
        """No candidate is made of them, and the centroid says so."""
        known = members[0].id
        found = candidates_for(members, regions(*members), NO_DISTANCES, {known})

        assert all(known not in one.ids for one in found)
        assert named(found, GENERAL).left_out == (known,)

    def test_equal_candidates_are_one(self, members):
        """The mean of one member is that member, and answers to both names."""
        found = candidates_for(members, regions(members[0]), NO_DISTANCES, ())

        assert named(found, members[0].id) is named(found, GENERAL)
        assert members[0].id in named(found, GENERAL).note

    def test_the_medoid_is_the_member_in_the_middle(self, members):
        """With distances known the medoid is the member nearest to the others."""
        ids = [member.id for member in members[:3]]
        rows = [(ids[0], ids[1], 1.0), (ids[1], ids[2], 1.0), (ids[0], ids[2], 2.0)]
        distances = pl.DataFrame(rows, schema=NO_DISTANCES.schema, orient="row")

        found = candidates_for(members[:3], regions(*members[:3]), distances, ())

        assert named(found, "medoid of all").ids == (ids[1],)

    def test_the_soup_is_the_mean_of_the_better_half(self, members):
        """Of four members the two of least score are averaged."""
        found = candidates_for(members[:4], [], NO_DISTANCES, ())
        scores = {one.name: float(place) for place, one in enumerate(found)}

        soup = soup_of(found, scores)

        assert soup.name == SOUP
        assert set(soup.ids) == set(found[1].ids + found[2].ids)
        assert soup_of(found[:3], scores) is None

    def test_names_are_distinct(self, members):
        """Members that are called as other candidates are told apart from them."""
        called = ["base", GENERAL, SOUP, "member base"]
        members = [dataclasses.replace(m, id=n) for m, n in zip(members, called, strict=True)]

        found = candidates_for(members, regions(*members), NO_DISTANCES, ())
        names = [one.name for one in found]

        assert len(set(names)) == len(found) == 6
        assert named(found, "base").members == ()
        assert named(found, f"member {GENERAL}").ids == (GENERAL,)
        assert named(found, "member base").ids == ("member base",)
        assert named(found, "member member base").ids == ("base",)

    def test_an_unknown_name_is_none(self, members):
        """A start that is none is not found."""
        found = candidates_for(members, regions(*members), NO_DISTANCES, ())

        assert named(found, "centroid of al") is None
