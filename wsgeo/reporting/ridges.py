"""The lines between groups, slice by slice: losses along them, and who makes their ridges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.reporting.diagnosis import at_first
from wsgeo.reporting.plain import plain

NUMBER_LIMIT: Final = 20_000
"""Most losses of single lines that go into the page (0.15 MB); bands hold no more than these."""

PARTS: Final = 80
"""Most slices whose curves go into the page, those of subcases last."""

LISTED: Final = 100
"""Most slices whose shares of a ridge are listed."""

EXAMPLES: Final = 20
"""Most examples that are listed."""

KINDS: Final = ("within", "between")

BANDS: Final = 6
"""Most bands of a slice, one for each basin and two basins; with more of them, one per kind."""

Floats = NDArray[np.float64]


def ridges(
    frames: Mapping[str, pl.DataFrame],
    parts: Sequence[Mapping[str, Any]],
    shown: Sequence[int],
    pairs: Mapping[tuple[int, int], int],
    people: Mapping[str, list[Any]],
) -> dict[str, Any]:
    """Return what the panels of lines and ridges show.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Tables ``slice_profiles``, ``attributions`` and ``ridge_examples`` of one loss group.
    parts : sequence of mapping
        The slices of `wsgeo.reporting.diagnosis.diagnosis`.
    shown : sequence of int
        Those that tell most.
    pairs : mapping of (int, int) to int
        Row of a pair by the positions of its ends, the smaller first.
    people : mapping of str to list
        The members' columns.

    Returns
    -------
    dict
        ``task`` (name of the set of the task's own examples), ``t`` (grid), ``lines`` (``pair``, ``a``, ``b``, ``kind``), ``parts``
        (``set``, ``slice``, ``name``, ``loss`` of each line, ``bands`` of mean and range), ``own`` (the part that is the whole task)
        and ``first`` (the part to show beside it), both None without lines; ``left_out`` (lines that are in the bands
        only), ``attributions`` with ``few`` and ``rest`` (rows shown at once and on demand), and ``examples``.
    """
    profiles = _usable(frames["slice_profiles"], people)
    task = _task(profiles if profiles.height else frames["attributions"], people)
    found = _lines(profiles, task, pairs, people)
    keys = [(part["set"], part["slice"]) for part in found["parts"]]
    wanted = [(parts[k]["set"], parts[k]["slice"]) for k in shown]
    others = [key for key in (*wanted, *keys) if key in keys and key[0] != task]
    own = keys.index((task, "all")) if (task, "all") in keys else None
    rows = _attributions(frames["attributions"], task)
    few = at_first([row["slice"] for row in rows])
    examples = frames["ridge_examples"].drop("group").to_dicts()
    examples.sort(key=lambda row: (row["set"] != task, row["set"] or "", row["rank"] or 0))
    return found | {
        "task": task,
        "own": own,
        "first": keys.index(others[0]) if others else own if own is not None else 0,
        "attributions": rows,
        "few": few,
        "rest": [k for k in range(len(rows)) if k not in few],
        "examples": plain(examples[:EXAMPLES]),
    }


def _usable(profiles: pl.DataFrame, people: Mapping[str, list[Any]]) -> pl.DataFrame:
    """Return the rows of members that have a kind and a whole loss."""
    ids = people["id"]
    return profiles.drop_nulls(["set", "slice", "within", "t", "loss"]).filter(
        pl.col("a").is_in(ids),
        pl.col("b").is_in(ids),
        pl.col("t").list.len() == pl.col("loss").list.len(),
        pl.col("t").list.len() > 1,
        pl.col("loss").list.eval(pl.element().is_finite()).list.all(),
    )


def _task(frame: pl.DataFrame, people: Mapping[str, list[Any]]) -> str | None:
    """Return the set of the task's own examples: that of the members' task, else the first."""
    names = frame["set"].drop_nulls().unique(maintain_order=True).to_list()
    own: list[str] = [name for name in dict.fromkeys(people["task"]) if name in names]
    return next(iter(own or names), None)


def _lines(
    profiles: pl.DataFrame,
    task: str | None,
    pairs: Mapping[tuple[int, int], int],
    people: Mapping[str, list[Any]],
) -> dict[str, Any]:
    """Return the loss along each line, part by part, the task's own parts first."""
    place = {name: k for k, name in enumerate(people["id"])}
    ends = profiles.select("a", "b", "within").unique(maintain_order=True).rows()
    keys = profiles.select("set", "slice").unique(maintain_order=True).rows()
    if len(keys) > PARTS:
        keys = sorted(keys, key=lambda key: (key[0] != task, key[1].count("/")))[:PARTS]
    keys.sort(key=lambda key: key[0] != task)
    grid = _grid(profiles)
    kept = _kept(ends, len(keys) * len(grid))
    parts = [_part(key, profiles, ends, kept, grid, people) for key in keys]
    lines = []
    for a, b, within in (ends[k] for k in kept):
        i, j = sorted((place[a], place[b]))
        lines.append({"pair": pairs.get((i, j)), "a": i, "b": j, "kind": _kind(within)})
    return {
        "t": plain(grid),
        "lines": lines,
        "parts": parts,
        "left_out": len(ends) - len(kept),
    }


def _kind(within: bool) -> str:
    return KINDS[0] if within else KINDS[1]


def _grid(profiles: pl.DataFrame) -> list[float]:
    """Return the positions of most lines."""
    grids = profiles["t"].to_list()
    return max(grids, key=grids.count) if grids else []


def _kept(ends: Sequence[tuple[str, str, bool]], n_numbers: int) -> list[int]:
    """Return the lines that the page has room for: an even sample of both kinds."""
    room = max(2, NUMBER_LIMIT // max(n_numbers, 1))
    ranked = sorted(range(len(ends)), key=lambda k: ends[k][2])
    step = max(1.0, len(ranked) / room)
    return sorted(ranked[int(k * step)] for k in range(min(room, len(ranked))))


def _part(
    key: tuple[str, str],
    profiles: pl.DataFrame,
    ends: Sequence[tuple[str, str, bool]],
    kept: Sequence[int],
    grid: list[float],
    people: Mapping[str, list[Any]],
) -> dict[str, Any]:
    """Return one slice: the loss of the lines that are kept, and the bands of all."""
    group = dict(zip(people["id"], people["group"], strict=True))
    rows = profiles.filter(pl.col("set") == key[0], pl.col("slice") == key[1])
    losses: dict[tuple[str, str, bool], Floats] = {}
    for a, b, within, t, loss in rows.select("a", "b", "within", "t", "loss").iter_rows():
        # Lines between two groups all run the same way, else their mean would mix the two ends.
        x, y = (t, loss) if group[a] <= group[b] else (1 - np.array(t)[::-1], loss[::-1])
        losses[a, b, within] = np.interp(grid, x, y)
    return {
        "set": key[0],
        "slice": key[1],
        "name": f"{key[0]} · {key[1]}",
        "loss": [plain(losses.get(ends[k])) for k in kept],
        "bands": _bands(losses, group),
    }


def _bands(
    losses: Mapping[tuple[str, str, bool], Floats], group: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return the mean and the range of the lines of each kind, basin by basin while they are few."""
    found: dict[tuple[bool, int, int], list[Floats]] = {}
    for (a, b, within), loss in losses.items():
        x, y = sorted((group[a], group[b]))
        found.setdefault((within, x, y), []).append(loss)
    if len(found) > BANDS:
        whole = dict.fromkeys((within for within, _, _ in found), (-1, -1))
        found = {
            (within, *ends): [loss for (_, _, kind), loss in losses.items() if kind == within]
            for within, ends in whole.items()
        }
    return [
        _band(_kind(within), f"{x} {y}", np.stack(own))
        for (within, x, y), own in sorted(found.items(), reverse=True)
    ]


def _band(kind: str, basins: str, losses: Floats) -> dict[str, Any]:
    several = len(losses) > 1
    return plain(  # type: ignore[no-any-return]
        {
            "kind": kind,
            "basins": basins,
            "n": len(losses),
            "low": losses.min(axis=0) if several else None,
            "middle": losses.mean(axis=0),
            "high": losses.max(axis=0) if several else None,
        }
    )


def _attributions(frame: pl.DataFrame, task: str | None) -> list[dict[str, Any]]:
    """Return who makes the gaps between groups, the task's own slices first."""
    between = frame.drop_nulls(["set", "slice"]).filter(~pl.col("within").fill_null(value=True))
    share = pl.col("share_of_gap")
    found = between.group_by("set", "slice", maintain_order=True).agg(
        pl.col("share_of_examples").mean(),
        share.mean(),
        pl.col("mean_excess").mean(),
        n=share.count(),
        lowest=pl.when(share.count() > 1).then(share.min()).otherwise(pl.col("share_lo").min()),
        highest=pl.when(share.count() > 1).then(share.max()).otherwise(pl.col("share_hi").max()),
    )
    found = found.filter(pl.col("share_of_gap").is_not_null()).with_columns(
        own=pl.col("set").eq_missing(task),
        times=share / pl.col("share_of_examples"),
    )
    rows = found.sort("own", "set", "times", descending=[True, False, True], maintain_order=True)
    return plain(rows.drop("own").head(LISTED).to_dicts())  # type: ignore[no-any-return]
