"""What tests of the choice of a start share: quick settings, and small parts of a study."""

from __future__ import annotations

import dataclasses

import polars as pl

from wsgeo.workflows.start_regions import Region
from wsgeo.workflows.start_settings import StartSettings, Tuning
from wsgeo.workflows.start_studies import Study
from wsgeo.zoo.checkpoints import Fact

NO_DISTANCES = pl.DataFrame(schema={"a": pl.String, "b": pl.String, "l2": pl.Float64})
QUICK = StartSettings(seeds=2, steps=3, examples=24, held_out=16, top=1, batch_size=4)
AS_ASKED = Tuning(1e-2, 16, "as asked")


def regions(*members):
    """Return the region of all members."""
    return [Region("general", "all", tuple(member.id for member in members))]


def with_facts(member, **facts):
    """Return a member of which more is written down."""
    own = {name: Fact(value, "wsgeo.json") for name, value in facts.items()}
    return dataclasses.replace(member, facts={**member.facts, **own})


def study_of(members, frame, *targets, known=None, **more):
    """Return a study of members that know no target unless it is said."""
    known = {target.name: (known or {}).get(target.name, {}) for target in targets}
    return Study(
        "g0", members[0].base, tuple(members), tuple(regions(*members)), NO_DISTANCES, targets,
        known, AS_ASKED, frame, (), **more,
    )  # fmt: skip
