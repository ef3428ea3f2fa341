"""The regions of a run: points, curves and stars, measured once and told."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from region_cases import FEW, position
from scan_cases import N_MEMBERS, N_POINTS, SETTINGS, tree

from wsgeo.errors import WsgeoError
from wsgeo.evaluation import heads
from wsgeo.evaluation.heads import RIDGES, HeadPolicy, probe
from wsgeo.evaluation.hf import HuggingFaceBackend
from wsgeo.evaluation.losses import PROBE_VERSION
from wsgeo.store import open_run
from wsgeo.workflows import regioning
from wsgeo.workflows.region_curves import RADII
from wsgeo.workflows.region_points import points_of
from wsgeo.workflows.region_records import MEASURED
from wsgeo.workflows.regioning import plan_region, region
from wsgeo.zoo import build_model, load_weights


@pytest.fixture(scope="module", autouse=True)
def plain():
    """Leave out what takes long and is tested elsewhere: the choice of the ridge, and the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, "_best_ridge", lambda *_: RIDGES[0])
        patch.setattr(regioning, "write_reports", lambda run: run.folder)
        yield


@pytest.fixture
def nothing_evaluated(monkeypatch):
    """Fail where anything is evaluated."""
    monkeypatch.setattr(
        "wsgeo.evaluation.evaluator.Evaluator.__call__",
        lambda *_: pytest.fail("something was evaluated"),
    )


@pytest.fixture(scope="module")
def sampled(zoo_with_run, tmp_path_factory):
    """Give a copy of the finished run whose members were sampled together, and the answer."""
    folder = zoo_with_run.copy_run(tmp_path_factory.mktemp("sampled") / "run")
    said = []
    found = region(folder, **FEW, jobs=0, announce=said.append)
    return open_run(folder), found, said


class TestRegion:
    """One call fills the tables of points, orders, curves and stars."""

    def test_a_member_has_the_loss_of_the_scan(self, sampled):
        """Under the mean of the heads a member is itself."""
        run, _, _ = sampled
        points = run.table("region_points").filter(kind="member", head="interpolate")
        known = dict(run.table("models").select("id", "loss").iter_rows())

        assert dict(points.select("point", "loss").iter_rows()) == pytest.approx(known, abs=1e-6)

    def test_points_have_the_losses_of_their_weights(self, sampled, everyone):
        """Hull, base and random points agree with weights mixed by hand in the unchanged module."""
        run, _, _ = sampled
        rows = run.table("region_points")
        data, like = everyone.data[0], everyone.members[0]
        backend = HuggingFaceBackend(build_model(like), like.layout, like.head)
        whole = {m.id: load_weights(m) for m in everyone.members}
        hull = rows.filter(point="uniform-0", head="interpolate").row(0, named=True)
        shares = zip(hull["members"], hull["coefficients"], strict=True)
        mixed = sum(share * whole[id_].vector.astype(np.float64) for id_, share in shares)
        base = next(p.mix for p in points_of(everyone, n_samples=1) if p.kind == "base")
        moved = next(p.mix for p in points_of(everyone, n_samples=1) if p.name == "random-0")

        losses = backend.losses(mixed.astype(np.float32), data.encoded)
        assert hull["loss"] == pytest.approx(losses.mean, abs=1e-5)
        for name, mix in (("base", base), ("random-0", moved)):
            vector = whole[like.id].vector.copy()
            where = np.concatenate(
                [np.arange(like.layout.n_parameters)[like.layout.span(n)]
                 for n in everyone.body]
            )  # fmt: skip
            vector[where] = position(everyone, mix).astype(np.float32)
            features = backend.features(vector, data.encoded)
            expected = probe(features, data.encoded.targets, 2, SETTINGS.seed)
            assert rows.filter(point=name, head="refit")["loss"].item() == pytest.approx(
                expected.mean, abs=1e-3
            )

    def test_a_line_has_the_losses_of_the_scan(self, sampled):
        """Between two members the loss is that of the table of profiles; beyond, it goes on from the ends."""
        run, _, _ = sampled
        curves = run.table("region_curves")
        between = curves.filter(curve="interpolation").sort("position")
        beyond = curves.filter(curve="extrapolation").sort("position")
        a, b = between["line"][0].split(" -> ")
        known = run.table("profiles").filter(pl.col("a").is_in([a, b]), pl.col("b").is_in([a, b]))
        t, loss = known.row(0, named=True)["t"], known.row(0, named=True)["loss"]
        scanned = dict(zip(t, loss if known["a"].item() == a else loss[::-1], strict=True))

        grid = [k / (N_POINTS - 1) for k in range(N_POINTS)]
        assert between["position"].to_list() == grid
        assert between["loss"].to_list() == pytest.approx([scanned[t] for t in grid], abs=1e-6)
        assert beyond.height == 20
        ends = beyond.filter(pl.col("position").is_in([0.0, 1.0]))["loss"].to_list()
        assert ends == between["loss"].to_list()[:: N_POINTS - 1]

    def test_every_way_out_begins_at_the_centroid(self, sampled):
        """At radius 0 each radial curve has the loss of the centroid."""
        run, _, _ = sampled
        centre = run.table("region_points").filter(kind="centroid", head="refit")["loss"].item()
        starts = run.table("region_curves").filter(position=0.0, head="refit")

        assert starts["curve"].to_list() == ["random", "origin", "base"]
        assert starts["loss"].to_list() == [centre] * 3
        ways = run.table("region_curves").filter(curve="random")
        assert ways["position"].to_list() == list(RADII)

    def test_stars_hold_the_gaps_of_the_scan(self, sampled):
        """Each member's largest gap is that of its pairs; the centroid has gaps of its own."""
        run, _, _ = sampled
        found = run.table("stars")
        pairs = run.table("pairs")
        for id_ in run.table("models")["id"]:
            own = pairs.filter((pl.col("a") == id_) | (pl.col("b") == id_))["convexity_gap"]
            assert found.filter(point=id_)["largest_gap"].item() == pytest.approx(own.max())

        assert found.filter(point="centroid")["n_gaps"].item() == N_MEMBERS
        assert found["is_star"].sum() == 1

    def test_orders_are_of_both_heads(self, sampled):
        """Hull and members are compared under both policies, the outside under the probe alone."""
        run, _, _ = sampled
        orders = run.table("region_orders")

        hull = orders.filter(a="hull", b="members")
        assert set(hull["head"]) == {"interpolate", "refit"}
        assert hull["n_tasks"].to_list() == [1, 1]
        assert orders.filter(b="random")["head"].unique().to_list() == ["refit"]

    def test_what_is_said_is_kept(self, sampled):
        """The cost is told first, and the sentences are in run.json and in the answer."""
        run, found, said = sampled
        kept = run.read("run")["regions"]

        assert said[0].split(" ", 1)[1].startswith("evaluations")
        assert kept["sentences"] == [*found["levels"], *found["headlines"]]
        assert kept["regions"] == found["regions"]
        [one] = found["regions"]
        assert one["title"] == "all members"
        assert any("P_B" in said for said in one["sentences"])
        assert found["failures"] == []
        assert json.dumps(found)

    @pytest.mark.usefixtures("nothing_evaluated")
    def test_a_rescan_can_tell_what_it_makes_stale(self, sampled):
        """The members, data and base that it was measured under are noted in the run."""
        run, _, _ = sampled

        assert set(run.read("run")["answers"]["members"]) == set(run.table("models")["id"])

    def test_measuring_again_evaluates_nothing(self, sampled):
        """A second call finds everything done, and its tables are the same."""
        run, _, _ = sampled
        before = run.every_table()
        region(run.folder, **FEW, jobs=0)

        assert [n for n, t in run.every_table().items() if not t.equals(before[n])] == []

    def test_the_cost_is_told_alone(self, sampled):
        """A plan counts what is measured and writes nothing."""
        run, _, _ = sampled
        before = tree(run.folder)

        plan = plan_region(run.folder, **FEW)

        rows = run.table("region_points").height + run.table("region_curves").height
        assert 0 < plan.n_points < rows + N_MEMBERS * N_POINTS
        assert plan.regions == (("general", "all", N_MEMBERS),)
        assert json.dumps(plan.as_dict())
        assert {k: v for k, v in tree(run.folder).items() if k.name != ".lock"} == {
            k: v for k, v in before.items() if k.name != ".lock"
        }


class TestChoices:
    """Which regions are sampled."""

    @pytest.mark.usefixtures("nothing_evaluated")
    def test_other_regions_stay(self, sampled, tmp_path):
        """A region that is not asked for this time keeps its rows; equal ones share what is measured."""
        first, _, _ = sampled
        folder = shutil.copytree(first.folder, tmp_path / "run")
        found = region(folder, **{**FEW, "level": "dataset"}, jobs=0)

        run = open_run(folder)
        assert [one["title"] for one in found["regions"]] == ["all members", "data set film"]
        assert found["regions"][1]["sentences"] == ["The same members and figures as all members."]
        for name in MEASURED:
            kept = run.table(name).filter(level="general")
            assert kept.equals(first.table(name))
            assert run.table(name).filter(level="dataset").height == kept.height

    @pytest.mark.usefixtures("nothing_evaluated")
    def test_rows_stay_with_what_they_were_measured_with(self, sampled, tmp_path):
        """Rows of other settings stay and are told; without samples nothing new is evaluated."""
        first, _, _ = sampled
        folder = shutil.copytree(first.folder, tmp_path / "run")

        found = region(folder, level="dataset", samples=0, lines=0, directions=0, jobs=0)

        general, film = (one["measured"] for one in found["regions"])
        assert (general["samples"], general["lines"], film["lines"]) == (1, 1, 0)
        assert film["probe_version"] == PROBE_VERSION
        assert (
            "All members was measured before with other settings: samples 1 (now 0), lines 1 "
            "(now 0), directions 1 (now 0)." in found["notes"]
        )
        assert open_run(folder).read("run")["regions"]["regions"] == found["regions"]

    @pytest.mark.usefixtures("nothing_evaluated")
    @pytest.mark.parametrize("changed", ["probe", "data", "unknown"])
    def test_rows_that_no_longer_hold_go(self, sampled, tmp_path, changed):
        """Rows of another probe, of other data, or of nobody knows what are dropped."""
        first, _, _ = sampled
        folder = shutil.copytree(first.folder, tmp_path / "run")
        run = open_run(folder)
        facts = run.read("run")
        [kept] = facts["regions"]["regions"]
        if changed == "data":
            kept["measured"]["data"] = dict.fromkeys(kept["measured"]["data"], "other")
        elif changed == "unknown":
            del kept["measured"]
        else:
            kept["measured"]["probe_version"] = PROBE_VERSION - 1
        run.write("run", facts)

        found = region(folder, level="dataset", samples=0, lines=0, directions=0, jobs=0)

        assert [one["level"] for one in found["regions"]] == ["dataset"]
        assert run.table("region_curves").filter(level="general").is_empty()

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            ({"name": ["snly"]}, "no region is called 'snly'"),
            ({"level": "task"}, "no region of level task"),
            ({"head": "source"}, "--head is 'source'"),
            ({"lines": -1}, "--lines is -1"),
        ],
    )
    def test_what_is_not_there_is_refused(self, sampled, asked, said):
        """Unknown names, levels and policies are one line."""
        run, _, _ = sampled

        with pytest.raises(WsgeoError, match=said):
            plan_region(run.folder, **asked)

    def test_a_forced_head_is_the_only_one(self, sampled):
        """With one head policy every row is of it, and what cannot have it is left out."""
        run, _, _ = sampled
        found = {
            head: plan_region(run.folder, **FEW, head=head).n_points
            for head in HeadPolicy
            if head != "source"
        }

        assert found["interpolate"] < found["own"]
