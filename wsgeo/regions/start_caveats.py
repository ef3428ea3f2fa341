"""What limits an answer on starts: members left out, and fine-tunings that told nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import polars as pl

from wsgeo.counting import counted
from wsgeo.probing.differences import listed
from wsgeo.regions.differences import FINISHED, SETTING

MOST_NAMED: Final = 5
"""Members or fine-tunings that are named; the rest are counted."""

Row: TypeAlias = Mapping[str, Any]
Title: TypeAlias = Callable[[Row], str]


def left_out(starts: pl.DataFrame) -> Iterator[str]:
    """Name the members that no start of a target is made of.

    Parameters
    ----------
    starts : DataFrame
        Schema `wsgeo.regions.start_tables.STARTS`.

    Yields
    ------
    str
        A sentence per target.
    """
    members = starts.select("target", "left_out").explode("left_out", empty_as_null=False)
    for (target,), group in members.drop_nulls().group_by("target", maintain_order=True):
        names = group["left_out"].unique().sort().to_list()
        was = "member was" if len(names) == 1 else "members were"
        yield (
            f"{target}: {len(names)} {was} left out of every start, being found to know it or "
            f"named with --leave-out: {first_names(names)}."
        )


def lost_and_constant(trials: pl.DataFrame) -> Iterator[str]:
    """Name the fine-tunings without a result, and count those that answer by a constant.

    Parameters
    ----------
    trials : DataFrame
        Schema `wsgeo.regions.start_tables.TRIALS`.

    Yields
    ------
    str
        A sentence for each, where there are any.
    """
    lost = trials.filter(~pl.col("status").is_in(FINISHED))
    if lost.height:
        which = [
            f"{row['target']} from {row['start']} with seed {row['seed']} "
            f"({row['reason'] or row['status']})"
            for row in lost.iter_rows(named=True)
        ]
        yield (
            f"{lost.height} of {counted(trials.height, 'fine-tuning')} failed or diverged and "
            f"{'is' if lost.height == 1 else 'are'} left out with the partner of the same seed: "
            f"{first_names(which)}."
        )
    constant = trials.filter(pl.col("status") == "degenerate").height
    if constant:
        yield (
            f"{counted(constant, 'fine-tuning')} learned nothing beyond a constant answer: "
            f"{'it counts, but proves' if constant == 1 else 'they count, but prove'} no gain."
        )


def unlearned(trials: pl.DataFrame, title: Title) -> Iterator[str]:
    """Name the settings in which no start can be judged, since nothing learned the target.

    Parameters
    ----------
    trials : DataFrame
        Schema `wsgeo.regions.start_tables.TRIALS`.
    title : callable
        Names a row's target, with what it has that others differ in.

    Yields
    ------
    str
        A sentence, where there are any.
    """
    done = trials.filter(pl.col("status").is_in(FINISHED))
    names = [
        title(dict(zip(SETTING, key, strict=True)))
        for key, group in done.group_by(*SETTING, maintain_order=True)
        if (group["status"] == "degenerate").all()
    ]
    if names:
        yield (
            f"On {first_names(names)} no start can be judged, as no fine-tuning learned more than a "
            "constant answer: try more --steps, more --shots or another --learning-rate."
        )


def first_names(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are.

    Parameters
    ----------
    names : sequence of str
        All of them.

    Returns
    -------
    str
        As a list in words.

    Examples
    --------
    >>> first_names(["a", "b"]), first_names(list("abcdefg"))
    ('a and b', 'a, b, c, d, e and 2 more')
    """
    more = len(names) - MOST_NAMED
    return listed([*names[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])
