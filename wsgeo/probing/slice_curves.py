"""Loss and metric of slices along one line, and which of them make its ridge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Failure, Losses, Outcome
from wsgeo.paths.envelopes import Floats, lower_envelope
from wsgeo.probing.ridges import Attribution, Ridge, attribute, carriers, excess, ridge_of
from wsgeo.probing.set_files import EVERYTHING

Masks = Mapping[str, NDArray[np.bool_]]


@final
@dataclass(frozen=True, eq=False)
class SliceCurves:
    """What a set shows along one line.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.
    masks : mapping of str to ndarray of bool, shape (n_examples,)
        Slices, none of them empty, ``all`` first.
    loss, metric : ndarray of float64, shape (n_slices, n_points)
        Means over the examples of each slice: nats per example, and a fraction in [0, 1].
    ridge : Ridge or None
        Of all examples; None where their mean loss is convex.
    excess : ndarray of float64, shape (n_examples,), or None
        Of each example at that ridge, in nats.
    """

    t: Floats
    masks: Masks
    loss: Floats
    metric: Floats
    ridge: Ridge | None
    excess: Floats | None

    @property
    def gaps(self) -> Floats:
        """Convexity gap of each slice, in nats per example."""
        return np.asarray((self.loss - lower_envelope(self.t, self.loss)).max(axis=-1))

    def profile_rows(self) -> Iterator[dict[str, Any]]:
        """Yield slice, number of examples, curves and gap of each slice."""
        values = zip(self.masks.items(), self.loss, self.metric, self.gaps, strict=True)
        for (name, mask), loss, metric, gap in values:
            yield {
                "slice": name,
                "n_examples": int(mask.sum()),
                "t": self.t.tolist(),
                "loss": loss.tolist(),
                "metric": metric.tolist(),
                "convexity_gap": float(gap),
            }

    def attribution_rows(self) -> Iterator[dict[str, Any]]:
        """Yield what each slice has of the ridge; without a ridge there are sizes alone."""
        found = self._attribution()
        for i, (name, mask) in enumerate(self.masks.items()):
            sizes = {
                "slice": name,
                "n_examples": int(mask.sum()),
                "share_of_examples": float(mask.mean()),
            }
            yield sizes | (self._shares(found, i, mask) if found else {})

    def _attribution(self) -> Attribution | None:
        # One example has no spread to draw limits from.
        if self.excess is None or self.excess.size < 2:
            return None
        return attribute(self.excess, np.stack(list(self.masks.values())))

    def _shares(self, found: Attribution, i: int, mask: NDArray[np.bool_]) -> dict[str, Any]:
        assert self.ridge is not None
        assert self.excess is not None
        places = (self.ridge.left, self.ridge.top, self.ridge.right)
        bounded = bool(np.isfinite(found.low[i]))
        return {
            "mean_excess": float(found.mean[i]),
            "share_of_gap": float(found.share[i]),
            **dict(
                zip(("t_left", "t_ridge", "t_right"), self.t[list(places)].tolist(), strict=True)
            ),
            "share_lo": float(found.low[i]) if bounded else None,
            "share_hi": float(found.high[i]) if bounded else None,
            "half_on": carriers(self.excess[mask]) if found.mean[i] > 0 else None,
        }


def slice_curves(outcomes: Sequence[Outcome], t: Floats, masks: Masks) -> SliceCurves | Failure:
    """Return the curves of slices, or why there are none.

    Parameters
    ----------
    outcomes : sequence of Losses or Failure, n_points of them
        What was found at each position.
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.
    masks : mapping of str to ndarray of bool, shape (n_examples,)
        Slices; empty ones are left out, and ``all`` is made where it is not among them.

    Returns
    -------
    SliceCurves or Failure
        The curves; or the first failure on the line, a loss that is not finite, or losses that are
        not one per example of the slices.

    Examples
    --------
    >>> points = [Losses(np.float32([0, x]), np.float32([1, 1 - x])) for x in (0, 1, 0)]
    >>> found = slice_curves(points, np.array([0, 0.5, 1]), {"hard": np.array([False, True])})
    >>> found.gaps.tolist(), found.excess.tolist()
    ([0.5, 1.0], [0.0, 1.0])
    """
    found: list[Losses] = []
    for outcome in outcomes:
        if isinstance(outcome, Failure):
            return outcome
        found.append(outcome)
    losses, hits = (
        np.stack([getattr(each, kind) for each in found], axis=1).astype(np.float64)
        for kind in ("loss", "hit")
    )
    if not (np.isfinite(losses).all() and np.isfinite(hits).all()):
        return Failure("nonfinite", "A loss on the line is not finite.")
    if any(mask.shape != (len(losses),) for mask in masks.values()):
        return Failure("failed", "The losses are not one per example.")
    masks = _kept(masks, len(losses))
    weights = np.stack(list(masks.values())).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    loss = weights @ losses
    ridge = ridge_of(t, loss[0])
    heights = None if ridge is None else excess(t, losses, ridge)
    return SliceCurves(t, masks, loss, weights @ hits, ridge, heights)


def _kept(masks: Masks, n_examples: int) -> Masks:
    """Return the slices that are not empty, all examples first."""
    kept = {name: m for name, m in masks.items() if m.any() and name != EVERYTHING}
    return {EVERYTHING: np.ones(n_examples, dtype=bool), **kept}
