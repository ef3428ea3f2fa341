"""What to tell people about the groups of a zoo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from wsgeo.escapes import printable
from wsgeo.zoo.candidates import Candidate
from wsgeo.zoo.labels import order_of
from wsgeo.zoo.likeness import SAME_PRETRAINING, base_cosine


def base_alerts(
    cell: Sequence[int],
    candidates: Sequence[Candidate],
    declared: Mapping[int, tuple[str, str] | None],
    family: Mapping[int, int],
) -> list[str]:
    """Say where the named bases and the weights of one architecture disagree.

    Parameters
    ----------
    cell : sequence of int
        Positions of its candidates.
    candidates : sequence of Candidate
        All candidates.
    declared : mapping of int to (str, str) or None
        Key and name of the base that each names.
    family : mapping of int to int
        Family of weights of each.

    Returns
    -------
    list of str
        Sentences.
    """
    families_of: dict[str, set[int]] = defaultdict(set)
    bases_of: dict[int, dict[str, str]] = defaultdict(dict)
    for i in cell:
        if (named := declared[i]) is not None:
            families_of[named[1]].add(family[i])
            bases_of[family[i]][named[0]] = named[1]
    alerts = _unlike_their_base([candidates[i] for i in cell])
    for name, numbers in sorted(families_of.items()):
        if len(numbers) > 1:
            alerts.append(
                f"Members that name the base {printable(name)} fall into {len(numbers)} families of "
                f"weights (cosine below {SAME_PRETRAINING}). Check where each came from."
            )
    for names in bases_of.values():
        if len(names) > 1:
            listed = ", ".join(sorted(printable(name) for name in names.values()))
            alerts.append(
                f"Members of one family of weights name different bases ({listed}) and are kept "
                "apart. If these are one base, say so with --base or in zoo.toml."
            )
    return alerts


def unknown_base_alert(
    parts: Sequence[Sequence[int]], candidates: Sequence[Candidate]
) -> list[str]:
    """Say for which members no base is known.

    Parameters
    ----------
    parts : sequence of sequence of int
        Positions, by family.
    candidates : sequence of Candidate
        All candidates.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    if not parts:
        return []
    ids = _listed(candidates[i].draft.id for part in parts for i in part)
    families = f" They form {len(parts)} groups by likeness." if len(parts) > 1 else ""
    what = f"No base is known for {ids}; their weights alone say which belong together.{families}"
    return [f"{what} Name it with --base PATH or in zoo.toml."]


def label_alerts(candidates: Sequence[Candidate], loss_groups: Sequence[str]) -> list[str]:
    """Say whose labels have no names, and where orders differ.

    Parameters
    ----------
    candidates : sequence of Candidate
        All candidates.
    loss_groups : sequence of str
        Name of the loss group of each.

    Returns
    -------
    list of str
        Sentences.
    """
    alerts = []
    unnamed = [c.draft.id for c in candidates if c.draft.labels and not c.draft.labels_named]
    if unnamed:
        alerts.append(
            f"The labels of {_listed(unnamed)} are called LABEL_0, LABEL_1, ...: their order is not "
            "known. Name them in zoo.toml or in the config's id2label."
        )
    for name in dict.fromkeys(loss_groups):
        members = [c for c, loss in zip(candidates, loss_groups, strict=True) if loss == name]
        orders = {
            order_of(c.draft.labels, named=c.draft.labels_named) for c in members if c.draft.labels
        }
        if len(orders) > 1:
            alerts.append(
                f"Members of {name} list their labels in {len(orders)} orders; rows are matched by "
                "name."
            )
    return alerts


def _unlike_their_base(candidates: Iterable[Candidate]) -> list[str]:
    unlike: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for candidate in candidates:
        cosine = base_cosine(candidate)
        if cosine is None or _shares_tensors(candidate):
            continue
        if cosine < SAME_PRETRAINING and candidate.base is not None:
            unlike[candidate.base.id].append((candidate.draft.id, cosine))
    return [
        f"The weights of {_listed(name for name, _ in found)} have cosine "
        f"{min(cosine for _, cosine in found):.2f} with the base {printable(base)} that they name. "
        "Check which model they came from."
        for base, found in sorted(unlike.items())
    ]


def _shares_tensors(candidate: Candidate) -> bool:
    """Return whether a member is certainly made from its base: as an adapter, or by equal tensors."""
    if candidate.draft.adapter is not None:
        return True
    common = candidate.samples.keys() & candidate.base_samples.keys()
    return any(
        np.ptp(candidate.samples[name]) > 0
        and np.array_equal(candidate.samples[name], candidate.base_samples[name])
        for name in common
    )


def _listed(ids: Iterable[str]) -> str:
    names = [printable(name) for name in ids]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
