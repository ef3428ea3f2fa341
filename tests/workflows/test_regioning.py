"""The regions of a run: points, curves and stars, measured once and told."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from scan_cases import N_MEMBERS, N_POINTS, SETTINGS, tree

from wsgeo.errors import WsgeoError
from wsgeo.evaluation import directions
from wsgeo.evaluation.heads import HeadPolicy, probe
from wsgeo.evaluation.hf import HuggingFaceBackend
from wsgeo.store import open_run
from wsgeo.workflows import region_losses, regioning
from wsgeo.workflows.making import train
from wsgeo.workflows.region_caveats import caveats, weak_probes
from wsgeo.workflows.region_choices import choose_regions
from wsgeo.workflows.region_curves import RADII, centroid_norms, radial_of
from wsgeo.workflows.region_losses import Measured
from wsgeo.workflows.region_mixes import Frame, Mix, body_names
from wsgeo.workflows.region_points import points_of
from wsgeo.workflows.region_records import MEASURED
from wsgeo.workflows.region_work import Sampling, work_of
from wsgeo.workflows.regioning import plan_region, region
from wsgeo.workflows.reopening import reopen
from wsgeo.workflows.scanning import scan
from wsgeo.workflows.settings import ScanSettings
from wsgeo.zoo import build_model, load_weights

FEW = {"level": "general", "samples": 1, "lines": 1, "directions": 1}


@pytest.fixture(scope="module")
def sampled(zoo_with_run, tmp_path_factory):
    """Give a copy of the finished run whose members were sampled together, and the answer."""
    folder = zoo_with_run.copy_run(tmp_path_factory.mktemp("sampled") / "run")
    said = []
    found = region(folder, **FEW, jobs=0, announce=said.append)
    return open_run(folder), found, said


@pytest.fixture(scope="module")
def everyone(sampled):
    """Give the region of all members."""
    run, _, _ = sampled
    inputs, _ = reopen(run)
    chosen, _ = choose_regions(run.table("regions"), run, inputs, level="general")
    return chosen[0]


def position(chosen, mix, loaded={}):  # noqa: B006 - weights that were read once
    """Return the point of a mix over the tensors that distances are taken over, in float64."""
    names = body_names(chosen.members)
    frame = Frame(chosen, chosen.data[0], seed=0)
    point = frame.point(mix, HeadPolicy.REFIT)
    known = {m.content_hash: m for m in (*chosen.members, *chosen.others, *frame.made)}
    total = 0.0
    for name, share in zip(point.members, point.coefficients, strict=True):
        if name not in loaded:
            weights = directions.load_weights(known[name])
            loaded[name] = np.concatenate([weights.tensor(one).ravel() for one in names])
        total = total + share * loaded[name].astype(np.float64)
    return total


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
                 for n in body_names(everyone.members)]
            )  # fmt: skip
            vector[where] = position(everyone, mix).astype(np.float32)
            features = backend.features(vector, data.encoded)
            expected = probe(features, data.encoded.targets, 2, SETTINGS.seed)
            assert rows.filter(point=name, head="refit")["loss"].item() == pytest.approx(
                expected.mean, abs=1e-3
            )

    def test_radii_are_distances_of_weights(self, everyone):
        """The radius of a point is its distance from the centroid over that of the members."""
        points = points_of(everyone, n_samples=2)
        centre = position(everyone, next(p.mix for p in points if p.kind == "centroid"))
        found = {p.name: np.linalg.norm(position(everyone, p.mix) - centre) for p in points}
        members = [found[m.id] for m in everyone.members]
        unit = np.sqrt(np.mean(np.square(members)))

        assert everyone.radius == pytest.approx(unit, rel=1e-4)
        for p in points:
            # A random direction is orthogonal to the way to the base only in the mean.
            rel = 0.1 if p.kind == "random" else 1e-3
            assert p.radius == pytest.approx(found[p.name] / unit, rel=rel, abs=1e-5)

    def test_ways_out_are_as_long_as_they_say(self, everyone):
        """Positions on a radial curve are distances from the centroid, whatever the way."""
        from wsgeo.processes.pool import WorkerPool

        with WorkerPool(0) as pool:
            norm = centroid_norms([everyone], pool)[everyone.place]
        spots = radial_of(everyone, n_directions=1, norm=norm)
        centre = position(everyone, spots[0].mix)

        assert norm == pytest.approx(np.linalg.norm(centre), rel=1e-4)
        assert {spot.curve for spot in spots} == {"random", "origin", "base"}
        for spot in spots:
            away = np.linalg.norm(position(everyone, spot.mix) - centre) / everyone.radius
            assert away == pytest.approx(spot.position, rel=1e-3, abs=1e-5)

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

    def test_measuring_again_evaluates_nothing(self, sampled, monkeypatch):
        """A second call finds everything done, and its tables are the same."""
        run, _, _ = sampled
        before = run.every_table()
        monkeypatch.setattr(
            "wsgeo.evaluation.evaluator.Evaluator.__call__",
            lambda *_: pytest.fail("something was evaluated"),
        )
        monkeypatch.setattr(regioning, "write_reports", lambda run: run.folder)

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

    def test_other_regions_stay(self, sampled, tmp_path, monkeypatch):
        """A region that is not asked for this time keeps its rows; equal ones share what is measured."""
        import shutil

        first, _, _ = sampled
        folder = shutil.copytree(first.folder, tmp_path / "run")
        monkeypatch.setattr(
            "wsgeo.evaluation.evaluator.Evaluator.__call__",
            lambda *_: pytest.fail("something was evaluated"),
        )
        monkeypatch.setattr(regioning, "write_reports", lambda run: run.folder)

        found = region(folder, **{**FEW, "level": "dataset"}, jobs=0)

        run = open_run(folder)
        assert [one["title"] for one in found["regions"]] == ["all members", "data set film"]
        assert found["regions"][1]["sentences"] == ["The same members and figures as all members."]
        for name in MEASURED:
            kept = run.table(name).filter(level="general")
            assert kept.equals(first.table(name))
            assert run.table(name).filter(level="dataset").height == kept.height

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


class TestCaveats:
    """What says little, or does not apply, is told."""

    def test_a_probe_that_learns_nothing_is_told(self, everyone):
        """Where members are probed no better than the class frequencies, a note says so."""
        sampling = Sampling(n_samples=0, n_lines=0, n_directions=0)
        work = [work_of(everyone, sampling, SETTINGS)]

        def found(loss):
            return {one.key: Measured(loss, 0.5) for one in work[0].asked}

        assert weak_probes(work, found(0.3)) == []
        [said] = weak_probes(work, found(0.9))
        assert said.startswith("On film a linear probe is no better than the class frequencies")
        assert "0.900 against 0.69" in said
        assert "half of 32 examples" in said

    def test_without_a_base_there_is_nothing_around_it(self, everyone):
        """A region whose norms are not known has no base among its points, and a note says so."""
        bare = dataclasses.replace(everyone, norms=np.full(N_MEMBERS, np.nan))
        work = [work_of(bare, Sampling(), SETTINGS)]

        assert {"base", "random"}.isdisjoint(point.kind for point in points_of(bare))
        assert "base" not in {spot.curve for spot, _ in work[0].spots}
        [said] = caveats(work)
        assert said.startswith("Not applicable to all members: the base")
        assert caveats([work_of(everyone, Sampling(), SETTINGS)]) == []


class TestMix:
    """Mixes become points of an engine."""

    def test_heads_of_the_base_are_not_mixed(self, everyone):
        """A mix with the base has no mean of heads, and with one head it has that of its largest member."""
        frame = Frame(everyone, everyone.data[0], seed=0)
        ids = [m.id for m in everyone.members]
        mix = Mix.of({ids[0]: 0.2, ids[1]: 0.5}, base=0.3)

        assert frame.point(mix, HeadPolicy.INTERPOLATE) is None
        assert frame.point(mix, HeadPolicy.OWN).head == everyone.members[1].content_hash
        assert frame.point(mix, HeadPolicy.REFIT).head == "refit:0"
        assert sum(frame.point(mix, HeadPolicy.OWN).coefficients) == pytest.approx(1)

    def test_a_member_with_its_own_head_is_the_member(self, everyone):
        """What the scan has measured is not measured again under another name."""
        frame = Frame(everyone, everyone.data[0], seed=0)
        mix = Mix.of({everyone.members[0].id: 1.0})

        points = {frame.point(mix, policy) for policy in (HeadPolicy.INTERPOLATE, HeadPolicy.OWN)}
        assert [(len(p.members), p.head) for p in points] == [(1, None)]


class TestFailures:
    """What cannot be evaluated is a row with a reason."""

    @pytest.mark.slow
    def test_a_point_that_fails_is_a_row(self, zoo_with_run, tmp_path, monkeypatch):
        """The rest is measured, and the answer names what failed."""
        run = zoo_with_run.copy_run(tmp_path / "run")

        def load(checkpoint):
            if directions.is_direction(checkpoint):
                raise RuntimeError("no memory for a direction")
            return load_weights(checkpoint)

        monkeypatch.setattr(region_losses, "load_weights", load)
        found = region(run, **FEW, jobs=0)

        points = open_run(run).table("region_points")
        random = points.filter(kind="random")
        assert random["loss"].null_count() == random.height == N_MEMBERS
        assert all("no memory" in reason for reason in random["reason"])
        assert points.filter(pl.col("kind") != "random")["loss"].null_count() == 0
        assert len(found["failures"]) == N_MEMBERS + len(RADII) - 1
        assert open_run(run).table("region_orders").filter(a="random").is_empty()

    @pytest.mark.slow
    def test_what_was_measured_survives_an_interrupt(self, zoo_with_run, tmp_path, monkeypatch):
        """A second call goes on where the first was stopped."""
        folder = zoo_with_run.copy_run(tmp_path / "run")
        total = plan_region(folder, **FEW).n_points

        def stop(done, _, what):
            if what == "losses" and done > total // 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            region(folder, **FEW, jobs=0, progress=stop)
        done = []
        region(folder, **FEW, jobs=0, progress=lambda n, *_: done.append(n))

        assert min(done) > total // 2 - 64


def relabelled(zoo, target, ids):
    """Copy a zoo and make some of its members those of another task, with a third label."""
    from safetensors.numpy import load_file, save_file
    from zoo_cases import edit_json

    root = zoo.copy_zoo(target)
    rows = zoo.data.read_text()
    (root / "film.jsonl").write_text(rows)
    (root / "mood.jsonl").write_text(rows.replace("_film", "_mood"))
    names = ["bad_mood", "good_mood", "no_mood"]
    for id_ in ids:
        labels = {"id2label": {str(i): n for i, n in enumerate(names)}}
        labels["label2id"] = {n: i for i, n in enumerate(names)}
        edit_json(root / id_ / "config.json", **labels)
        edit_json(root / id_ / "wsgeo.json", task="mood")
        file = root / id_ / "model.safetensors"
        tensors = load_file(file)
        for name, unlikely in (("classifier.weight", 0), ("classifier.bias", -20)):
            row = np.full_like(tensors[name][:1], unlikely)
            tensors[name] = np.concatenate([tensors[name], row])
        save_file(tensors, file, metadata={"format": "pt"})
    members = "".join(
        f'[[member]]\npath = "{id_.name}"\nbase = "base"\ntask = "{task}"\ndata = "{task}.jsonl"\n'
        for id_ in sorted(root.glob("run-*"))
        for task in ["mood" if id_.name in ids else "film"]
    )
    (root / "zoo.toml").write_text(f'exclude = ["base"]\n{members}')
    return root


@pytest.fixture(scope="module")
def both(zoo_with_run, tmp_path_factory):
    """Give a run of a zoo of two tasks whose labels differ in number, sampled."""
    folder = tmp_path_factory.mktemp("both")
    root = relabelled(zoo_with_run, folder / "zoo", ["run-1", "run-3", "run-5"])
    run = zoo_with_run.scan(root, folder / "run", data=None)
    found = region(run.folder, samples=1, lines=1, directions=1, jobs=0)
    return run, found


@pytest.mark.slow
class TestSeveralTasks:
    """Regions whose members are of several tasks."""

    def test_every_member_is_measured_on_every_task(self, both):
        """Members of all tasks are probed on the data of each, under no head of their own."""
        run, found = both
        points = run.table("region_points").filter(level="general", kind="member")

        assert found["failures"] == []
        assert points.height == 2 * N_MEMBERS
        assert points["head"].unique().to_list() == ["refit"]
        assert run.table("region_orders").filter(level="general")["n_tasks"].unique().to_list() == [
            2
        ]

    def test_members_of_the_other_task_are_outside(self, both):
        """On its own data a data set has the others' members outside, under the probe alone."""
        run, _ = both
        film = run.table("region_points").filter(level="dataset", name="film")
        others = film.filter(kind="other_member")

        assert sorted(set(others["point"])) == ["run-1", "run-3", "run-5"]
        assert others["head"].unique().to_list() == ["refit"]
        assert film["task"].n_unique() == 1
        orders = run.table("region_orders").filter(
            level="dataset", name="film", a="members", b="outside"
        )
        assert orders["n_a"].to_list() == orders["n_b"].to_list() == [3]

    def test_a_member_inside_is_one_measurement(self, both):
        """The probe of a member on a task is the same in every region."""
        run, _ = both
        points = run.table("region_points").filter(
            pl.col("kind").is_in(["member", "other_member"]), head="refit"
        )

        assert points.group_by("point", "task").agg(pl.col("loss").n_unique())["loss"].max() == 1

    def test_the_probe_on_a_mix_of_tasks_is_that_of_its_weights(self, both):
        """A centroid of members with heads of unequal shapes has the features of the mean encoder."""
        run, _ = both
        inputs, settings = reopen(run)
        [chosen], _ = choose_regions(run.table("regions"), run, inputs, level="general")
        for data in chosen.data:
            like = next(m for m in chosen.members if m.loss_group == data.name)
            whole = load_weights(like)
            vector = whole.vector.copy()
            for name in set(like.layout.names) - like.head:
                parts = [load_weights(m).tensor(name).ravel() for m in chosen.members]
                vector[like.layout.span(name)] = np.mean(parts, axis=0, dtype=np.float64)
            backend = HuggingFaceBackend(build_model(like), like.layout, like.head)
            features = backend.features(vector, data.encoded)
            classes = len(data.encoded.class_map)
            expected = probe(features, data.encoded.targets, classes, settings.seed)
            row = run.table("region_points").filter(
                level="general", kind="centroid", task=data.name
            )
            assert row["loss"].item() == pytest.approx(expected.mean, abs=1e-3)

    def test_mixed_heads_are_refused_in_words(self, both):
        """Head policy interpolate does not apply across tasks, and the plan says so."""
        run, _ = both
        plan = plan_region(run.folder, level="general", head="interpolate", samples=1, lines=0)

        assert "spans several tasks" in plan.notes[0]


RECIPE = """
title = "Two data sets, three seeds each"
source = "gueta2023"
base = "masked-lm-4x192-seed0/step-005838"
[[task]]
name = "agnews"
train = "agnews/train.parquet"
validation = "agnews/test.parquet"
max_length = 48
n_examples = 2000
n_validation = 400
[[task]]
name = "sst2"
train = "sst2/train.parquet"
validation = "sst2/validation.parquet"
labels = ["negative", "positive"]
max_length = 48
n_examples = 4000
n_validation = 400
[training]
learning_rate = 3e-4
steps = 120
[grid]
seed = [0, 1, 2]
"""


@pytest.mark.slow
def test_real_data_sets_have_regions(data_root, weights_root, tmp_path):
    """Members of real data sets do better on their own data than the base and than members outside."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    train(
        tmp_path / "recipe.toml", tmp_path / "zoo", data_root=data_root, weights_root=weights_root,
        jobs=0,
    )  # fmt: skip
    settings = ScanSettings(n_examples=400, n_points=3, n_resamples=50, n_draws=20)
    run = scan(tmp_path / "zoo", out=tmp_path / "run", settings=settings, jobs=0)

    found = region(run.folder, samples=1, lines=1, directions=1, jobs=0)

    assert found["failures"] == []
    assert [one["name"] for one in found["regions"]] == ["agnews", "sst2", "all"]
    orders = run.table("region_orders").filter(head="refit", a="members", level="dataset")
    for name in ("agnews", "sst2"):
        own = dict(orders.filter(name=name).select("b", "probability").iter_rows())
        assert own["base"] == own["random"] == 1.0
        assert own["outside"] == 1.0
    ways = run.table("region_curves").filter(curve="extrapolation", level="dataset")
    farthest = ways.filter(pl.col("position") == pl.col("position").max())
    nearest = ways.filter(position=1.0)
    assert farthest["loss"].mean() > nearest["loss"].mean() + 0.1
