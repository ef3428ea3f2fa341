"""Studies: targets, and what starts for them are made of."""

from __future__ import annotations

import dataclasses

import pytest
from study_cases import study_of

from wsgeo.errors import WsgeoError
from wsgeo.workflows.start_candidates import SOUP
from wsgeo.workflows.start_studies import _start_notes
from wsgeo.workflows.start_targets import read_target


class TestStudy:
    """What a choice begins with."""

    def test_says_of_whom_only_names_tell(self, members, frame, film):
        """Members of unknown training data are counted, but for those that are left out anyway."""
        known, unread = {"films": {members[0].id: "why"}}, frozenset(m.id for m in members[:3])
        study = study_of(members, frame, read_target(str(film)), known=known, unread=unread)

        [said] = [line for line in study.begun if "names alone" in line]

        assert said == (
            "Whether 2 members know films was judged by names alone: their training data are not in "
            "the zoo or cannot be read."
        )

    def test_the_base_counts_with_its_config(self, members, frame, film):
        """Two bases of equal weights and unequal configs are two."""
        target = read_target(str(film))
        other = dataclasses.replace(frame, config={**frame.config, "hidden_dropout_prob": 0.5})

        assert (
            study_of(members, frame, target).base_key != study_of(members, other, target).base_key
        )

    def test_a_start_that_no_target_has_is_refused(self, members, frame, film):
        """A name that is near is told; one that some target has is passed over in the others."""
        target = read_target(str(film))
        other = dataclasses.replace(target, name="other")
        known = {"other": {members[0].id: "why"}}
        study = study_of(members, frame, target, other, known=known)

        with pytest.raises(WsgeoError, match="mean 'centroid of all'"):
            list(_start_notes(study, ["centroid of al"]))
        [said] = _start_notes(study, [members[0].id, "centroid of all"])
        assert said.startswith("other: no start is called")
        assert [line.split(":")[0] for line in _start_notes(study, [SOUP])] == ["other"]
