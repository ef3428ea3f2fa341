"""Random directions that points mix in."""

from __future__ import annotations

import math

import evaluation_cases as cases
import numpy as np
import pytest
from zoo_cases import bert_config, fine_tuned, make_base, write_adapter, write_model

from wsgeo import zoo
from wsgeo.evaluation.backends import Backends, resumed
from wsgeo.evaluation.directions import direction, is_direction, load_weights
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.losses import Item, Losses, Point
from wsgeo.processes.pool import WorkerPool
from wsgeo.weights.layout import Weights


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """Return two members of one base, one of another label set, and an adapter."""
    root = tmp_path_factory.mktemp("zoo")
    base = make_base(root / "base")
    for k, labels in enumerate(["abc", "abc", "xy"]):
        config = bert_config(labels=tuple(labels))
        write_model(root / f"run-{k}", fine_tuned(base, config, k), config, facts={"base": "base"})
    write_adapter(root / "run-3", "base", bert_config(), labels=tuple("abc"))
    return zoo.read_zoo(root).members


@pytest.fixture(scope="module")
def examples():
    return cases.classification(n=24)


@pytest.fixture(scope="module")
def backends(examples):
    """Return the packed backend and the unchanged module."""
    return resumed("plain", [examples]), Backends()


def body(member):
    return tuple(member.base.tensors)


def around(member, seed=0):
    return direction(member, body(member), seed)


def losses(checkpoints, examples, point, backends, **options):
    with Engine(
        checkpoints, {"toy": examples}, load=load_weights, backends=backends, **options
    ) as engine:
        [(outcome,)] = engine.evaluate_all([Item((point,), "toy")])
    assert isinstance(outcome, Losses), outcome
    return outcome


class TestLaw:
    """The values of a direction."""

    def test_has_norm_one_in_the_body_alone(self, members):
        """The whole has norm 1, and is zero where the base has no tensor."""
        weights = load_weights(around(members[0]))

        assert np.linalg.norm(weights.vector.astype(np.float64)) == pytest.approx(1, abs=1e-6)
        for name in weights.layout.names:
            assert weights.tensor(name).any() == (name in members[0].base.tensors)

    def test_spreads_as_xavier_does(self, members):
        """Matrices have variance 2 / (inputs + outputs) up to one factor, vectors 1 / length."""
        names = body(members[0])
        drawn = [load_weights(around(members[0], seed)) for seed in range(40)]
        shapes = {name: drawn[0].layout.shape(name) for name in names}
        law = {
            name: 2 / sum(shape) if len(shape) == 2 else 1 / shape[0]
            for name, shape in shapes.items()
        }
        whole = sum(variance * math.prod(shapes[name]) for name, variance in law.items())

        for name, variance in law.items():
            found = np.mean([each.tensor(name).var() for each in drawn])
            assert found * whole == pytest.approx(variance, rel=0.3), name

    def test_directions_are_all_but_orthogonal(self, members):
        """Two seeds give directions that have nothing to do with each other."""
        one, other = (load_weights(around(members[0], seed)).vector for seed in (0, 1))

        assert abs(one @ other) < 5 / math.sqrt(len(one))

    def test_depends_on_seed_names_and_shapes(self, members):
        """The hash is that of the values: of the seed and the body, not of the member."""
        one, other = around(members[0]), around(members[1])

        assert one.content_hash == other.content_hash
        assert (load_weights(one).vector == load_weights(other).vector).all()
        hashes = {
            around(members[0], seed=1).content_hash,
            direction(members[0], body(members[0])[:-1], 0).content_hash,
            one.content_hash,
        }
        assert len(hashes) == 3

    def test_other_heads_have_the_same_body(self, members):
        """A member of another label set, and an adapter, have the same direction."""
        plain = load_weights(around(members[0]))

        for member in members[2:]:
            found = load_weights(around(member))
            assert found.layout == member.layout
            for name in body(member):
                assert (found.tensor(name) == plain.tensor(name)).all()

    def test_whatever_else_is_read(self, members):
        """Members are loaded as always, and are no directions."""
        assert not is_direction(members[0])
        assert is_direction(around(members[0]))
        for member in members:
            assert (load_weights(member).vector == zoo.load_weights(member).vector).all()

    def test_misuse(self, members):
        """No tensors, unknown ones and negative seeds are misuse."""
        for names in ((), ("nowhere",)):
            with pytest.raises(ValueError, match="some tensors"):
                direction(members[0], names, 0)
        with pytest.raises(ValueError, match="at least 0"):
            around(members[0], -1)


class TestPoints:
    """Losses of points that a direction is mixed into."""

    @pytest.mark.parametrize(
        ("shares", "radius"), [((1.0, 0.0), 2.0), ((0.5, 0.5), 0.75), ((0.3, 0.7), -3.0)]
    )
    def test_agree_with_a_model_built_by_hand(self, members, examples, backends, shares, radius):
        """Packed, by the module, and by hand: the loss of a mix plus a step in a direction."""
        way = around(members[0])
        point = Point(
            (members[0].content_hash, members[1].content_hash, way.content_hash), (*shares, radius)
        )
        parts = [zoo.load_weights(member).vector.astype(np.float64) for member in members[:2]]
        step = radius * load_weights(way).vector.astype(np.float64)
        mixed = (shares[0] * parts[0] + shares[1] * parts[1] + step).astype(np.float32)
        expected = _by_hand(members[0], Weights(members[0].layout, mixed), examples)

        for each in backends:
            found = losses([*members[:2], way], examples, point, each)
            assert found.loss == pytest.approx(expected, abs=2e-5)

    def test_a_step_from_one_checkpoint(self, members, examples, backends):
        """With two parts the step is not taken for a position on a line."""
        way = around(members[0])
        point = Point((members[0].content_hash, way.content_hash), (1.0, 1.0))
        vector = zoo.load_weights(members[0]).vector + load_weights(way).vector
        expected = _by_hand(members[0], Weights(members[0].layout, vector), examples)

        for each in backends:
            found = losses([members[0], way], examples, point, each)
            assert found.loss == pytest.approx(expected, abs=2e-5)

    def test_a_head_that_is_fitted_anew(self, members, examples, backends):
        """With heads of other shapes too, packed and plain probes agree."""
        way = around(members[0])
        point = Point(
            (members[0].content_hash, members[2].content_hash, way.content_hash),
            (0.5, 0.5, 1.0),
            "refit:0",
        )
        packed, plain = (
            losses([members[0], members[2], way], examples, point, each) for each in backends
        )

        assert packed.loss == pytest.approx(plain.loss, abs=1e-3)

    @pytest.mark.slow
    def test_in_a_worker(self, members, examples, backends):
        """Another process draws the same direction."""
        way = around(members[0])
        point = Point((members[0].content_hash, way.content_hash), (1.0, 1.0))

        here = losses([members[0], way], examples, point, backends[0])
        with WorkerPool(1) as pool:
            there = losses([members[0], way], examples, point, backends[0], pool=pool)
        assert there.loss == pytest.approx(here.loss, abs=1e-6)

    def test_length_is_the_distance(self, members):
        """A step of any length lies that far from where it began."""
        weights = load_weights(around(members[0], 5))
        start = zoo.load_weights(members[0]).vector.astype(np.float64)

        moved = start + 3.5 * weights.vector.astype(np.float64)
        assert np.linalg.norm(moved - start) == pytest.approx(3.5, rel=1e-6)


def _by_hand(member, weights, examples):
    """Return losses of the module of transformers with these weights, one text at a time."""
    import torch

    model = zoo.build_model(member)
    model.load_state_dict(
        {name: torch.from_numpy(weights.tensor(name).copy()) for name in weights.layout.names},
        strict=False,
    )
    found = []
    for i, length in enumerate(examples.lengths):
        given = {
            name: torch.from_numpy(getattr(examples, name)[i : i + 1, :length].astype(np.int64))
            for name in ("input_ids", "attention_mask", "token_type_ids")
        }
        with torch.inference_mode():
            logits = model(**given).logits.log_softmax(-1)
        found.append(-logits[0, examples.targets[i]].item())
    return np.array(found)
