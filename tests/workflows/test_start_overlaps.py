"""Knowledge: which members were tuned on a target."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import polars as pl
import pytest
from recipe_cases import write_examples
from study_cases import with_facts

from wsgeo.errors import WsgeoError
from wsgeo.workflows.start_overlaps import Knowledge, ZooData, share_of
from wsgeo.workflows.start_targets import read_target
from wsgeo.zoo.axes import SETTINGS


def knowledge(members, values=(), data=None):
    """Return what is known of members, of which no setting is known."""
    none = pl.DataFrame(schema=SETTINGS)
    return Knowledge.read(members, Path(), data or ZooData({}, {}), none, values)


class TestKnowledge:
    """Members that know a target."""

    def known(self, members, target, values=(), data=None):
        return knowledge(members, values, data).of(target)

    def test_strangers_know_nothing(self, members, film):
        """Members of another task stay."""
        assert self.known(members, read_target(str(film))) == {}

    def test_a_name_tells(self, members, film):
        """A member whose data set has the target's name is left out, whatever the case."""
        one = with_facts(members[0], dataset="FILMS")

        assert list(self.known([one, *members[1:]], read_target(str(film)))) == [one.id]

    def test_values_are_left_out_as_asked(self, members, film):
        """Any value of a setting leaves its members out; one that nobody has is refused."""
        target, one = read_target(str(film)), members[0]
        seed = str(one.facts["seed"].value)

        assert one.id in self.known(members, target, [seed])
        assert list(self.known(members, target, [one.id])) == [one.id]
        with pytest.raises(WsgeoError, match="nothing would be left out"):
            self.known(members, target, ["no-such-value"])

    def test_texts_tell(self, members, film, tmp_path):
        """A member is left out if its training data hold the target's texts."""
        target, one = read_target(str(film)), members[0]
        write_examples(tmp_path / "other" / "train.jsonl", 30, 6)
        data = ZooData({}, {one.id: tmp_path / "other" / "train.jsonl"})

        found = self.known(members, target, data=data)

        assert list(found) == [one.id]
        assert "100.0%" in found[one.id]
        assert share_of(target, target.train) == 1.0

    def test_a_copy_knows_what_its_original_knows(self, members, film):
        """Where a copy is left out, so is its original."""
        copy = dataclasses.replace(members[1], id="copy", duplicate_of=members[0].id)
        copy = with_facts(copy, dataset="films")

        known = self.known([members[0], copy], read_target(str(film)))

        assert set(known) == {"copy", members[0].id}

    def test_what_went_on_from_one_that_knows_knows(self, members, film):
        """A member that was tuned further from one that saw the target is left out, and so on."""
        first = with_facts(members[0], dataset="films")
        second = with_facts(members[1], start=str(first.folder))
        third = with_facts(members[2], start=str(second.folder))

        known = self.known([third, second, first, members[3]], read_target(str(film)))

        assert set(known) == {first.id, second.id, third.id}
        assert known[third.id] == f"it goes on from {first.id} ({known[first.id]})"

    def test_members_without_readable_data_are_unread(self, members, film, tmp_path):
        """Of a member whose training data are missing or faulty only the name tells."""
        (tmp_path / "faulty.jsonl").write_text("{")
        files = {members[0].id: film / "train.jsonl", members[1].id: tmp_path / "faulty.jsonl"}
        lost = with_facts(members[3], start="gone", start_hash="0")
        files |= {lost.id: film / "train.jsonl"}

        found = knowledge([*members[:3], lost], (), ZooData({}, files))

        assert found.unread == {members[1].id, members[2].id, lost.id}
