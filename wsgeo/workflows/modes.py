"""How closely the lines of a group are looked at: every example, or as many as a question takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.evaluation.races import AbstractRacer
from wsgeo.graph.matrices import square
from wsgeo.graph.status import Tau, choose_tau
from wsgeo.paths.frames import PairTables
from wsgeo.paths.races import RaceRule
from wsgeo.paths.survey import PairSurvey
from wsgeo.paths.sweeps import Line
from wsgeo.workflows.group_results import Effort, GroupResult, chance_loss
from wsgeo.workflows.settings import ScanSettings

FEW: Final = 8
"""Members up to which a scan of every example shows no coarse map first."""

AUTO_SHARE: Final = 4
"""In the mode ``auto`` a race ends at this part of the examples: what is open then is measured."""

NEAR: Final = 2.0
"""Standard errors from the threshold within which the mode ``auto`` measures a pair."""

ROUNDING: Final = 0.005, 0.03
"""By how much bfloat16 may change a gap: in nats, and as a part of it, whichever is more."""

_ROUNDS = 3
_AT_ONCE = 32  # lines that are measured between two looks at the clock

Judge = Callable[[PairTables, Tau | None], GroupResult]


@final
@dataclass(frozen=True)
class Approach:
    """What decides how the lines of a group are looked at.

    Parameters
    ----------
    settings : ScanSettings
        Settings of the scan.
    order : ndarray of int64, shape (n_examples,)
        Random order of the examples, for races.
    judge : callable
        Tables, and a threshold or None, to basins and statuses, with few draws of the nulls.
    deadline : float, optional
        Time (`time.monotonic`) after which nothing more is begun.
    on_map : callable, optional
        Told of the coarse map.
    """

    settings: ScanSettings
    order: NDArray[np.int64]
    judge: Judge
    deadline: float | None = None
    on_map: Callable[[GroupResult], None] | None = None

    def follow(
        self, survey: PairSurvey, engine: AbstractRacer, tables: Callable[[], PairTables]
    ) -> tuple[Tau | None, Effort]:
        """Look at all lines, as closely as the mode says.

        Parameters
        ----------
        survey : PairSurvey
            The lines; what is found is added to it.
        engine : AbstractRacer
            Evaluates.
        tables : callable
            Returns the tables of the survey as it stands.

        Returns
        -------
        tuple of (Tau or None, Effort)
            The threshold if it is settled, and what was done.
        """
        mode = self.settings.mode
        if not self._begins_with_a_map(survey):
            engine.deadline = self.deadline
            self._measure(survey, survey.lines)
            return None, Effort(mode)
        races = survey.races(engine, self.order)
        survey.found |= races.glimpse()
        engine.deadline = self.deadline
        coarse = self.judge(tables(), None)
        if self.on_map is not None:
            self.on_map(coarse)
        tau = self._threshold(coarse)
        if mode == "exact" or tau.value is None:
            self._measure(survey, survey.lines if tau.value is None else races.by_doubt(tau.value))
            return None, Effort(mode)
        survey.found |= races.race(self._rule(tau.value))
        # What bets have decided holds at the threshold that they were made about, and at no other.
        settled = tau if mode == "edges" or self.settings.evidence == "betting" else None
        if mode == "auto":
            self._look_closer(survey, tables, settled)
        return settled, Effort(mode, races.n_verified, races.n_refuted)

    def _look_closer(
        self, survey: PairSurvey, tables: Callable[[], PairTables], tau: Tau | None
    ) -> None:
        """Measure what matters on every example; that moves a derived threshold, so more than once."""
        for _ in range(_ROUNDS):
            pairs = worth_measuring(self.judge(tables(), tau))
            if not pairs:
                return
            self._measure(survey, [survey.line_between(*pair) for pair in pairs])

    def _begins_with_a_map(self, survey: PairSurvey) -> bool:
        """Return whether a coarse map of all lines comes first."""
        if self.settings.head_policy == "refit":  # a glimpse has too few examples to fit a head
            return False
        many = len(survey.lines) > FEW * (FEW - 1) / 2
        return many or self.settings.mode != "exact" or self.deadline is not None

    def _measure(self, survey: PairSurvey, lines: Sequence[Line]) -> None:
        """Measure lines on every example; where time is short, in the order given."""
        at_once = _AT_ONCE if self.deadline is not None else max(1, len(lines))
        for start in range(0, len(lines), at_once):
            some = lines[start : start + at_once]
            survey.measure(some, refinements=self.settings.refinements)

    def _rule(self, tau: float) -> RaceRule:
        n = len(self.order)
        return RaceRule(
            tau,
            self.settings.error_level,
            betting=self.settings.evidence == "betting",
            most=-(-n // AUTO_SHARE) if self.settings.mode == "auto" else n,
            spanning=self.settings.skip_joined,
        )

    def _threshold(self, coarse: GroupResult) -> Tau:
        """Return the threshold that the coarse map suggests for gaps on all examples."""
        if self.settings.tau is not None:
            return coarse.tau
        ids = coarse.clusters.ids
        gaps, errors, seen = (
            square(coarse.pairs, ids, column)
            for column in ("convexity_gap", "convexity_gap_se", "n_examples")
        )
        smaller = np.sqrt(seen / len(self.order))
        found = choose_tau(
            gaps, errors * smaller, coarse.clusters.labels, chance_loss(coarse.gates)
        )
        if found.value is None:
            return found
        # Few digits, so that a further member seldom makes another question of every race.
        value = float(f"{found.value:.2g}")
        return Tau(value, f"{found.origin}, as glimpses of the middle of each line show them")


def worth_measuring(result: GroupResult) -> list[tuple[str, str]]:
    """Return the pairs of ids that the mode ``auto`` measures on every example.

    Parameters
    ----------
    result : GroupResult
        What races found.

    Returns
    -------
    list of (str, str)
        Pairs not measured so yet that are undecided or within `NEAR` standard errors of the threshold; and of each
        basin and each two basins the pair of median gap, the largest within and the smallest
        between: those that the report draws.
    """
    pairs = result.pairs.filter(pl.col("measured").cast(pl.String) == "measured")
    gap, se = pl.col("convexity_gap"), pl.col("convexity_gap_se")
    close = (gap - pl.col("tau")).abs() <= NEAR * se
    undecided = pl.col("status").cast(pl.String) == "undecided"
    inferred = pl.col("rule").cast(pl.String) == "inferred"
    known = pairs.filter(~inferred)
    open_pairs = known.filter(close | undecided).select("a", "b").rows()
    exact = set(known.filter(pl.col("rule").cast(pl.String) == "exact").select("a", "b").rows())
    wanted = dict.fromkeys([*open_pairs, *_typical(known, result.labels)])
    return [pair for pair in wanted if pair not in exact]


def _typical(pairs: pl.DataFrame, labels: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the pairs that stand for each basin, and for each two."""
    blocks: dict[tuple[int, int], list[tuple[float, str, str]]] = {}
    for a, b, gap in pairs.select("a", "b", "convexity_gap").iter_rows():
        one, other = sorted((labels.get(a, -1), labels.get(b, -1)))
        if one >= 0 and gap is not None:
            blocks.setdefault((one, other), []).append((gap, a, b))
    chosen = []
    for (one, other), found in blocks.items():
        found.sort()
        extreme = found[-1] if one == other else found[0]
        chosen += [found[len(found) // 2][1:], extreme[1:]]
    return chosen


def close_to_threshold(result: GroupResult) -> list[tuple[str, str]]:
    """Return the pairs whose status the rounding of bfloat16 could change.

    Parameters
    ----------
    result : GroupResult
        What was found in that format.

    Returns
    -------
    list of (str, str)
        Pairs of ids whose gap, or a limit of it, is within `ROUNDING` of the threshold.
    """
    gap, tau = ("convexity_gap", "convexity_gap_lo", "convexity_gap_hi"), pl.col("tau")
    reach = pl.max_horizontal(pl.lit(ROUNDING[0]), ROUNDING[1] * tau)
    rule = pl.col("rule").cast(pl.String)
    # What bets decided has the threshold itself for a limit; a glimpse is not worth a closer look.
    counts = [(rule != "coarse") & ((rule != "betting") | (name == gap[0])) for name in gap]
    near = [
        (pl.col(name) - tau).abs().le(reach) & each for name, each in zip(gap, counts, strict=True)
    ]
    return result.pairs.filter(pl.any_horizontal(near)).select("a", "b").rows()
