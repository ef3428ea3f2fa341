"""From a point to its weights."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from wsgeo.evaluation.losses import Point, Resident
from wsgeo.evaluation.points import WeightsCache, materialise, owner_of
from wsgeo.weights.layout import Layout, Weights

LAYOUT = Layout(("body.weight", "head.bias", "head.weight"), ((4, 3), (2,), (2, 3)))
OTHER = Layout(("body.weight", "head.bias", "head.weight"), ((4, 3), (5,), (5, 3)))
HEAD = ("head.bias", "head.weight")


@pytest.fixture
def zoo():
    rng = np.random.default_rng(0)
    layouts = {"a": LAYOUT, "b": LAYOUT, "c": LAYOUT, "other": OTHER}
    return {
        name: Weights(layout, rng.normal(size=layout.n_parameters).astype(np.float32))
        for name, layout in layouts.items()
    }


def line(zoo, t, head=None):
    return materialise(Point.on_line("a", "b", t, head), zoo.__getitem__, HEAD)


class TestMaterialise:
    """The weights of a point."""

    @pytest.mark.parametrize(("t", "name"), [(0.0, "a"), (1.0, "b")])
    def test_ends_are_exact(self, zoo, t, name):
        """The ends of a line are the checkpoints to the bit, and copies of them."""
        found = line(zoo, t)

        assert (found == zoo[name].vector).all()
        assert not np.shares_memory(found, zoo[name].vector)

    @pytest.mark.parametrize("t", [0.1, 0.25, 1 / 3, 0.5, 0.9])
    def test_line(self, zoo, t):
        """Between the ends each weight is mixed in proportion."""
        expected = (1 - t) * zoo["a"].vector.astype(float) + t * zoo["b"].vector

        assert np.abs(line(zoo, t) - expected).max() < 1e-6

    def test_centroid(self, zoo):
        """A centroid is the weighted sum of its members."""
        point = Point(("a", "b", "c"), (0.5, 0.25, 0.25))
        parts = [zoo[name].vector.astype(float) for name in "abc"]
        expected = 0.5 * parts[0] + 0.25 * parts[1] + 0.25 * parts[2]

        assert np.abs(materialise(point, zoo.__getitem__) - expected).max() < 1e-6

    @pytest.mark.parametrize("head", ["other", "refit:0"])
    def test_a_centroid_of_unequal_heads(self, zoo, head):
        """Beyond two members the body is the weighted sum, and the head its owner's."""
        members = ("a", "other", "b", "c")
        shares = (0.4, 0.3, 0.2, 0.1)
        found = materialise(Point(members, shares, head), zoo.__getitem__, HEAD)
        expected = sum(
            share * zoo[name].tensor("body.weight").astype(float)
            for name, share in zip(members, shares, strict=True)
        )

        owner = zoo["other" if head == "other" else "a"]
        assert (found[:12].reshape(4, 3) == expected.astype(np.float32)).all()
        assert (found[12:] == owner.vector[12:]).all()
        with pytest.raises(ValueError, match="head of one"):
            materialise(Point(members, shares), zoo.__getitem__, HEAD)
        with pytest.raises(ValueError, match=r"head\.bias"):
            materialise(Point(members, shares, head), zoo.__getitem__)

    @pytest.mark.parametrize("head", [None, "m3", "refit:0"])
    def test_many_members_are_added_one_at_a_time(self, head):
        """Few of many members are held at once, and the sum is that of float64."""
        vectors = np.random.default_rng(1).normal(size=(9, LAYOUT.n_parameters))
        vectors = vectors.astype(np.float32)
        alive, most = weakref.WeakSet(), []

        def load(name):
            weights = Weights(LAYOUT, vectors[int(name[1])].copy())
            alive.add(weights)
            most.append(len(alive))
            return weights

        shares = np.random.default_rng(2).dirichlet(np.ones(9))
        point = Point(tuple(f"m{k}" for k in range(9)), tuple(shares), head)
        found = materialise(point, WeightsCache(load, limit=0), HEAD)

        expected = (shares @ vectors.astype(np.float64)).astype(np.float32)
        if head == "m3":
            expected[12:] = vectors[3, 12:]
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-7)
        assert max(most) <= 2

    @pytest.mark.parametrize("owner", ["a", "b", "c"])
    def test_the_head_of_one(self, zoo, owner):
        """A named head is that checkpoint's to the bit; the rest is mixed."""
        plain, found = line(zoo, 0.3), line(zoo, 0.3, owner)

        body = LAYOUT.span("body.weight")
        assert (found[body] == plain[body]).all()
        for name in HEAD:
            assert (found[LAYOUT.span(name)] == zoo[owner].vector[LAYOUT.span(name)]).all()

    def test_unequal_heads(self, zoo):
        """Members of unequal label sets are mixed under the head of one."""
        found = materialise(Point.on_line("a", "other", 0.5, "other"), zoo.__getitem__, HEAD)

        both = zoo["a"].tensor("body.weight") + zoo["other"].tensor("body.weight")
        assert np.allclose(found[OTHER.span("body.weight")].reshape(4, 3), both / 2)
        assert (found[12:] == zoo["other"].vector[12:]).all()

    def test_unequal_heads_refitted(self, zoo):
        """Under a head to be fitted anew the last layer is that of the first member."""
        found = materialise(Point.on_line("a", "other", 0.5, "refit:0"), zoo.__getitem__, HEAD)

        assert (found[12:] == zoo["a"].vector[12:]).all()

    def test_unequal_heads_cannot_be_mixed(self, zoo):
        """Without a head's owner, members of unequal label sets are misuse."""
        with pytest.raises(ValueError, match="head of one"):
            materialise(Point.on_line("a", "other", 0.5), zoo.__getitem__, HEAD)

    def test_unequal_bodies(self, zoo):
        """Other shapes outside the head are misuse."""
        with pytest.raises(ValueError, match=r"head\.bias"):
            materialise(Point.on_line("a", "other", 0.5, "a"), zoo.__getitem__, ())

    def test_in_place(self, zoo):
        """A given array is filled and returned."""
        out = np.empty(LAYOUT.n_parameters, np.float32)
        point = Point.on_line("a", "b", 0.5)

        assert materialise(point, zoo.__getitem__, HEAD, out) is out

    def test_owner(self):
        """The layout is that of the head's owner, or of the first member."""
        assert owner_of(Point.on_line("a", "b", 0.5)) == "a"
        assert owner_of(Point.on_line("a", "b", 0.5, "b")) == "b"
        assert owner_of(Point.on_line("a", "b", 0.5, "refit:3")) == "a"


class TestWeightsCache:
    """What is kept of what was loaded."""

    def test_least_recently_used_goes_first(self, zoo):
        """With room for two, the third pushes out the one not used for longest."""
        cache = WeightsCache(zoo.__getitem__, limit=2 * zoo["a"].vector.nbytes)
        for name in ("a", "b", "a", "c", "a"):
            cache(name)

        assert cache.names == ("c", "a")
        assert cache.n_loads == 3

    def test_room_for_none(self, zoo):
        """The last one asked for is kept whatever the limit, and mixing still works."""
        cache = WeightsCache(zoo.__getitem__, limit=0)

        assert (materialise(Point.on_line("a", "b", 0.5), cache) == line(zoo, 0.5)).all()
        assert len(cache.names) == 1


class TestTensors:
    """Weights that stay on a device."""

    @pytest.mark.parametrize(
        "point",
        [
            Point.of("a"),
            Point.on_line("a", "b", 0.3),
            Point.on_line("a", "b", 0.3, "b"),
            Point.on_line("a", "other", 0.6, "other"),
            Point(("a", "b", "c"), (0.2, 0.3, 0.5)),
            Point(("a", "b", "other"), (0.2, 0.3, 0.5), "other"),
        ],
    )
    def test_are_mixed_as_arrays_are(self, zoo, point):
        """Mixing tensors gives what mixing arrays gives, to rounding, in a tensor."""
        import torch

        there = {
            name: Resident(each.layout, torch.from_numpy(each.vector)) for name, each in zoo.items()
        }

        found = materialise(point, there.__getitem__, HEAD)

        assert isinstance(found, torch.Tensor)
        assert found.numpy() == pytest.approx(materialise(point, zoo.__getitem__, HEAD), abs=1e-6)

    def test_count_towards_the_limit(self, zoo):
        """A cache of tensors keeps to its bytes."""
        import torch

        there = {
            name: Resident(each.layout, torch.from_numpy(each.vector)) for name, each in zoo.items()
        }
        cache = WeightsCache(there.__getitem__, limit=there["a"].vector.nbytes)
        cache("a"), cache("b")

        assert cache.names == ("b",)
