"""Regions of a run, written and scored from its tables alone."""

import time

import numpy as np
import polars as pl
import pytest
from level_cases import DATASETS, FAMILIES, planted, settings, tables, write_run

from wsgeo.errors import DataError
from wsgeo.store import TABLES
from wsgeo.workflows import region_levels
from wsgeo.workflows.region_levels import NAMES, find_levels, write_levels

IDS = [f"m{k:03d}" for k in range(24)]
SEEDS = [str(k % 4) for k in range(24)]
SIZES = [str(200 * 2 ** (k % 2)) for k in range(24)]


def found_and_written(run, **given):
    """Find the regions of a run and write their tables."""
    levels = find_levels(run, **given)
    write_levels(run, levels)
    return levels


@pytest.fixture
def vectors(rng):
    """Give the task vectors of six data sets of three families."""
    return planted(FAMILIES, DATASETS, rng=rng, strength=1.2)


def _members(run, level, name):
    return tuple(
        run.table("regions").row(
            by_predicate=(pl.col("level") == level) & (pl.col("name") == name), named=True
        )["members"]
    )


def _trained(ids=IDS, **changes):
    axes = {"task": DATASETS, "family": FAMILIES, "seed": SEEDS, "n_examples": SIZES}
    return settings(ids, **(axes | changes))


def _score(outcome, **wanted):
    return outcome.tables["region_scores"].filter(**wanted).row(0, named=True)


def test_planted_groups_are_found_again_with_purity_one(vectors, tmp_path):
    """One base and directions that lie apart: cosine clustering finds every data set and family."""
    outcome = found_and_written(write_run(tmp_path / "run", [tables(vectors)], _trained()), seed=0)

    for level, n_groups in (("dataset", 6), ("task", 3)):
        row = _score(outcome, level=level, space="task_vector", clusters="given")
        assert (row["n_groups"], row["n_clusters"], row["n_members"]) == (n_groups, n_groups, 24)
        assert (row["purity"], row["f1"], row["ari"]) == (1, 1, 1)
        assert row["p_value"] == 1 / 2000
        assert not row["estimated_base"]
    assert outcome.sentences["g0"][0] == (
        "Task vectors, the number of clusters given, find 6 of 6 data sets (task) exactly again: "
        "purity 1.00, one-to-one F1 1.00, adjusted Rand 1.00, mutual information 1.00, p = 0.0005."
    )


def test_euclidean_distance_stands_apart_and_may_fail(vectors, tmp_path):
    """Raw weights have rows of their own: with lengths that differ they mix what angles part."""
    lengths = [3.0 if k % 2 else 0.3 for k in range(24)]
    stretched = vectors * pl.Series(lengths).to_numpy()[:, None]
    outcome = found_and_written(
        write_run(tmp_path / "run", [tables(stretched)], _trained()), seed=0
    )

    spaces = outcome.tables["region_scores"].group_by("space").agg(pl.col("clusters").unique())
    assert {space: set(ways) for space, ways in spaces.iter_rows()} == {
        "task_vector": {"given", "found", "suggested"}, "weights": {"given"},
    }  # fmt: skip
    assert _score(outcome, level="dataset", space="task_vector", clusters="given")["purity"] == 1
    assert _score(outcome, level="dataset", space="weights")["purity"] < 0.8
    (said,) = [text for text in outcome.sentences["g0"] if "data sets" in text and "raw" in text]
    assert said.startswith("For comparison only: raw weights in Euclidean distance")


def test_two_bases_are_never_mixed(rng, tmp_path):
    """Members of two bases make two geometry groups, each with regions and scores of its own."""
    parts = [
        tables(planted(DATASETS, rng=rng), group=group, prefix=prefix)
        for group, prefix in (("g0", "m"), ("g1", "n"))
    ]
    ids = [*IDS, *(f"n{k:03d}" for k in range(24))]
    trained = settings(ids, task=DATASETS * 2, base=["one"] * 24 + ["other"] * 24)
    outcome = found_and_written(write_run(tmp_path / "run", parts, trained), seed=0)

    regions = outcome.tables["regions"].explode("members")
    assert set(regions.filter(group="g0")["members"]) == set(IDS)
    assert not set(regions.filter(group="g1")["members"]) & set(IDS)
    assert set(outcome.sentences) == {"g0", "g1"}
    for group in ("g0", "g1"):
        row = _score(outcome, group=group, space="task_vector", clusters="given")
        assert (row["purity"], row["n_members"]) == (1, 24)
    assert "base" not in outcome.tables["region_counts"]["trait"].to_list()


def test_counts_say_by_what_members_cluster(vectors, tmp_path):
    """Clusters hold one data set each, and every seed and size alike."""
    outcome = found_and_written(write_run(tmp_path / "run", [tables(vectors)], _trained()), seed=0)
    counts = outcome.tables["region_counts"].filter(
        space="task_vector", clusters="given", level="dataset"
    )

    assert set(counts["trait"]) == {"task", "family", "seed", "n_examples"}
    assert counts.filter(trait="task")["n"].to_list() == [4] * 6
    assert counts.filter(trait="task")["value"].n_unique() == 6
    assert counts.filter(trait="n_examples")["n"].to_list() == [2] * 12
    assert counts.group_by("trait").agg(pl.col("n").sum())["n"].to_list() == [24] * 4


def test_copies_count_once(vectors, tmp_path):
    """A copy is in no region and no clustering, and has the figures of its original."""
    copied = vectors.copy()
    copied[1] = copied[0]
    copies = [None, "m000", *[None] * 22]
    run = write_run(tmp_path / "run", [tables(copied, duplicate_of=copies)], _trained())
    outcome = found_and_written(run, seed=0)

    assert len(_members(run, "general", "all")) == 23
    assert set(outcome.tables["region_scores"]["n_members"]) == {23}
    members = outcome.tables["region_members"]
    original, copy = members.to_dicts()[:2]
    assert copy == original | {"id": "m001", "note": "A copy of m000, counted once."}
    assert len(members) == 24


def test_a_member_that_failed_is_counted_but_in_no_region(vectors, tmp_path):
    """It keeps its row and its place in the clusterings, and the sentences say so."""
    gate = [k != 5 for k in range(24)]
    run = write_run(tmp_path / "run", [tables(vectors, gate=gate)], _trained())
    outcome = found_and_written(run, seed=0)

    assert _members(run, "dataset", "d1") == ("m004", "m006", "m007")
    assert outcome.tables["region_members"].filter(id="m005")["note"].to_list() == [
        "Failed the end-point gate, and is in no region."
    ]
    assert _score(outcome, level="dataset")["n_members"] == 24
    assert any("1 member that failed the end-point gate" in one for one in outcome.sentences["g0"])


def test_without_a_base_it_is_estimated_and_called_so(vectors, tmp_path, monkeypatch):
    """Planted groups are found from the mean of the members; rows and words are marked."""
    monkeypatch.setattr(region_levels, "_DRAWS", 19)
    run = write_run(tmp_path / "run", [tables(vectors, has_base=False)], _trained())
    outcome = found_and_written(run, seed=0)

    row = _score(outcome, level="dataset", space="task_vector", clusters="given")
    assert (row["purity"], row["estimated_base"]) == (1, True)
    assert not _score(outcome, level="dataset", space="weights")["estimated_base"]
    assert outcome.sentences["g0"][0].startswith("The base is not known")
    assert outcome.sentences["g0"][1].startswith("Task vectors from an estimated base, ")
    assert outcome.tables["regions"]["norm"].is_null().all()
    assert outcome.tables["regions"]["note"].str.contains("estimated base").all()
    assert outcome.tables["region_members"]["placed"].is_null().all()


def test_random_directions_are_not_said_to_be_found(rng, tmp_path):
    """Task vectors without groups give no better than chance, in words."""
    vectors = rng.standard_normal((24, 600))
    run = write_run(tmp_path / "run", [tables(vectors)], _trained(family=[None] * 24))
    outcome = found_and_written(run, seed=0)

    assert _score(outcome, clusters="given", space="task_vector")["p_value"] > 0.05
    assert "do not find the data sets (task) again better than chance" in outcome.sentences["g0"][0]
    assert "Regions of task families are not applicable" in " ".join(outcome.sentences["g0"])


def test_no_trait_leaves_the_general_region(vectors, tmp_path):
    """Members of which nothing is known are one region, and the words say what is missing."""
    run = write_run(tmp_path / "run", [tables(vectors)], settings(IDS))
    outcome = found_and_written(run, seed=0)

    assert outcome.tables["regions"]["level"].to_list() == ["general"]
    assert outcome.tables["region_scores"].is_empty()
    assert len([one for one in outcome.sentences["g0"] if "not applicable" in one]) == 2


@pytest.mark.parametrize("has_base", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_members_have_regions_and_no_p_value(rng, tmp_path, n, has_base):
    """One to three members are grouped; what cannot be said of them is null."""
    trained = settings(IDS[:n], task="xxy"[:n])
    part = tables(planted("xxy"[:n], rng=rng), has_base=has_base)
    outcome = found_and_written(write_run(tmp_path / "run", [part], trained), seed=0)

    assert outcome.tables["regions"].filter(level="general")["members"].to_list() == [IDS[:n]]
    assert outcome.tables["region_scores"]["p_value"].is_null().all()
    assert outcome.tables["region_members"]["placed"].is_null().all()


def test_members_that_equal_their_base_have_no_directions(tmp_path):
    """Task vectors of length zero are clustered by no angle, and nobody is placed."""
    trained = settings(IDS[:6], task="xyxyxy")
    run = write_run(tmp_path / "run", [tables(np.zeros((6, 9)))], trained)
    outcome = found_and_written(run, seed=0)

    given = outcome.tables["region_scores"].filter(space="task_vector", clusters="given")
    assert given.is_empty()
    assert not outcome.tables["region_members"]["placed"].any()
    assert outcome.tables["regions"]["cosine_within"].is_null().all()


def test_basins_of_each_loss_group_are_regions(vectors, tmp_path):
    """Basins that a scan found are regions; groups for want of structure are none."""
    run = write_run(tmp_path / "run", [tables(vectors)], _trained())
    rows = [("g0.l0", name, "convexity_gap", k // 12, True) for k, name in enumerate(IDS)]
    basins = pl.DataFrame(rows, ["group", "id", "matrix", "label", "is_default"], orient="row")
    clusters = pl.concat([run.table("clusters"), basins], how="diagonal")
    run.write_table("clusters", clusters.select(list(TABLES["clusters"])))

    found_and_written(run, seed=0)
    assert _members(run, "basin", "g0.l0 basin 1") == tuple(IDS[12:])

    run.write("summary", {"groups": [{"name": "g0.l0", "basins_found": False}]})
    outcome = found_and_written(run, seed=0)
    assert "basin" not in outcome.tables["regions"]["level"].to_list()


def test_tables_are_written_and_the_same_again(vectors, tmp_path):
    """A second call with the same seed replaces the rows by equal ones."""
    run = write_run(tmp_path / "run", [tables(vectors)], _trained())
    first = found_and_written(run, seed=3)
    again = found_and_written(run, seed=3)

    for name in NAMES:
        assert run.table(name).equals(first.tables[name])
        assert again.tables[name].equals(first.tables[name])
    assert again.sentences == first.sentences


def test_settings_may_be_named(vectors, tmp_path):
    """The user says which setting is the data set; one that nobody has is refused."""
    run = write_run(tmp_path / "run", [tables(vectors)], _trained())

    found_and_written(run, dataset_axis="family", seed=0)
    assert _members(run, "dataset", "f2") == tuple(IDS[16:])
    with pytest.raises(DataError, match="'genre'"):
        found_and_written(run, task_axis="genre", seed=0)


def test_finding_writes_nothing(vectors, tmp_path):
    """Regions are found as they are written, and the run stays as it was."""
    run = write_run(tmp_path / "run", [tables(vectors)], _trained())
    before = run.every_table()

    found = find_levels(run, seed=0)

    assert [n for n, t in run.every_table().items() if not t.equals(before[n])] == []
    written = found_and_written(run, seed=0)
    assert found.sentences == written.sentences
    assert all(rows.equals(written.tables[name]) for name, rows in found.tables.items())


@pytest.mark.slow
@pytest.mark.parametrize("has_base", [True, False])
def test_two_hundred_members_take_seconds(rng, tmp_path, has_base):
    """Forty data sets of five seeds are grouped and scored in seconds; the limit leaves room for a busy machine."""
    datasets = [f"d{k // 5:02d}" for k in range(200)]
    vectors = planted(datasets, rng=rng)
    ids = [f"m{k:03d}" for k in range(200)]
    part = tables(vectors, has_base=has_base)
    run = write_run(tmp_path / "run", [part], settings(ids, task=datasets))
    started = time.perf_counter()

    outcome = found_and_written(run, seed=0)

    assert time.perf_counter() - started < 30
    row = _score(outcome, space="task_vector", clusters="given")
    assert row["purity"] == 1
