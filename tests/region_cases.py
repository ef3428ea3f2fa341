"""Points of a region as plain vectors, and how tests sample a region with few of them."""

import numpy as np

from wsgeo.evaluation import directions
from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.workflows.region_mixes import Frame

FEW = {"level": "general", "samples": 1, "lines": 1, "directions": 1}


def position(chosen, mix, loaded={}):  # noqa: B006 - weights that were read once
    """Return the point of a mix over the tensors that distances are taken over, in float64."""
    names = chosen.body
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
