"""What is kept of regions that were measured, and told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import polars as pl

from wsgeo.evaluation.losses import PROBE_VERSION
from wsgeo.sentences import capital
from wsgeo.store import Run
from wsgeo.workflows.region_choices import SampledRegion, title_of
from wsgeo.workflows.region_findings import (
    headlines,
    line_sentences,
    order_sentences,
    radial_sentences,
)
from wsgeo.workflows.region_levels import LevelsOutcome
from wsgeo.workflows.region_stars import star_sentence
from wsgeo.workflows.region_work import Sampling

MEASURED: Final = ("region_points", "region_orders", "region_curves", "stars")
"""Tables of the regions that were sampled."""

PLACE: Final = ("group", "level", "name")
"""Columns that say which region a row is of."""

_UNSAID: Final = {"samples": "as many as members", "head": "what suits each region"}

Settings: TypeAlias = dict[tuple[str, str, str], dict[str, Any]]
"""What the rows of each region were measured with, by geometry group, level and name."""


def keep(
    run: Run,
    chosen: Sequence[SampledRegion],
    tables: Sequence[Mapping[str, pl.DataFrame]],
    regions: pl.DataFrame,
    *,
    sampling: Sampling,
    data: Mapping[str, str],
) -> Settings:
    """Write what was measured; regions measured before stay where they still hold.

    They hold where their members and data are the same, and so is the way that a probe is fitted.

    Parameters
    ----------
    run : Run
        The run.
    chosen : sequence of SampledRegion
        Regions that were measured.
    tables : sequence of mapping of str to polars.DataFrame
        `MEASURED` of each.
    regions : polars.DataFrame
        All regions of the run as it is now.
    sampling : Sampling
        How densely the chosen ones were sampled.
    data : mapping of str to str
        Key of the examples of each loss group.

    Returns
    -------
    dict of (str, str, str) to dict
        What each region that now has rows was measured with: the settings, ``probe_version``, and
        ``data`` as above.
    """
    known = _settings_before(run)
    held = [place for place, settings in known.items() if _holds(settings, data)]
    new = _places([one.place for one in chosen])
    before = run.table("region_points").filter(kind="member")
    measured = before.group_by(PLACE).agg(members=pl.col("point").unique().sort())
    now = regions.select(*PLACE, members=pl.col("members").list.sort())
    same = measured.join(now, on=[*PLACE, "members"]).join(new, on=PLACE, how="anti")
    same = same.join(_places(held), on=PLACE, how="semi")
    for name in MEASURED:
        own = [
            frame[name].select(pl.lit(one.group).alias("group"), pl.all())
            for one, frame in zip(chosen, tables, strict=True)
        ]
        run.write_table(name, pl.concat([run.table(name).join(same, on=PLACE, how="semi"), *own]))
    kept = {place: known[place] for place in same.select(PLACE).iter_rows()}
    return kept | {one.place: _settings(one, sampling, data) for one in chosen}


def other_settings(measured: Settings, sampling: Sampling) -> list[str]:
    """Say of which regions the rows were measured before, with other settings than are asked for.

    Parameters
    ----------
    measured : dict of (str, str, str) to dict
        What `keep` returned.
    sampling : Sampling
        What is asked for.

    Returns
    -------
    list of str
        One sentence per region.

    Examples
    --------
    >>> before = {("g0", "dataset", "snli"): Sampling(n_samples=8, seed=1).as_dict()}
    >>> other_settings(before, Sampling())
    ['Data set snli was measured before with other settings: seed 1 (now 0), samples 8 (now as many as members).']
    """
    now = sampling.as_dict()
    told = []
    for (_, level, name), before in measured.items():
        other = [
            f"{key} {_value(key, before[key])} (now {_value(key, now[key])})"
            for key in now
            if before[key] != now[key]
        ]
        title = title_of(level, name)
        if other:
            told.append(
                f"{capital(title)} was measured before with other settings: {', '.join(other)}."
            )
    return told


def tell(run: Run, levels: LevelsOutcome, measured: Settings) -> dict[str, Any]:
    """Return what the tables of a run say of its regions, in words.

    Parameters
    ----------
    run : Run
        The run, its tables of regions written.
    levels : LevelsOutcome
        How the regions were found again.
    measured : dict of (str, str, str) to dict
        What `keep` returned.

    Returns
    -------
    dict
        ``levels`` and ``headlines`` (sentences), and ``regions``: ``group``, ``level``, ``name``,
        ``title``, ``sentences`` and ``measured`` (with what) of each that has rows.
    """
    tables = {name: run.table(name) for name in MEASURED}
    several = len(levels.sentences) > 1
    groups = levels.sentences

    def said(group: str, sentences: Sequence[str]) -> list[str]:
        return [f"{group}: {one}" if several else one for one in sentences]

    return {
        "levels": [one for group in groups for one in said(group, groups[group])],
        "headlines": [
            one
            for group in groups
            for one in said(group, headlines(tables["region_orders"].filter(group=group)))
        ],
        "regions": _of_regions(tables, measured),
    }


def record(run: Run, told: Mapping[str, Any], notes: Sequence[str]) -> None:
    """Keep what was found in words in ``run.json``, for the report.

    Parameters
    ----------
    run : Run
        The run.
    told : mapping
        What `tell` returned.
    notes : sequence of str
        What is not known, and why.
    """
    first = [*told["levels"], *told["headlines"]]
    kept = {"sentences": first, "notes": list(notes), "regions": told["regions"]}
    run.write("run", {**run.read("run"), "regions": kept})


def _of_regions(tables: Mapping[str, pl.DataFrame], settings: Settings) -> list[dict[str, Any]]:
    """Return what is said of each region; one whose points are another's says so."""
    told: list[dict[str, Any]] = []
    seen: list[tuple[str, pl.DataFrame]] = []
    measured = tables["region_points"].select(PLACE).unique(maintain_order=True)
    for row in measured.iter_rows(named=True):
        own = {name: frame.filter(**row) for name, frame in tables.items()}
        points = own["region_points"].drop("level", "name")
        title = title_of(row["level"], row["name"])
        same = next((first for first, known in seen if known.equals(points)), None)
        sentences = [f"The same members and figures as {same}."] if same else _sentences(own)
        seen.append((title, points))
        own_settings = settings[row["group"], row["level"], row["name"]]
        told.append({**row, "title": title, "sentences": sentences, "measured": own_settings})
    return told


def _settings_before(run: Run) -> Settings:
    told = run.read("run").get("regions", {}).get("regions", [])
    return {
        (one["group"], one["level"], one["name"]): one["measured"]
        for one in told
        if "measured" in one
    }


def _settings(region: SampledRegion, sampling: Sampling, data: Mapping[str, str]) -> dict[str, Any]:
    own = {group.name: data[group.name] for group in region.data}
    return {**sampling.as_dict(), "probe_version": PROBE_VERSION, "data": own}


def _holds(settings: Mapping[str, Any], data: Mapping[str, str]) -> bool:
    """Return whether losses measured with these settings would be the same now."""
    same_data = all(data.get(name) == key for name, key in settings["data"].items())
    return same_data and settings["probe_version"] == PROBE_VERSION


def _places(places: Sequence[tuple[str, str, str]]) -> pl.DataFrame:
    return pl.DataFrame(places, schema=dict.fromkeys(PLACE, pl.String), orient="row")


def _value(key: str, value: object) -> str:
    return _UNSAID[key] if value is None else str(value)


def _sentences(own: Mapping[str, pl.DataFrame]) -> list[str]:
    return [
        *order_sentences(own["region_orders"]),
        *line_sentences(own["region_curves"]),
        *radial_sentences(own["region_curves"], own["region_points"]),
        *star_sentence(own["stars"], own["region_points"]),
    ]
