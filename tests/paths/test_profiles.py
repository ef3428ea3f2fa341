"""Laws of a profile."""

import numpy as np
import pytest

from wsgeo.paths.profiles import Profile, mirrored


def profile(rng, t=None):
    """Return a random profile."""
    t = np.linspace(0, 1, 11) if t is None else t
    return Profile("a", "b", t, rng.uniform(0, 1, t.size), rng.uniform(0, 1, t.size))


class TestProfile:
    """The loss along one path."""

    def test_reversed_twice_is_the_same(self, rng):
        """Turning a profile round twice gives it back."""
        one = profile(rng, np.array([0, 0.2, 0.5, 1]))
        two = one.reversed().reversed()

        assert (one.a, one.b) == (two.a, two.b)
        np.testing.assert_allclose(one.t, two.t, atol=1e-15)
        assert (one.loss == two.loss).all()

    def test_scalars_do_not_depend_on_direction(self, rng):
        """Every scalar is that of the reversed profile, and the peak is mirrored."""
        one = profile(rng)
        forth, back = one.barriers(), one.reversed().barriers()

        assert back.pop("t_peak") == pytest.approx(1 - forth.pop("t_peak"))
        assert back == pytest.approx(forth)

    def test_even_grids_do_not_drift(self):
        """An even grid counted from the other end is the same, bit by bit."""
        t = np.linspace(0, 1, 11)

        assert (mirrored(t) == t).all()
        assert mirrored(np.array([0, 0.25, 1])).tolist() == [0, 0.75, 1]

    @pytest.mark.parametrize("field", ["loss", "metric"])
    def test_values_that_are_not_finite_are_refused(self, field):
        """A profile holds numbers only."""
        values = {"loss": np.ones(3), "metric": np.ones(3)} | {field: np.array([1, np.nan, 1])}

        with pytest.raises(ValueError, match="not finite"):
            Profile("a", "b", np.array([0, 0.5, 1]), **values)
