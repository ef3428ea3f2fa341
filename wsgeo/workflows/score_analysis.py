"""What the scores or predictions of models say, without their weights."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import polars as pl

from wsgeo.counting import counted
from wsgeo.files import write_text
from wsgeo.graph import ClusterResult
from wsgeo.graph.tables import CLUSTERS
from wsgeo.probing.differences import listed
from wsgeo.probing.group_files import NOISE, read_groups
from wsgeo.probing.member_scores import MemberScores, member_scores
from wsgeo.probing.score_files import GivenScores, read_scores
from wsgeo.probing.score_groups import (
    UNTESTED,
    described,
    first_axis,
    profile_groups,
    profiles,
)
from wsgeo.probing.score_spreads import flags, in_domain_sentences, spreads
from wsgeo.probing.strategies import basin_profile
from wsgeo.store.tables import write_table

SHOWN: Final = 12
"""Most slices whose spread is shown in a terminal."""

NAMED: Final = 3
"""Most models left out that a verdict names."""

GROUP: Final = "given"
"""Name of the only group in the tables of a file."""


@final
@dataclass(frozen=True)
class _Grouped:
    """Models in groups, compared."""

    facts: dict[str, Any]
    labels: dict[str, int]
    profile: pl.DataFrame
    contrasts: pl.DataFrame
    sentences: tuple[str, ...]
    better: int | None = None
    clustering: ClusterResult | None = None


def analyse_scores(
    scores: str | Path,
    clusters: str | Path | None = None,
    *,
    out: str | Path | None = None,
    seed: int = 0,
    n_draws: int = 200,
) -> dict[str, Any]:
    """Analyse scores or predictions of models that others measured.

    With ``clusters`` the groups are compared as basins of a run are. Without them models are put in
    *profile groups* by their scores, which the same scores cannot test.

    Parameters
    ----------
    scores : str or Path
        Scores by model, by row, or predictions by example; see `wsgeo.probing.score_files.read_scores`.
    clusters : str or Path, optional
        The group of each model; see `wsgeo.probing.group_files.read_groups`.
    out : str or Path, optional
        Folder for ``summary.json`` and tables.
    seed : int, default 0
        Of permutations, resamples and null draws.
    n_draws : int, default 200
        Draws from each null, where profile groups are looked for.

    Returns
    -------
    dict
        ``n_models``, ``layout``, ``set_aside``, ``notes``, ``in_domain``, ``left_out`` (models that
        are no evidence and not compared, and why), ``flagged`` (doubtful ones, which are compared),
        ``groups`` (and how they were found), ``sentences``, ``contrasts``, ``better``, ``spreads``
        (widest first) and ``lines``, what a terminal shows; see ``docs/formats.md``.

    Raises
    ------
    DataError
        If a file cannot be read.

    References
    ----------
    [mccoy2019]_, [mccoy2020]_
    """
    given = read_scores(scores)
    rng = np.random.default_rng(seed)
    ids = given.scores["id"].unique(maintain_order=True).to_list()
    matrix = member_scores(given.scores, ids)
    sure, doubtful = flags(matrix, given.in_domain)
    table = spreads(matrix, given.in_domain, rng=rng)
    if clusters is None:
        grouped = _by_profile(matrix, given, sure, rng, seed, n_draws)
    else:
        grouped = _by_file(Path(clusters), given, sure, rng)
    found = {
        "scores": str(scores),
        "clusters": None if clusters is None else str(clusters),
        "seed": seed,
        "n_draws": n_draws,
        "layout": given.layout,
        "n_models": len(ids),
        "n_slices": len(matrix.keys),
        "sets": sorted({name for name, _ in matrix.keys}),
        "in_domain": given.in_domain and dict(zip(("set", "slice"), given.in_domain, strict=True)),
        "set_aside": [{"what": what, "reason": why} for what, why in given.set_aside],
        "notes": list(given.notes),
        "left_out": sure,
        "flagged": doubtful,
        "groups": grouped.facts,
        "sentences": [*in_domain_sentences(table, given.in_domain), *grouped.sentences],
        "contrasts": grouped.contrasts.to_dicts(),
        "better": grouped.better,
        "spreads": table,
    }
    if out is not None:
        _write(Path(out), found, given.scores, grouped)
    return {**found, "lines": lines(found)}


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return what a terminal shows of an analysis.

    Parameters
    ----------
    found : mapping
        From `analyse_scores`.

    Returns
    -------
    list of str
        What was read, what was found, and the slices of the widest spread.
    """
    head = (
        f"{counted(found['n_models'], 'model')} on {counted(found['n_slices'], 'slice')} of "
        f"{' and '.join(found['sets'])} ({found['layout']})."
    )
    aside = [f"Set aside: {one['what']} ({one['reason']})." for one in found["set_aside"]]
    flagged = [
        f"{word}: {name} {why}."
        for key, word in (("left_out", "Left out"), ("flagged", "Flagged"))
        for name, why in found[key].items()
    ]
    groups = found["groups"]["verdict"]
    said = [*found["notes"], *flagged, groups, *found["sentences"]]
    return [head, *aside, *said, "", *_spread_lines(found["spreads"])]


def _spread_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the slices of the widest spread as lines of a table."""
    head = f"{'lowest':>8}{'mean':>8}{'highest':>9}{'spread':>8}  {'with in-domain score':<22}slice"
    shown = []
    for row in rows[:SHOWN]:
        r, low, high = (row[f"correlation{end}"] for end in ("", "_lo", "_hi"))
        along = "" if r is None else f"{r:.2f}"
        along += "" if low is None else f" [{low:.2f}, {high:.2f}]"
        spread = "" if row["spread"] is None else f"{row['spread']:.1%}"
        shown.append(
            f"{row['lowest']:>8.1%}{row['mean']:>8.1%}{row['highest']:>9.1%}{spread:>8}  "
            f"{along:<22}{row['set']}: {row['slice']}"
        )
    rest = len(rows) - len(shown)
    return [head, *shown, *([f"... and {counted(rest, 'slice')} of less spread."] if rest else [])]


def _by_file(
    path: Path, given: GivenScores, sure: Mapping[str, str], rng: np.random.Generator
) -> _Grouped:
    """Compare the groups that a file gives."""
    ids = set(given.scores["id"])
    groups = read_groups(path, ids)
    compared = basin_profile(
        given.scores, groups.labels, rng=rng, excluded=sure, names=groups.names
    )
    without = len(ids) - len(groups.labels)
    sizes = Counter(label for label in groups.labels.values() if label != NOISE)
    nowhere = sum(label == NOISE for label in groups.labels.values())
    rest = [
        f"{counted(n, 'model')} {why}" for n, why in ((nowhere, "in none"), (without, "without a label, left out")) if n
    ]  # fmt: skip
    told = ", ".join(f"{groups.names[label]}: {n}" for label, n in sorted(sizes.items()))
    verdict = (
        f"{counted(len(sizes), groups.kind)} as given ({'; '.join([told, *rest])}). Their p-values hold "
        "if the groups were made without these scores."
    )
    facts = _facts(f"{groups.kind}s", "given", verdict, groups.labels, groups.names)
    facts |= {"n_without_label": without}
    return _Grouped(
        facts, groups.labels, compared.profile, compared.contrasts, compared.sentences, compared.better
    )  # fmt: skip


def _by_profile(
    matrix: MemberScores,
    given: GivenScores,
    sure: Mapping[str, str],
    rng: np.random.Generator,
    seed: int,
    n_draws: int,
) -> _Grouped:
    """Group models by their scores, and describe the groups."""
    sound = member_scores(given.scores, [name for name in matrix.ids if name not in sure])
    profile = profiles(sound, given.in_domain and given.in_domain[0])
    groups = profile_groups(profile, seed=seed, n_draws=n_draws)
    verdict = " ".join([groups.verdict, *_not_counted(sure)])
    facts = _facts("profile groups", "scores", verdict, groups.labels, groups.names)
    clustered = groups.found
    facts |= {
        "n_slices": len(profile.keys),
        "method": clustered and clustered.method,
        "parameters": dict(clustered.parameters) if clustered else {},
        "p_value": clustered and clustered.p_value,
        "silhouette": clustered and clustered.silhouette,
    }
    sentences = [_axis(profile.values, profile.keys)] if groups.found else []
    # Only means and ranges of it are kept: its tests would be of groups made from the same scores.
    means = basin_profile(given.scores, groups.labels, rng=rng).profile
    placed = [name for name in sound.ids if groups.labels[name] != NOISE]
    labels = np.array([groups.labels[name] for name in placed], np.int64)
    contrasts, told = described(member_scores(given.scores, placed), labels, groups.names)
    if told:
        sentences += [*told, f"No p-values: {UNTESTED}."]
    return _Grouped(facts, groups.labels, means, contrasts, tuple(sentences), None, clustered)


def _not_counted(sure: Mapping[str, str]) -> list[str]:
    """Name the models that are left out, if there are any."""
    names = list(sure)
    further = [f"{len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return [f"Not counted: {listed([*names[:NAMED], *further])}."] if names else []


def _axis(values: Any, keys: Sequence[tuple[str, str]]) -> str:
    """Say how much of the profiles lies along one axis, and which slices go with it most."""
    places, share = first_axis(values)
    loading = [abs(float(np.nan_to_num(column) @ places)) for column in values.T]
    most = sorted(range(len(keys)), key=lambda k: -loading[k])[:3]
    names = ", ".join(keys[k][1].rsplit("/", 1)[-1] for k in most)
    return f"One axis holds {share:.0%} of the variance of the profiles; most on it: {names}."


def _facts(
    kind: str, origin: str, verdict: str, labels: Mapping[str, int], names: Mapping[int, str]
) -> dict[str, Any]:
    """Return what is told of groups; JSON has no keys but texts."""
    sizes = Counter(label for label in labels.values() if label != NOISE)
    return {
        "kind": kind,
        "origin": origin,
        "verdict": verdict,
        "labels": dict(labels),
        "names": {str(label): name for label, name in names.items()},
        "sizes": {str(label): n for label, n in sorted(sizes.items())},
    }


def _write(folder: Path, found: Mapping[str, Any], scores: pl.DataFrame, grouped: _Grouped) -> None:
    """Write the summary and the tables."""
    tables = folder / "tables"
    tables.mkdir(parents=True, exist_ok=True)
    write_table(tables, "scores", scores)
    frames = {"strategies": grouped.profile, "contrasts": grouped.contrasts}
    if grouped.clustering is None:
        frames["clusters"] = _clusters(grouped.labels)
    else:
        for name in ("clusters", "clusterings", "nulls", "embedding", "merge_tree"):
            frames[name] = getattr(grouped.clustering, name)
    for name, frame in frames.items():
        write_table(tables, name, frame.select(pl.lit(GROUP).alias("group"), pl.all()))
    write_text(folder / "summary.json", json.dumps(found, indent=2, allow_nan=False) + "\n")


def _clusters(labels: Mapping[str, int]) -> pl.DataFrame:
    """Return given labels as a table of clusters."""
    frame = pl.DataFrame(
        {"id": list(labels), "label": list(labels.values())},
        schema={"id": pl.String, "label": pl.Int64},
    )
    known = {"matrix": pl.lit(GROUP), "method": pl.lit(GROUP), "is_default": pl.lit(value=True)}
    empty = {
        c: pl.lit(None, kind) for c, kind in CLUSTERS.items() if c not in {*frame.columns, *known}
    }
    return frame.with_columns(**known, **empty).select(list(CLUSTERS))
