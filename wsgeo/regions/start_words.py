"""What is told of the choice of a start: what to start from, what it gains, what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from wsgeo.counting import counted
from wsgeo.regions.differences import BASE, SETTING, Setting
from wsgeo.regions.gains import ALL
from wsgeo.regions.start_caveats import (
    Row,
    Title,
    first_names,
    left_out,
    lost_and_constant,
    unlearned,
)


def start_sentences(
    gains: pl.DataFrame,
    starts: pl.DataFrame,
    trials: pl.DataFrame,
    apart: Sequence[Setting] = (),
) -> tuple[str, ...]:
    """Say what to start from, for each target and over all, and what limits the answer.

    Parameters
    ----------
    gains : DataFrame
        From `wsgeo.regions.gains.gains`.
    starts, trials : DataFrame
        Schemas `STARTS` and `TRIALS` of `wsgeo.regions.start_tables`.
    apart : sequence of (target, shots, method), optional
        Settings of another recipe, which are not counted over all targets.

    Returns
    -------
    tuple of str
        A sentence per target and setting; then those over all targets, on the cheap ranking, on
        members that were left out, and on fine-tunings that were lost.
    """
    title = _titles(gains)
    return (
        *_choices(gains.filter(pl.col("target") != ALL), title),
        *_over_all(gains.filter(pl.col("target") == ALL), title),
        *_apart(apart, title),
        *_agreements(gains, title),
        *left_out(starts),
        *lost_and_constant(trials),
        *unlearned(trials, title),
    )


def transfer_table(gains: pl.DataFrame) -> pl.DataFrame:
    """Return targets against starts: the metric of each, what it gains, and whether that is proved.

    Parameters
    ----------
    gains : DataFrame
        From `wsgeo.regions.gains.gains`.

    Returns
    -------
    DataFrame
        Strings. A row per target and setting, all targets last; the columns are ``target``,
        ``base`` and the other starts, those tried on most targets first and then by gain. Metrics
        and gains are in percent and points; a start that was not tried has an empty cell.

    Examples
    --------
    >>> from wsgeo.regions.start_tables import GAINS
    >>> rows = [
    ...     {"target": "trec", "start": "base", "n": 3, "metric": 0.6, "gain": 0.0},
    ...     {"target": "trec", "start": "soup", "n": 3, "metric": 0.64, "gain": 0.04,
    ...      "gain_lo": 0.01, "gain_hi": 0.07, "outcome": "win"},
    ... ]
    >>> transfer_table(pl.DataFrame(rows, schema=GAINS)).rows()
    [('trec', '60.0', '64.0, +4.0 [+1.0, +7.0], win')]
    """
    title = _titles(gains)
    tried = gains.filter(pl.col("start") != BASE).group_by("start", maintain_order=True)
    order = tried.agg(n=pl.len(), mean=pl.col("gain").mean()).sort(
        "n", "mean", descending=True, nulls_last=True, maintain_order=True
    )
    columns = [BASE, *order["start"]]
    rows = []
    for _, group in gains.group_by(*SETTING, maintain_order=True):
        found = {row["start"]: row for row in group.iter_rows(named=True)}
        base = found.get(BASE)
        cells = {name: _cell(found[name], base) if name in found else "" for name in columns}
        rows.append({"target": title(group.row(0, named=True))} | cells)
    schema = dict.fromkeys(["target", *columns], pl.String)
    return pl.DataFrame(rows, schema=schema)


def gain_words(row: Row) -> str:
    """Return a gain in points, with its interval where there is one.

    Parameters
    ----------
    row : mapping
        Row of schema `wsgeo.regions.start_tables.GAINS` with a gain.

    Returns
    -------
    str
        Such as ``+3.1 points [+1.2, +5.0]``.

    Examples
    --------
    >>> gain_words({"gain": 0.031, "gain_lo": 0.012, "gain_hi": 0.05})
    '+3.1 points [+1.2, +5.0]'
    >>> gain_words({"gain": -0.00001, "gain_lo": None, "gain_hi": None})
    '+0.0 points'
    """
    return f"{_points(row['gain'])} points{_ends(row)}"


def _titles(gains: pl.DataFrame) -> Title:
    """Return what names targets, with shots and method where these differ."""
    varied = [part for part in SETTING[1:] if gains[part].n_unique() > 1]

    def title(row: Row) -> str:
        name = "all targets" if row["target"] == ALL else str(row["target"])
        parts = [_setting(part, row[part]) for part in varied]
        return f"{name} ({', '.join(parts)})" if parts else name

    return title


def _setting(part: str, value: object) -> str:
    if part == "method":
        return str(value)
    return "all examples" if value is None else f"{value:,} examples"


def _points(fraction: float) -> str:
    return f"{round(100 * fraction, 1) + 0.0:+.1f}"  # adding 0 turns -0.0 into 0.0


def _ends(row: Row) -> str:
    if row["gain_lo"] is None:
        return ""
    return f" [{_points(row['gain_lo'])}, {_points(row['gain_hi'])}]"


def _cell(row: Row, base: Row | None) -> str:
    """Return a metric and a gain; the base's too where it has seeds that the start lacks."""
    if row["metric"] is None:
        return "failed"
    metric = f"{100 * row['metric']:.1f}"
    if row["start"] == BASE:
        return metric
    if base is not None and base["metric"] is not None and row["base_metric"] is not None:
        shared = f"{100 * row['base_metric']:.1f}"
        metric += f" against {shared}" * (shared != f"{100 * base['metric']:.1f}")
    counts = [f"{row[name] or 0}" for name in ("wins", "ties", "losses")]
    outcome = row["outcome"] or "/".join(counts)
    return f"{metric}, {_points(row['gain'])}{_ends(row)}, {outcome}"


def _named(row: Row) -> str:
    """Return a start with its article: a member has a name, and other kinds are nouns."""
    return str(row["start"]) if row["kind"] == "member" else f"the {row['start']}"


def _choices(gains: pl.DataFrame, title: Title) -> Iterator[str]:
    for _, group in gains.group_by(*SETTING, maintain_order=True):
        rows = group.to_dicts()
        yield f"{title(rows[0])}: {_choice(rows)}."


def _choice(rows: Sequence[Row]) -> str:
    """Say what to start from, of the rows of one setting, the base first and then by gain."""
    known = [row for row in rows if row["start"] != BASE and row["n"]]
    chosen = next((row for row in rows if row["is_chosen"]), None)
    if chosen is not None and chosen["start"] != BASE:
        gain = gain_words(chosen)
        among = f"; chosen among {len(known)} starts, so it likely gains a little less"
        told = f"start from {_named(chosen)}: {gain} over the base, {_seeds(chosen)}"
        return told + among * (len(known) > 1)
    if not known:
        return "nothing is known: no start has a result beside one of the base"
    best = f"best: {_named(known[0])}, {gain_words(known[0])}, {_seeds(known[0])}"
    if known[0]["n"] == 1:
        return f"start from the base: one seed proves nothing ({best}); fine-tune three or more"
    tried = counted(sum(row["start"] != BASE for row in rows), "start")
    why = ""
    if (known[0]["gain_lo"] or 0) > 0:
        constant = known[0]["outcome"] == "tie"
        why = ", which only answered by a constant" if constant else ", which may be so by chance"
    return f"start from the base: nothing is proved to beat it among {tried} ({best}{why})"


def _seeds(row: Row) -> str:
    return counted(row["n"], "seed")


def _over_all(gains: pl.DataFrame, title: Title) -> Iterator[str]:
    for _, group in gains.group_by(*SETTING[1:], maintain_order=True):
        rows = [row for row in group.to_dicts() if row["start"] != BASE and row["n"] > 1]
        for row in rows:
            outcomes = (
                counted(row["wins"], "win"),
                counted(row["ties"], "tie"),
                counted(row["losses"], "loss", "losses"),
            )
            where = title(row).replace("all targets", f"{row['n']} targets")
            yield f"Over {where}, {_named(row)}: {gain_words(row)}, {', '.join(outcomes)}."
        if rows:
            yield f"Over {title(rows[0])} {_proved(rows)}."


def _proved(rows: Sequence[Row]) -> str:
    """Say which start is proved to beat the base over all targets, or why none is."""
    for row in rows:
        if row["is_chosen"]:
            return f"{_named(row)} is proved to beat the base"
    is_above = any((row["gain_lo"] or 0) > 0 for row in rows)
    why = f": the best of {counted(len(rows), 'start')} may be so by chance" if is_above else ""
    return f"no start is proved to beat the base{why}"


def _apart(settings: Sequence[Setting], title: Title) -> Iterator[str]:
    names = [title(dict(zip(SETTING, setting, strict=True))) for setting in settings]
    if names:
        yield (
            f"Not counted over all targets, being fine-tuned by another recipe than the last: "
            f"{first_names(names)}."
        )


def _agreements(gains: pl.DataFrame, title: Title) -> Iterator[str]:
    """Say how far the cheap ranking could be trusted; over all targets where there are several."""
    several = gains.filter(pl.col("target") == ALL)
    for row in (
        (gains if several.is_empty() else several)
        .unique(SETTING, keep="first", maintain_order=True)
        .iter_rows(named=True)
    ):
        if row["stage_agreement"] is not None:
            mean = "mean rank correlation" if row["target"] == ALL else "rank correlation"
            yield (
                f"The cheap ranking and the fine-tunings agree, on {title(row)}, with a {mean} of "
                f"{row['stage_agreement']:.2f}."
            )
        elif row["start"] == BASE:
            yield (
                f"On {title(row)} nobody can say whether the cheap ranking is right: fewer than "
                "three starts were fine-tuned, or all are alike."
            )
