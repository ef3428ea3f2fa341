"""Laws of paths through weight space."""

import numpy as np
import pytest

from wsgeo.paths.lines import LinearPath, check_compatible
from wsgeo.weights.layout import Layout, Weights

LAYOUT = Layout(("bias", "weight"), ((3,), (2, 3)))


def weights(rng, layout=LAYOUT, scale=1.0):
    """Return random weights."""
    return Weights(layout, (scale * rng.normal(size=layout.n_parameters)).astype(np.float32))


class TestLinearPath:
    """The straight segment."""

    @pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
    def test_hits_its_ends_exactly(self, rng, scale):
        """At 0 and 1 the weights are those of the checkpoints, bit by bit."""
        path = LinearPath(weights(rng), weights(rng, scale=scale))

        assert (path.at(0.0) == path.start.vector).all()
        assert (path.at(1.0) == path.end.vector).all()

    def test_between_equals_nothing_moves(self, rng):
        """A path from a checkpoint to itself stays there."""
        start = weights(rng)

        assert all((LinearPath(start, start).at(t) == start.vector).all() for t in (0.1, 0.5, 0.9))

    def test_is_the_same_from_the_other_end(self, rng):
        """Position t from one end is position 1 - t from the other."""
        a, b = weights(rng), weights(rng)

        np.testing.assert_allclose(
            LinearPath(a, b).at(0.25), LinearPath(b, a).at(0.75), rtol=1e-6, atol=1e-7
        )

    def test_ends_are_not_shared(self, rng):
        """Writing into a returned vector leaves the checkpoint as it was."""
        path = LinearPath(weights(rng), weights(rng))
        before = path.start.vector.copy()
        path.at(0.0)[:] = 0

        assert (path.start.vector == before).all()

    @pytest.mark.parametrize("t", [-0.1, 1.1, float("nan")])
    def test_refuses_positions_off_the_path(self, rng, t):
        """Positions outside [0, 1] raise."""
        with pytest.raises(ValueError, match="not on the path"):
            LinearPath(weights(rng), weights(rng)).at(t)

    @pytest.mark.parametrize(
        "other",
        [Layout(("bias", "weight"), ((3,), (3, 2))), Layout(("bias", "wight"), ((3,), (2, 3)))],
    )
    def test_refuses_ends_that_do_not_fit(self, rng, other):
        """Other names or shapes raise, naming the tensor."""
        with pytest.raises(ValueError, match="'weight'"):
            check_compatible(weights(rng), weights(rng, other))
