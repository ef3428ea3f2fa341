"""Groups that are given or made from scores, and how far models lie apart."""

import json

import numpy as np
import polars as pl
import pytest

from wsgeo.errors import DataError
from wsgeo.probing.group_files import read_groups
from wsgeo.probing.member_scores import MemberScores
from wsgeo.probing.score_groups import (
    described,
    first_axis,
    profile_distances,
    profile_groups,
    profiles,
)
from wsgeo.probing.score_spreads import flags, in_domain_sentences, one_sided, spreads

OWN = ("in_domain", "all")


def matrix(values, keys=None):
    values = np.asarray(values, float)
    keys = tuple(keys or [("h", f"s{k}") for k in range(values.shape[1])])
    ids = tuple(f"m{i:02}" for i in range(len(values)))
    return MemberScores(ids, keys, ("accuracy",) * len(keys), (False,) * len(keys), values)


def two_kinds(rng, n=12):
    """Give models of two kinds: half are right on the first four slices, half on the last four."""
    kind = np.arange(n) % 2
    base = np.where(kind[:, None] == np.repeat([0, 1], 4), 0.8, 0.2)
    return np.clip(base + rng.normal(0, 0.03, (n, 8)), 0, 1), kind


class TestProfiles:
    """Profiles hold each score once, every slice with the same weight."""

    def test_totals_are_left_out(self):
        """A slice whose parts are there counts through them; the models' own task not at all."""
        keys = [("h", "all"), ("h", "a"), ("h", "a/x"), ("h", "a/y"), ("h", "b"), OWN]
        found = profiles(matrix(np.random.default_rng(0).uniform(size=(5, 6)), keys), OWN[0])

        assert found.keys == (("h", "a/x"), ("h", "a/y"), ("h", "b"))

    def test_slices_without_spread_are_left_out(self):
        """A slice on which all models score alike, or one was measured, tells none apart."""
        found = profiles(matrix([[0.5, 0.1, 0.3], [0.5, 0.2, np.nan], [0.5, 0.4, np.nan]]))

        assert found.keys == (("h", "s1"),)
        assert (found.values.mean(), found.values.std()) == pytest.approx((0, 1))

    def test_distances_are_euclidean_per_slice(self, rng):
        """Without missing scores the distance is that of the plain formula, per slice."""
        z = rng.normal(size=(6, 5))
        plain = np.sqrt(((z[:, None] - z) ** 2).mean(axis=2))

        assert profile_distances(z) == pytest.approx(plain)

    def test_distances_are_over_shared_slices(self):
        """A missing score takes its slice out of the pair; no shared slice is no distance."""
        z = np.array([[0.0, 0.0], [3.0, np.nan], [np.nan, 1.0]])
        found = profile_distances(z)

        assert (found[0, 1], found[0, 2]) == (3.0, 1.0)
        assert np.isnan(found[1, 2])

    def test_first_axis_is_that_of_the_largest_variance(self, rng):
        """On points along a line the axis holds everything, and rises with the scores."""
        line = rng.normal(size=(20, 1))
        places, share = first_axis(line @ np.ones((1, 4)))

        assert share == pytest.approx(1)
        assert np.corrcoef(places, line[:, 0])[0, 1] == pytest.approx(1)


class TestProfileGroups:
    """Groups stand where a split stands out from noise, and are not tested."""

    def test_two_kinds_are_found(self, rng):
        """Models of two kinds are two profile groups."""
        values, kind = two_kinds(rng)
        found = profile_groups(profiles(matrix(values)), n_draws=60)
        labels = np.array(list(found.labels.values()))

        assert found.verdict.startswith("2 profile groups of 6 and 6 models")
        assert len({(a, b) for a, b in zip(labels.tolist(), kind.tolist(), strict=True)}) == 2
        assert "basin" not in found.verdict

    def test_noise_is_no_group(self, rng):
        """Models of one kind are told to be one."""
        found = profile_groups(profiles(matrix(rng.normal(0.5, 0.1, (16, 6)))), n_draws=60)

        assert found.verdict.startswith("No profile groups: no split")
        assert set(found.labels.values()) == {0}

    @pytest.mark.parametrize(
        ("values", "why"),
        [([[0.1], [0.2]], "2 models are too few"), ([[0.5]] * 5, "no slice beyond")],
    )
    def test_nothing_to_group_is_said(self, values, why):
        """Few models, and models that all score alike, are not grouped."""
        assert why in profile_groups(profiles(matrix(values))).verdict

    def test_differences_are_described_without_p_values(self, rng):
        """Means and effect sizes are there; p-values are not."""
        values, kind = two_kinds(rng)
        table, sentences = described(
            matrix(values), kind, {0: "profile group 0", 1: "profile group 1"}
        )

        assert table.height == 8
        assert table["p_value"].null_count() == table["p_adjusted"].null_count() == 8
        assert table["effect_size"].abs().to_list() == [1.0] * 8
        assert len(sentences) == 3
        assert all("described, not tested" in one for one in sentences)

    def test_one_group_has_no_differences(self, rng):
        """With one group the table is empty."""
        table, sentences = described(matrix(rng.uniform(size=(4, 2))), np.zeros(4, int), {0: "all"})

        assert (table.height, sentences) == (0, ())


class TestSpreads:
    """How far models lie apart, and whether the score in domain tells it."""

    def test_numbers_are_those_of_numpy(self, rng):
        """Mean, deviation, range and correlation agree with numpy; the widest is first."""
        values = np.column_stack([rng.uniform(0.8, 0.9, 30), rng.uniform(size=30)])
        wide, narrow = spreads(matrix(values, [OWN, ("h", "a")]), OWN, rng=rng)

        assert (wide["slice"], narrow["set"]) == ("a", "in_domain")
        assert wide["spread"] == pytest.approx(values[:, 1].std(ddof=1))
        assert wide["range"] == pytest.approx(np.ptp(values[:, 1]))
        assert wide["correlation"] == pytest.approx(np.corrcoef(values.T)[0, 1])
        assert wide["correlation_lo"] <= wide["correlation"] <= wide["correlation_hi"]
        assert narrow["correlation"] is None

    def test_models_alike_in_domain_are_told_apart(self, rng):
        """The range in domain stands beside the widest range elsewhere."""
        values = np.column_stack([np.linspace(0.84, 0.85, 9), np.linspace(0, 0.66, 9)])
        table = spreads(matrix(values, [OWN, ("h", "a")]), OWN, rng=rng)
        alike, along = in_domain_sentences(table, OWN)

        assert alike == (
            "In domain the models reach 84.0% to 85.0% on in_domain; beyond it from 0.0% to 66.0% "
            "on h, a."
        )
        assert along.startswith("On 1 of 1 slice the score goes with that in domain")

    def test_a_constant_answer_is_flagged(self):
        """All right on one label and all wrong on the other; and no better than chance."""
        keys = [OWN, ("in_domain", "label/x"), ("in_domain", "label/y")]
        values = [[0.5, 1, 0], [0.5, 0.6, 0.3], [0.8, 0.9, 0.7], [0.9, 1, 0.8]]
        sure, doubtful = flags(matrix(values, keys), OWN)

        assert sure == {
            "m00": "gives one answer to its own task: right on one label, wrong on the others",
            "m01": "is right on 45% of its own task, no more than the 50% of chance",
        }
        assert doubtful == {}

    @pytest.mark.parametrize(
        ("right", "answer"),
        [((1, 0), True), ((0, 1, 0), True), ((0.96, 0.04), True), ((0.94, 0), False), ((1, 0.06), False)],
    )  # fmt: skip
    def test_one_answer_is_right_on_one_label(self, right, answer):
        """Nearly all of one label right and nearly all of the others wrong, whichever it is."""
        assert one_sided(np.array(right, float)) is answer

    def test_without_labels_a_low_score_is_doubtful(self):
        """Where chance is not known, at most one half is told and not excluded."""
        sure, doubtful = flags(matrix([[0.4], [0.6]], [OWN]), OWN)

        assert sure == {}
        assert list(doubtful) == ["m00"]


class TestGroupFiles:
    """Groups are read from tables, or from what `wsgeo cluster --json` says."""

    @pytest.mark.parametrize(
        ("text", "kind", "labels"),
        [
            ("id,label\na,1\nb,0\n", "group", {"a": 1, "b": 0}),
            ("basin,model\n0,a\n-1,b\n", "basin", {"a": 0, "b": -1}),
            ("x,y\na,left\nb,right\n", "group", {"a": 0, "b": 1}),
            ("id,seed,cluster\na,7,3\nb,8,\n", "group", {"a": 3}),
            (f"id,label\na,{2**63 - 1}\nb,-1\n", "group", {"a": 2**63 - 1, "b": -1}),
            (f"id,label\na,7\nb,{2**63}\n", "group", {"a": 0, "b": 1}),
            (f"id,label\na,1\nb,{'9' * 5000}\n", "group", {"a": 0, "b": 1}),
        ],
    )
    def test_columns_are_found(self, tmp_path, text, kind, labels):
        """Customary names are known; of two columns the first is the model; empty is no label."""
        (tmp_path / "c.csv").write_text(text)
        found = read_groups(tmp_path / "c.csv", ["a", "b"])

        assert (found.kind, found.labels) == (kind, labels)

    def test_json_of_a_clustering(self, tmp_path):
        """The key labels holds basins."""
        (tmp_path / "c.json").write_text(json.dumps({"labels": {"a": 0, "b": -1}, "verdict": ""}))

        assert read_groups(tmp_path / "c.json", ["a", "b"]).names == {0: "basin 0"}

    def test_numbers_beyond_a_column_are_names(self, tmp_path):
        """A label of more than 64 bits stays the name of its basin."""
        (tmp_path / "c.json").write_text(json.dumps({"labels": {"a": 10**30, "b": -1}}))
        found = read_groups(tmp_path / "c.json", ["a", "b"])

        assert found.labels == {"a": 0, "b": -1}
        assert found.names == {0: f"basin {10**30}"}

    def test_whole_numbers_in_a_column_with_gaps_stay(self, tmp_path):
        """Labels that a table holds as 1.0 are 1."""
        table = pl.DataFrame({"id": ["a", "b", "c"], "label": [1.0, None, -1.0]})
        table.write_parquet(tmp_path / "c.parquet")

        assert read_groups(tmp_path / "c.parquet", ["a", "b", "c"]).labels == {"a": 1, "c": -1}

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("c.csv", "id,label\nmodel-l,0\n", "model 'model-l' has no scores (1 such of 1). Did you mean 'model-1'?"),
            ("c.csv", "id,label\nmodel-1,0\nmodel-1,1\n", "row 2: column 'id' is 'model-1', as in a row before"),
            ("c.csv", "p,q,r\n1,2,3\n", "no columns of models and of their groups"),
            ("c.json", "[]", "no 'labels'"),
            ("c.json", "{", "no JSON"),
            ("c.json", "[" * 100_000, "no JSON"),
            ("c.json", '{"labels": {"model-1": ' + "9" * 5000 + "}}", "no JSON"),
            ("c.json", '{"labels": {"zebra": 0, "zebra": 1}}', "'zebra' is given twice"),
            ("none.json", None, "there is no such file"),
        ],
    )  # fmt: skip
    def test_faults_are_one_line(self, tmp_path, name, text, said):
        """A fault says what to do; an unknown model is met with the nearest known."""
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(DataError) as caught:
            read_groups(tmp_path / name, ["model-1", "zebra"])

        assert said in str(caught.value)
