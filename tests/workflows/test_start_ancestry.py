"""Ancestry: which members went on from which."""

from __future__ import annotations

import dataclasses
import hashlib

from study_cases import with_facts

from wsgeo.workflows.start_ancestry import Ancestry


class TestAncestry:
    """What one has seen, those that went on from it know."""

    def test_a_start_is_found_by_path_or_by_hash(self, members):
        """A start is seen from the zoo; one that was moved is told by its weights."""
        first, second, third = members[:3]
        root = first.folder.parent
        digest = hashlib.sha256((first.folder / "model.safetensors").read_bytes()).hexdigest()
        second = with_facts(second, start=first.folder.name)
        third = with_facts(third, start="elsewhere", start_hash=digest)

        found = Ancestry.of([first, second, third], root)

        assert found.parents == {first.id: (), second.id: (first.id,), third.id: (first.id,)}
        assert not found.strangers

    def test_later_steps_of_a_run_know_what_earlier_ones_know(self, members):
        """Steps of one run follow each other, also where the one between is not in the zoo."""
        run = [
            with_facts(m, trajectory="run", step=s)
            for m, s in zip(members[:3], (9, 3, 6), strict=True)
        ]

        found = Ancestry.of(run, members[0].folder.parent).inherited({run[2].id: "it saw it"})

        assert set(found) == {run[2].id, run[0].id}

    def test_reasons_go_on_over_copies(self, members):
        """What went on from a copy of a member knows what the member knows."""
        copy = dataclasses.replace(
            members[1], id="copy", duplicate_of=members[0].id, folder=members[1].folder
        )
        heir = with_facts(members[2], start=str(copy.folder))
        ancestry = Ancestry.of([members[0], copy, heir], members[0].folder.parent)

        assert set(ancestry.inherited({members[0].id: "why"})) == {members[0].id, "copy", heir.id}
        assert ancestry.inherited({}) == {}

    def test_what_went_on_from_no_member_is_a_stranger(self, members):
        """A start that is not in the zoo is not known, and neither is what it knows."""
        first = with_facts(members[0], start="gone")
        second = with_facts(members[1], start=str(first.folder))

        found = Ancestry.of([first, second, members[2]], members[0].folder.parent)

        assert found.strangers == {first.id, second.id}
