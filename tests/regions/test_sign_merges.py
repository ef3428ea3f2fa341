"""TIES and DARE agree with slow, plain versions, and keep what they say they keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from merge_cases import HEAD, SHAPES, write_base, write_members

from wsgeo.regions.affine_merges import TaskArithmetic
from wsgeo.regions.merging import merge
from wsgeo.regions.sign_merges import Dare, Ties, elected_mean, kept_entries

BODY = [name for name in SHAPES if name != HEAD]
WEIGHTS = ((), (1, 3, 2))


def plain_trim(change, density):
    """Return a change with its largest entries alone, by sorting them."""
    order = sorted(range(change.size), key=lambda i: -abs(change[i]))
    kept = np.zeros(change.size)
    for i in order[: max(1, int(density * change.size))]:
        kept[i] = change[i]
    return kept


def plain_elected_mean(changes, weights):
    """Return the mean of what agrees with the elected sign, entry by entry."""
    mean = []
    for entry in zip(*changes, strict=True):
        mass = sum(w * x for w, x in zip(weights, entry, strict=True))
        sign = 1 if mass >= 0 else -1
        agree = [(w, x) for w, x in zip(weights, entry, strict=True) if x * sign > 0]
        total = sum(w for w, _ in agree)
        mean.append(sum(w * x for w, x in agree) / total if total else 0.0)
    return np.array(mean)


def changes_of(models, start, name):
    return [model[name].astype(float).ravel() - start[name].ravel() for model in models]


def check(merged, start, name, change):
    expected = start[name].ravel() + change
    np.testing.assert_allclose(merged.tensor(name).ravel(), expected, rtol=1e-6, atol=1e-7)


class TestTies:
    """Trim, elect the sign, mean of those that agree."""

    @pytest.mark.parametrize("weights", WEIGHTS)
    @pytest.mark.parametrize("density", [0.1, 0.5, 1])
    def test_agrees_with_the_plain_version(self, base, members, models, start, density, weights):
        """Every tensor is the base and the scaled mean of what is left and agrees."""
        merged = merge(Ties(density, 0.8, weights), members, base).weights

        for name in BODY:
            kept = [plain_trim(each, density) for each in changes_of(models, start, name)]
            check(merged, start, name, 0.8 * plain_elected_mean(kept, weights or (1, 1, 1)))

    def test_of_members_that_agree_is_their_mean(self, tmp_path, base, start):
        """Where all changes have one sign and all are kept, the mean is plain."""
        models = [{n: start[n] - np.float32(step) for n in start} for step in (0.1, 0.2, 0.6)]
        members = write_members(tmp_path, base, models)

        found, plain = (merge(m, members, base).weights for m in (Ties(1), TaskArithmetic()))

        np.testing.assert_allclose(found.vector, plain.vector, rtol=1e-6)

    def test_few_values_keep_one(self, tmp_path, base, start, models):
        """A density that leaves nothing of a small tensor keeps its largest change."""
        members = write_members(tmp_path, base, models[:1])
        merged = merge(Ties(1e-6), members, base).weights

        for name in BODY:
            change = merged.tensor(name) - start[name]
            assert np.count_nonzero(change) == 1
            assert np.abs(change).argmax() == np.abs(models[0][name] - start[name]).argmax()

    def test_equal_changes_stay_together(self, tmp_path, base, start):
        """Entries as large as the smallest that is kept are all kept, so that order means nothing."""
        name = "bert.encoder.layer.0.output.dense.bias"
        start[name][:] = 0
        base = write_base(tmp_path, start)
        model = {**start, name: np.float32([4, -2, 2, 2, 1, 1, 0, 0])}

        merged = merge(Ties(0.25), write_members(tmp_path, base, [model]), base).weights

        np.testing.assert_array_equal(merged.tensor(name), [4, -2, 2, 2, 0, 0, 0, 0])

    def test_opposite_changes(self):
        """Where the changes cancel, plus is elected; where nobody has the sign, nothing changes."""
        changes = np.array([[1.0, 0.0, -1.0], [-1.0, 0.0, -3.0]])

        np.testing.assert_array_equal(elected_mean(changes, (0.5, 0.5)), [1, 0, -2])

    def test_is_odd(self, rng):
        """Changes of the other sign give the mean of the other sign."""
        changes, weights = rng.normal(size=(5, 40)), rng.uniform(size=5)

        np.testing.assert_allclose(
            elected_mean(-changes, weights), -elected_mean(changes, weights), rtol=1e-12
        )


class TestDare:
    """Drop at random, rescale, and take a mean."""

    @pytest.mark.parametrize("weights", WEIGHTS)
    @pytest.mark.parametrize("elect", [False, True])
    def test_agrees_with_the_plain_version(self, base, members, models, start, elect, weights):
        """Under given masks it is the mean of what is left, divided by the density."""
        merged = merge(Dare(0.4, 3, elect, 0.8, weights), members, base).weights
        w = np.array(weights or (1, 1, 1)) / sum(weights or (1, 1, 1))

        for name in BODY:
            kept = []
            for member, change in zip(members, changes_of(models, start, name), strict=True):
                mask = kept_entries(3, member.id, name, slice(0, change.size), 0.4)
                kept.append(np.where(mask, change / 0.4, 0))
            mean = plain_elected_mean(kept, w) if elect else w @ kept
            check(merged, start, name, 0.8 * mean)

    def test_that_drops_nothing_is_task_arithmetic(self, base, members):
        """At density 1 there is no chance in it."""
        found, plain = (merge(m, members, base).weights for m in (Dare(1), TaskArithmetic()))

        np.testing.assert_allclose(found.vector, plain.vector, rtol=1e-6, atol=1e-7)

    def test_that_drops_nothing_is_ties_that_trims_nothing(self, base, members):
        """At density 1 with elected signs it is TIES at density 1."""
        found, ties = (merge(m, members, base).weights for m in (Dare(1, elect=True), Ties(1)))

        np.testing.assert_array_equal(found.vector, ties.vector)

    def test_seed_member_and_tensor_decide(self, base, members):
        """The same seed gives the same model, another seed or id another."""
        first, again, other = (merge(Dare(seed=s), members, base).weights for s in (0, 0, 1))
        renamed = merge(Dare(), [replace(members[0], id="x"), *members[1:]], base).weights

        np.testing.assert_array_equal(first.vector, again.vector)
        for each in (other, renamed):
            assert (first.vector != each.vector).mean() > 0.4
        here, there = (kept_entries(0, "a", name, slice(0, 99), 0.5) for name in "wv")
        assert (here != there).any()

    @pytest.mark.parametrize("density", [0.1, 0.5, 0.9])
    def test_keeps_what_it_says(self, density):
        """The share of what is kept is the density, to four standard errors."""
        n = 100_000
        share = kept_entries(0, "a", "w", slice(0, n), density).mean()

        assert abs(share - density) < 4 * np.sqrt(density * (1 - density) / n)

    def test_is_unbiased(self, base, members, models, start):
        """The mean over seeds approaches task arithmetic."""
        name, n = "bert.encoder.layer.0.output.dense.weight", 200
        plain = merge(TaskArithmetic(), members, base).weights.tensor(name)
        draws = np.array(
            [merge(Dare(seed=k), members, base, [name]).weights.tensor(name) for k in range(n)]
        )
        error = draws.std(axis=0) / np.sqrt(n)

        assert np.abs((draws.mean(axis=0) - plain) / error).max() < 5
