"""The smallest entry that is kept is that of a sorted tensor."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.weights import magnitudes
from wsgeo.weights.magnitudes import smallest_kept


@pytest.mark.parametrize("width", [1, 7, 1 << 18])
@pytest.mark.parametrize("kind", ["spread", "ties", "tiny", "one"])
def test_agrees_with_sorting(rng, kind, width, monkeypatch):
    """For every number that is kept it is the magnitude at that place, in slices of any width."""
    monkeypatch.setattr(magnitudes, "_WIDTH", width)
    values = {
        "spread": lambda: rng.normal(size=30) * 10.0 ** rng.integers(-30, 30, 30),
        "ties": lambda: rng.integers(-3, 4, 30),
        "tiny": lambda: rng.normal(size=30) * 1e-42,
        "one": lambda: np.array([-0.0]),
    }[kind]().astype(np.float32)
    order = np.sort(np.abs(values))[::-1]

    for n_kept in range(1, values.size + 1):
        found = smallest_kept(values.__getitem__, values.size, n_kept)
        assert np.float32(found) == order[n_kept - 1]
