"""Scans that look at lines only as closely as a question takes."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest
from scan_cases import SETTINGS, unequal_tables
from trained_zoo import write_data

from wsgeo.errors import WsgeoError
from wsgeo.store import Run
from wsgeo.workflows import stages
from wsgeo.workflows.resources import Resources
from wsgeo.workflows.scanning import scan
from wsgeo.workflows.settings import ScanSettings

MANY = dataclasses.replace(SETTINGS, n_examples=256, tau=0.2)
EDGES, AUTO = (dataclasses.replace(MANY, mode=mode) for mode in ("edges", "auto"))


class Scans:
    """Scans of one zoo on more examples, each made when it is first asked for."""

    def __init__(self, zoo, folder):
        self.zoo, self.folder, self.made = zoo, folder, {}
        self.data = folder / "film.jsonl"
        write_data(self.data, 256)

    def __call__(self, settings):
        """Return the run under some settings."""
        if settings not in self.made:
            self.made[settings] = self.anew(settings, self.folder / f"run-{len(self.made)}")
        return self.made[settings]

    def anew(self, settings, out, **changes):
        """Scan into a folder."""
        return scan(self.zoo, data=self.data, out=out, settings=settings, jobs=0, **changes)


@pytest.fixture(scope="module")
def scans(zoo_with_run, tmp_path_factory):
    """Give scans of the trained zoo."""
    return Scans(zoo_with_run.zoo, tmp_path_factory.mktemp("modes"))


def statuses(run):
    """Return the status of each pair."""
    rows = run.table("pairs").select("a", "b", pl.col("status").cast(pl.String)).iter_rows()
    return {(a, b): status for a, b, status in rows}


def rules(run):
    """Return how many pairs were looked at under each rule."""
    return run.read("summary")["groups"][0]["n_rule"]


def forwards(run):
    """Return how many examples points between the ends were evaluated on, at most."""
    return run.table("pairs").select((pl.col("n_points") - 2) * pl.col("n_examples")).sum().item()


class TestEdges:
    """Whether gaps are above the threshold."""

    @pytest.mark.parametrize("evidence", ["normal", "betting"])
    def test_no_pair_is_on_the_wrong_side(self, scans, evidence):
        """No pair that an exact scan calls connected is called separated, or the other way round."""
        exact = statuses(scans(MANY))
        found = statuses(scans(dataclasses.replace(EDGES, evidence=evidence)))
        wrong = [pair for pair in exact if {exact[pair], found[pair]} == {"connected", "separated"}]

        assert wrong == []
        assert {"connected", "separated"} <= set(found.values())

    def test_it_takes_fewer_examples(self, scans):
        """Races decide on a part of what an exact scan evaluates."""
        assert forwards(scans(EDGES)) < 0.6 * forwards(scans(MANY))

    def test_each_row_says_how_it_was_decided(self, scans):
        """Rule, positions, examples and limits stand in the row; what was not seen is null."""
        pairs = scans(EDGES).table("pairs")
        raced = pairs.filter(pl.col("rule").cast(pl.String) == "raced")

        assert len(raced) >= 10
        assert (raced["n_examples"] < 256).any()
        assert raced["convexity_gap_lo"].null_count() == 0
        assert raced["barrier_mean_hi"].null_count() == len(raced)
        assert (raced["barrier_height_lo"] <= raced["convexity_gap_lo"]).all()
        separated = raced.filter(pl.col("status").cast(pl.String) == "separated")
        assert (separated["convexity_gap_lo"] > 0.2).all()
        connected = raced.filter(pl.col("status").cast(pl.String) == "connected")
        assert (connected["convexity_gap_hi"] <= 0.2).all()

    @pytest.mark.slow
    def test_what_races_leave_open_is_measured(self, scans):
        """A pair that no number of examples decides has the numbers of an exact scan, but for refinement."""
        plain = dataclasses.replace(MANY, refinements=0, tau=0.05)
        exact = scans(plain).table("pairs")
        found = scans(dataclasses.replace(plain, mode="edges", error_level=1e-9)).table("pairs")
        measured = found.filter(pl.col("rule").cast(pl.String) == "exact")
        numbers = ["a", "b", "convexity_gap", "convexity_gap_lo", "convexity_gap_hi", "area"]

        assert len(measured) > 0
        both = measured.select(numbers).join(exact.select(numbers), on=["a", "b"], suffix="_exact")
        for name in numbers[2:]:
            assert both[name].to_list() == pytest.approx(both[f"{name}_exact"].to_list(), abs=1e-5)

    def test_the_summary_says_so(self, scans):
        """The first reason of the verdict says how the pairs were looked at."""
        reasons = scans(EDGES).read("summary")["groups"][0]["reasons"]

        assert reasons[0].startswith("Of 15 pairs: ")
        assert "raced" in reasons[0]

    @pytest.mark.slow
    def test_again_costs_nothing(self, scans, tmp_path):
        """The same scan again evaluates nothing and yields the same tables."""
        first = scans.anew(EDGES, tmp_path / "run")
        again = scans.anew(EDGES, tmp_path / "run")

        assert again.read("summary")["n_computed"] == 0
        assert unequal_tables(first, again) == []

    @pytest.mark.slow
    def test_joined_pairs_may_be_left_out(self, scans):
        """With the threshold above every gap a tree of pairs is raced, some others verified, the rest inferred."""
        run = scans(dataclasses.replace(EDGES, tau=50.0, skip_joined=True))
        found = rules(run)

        assert found == {"raced": 5 + 1, "inferred": 9}
        inferred = run.table("pairs").filter(pl.col("rule").cast(pl.String) == "inferred")
        assert inferred["convexity_gap"].null_count() == 9
        assert set(inferred["status"].cast(pl.String)) == {"inferred"}
        assert "1 pair inside such components was raced" in " ".join(
            run.read("summary")["groups"][0]["reasons"]
        )

    @pytest.mark.slow
    def test_leaving_out_is_the_same_the_second_time(self, scans, tmp_path):
        """A scan that leaves pairs out computes nothing more when it is run again, and says the same."""
        settings = dataclasses.replace(EDGES, skip_joined=True)
        first = scans.anew(settings, tmp_path / "run")
        again = scans.anew(settings, tmp_path / "run")

        assert again.read("summary")["n_computed"] == 0
        assert unequal_tables(first, again) == []
        assert (
            first.read("summary")["groups"][0]["reasons"]
            == again.read("summary")["groups"][0]["reasons"]
        )


@pytest.mark.slow
class TestAuto:
    """Races, and every example where it matters."""

    def test_statuses_are_those_of_an_exact_scan(self, scans):
        """The threshold lies on the same side of every pair that an exact scan decides."""
        exact, found = statuses(scans(MANY)), statuses(scans(AUTO))

        assert found == exact

    def test_close_pairs_are_measured(self, scans):
        """A raced pair is decided, and lies further from the threshold than two standard errors."""
        pairs = scans(AUTO).table("pairs")
        raced = pairs.filter(pl.col("rule").cast(pl.String) == "raced")
        away = (raced["convexity_gap"] - 0.2).abs()

        assert 0 < len(raced) < len(pairs)
        assert (away > 2 * raced["convexity_gap_se"]).all()
        assert not (raced["status"].cast(pl.String) == "undecided").any()

    def test_the_threshold_can_be_found(self, scans):
        """Without a threshold one is derived, as an exact scan derives it."""
        groups = [
            scans(dataclasses.replace(each, tau=None)).read("summary")["groups"][0]
            for each in (MANY, AUTO)
        ]

        assert groups[0]["basins"] == groups[1]["basins"]
        assert groups[1]["tau"]["value"] == pytest.approx(groups[0]["tau"]["value"], rel=0.5)


@pytest.mark.slow
class TestBudget:
    """Scans that run out of time."""

    @pytest.mark.parametrize("settings", [MANY, EDGES], ids=["exact", "edges"])
    def test_a_glimpse_of_all_pairs_is_there_at_once(self, scans, tmp_path, settings):
        """Without any time every pair is glimpsed, none is called connected, and the code is 5."""
        run = scans.anew(settings, tmp_path / "run", resources=Resources(budget=1e-9))
        summary = run.read("summary")

        assert rules(run) == {"coarse": 15}
        assert summary["exit_code"] == 5
        assert summary["status"] == "stopped"
        assert set(statuses(run).values()) <= {"separated", "undecided"}
        assert "The same command goes on" in " ".join(summary["groups"][0]["reasons"])
        assert (run.folder / "report" / "index.html").exists()

    def test_later_it_goes_on(self, scans, tmp_path):
        """A scan that was stopped and goes on without a budget ends as one that never was."""
        scans.anew(MANY, tmp_path / "run", resources=Resources(budget=1e-9))
        later = scans.anew(MANY, tmp_path / "run")

        assert unequal_tables(later, scans(MANY)) == []
        assert later.read("summary")["exit_code"] == 0

    def test_a_glimpse_is_not_taken_for_more(self, scans, tmp_path):
        """A pair that is separated from a glimpse is so on all examples."""
        run = scans.anew(MANY, tmp_path / "run", resources=Resources(budget=1e-9))
        exact = statuses(scans(MANY))

        assert all(
            exact[pair] != "connected"
            for pair, status in statuses(run).items()
            if status == "separated"
        )


@pytest.mark.slow
def test_a_coarse_map_comes_first(scans, tmp_path, monkeypatch):
    """A scan that is interrupted once all lines were glimpsed leaves a map of them."""
    monkeypatch.setattr(stages, "MAP_AFTER", 0.0)

    def stop(done, total, unit):
        if (tmp_path / "run" / "report" / "index.html").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scans.anew(EDGES, tmp_path / "run", progress=stop)
    run = Run(tmp_path / "run")

    assert rules(run) == {"coarse": 15}
    assert run.read("run")["status"] == "started"
    assert (run.folder / "report" / "index.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["exact", "edges"])
def test_bfloat16_is_checked_in_float32(scans, tmp_path, mode):
    """Pairs near the threshold are measured again in float32, and statuses are those of float32."""
    settings = dataclasses.replace(MANY, mode=mode, precision="bf16")
    run = scans.anew(settings, tmp_path / "run")
    pairs = run.table("pairs").with_columns(away=(pl.col("convexity_gap") - 0.2).abs())
    rounded = pairs.filter(pl.col("precision").str.starts_with("bf16"))

    assert 0 < len(rounded) <= len(pairs)
    assert (rounded["away"] > 0.005).all()
    exact, found = statuses(scans(dataclasses.replace(MANY, mode=mode))), statuses(run)
    assert all({exact[pair], found[pair]} != {"connected", "separated"} for pair in exact)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [MANY, EDGES], ids=["exact", "edges"])
def test_less_memory_changes_nothing(scans, tmp_path, settings):
    """A scan that can keep two members at a time finds the same."""
    run = scans.anew(settings, tmp_path / "run", resources=Resources(memory=1))

    assert unequal_tables(run, scans(settings)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "quick"},
        {"evidence": "hope"},
        {"precision": "fp8"},
        {"error_level": 0.0},
        {"error_level": 0.7},
        {"mode": "edges", "head_policy": "refit"},
        {"skip_joined": True},
        {"evidence": "betting"},
        {"mode": "edges", "evidence": "betting", "tau": 7.0},
    ],
)
def test_settings_that_make_no_sense(wrong):
    """Unknown words, levels that are no risk, and what cannot be combined are refused in one line."""
    with pytest.raises(WsgeoError, match="--"):
        ScanSettings(**wrong)
