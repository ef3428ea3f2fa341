"""How far models lie apart on each slice, and whether that goes with their score in domain."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wsgeo.counting import counted
from wsgeo.probing.coordinates import coordinate_correlations
from wsgeo.probing.differences import span
from wsgeo.probing.member_scores import MemberScores, complete_blocks
from wsgeo.probing.score_groups import Key, finest_slices
from wsgeo.probing.set_files import EVERYTHING

LEVEL: Final = 0.05
"""Share of 95 % intervals without 0 that are expected where nothing goes together."""

NEARLY_ALL: Final = 0.95
"""Accuracy on one label, and error on the others, from which one answer is given to everything."""


def spreads(
    scores: MemberScores, in_domain: Key | None = None, *, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Return spread and range of the models on each slice, the widest spread first.

    Parameters
    ----------
    scores : MemberScores
        All scores.
    in_domain : (str, str), optional
        Set and slice of the score on the models' own task.
    rng : numpy.random.Generator
        Draws models for intervals.

    Returns
    -------
    list of dict
        ``set``, ``slice``, ``n`` models, ``mean``, ``spread`` (standard deviation over models; None
        for one), ``lowest``, ``highest``, ``range``; ``correlation`` with the score in domain
        (Pearson) and the ends of its 95 % bootstrap interval over models, None where there is none.

    References
    ----------
    [mccoy2020]_
    """
    told = _correlations(scores, in_domain, rng)
    rows = []
    for k, (name, part) in enumerate(scores.keys):
        own = scores.values[np.isfinite(scores.values[:, k]), k]
        low, high = float(own.min()), float(own.max())
        rows.append({
            "set": name, "slice": part, "n": len(own), "mean": float(own.mean()),
            "spread": float(own.std(ddof=1)) if len(own) > 1 else None,
            "lowest": low, "highest": high, "range": high - low,
            **dict(zip(("correlation", "correlation_lo", "correlation_hi"), told[k], strict=True)),
        })  # fmt: skip
    return sorted(rows, key=lambda row: -(row["spread"] or 0.0))


def flags(scores: MemberScores, in_domain: Key | None) -> tuple[dict[str, str], dict[str, str]]:
    """Return models that may not have learned their own task, and why.

    Parameters
    ----------
    scores : MemberScores
        All scores.
    in_domain : (str, str) or None
        Set and slice of the score on the models' own task.

    Returns
    -------
    sure : dict of str to str
        Models that answer their own task with one label, or are not above chance: by the scores of
        two labels or more, ``label/x`` or ``all/x`` of the same set.
    doubtful : dict of str to str
        Where labels are not told apart: models whose score is at most one half, which is chance for
        two labels and above it for more.
    """
    if in_domain is None:
        return {}, {}
    parts = [
        k for k, (name, part) in enumerate(scores.keys)
        if name == in_domain[0] and part.count("/") == 1 and part.split("/")[0] in ("label", EVERYTHING)
    ]  # fmt: skip
    sure, doubtful = {}, {}
    whole = scores.values[:, scores.keys.index(in_domain)]
    for i, name in enumerate(scores.ids):
        own = scores.values[i, parts]
        if len(parts) > 1 and np.isfinite(own).all():
            if why := _no_evidence(own):
                sure[name] = why
        elif whole[i] <= 0.5:
            doubtful[name] = f"is right on {whole[i]:.0%} of its own task, no more than one half"
    return sure, doubtful


def in_domain_sentences(rows: list[dict[str, Any]], in_domain: Key | None) -> tuple[str, ...]:
    """Say how far models that are alike in domain lie apart elsewhere.

    Parameters
    ----------
    rows : list of dict
        From `spreads`.
    in_domain : (str, str) or None
        Set and slice of the score on the models' own task.

    Returns
    -------
    tuple of str
        The slice of the widest range beside the range in domain; and on how many slices the score
        in domain tells anything.

    References
    ----------
    [mccoy2020]_
    """
    finest = finest_slices([(row["set"], row["slice"]) for row in rows])
    away = [
        row for row in rows
        if (row["set"], row["slice"]) in finest and (in_domain is None or row["set"] != in_domain[0])
    ]  # fmt: skip
    widest = max(away, key=lambda row: float(row["range"]), default={"range": 0.0})
    if not widest["range"]:
        return ()
    place = f"on {widest['set']}, {widest['slice']}"
    reach = f"from {widest['lowest']:.1%} to {widest['highest']:.1%} {place}"
    if in_domain is None:
        return (
            f"Models lie farthest apart {place}: from {span([widest['lowest']])} to {span([widest['highest']])}.",
        )
    own = next(row for row in rows if (row["set"], row["slice"]) == in_domain)
    alike = f"{own['lowest']:.1%} to {own['highest']:.1%} on {own['set']}"
    sentences = [f"In domain the models reach {alike}; beyond it {reach}."]
    known = [row for row in away if row["correlation_lo"] is not None]
    if known:
        sentences.append(_going_along(known))
    return tuple(sentences)


def _going_along(known: list[dict[str, Any]]) -> str:
    """Say on how many slices the score goes with that in domain, and how many chance would give."""
    going = [row for row in known if row["correlation_lo"] > 0 or row["correlation_hi"] < 0]
    strongest = max(known, key=lambda row: abs(row["correlation"]))
    return (
        f"On {len(going)} of {counted(len(known), 'slice')} the score goes with that in domain (95% interval "
        f"of the correlation without 0; {LEVEL * len(known):.2g} would by chance alone); the strongest "
        f"correlation is {strongest['correlation']:.2f} "
        f"[{strongest['correlation_lo']:.2f}, {strongest['correlation_hi']:.2f}], "
        f"on {strongest['set']}, {strongest['slice']}."
    )


def one_sided(right: NDArray[np.float64]) -> bool:
    """Tell whether a model gives nearly every example one label, from its accuracy on each label.

    Where the predictions are known, `wsgeo.probing.calibration.degenerate` counts them: one label in
    more than 98 % of all. A file of scores has neither predictions nor the number of examples per
    label, and only with both would accuracies tell that share. So the rule is another: right on one
    label, wrong on the others.

    Parameters
    ----------
    right : ndarray of float64, shape (n_labels,)
        Accuracy on the examples of each label, fractions in [0, 1]; two labels or more.

    Returns
    -------
    bool
        True if one accuracy is at least `NEARLY_ALL`, and the mean of the others at most what that
        leaves.

    Examples
    --------
    >>> one_sided(np.array([0.97, 0.02])), one_sided(np.array([0.97, 0.5]))
    (True, False)
    """
    top = float(right.max())
    others = (float(right.sum()) - top) / (len(right) - 1)
    return top >= NEARLY_ALL and others <= 1 - NEARLY_ALL


def _no_evidence(right: NDArray[np.float64]) -> str | None:
    """Return why a model is no evidence, from its accuracy on each label; None if it is."""
    balanced, chance = float(right.mean()), 1 / len(right)
    if one_sided(right):
        return "gives one answer to its own task: right on one label, wrong on the others"
    if balanced <= chance:
        return (
            f"is right on {balanced:.0%} of its own task, no more than the {chance:.0%} of chance"
        )
    return None


def _correlations(
    scores: MemberScores, in_domain: Key | None, rng: np.random.Generator
) -> list[tuple[float | None, float | None, float | None]]:
    """Return the correlation of each column with the score in domain, and its interval."""
    found: list[tuple[float | None, float | None, float | None]] = [(None, None, None)] * len(
        scores.keys
    )
    if in_domain is None:
        return found
    own = scores.values[:, scores.keys.index(in_domain)]
    placed = np.flatnonzero(np.isfinite(own))
    for rows, columns in complete_blocks(scores.values[placed]):
        models = placed[rows]
        told = coordinate_correlations(own[models], scores.values[np.ix_(models, columns)], rng=rng)
        for column, three in zip(columns, told, strict=True):
            if scores.keys[column] != in_domain:
                r, low, high = (float(one) if np.isfinite(one) else None for one in three)
                found[int(column)] = r, low, high
    return found
