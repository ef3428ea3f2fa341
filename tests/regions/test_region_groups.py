"""Regions of a geometry group and their figures."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from level_cases import DATASETS, FAMILIES, planted, seen

from wsgeo.regions.region_groups import Group, regions_table
from wsgeo.regions.traits import Trait


@pytest.fixture
def vectors(rng):
    """Give the task vectors of six data sets of three families."""
    return planted(FAMILIES, DATASETS, rng=rng)


def _group(vectors, **changes):
    one = seen(vectors)
    traits = (
        Trait("dataset", "task", dict(zip(one.ids, DATASETS, strict=True))),
        Trait("task", "family", dict(zip(one.ids, FAMILIES, strict=True))),
    )
    loss_group = dict(zip(one.ids, DATASETS, strict=True))
    return Group(one, **({"traits": traits, "loss_group": loss_group} | changes))


def _row(found, level, name):
    return found.row(by_predicate=(pl.col("level") == level) & (pl.col("name") == name), named=True)


def test_every_level_has_its_regions(vectors):
    """Six data sets, three families, all members, and the basins that were found."""
    basins = {"g0.l0": {"m000": 0, "m001": 0, "m002": 1, "m003": -1}}
    found = regions_table(_group(vectors, basins=basins))

    assert dict(found["level"].value_counts().iter_rows()) == {
        "dataset": 6, "task": 3, "general": 1, "basin": 2,
    }  # fmt: skip
    assert _row(found, "basin", "g0.l0 basin 0")["members"] == ["m000", "m001"]
    assert _row(found, "task", "f1")["n_tasks"] == 2
    assert _row(found, "task", "f1")["trait"] == "family"
    assert _row(found, "general", "all")["n_tasks"] == 6


def test_radius_is_the_root_mean_square_distance_from_the_mean(vectors):
    """From distances alone it is what the members' own mean gives."""
    found = regions_table(_group(vectors))
    mine = vectors[8:16]

    radius = np.sqrt((np.linalg.norm(mine - mine.mean(axis=0), axis=1) ** 2).mean())
    assert _row(found, "task", "f1")["radius"] == pytest.approx(radius)
    norm = np.linalg.norm(mine, axis=1).mean()
    assert _row(found, "task", "f1")["norm"] == pytest.approx(norm)


def test_cosines_are_means_over_pairs(vectors):
    """Within and outside are those of a plain loop over pairs."""
    found = _row(regions_table(_group(vectors)), "dataset", "d2")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    inside = range(8, 12)
    within = [unit[a] @ unit[b] for a, b in combinations(inside, 2)]
    outside = [unit[a] @ unit[b] for a in inside for b in range(24) if b not in inside]

    assert found["cosine_within"] == pytest.approx(np.mean(within))
    assert found["cosine_outside"] == pytest.approx(np.mean(outside))
    assert found["cosine_within"] > found["cosine_outside"]


def test_the_order_of_members_changes_no_figure(vectors, rng):
    """Members in another order make the same regions."""
    order = rng.permutation(24)
    one = seen(vectors)
    group = _group(vectors)
    other = seen(vectors[order], [one.ids[k] for k in order])
    again = regions_table(Group(other, group.traits, loss_group=group.loss_group))

    first, figures = regions_table(group), ["radius", "norm", "cosine_within"]
    assert again.select(figures).to_numpy() == pytest.approx(first.select(figures).to_numpy())
    assert [set(x) for x in again["members"]] == [set(x) for x in first["members"]]


def test_members_that_failed_the_gate_are_in_no_region(vectors):
    """They are left out of each region, which says so; a region of nobody is not listed."""
    failed = frozenset(["m000", *(f"m{k:03d}" for k in range(20, 24))])
    found = regions_table(_group(vectors, failed=failed))

    assert not failed & set(found["members"].explode())
    assert "d5" not in found["name"].to_list()
    assert _row(found, "dataset", "d0")["note"] == (
        "1 further member failed the end-point gate and is left out."
    )


def test_a_region_with_the_members_of_another_says_so(vectors):
    """A family of one data set is listed, with a note."""
    one = seen(vectors[:4])
    traits = tuple(
        Trait(level, level, dict.fromkeys(one.ids, "x")) for level in ("dataset", "task")
    )
    found = regions_table(Group(one, traits))

    assert found["level"].to_list() == ["dataset", "task", "general"]
    assert found["note"].to_list() == [
        None, *["Holds the same members as the dataset region x."] * 2,
    ]  # fmt: skip
    assert found["cosine_outside"].null_count() == 3


def test_a_single_member_has_a_radius_of_zero_and_no_cosine(vectors):
    """A region of one member is a point."""
    found = regions_table(Group(seen(vectors[:1]))).row(0, named=True)

    assert found["radius"] == 0
    assert found["cosine_within"] is None
