"""When weights are unlike the base that they name."""

from types import SimpleNamespace

import numpy as np
import pytest

from wsgeo.zoo.group_alerts import base_alerts


def _alerts(*, adapter=None, shared=False):
    rng = np.random.default_rng(0)
    own, base = ({name: rng.normal(size=99) for name in "ab"} for _ in range(2))
    if shared:
        own["a"] = base["a"] / 100
        base["a"] = own["a"]
    candidate = SimpleNamespace(
        draft=SimpleNamespace(id="ad0", adapter=adapter),
        base=SimpleNamespace(id="base"),
        samples=own,
        base_samples=base,
    )
    return base_alerts([0], [candidate], {0: None}, {0: 0})


def test_unlike_weights_are_told():
    """A model whose weights have nothing of its base is told."""
    assert "Check which model they came from" in _alerts()[0]


@pytest.mark.parametrize("given", [{"adapter": "folder"}, {"shared": True}])
def test_a_certain_base_is_not_doubted(given):
    """An adapter, or a model that shares a tensor with its base, came from it."""
    assert _alerts(**given) == []
