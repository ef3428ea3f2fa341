"""Diagnostic sets on which placed models are scored, beside what their basins predict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import polars as pl

from wsgeo.errors import DataError
from wsgeo.probing import DiagnosticSet, find_sets, load_set
from wsgeo.store import Run
from wsgeo.workflows.diagnosis import Questions, ask, prepare
from wsgeo.workflows.placing_lines import EngineParts
from wsgeo.workflows.settings import ScanSettings
from wsgeo.workflows.sources import GroupData
from wsgeo.workflows.suites import Suite
from wsgeo.zoo import Checkpoint

_RENAMED = " (set)"
"""What is added to the name of a set that is called like the task."""


@final
@dataclass(frozen=True)
class Checks:
    """The sets of a run that are still there.

    Parameters
    ----------
    questions : Questions
        Encoded for the loss group.
    notes : tuple of str
        Sentences about sets that are not.
    """

    questions: Questions
    notes: tuple[str, ...] = ()

    @property
    def n_texts(self) -> int:
        """Texts that each model is asked."""
        return self.questions.n_examples

    def ask(
        self, group: GroupData, models: Sequence[Checkpoint], parts: EngineParts
    ) -> pl.DataFrame:
        """Score models of the group on the sets.

        Parameters
        ----------
        group : GroupData
            Members and examples of the scan.
        models : sequence of Checkpoint
            At least one.
        parts : EngineParts
            Processes and settings.

        Returns
        -------
        DataFrame
            Schema `wsgeo.probing.tables.SCORES`.
        """
        asked = dataclasses.replace(group, members=tuple(models))
        return ask(
            asked, self.questions, pool=parts.pool, ledger=parts.ledger,
            settings=parts.settings, progress=parts.progress,
        ).scores  # fmt: skip


def prepare_checks(
    group: GroupData,
    scores: pl.DataFrame,
    run: Run,
    settings: ScanSettings,
    suite_path: str | Path | None = None,
) -> Checks:
    """Load and encode the sets that members of a group were scored on.

    Parameters
    ----------
    group : GroupData
        Members and examples of the scan.
    scores : DataFrame
        Their scores.
    run : Run
        The run.
    settings : ScanSettings
        Of the scan.
    suite_path : str or Path, optional
        A folder of the user's own sets.

    Returns
    -------
    Checks
        With a note for each set that cannot be asked any more.
    """
    known, sets, notes = find_sets(suite_path), list[DiagnosticSet](), list[str]()
    names = scores.filter(pl.col("outcome").cast(pl.String) == "measured")["set"].unique()
    for name in sorted(names):
        folder = known.get(name, known.get(name.removesuffix(_RENAMED)))
        if folder is None:
            remedy = "Name the folder of your sets with --suite-path."
            notes.append(_note(name, f"there is no such set here. {remedy}"))
            continue
        try:
            sets.append(load_set(folder))
        except DataError as error:
            notes.append(_note(name, str(error)))
    questions = prepare(group, Suite(tuple(sets), named=True, probes=False), run, settings)
    notes += [_note(name, why) for name, why in questions.refused.items()]
    return Checks(questions, tuple(notes))


def _note(name: str, why: str) -> str:
    return f"Scores on {name} are predicted and not checked: {why}"
