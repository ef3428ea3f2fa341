"""Bad, equal and few members cost their own rows; the rest of the zoo goes on."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from scan_cases import (
    N_EVALUATIONS,
    N_EXAMPLES,
    N_MEMBERS,
    N_PAIRS,
    SETTINGS,
    change_weights,
    counts,
    gaps,
    outcomes,
)
from trained_zoo import LABELS
from zoo_cases import bert_config, edit_json, fine_tuned, make_base, write_model

from wsgeo.errors import ZooError
from wsgeo.store import Run
from wsgeo.workflows.scanning import plan_scan


@pytest.fixture
def zoo(zoo_with_run, tmp_path):
    """Give a copy of the zoo to spoil."""
    return zoo_with_run.copy_zoo(tmp_path / "zoo")


@pytest.fixture
def out(zoo_with_run, tmp_path):
    """Give a copy of the finished run, whose ledger spares the sound pairs."""
    return zoo_with_run.copy_run(tmp_path / "run")


@pytest.mark.slow
class TestBrokenEnds:
    """A pair counts only if both its ends are fit."""

    @pytest.mark.parametrize("how", ["an empty head", "rows of the head exchanged"])
    def test_a_broken_end_is_never_connected(self, zoo_with_run, zoo, out, how):
        """Pairs of a member that fails the gate say so, and no other pair changes."""
        spoil = {"an empty head": np.zeros_like, "rows of the head exchanged": np.flipud}
        change_weights(zoo / "run-1", "classifier.weight", spoil[how])
        change_weights(zoo / "run-1", "classifier.bias", lambda bias: bias[::-1] * 0)

        run = zoo_with_run.scan(zoo, out)

        before, after = outcomes(Run(zoo_with_run.run)), outcomes(run)
        for pair in before:
            if "run-1" in pair:
                assert after[pair] == ("endpoint_failed", "endpoint_failed")
            else:
                assert after[pair][0] == "measured"
        failed = run.read("summary")["groups"][0]["failed_ends"]
        assert list(failed) == ["run-1"]
        assert run.read("summary")["exit_code"] == 0
        if how == "rows of the head exchanged":
            assert "order" in failed["run-1"]

    def test_overflow_inside_a_path(self, zoo_with_run, zoo, out):
        """A member with weights too large for float32 products is flagged; no NaN is written."""
        change_weights(zoo / "run-4", "classifier.weight", lambda w: w * 0 + 3e38)

        run = zoo_with_run.scan(zoo, out)

        statuses = {status for pair, (_, status) in outcomes(run).items() if "run-4" in pair}
        assert statuses <= {"endpoint_failed", "nonfinite"}
        [failed] = run.read("summary")["failures"]
        assert (failed["code"], failed["n"]) == ("nonfinite", 1)
        again = zoo_with_run.scan(zoo, out)
        assert counts(again)[0] == 1
        assert [row["n"] for row in again.read("summary")["failures"]] == [1]
        pairs = run.table("pairs")
        assert not any(pairs[c].is_nan().any() for c in pairs.columns if pairs[c].dtype.is_float())


class TestRejected:
    """A malformed member is a row with a reason."""

    def test_the_rest_is_complete(self, zoo_with_run, zoo, out):
        """One member with a NaN leaves the code at 4, one exclusion, and all other pairs as they were."""
        change_weights(zoo / "run-0", "classifier.bias", lambda bias: bias * np.nan)

        run = zoo_with_run.scan(zoo, out)

        rejected = [row for row in run.read("summary")["exclusions"] if row["fate"] == "rejected"]
        assert [row["id"] for row in rejected] == ["run-0"]
        assert run.read("summary")["exit_code"] == 4
        assert counts(run)[0] == 0
        left = {p: gap for p, gap in gaps(Run(zoo_with_run.run)).items() if "run-0" not in p}
        assert gaps(run) == left

    def test_a_truncated_file(self, zoo_with_run, zoo, out):
        """A file cut short is rejected and named."""
        file = zoo / "run-5" / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])

        summary = zoo_with_run.scan(zoo, out).read("summary")

        assert (summary["exit_code"], summary["n_members"]) == (4, N_MEMBERS - 1)
        assert any("model.safetensors" in row["file"] for row in summary["exclusions"])


@pytest.mark.slow
class TestDuplicates:
    """An exact duplicate keeps its row and changes nothing."""

    def test_a_duplicate_costs_nothing(self, zoo_with_run, zoo, out):
        """A copy of a member is not evaluated, and has its labels, gaps and edges."""
        shutil.copytree(zoo / "run-0", zoo / "twin")

        run = zoo_with_run.scan(zoo, out)

        models = {row["id"]: row for row in run.table("models").to_dicts()}
        assert counts(run) == (0, N_EVALUATIONS)
        assert models["twin"]["duplicate_of"] == "run-0"
        assert models["twin"]["loss"] == models["run-0"]["loss"]
        found = gaps(run)
        assert found["run-0", "twin"] == 0.0
        assert all(found[f"run-{k}", "twin"] == found["run-0", f"run-{k}"] for k in range(1, 6))

    def test_a_duplicate_changes_no_cluster(self, zoo_with_run, zoo, out):
        """All members keep their labels when one is there twice."""
        shutil.copytree(zoo / "run-0", zoo / "twin")

        labels = _labels(zoo_with_run.scan(zoo, out))

        assert labels.pop("twin") == labels["run-0"]
        assert labels == _labels(Run(zoo_with_run.run))


class TestSmallZoos:
    """One, two and three members are ordinary, or are told apart from a result."""

    def test_one_member_is_nothing_to_compare(self, zoo_with_run, tmp_path):
        """A zoo of one member ends with code 3 and no report."""
        zoo = _part(zoo_with_run.zoo, tmp_path / "zoo", 1)

        with pytest.raises(ZooError, match="no two of its members") as caught:
            zoo_with_run.scan(zoo, tmp_path / "run")
        assert caught.value.exit_code == 3
        assert "There is one member" in str(caught.value)
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize("n", [2, 3])
    def test_few_members(self, zoo_with_run, tmp_path, n):
        """Two or three members have their pairs, a verdict in words and a report."""
        run = zoo_with_run.scan(_part(zoo_with_run.zoo, tmp_path / "zoo", n), tmp_path / "run")

        assert len(gaps(run)) == n * (n - 1) // 2
        assert run.read("summary")["verdict"][0]
        assert (run.folder / "report" / "index.html").stat().st_size > 0

    def test_nothing_comparable(self, tmp_path):
        """Members of other architectures are no zoo: code 3 and the number that was found."""
        for k, width in enumerate((8, 16)):
            base = make_base(tmp_path / "zoo" / f"base-{k}", hidden_size=width)
            config = bert_config(labels=LABELS, hidden_size=width)
            facts = {"base": f"base-{k}"}
            tensors = fine_tuned(base, config, k)
            write_model(tmp_path / "zoo" / f"run-{k}", tensors, config, facts=facts)

        with pytest.raises(ZooError, match="members: 2") as caught:
            _scan_weights(tmp_path / "zoo", tmp_path / "run")
        assert caught.value.exit_code == 3

    @pytest.mark.parametrize("content", [None, "{"])
    def test_no_member(self, tmp_path, content):
        """An empty folder and one whose every entry is malformed end with code 3."""
        (tmp_path / "zoo" / "run-0").mkdir(parents=True)
        if content:
            (tmp_path / "zoo" / "run-0" / "config.json").write_text(content)

        with pytest.raises(ZooError):
            _scan_weights(tmp_path / "zoo", tmp_path / "run")


@pytest.mark.slow
class TestGroups:
    """A zoo may hold several tasks, and data for some of them or none."""

    def test_without_data(self, tiny_zoo_folder, tmp_path):
        """Without data the distances and regions are there, and an alert says what is not."""
        run = _scan_weights(tiny_zoo_folder, tmp_path / "run")

        distances = run.table("distances")
        assert run.table("pairs").is_empty()
        assert distances.height == 6
        assert distances.select("l2", "cosine").null_count().row(0) == (0, 0)
        assert set(run.table("clusters")["matrix"]) == {"task_vector"}
        assert "weights alone" in run.read("summary")["alerts"][0]

    def test_what_is_no_longer_measured_leaves_no_rows(self, zoo_with_run, out):
        """A scan without data into a run with pairs leaves no pair of the earlier scan."""
        run = zoo_with_run.scan(zoo_with_run.zoo, out, data=None)

        assert run.table("pairs").is_empty()
        assert run.table("profiles").is_empty()

    def test_two_loss_groups(self, zoo_with_run, zoo, tmp_path):
        """Members of two tasks are measured on their own data; no pair crosses, no value changes."""
        _name_data(zoo, zoo_with_run.data)

        run = zoo_with_run.scan(zoo, tmp_path / "run", data=None)

        found, single = gaps(run), gaps(Run(zoo_with_run.run))
        assert len(found) == N_PAIRS + 3
        assert {pair: found[pair] for pair in single} == pytest.approx(single, abs=1e-6)
        for (a, b), gap in single.items():
            if {a, b} <= {"run-0", "run-1", "run-2"}:
                assert found[f"plot-{a}", f"plot-{b}"] == pytest.approx(gap, abs=1e-6)
        names = [group["name"] for group in run.read("summary")["groups"]]
        pages = {path.name for path in (run.folder / "report").glob("*.html")}
        assert pages == {"index.html", f"{names[1]}.html"}

    @pytest.mark.parametrize("policy", ["own", "source", "refit"])
    def test_head_policies(self, zoo_with_run, out, policy):
        """Another head policy costs what its plan says, says its name, and spoils none of the first."""
        settings = dataclasses.replace(SETTINGS, head_policy=policy)
        where = {"data": zoo_with_run.data, "out": out, "settings": settings}
        plan = plan_scan(zoo_with_run.zoo, **where)

        other = zoo_with_run.scan(zoo_with_run.zoo, out, settings)
        assert other.table("pairs")["head_policy"].unique().to_list() == [policy]
        further = other.table("pairs")["n_points"].sum() - 15 * settings.n_points
        assert sum(counts(other)) == plan.n_evaluations + further
        # The gate judges members with their own heads, whatever becomes of the head on a path.
        assert counts(other)[1] == N_MEMBERS
        assert gaps(other) != gaps(Run(zoo_with_run.run))

        back = zoo_with_run.scan(zoo_with_run.zoo, out)
        assert counts(back) == (0, N_EVALUATIONS)
        assert gaps(back) == gaps(Run(zoo_with_run.run))

    def test_a_fitted_head_is_measured_on_the_other_half(self, zoo_with_run, out):
        """Under refit both ends and the inside are losses of one probe, on half of the examples."""
        run = zoo_with_run.scan(
            zoo_with_run.zoo, out, dataclasses.replace(SETTINGS, head_policy="refit")
        )

        [n] = run.table("pairs")["n_examples"].unique()
        assert abs(n - N_EXAMPLES // 2) <= 1  # an odd example of a label is fitted
        own = dict(run.table("models").select("id", "loss").iter_rows())
        ends = {(row["a"], row["loss"][0]) for row in run.table("profiles").to_dicts()}
        assert len(ends) == N_MEMBERS - 1
        assert all(own[name] != loss for name, loss in ends)


def _labels(run):
    clusters = run.table("clusters").to_dicts()
    return {
        row["id"]: row["label"]
        for row in clusters
        if row["is_default"] and row["matrix"] == "convexity_gap"
    }


def _part(zoo, target, n):
    """Copy the base and the first n members."""
    for name in ["base", *(f"run-{k}" for k in range(n))]:
        shutil.copytree(zoo / name, target / name)
    return target


def _scan_weights(zoo, out):
    from wsgeo.workflows.scanning import scan

    return scan(zoo, out=out, settings=SETTINGS, jobs=0)


def _name_data(zoo, data):
    """Let all members name their data, and add three of another task with data of its own."""
    plot = [label.replace("film", "plot") for label in LABELS]
    (zoo / "data").mkdir()
    text = data.read_text()
    (zoo / "data" / "film.jsonl").write_text(text)
    (zoo / "data" / "plot.jsonl").write_text(text.replace("_film", "_plot"))
    for member in sorted(zoo.glob("run-*")):
        edit_json(member / "wsgeo.json", data="data/film.jsonl")
    for k in range(3):
        other = Path(shutil.copytree(zoo / f"run-{k}", zoo / f"plot-run-{k}"))
        edit_json(other / "wsgeo.json", data="data/plot.jsonl", task="plot")
        edit_json(
            other / "config.json",
            id2label=dict(zip("01", plot, strict=True)),
            label2id={label: i for i, label in enumerate(plot)},
        )
