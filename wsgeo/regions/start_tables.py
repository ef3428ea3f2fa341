"""The tables of a choice of a start model: candidates, fine-tunings, and what each start gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

STARTS = pl.Schema({
    "target": pl.String(),  # name of the target data
    "shots": pl.Int64(),  # training examples of the target; null for all
    "start": pl.String(),  # name of the candidate, such as base, centroid of all, soup of snli
    "kind": pl.String(),  # base, member, medoid, centroid, soup
    "level": pl.String(),  # of the region: dataset, task, general, basin; null for base and members
    "members": pl.List(pl.String),  # whose encoders are averaged; the member itself; none for base
    "weights": pl.List(pl.Float64),  # their shares, summing to 1
    "left_out": pl.List(pl.String),  # members of the region that know the target, or were named
    "probe_loss": pl.Float64(),  # nats per example, of a linear probe on held-out examples
    "probe_metric": pl.Float64(),  # fraction in [0, 1]
    "logme": pl.Float64(),  # log evidence per example of a linear model of the labels
    "h_score": pl.Float64(),  # trace of the between-class over the whole feature covariance
    "few_step_loss": pl.Float64(),  # nats per example, held out, after a few updates; null if not asked
    "rank": pl.Int64(),  # by the cheap score that was used, from 1; null for the base
    "is_tried": pl.Boolean(),  # whether it was fine-tuned
    "note": pl.String(),  # such as the copy it equals, or null
})  # fmt: skip
"""Stage 1: one row per target and candidate."""

RANKS: Final[Mapping[str, tuple[str, int]]] = {
    "probe": ("probe_loss", 1),
    "logme": ("logme", -1),
    "h-score": ("h_score", -1),
    "few-step": ("few_step_loss", 1),
}
"""Column of `STARTS` by which each ranking goes, and the sign that makes less the better."""

TRIALS = pl.Schema({
    "target": pl.String(), "shots": pl.Int64(), "start": pl.String(),
    "method": pl.String(),  # full, lora, bitfit, probe
    "seed": pl.Int64(),  # of the head, of the order of the examples, and of the shots
    "status": pl.String(),  # trained, degenerate, nonfinite, failed
    "reason": pl.String(),
    "train_loss": pl.Float64(),  # nats per example
    "loss": pl.Float64(),  # nats per example, on the target's held-out examples
    "metric": pl.Float64(),  # accuracy, a fraction in [0, 1]
    "steps": pl.Int64(),
    "seconds": pl.Float64(),
    "right": pl.List(pl.Boolean),  # each held-out example, in their order; null where not known
})  # fmt: skip
"""Stage 2: one row per fine-tuning."""

GAINS = pl.Schema({
    "target": pl.String(),  # all targets together: *
    "shots": pl.Int64(), "method": pl.String(),
    "start": pl.String(),  # name of the candidate
    "kind": pl.String(),
    "n": pl.Int64(),  # seeds; for all targets, targets
    "base_metric": pl.Float64(), "metric": pl.Float64(),  # means over the seeds that both have
    "gain": pl.Float64(),  # metric less that of the base, paired by seed, a difference of fractions
    # 95 %: over seeds, widened for looks and to what the held-out examples allow; for all targets
    # over targets; null with one
    "gain_lo": pl.Float64(), "gain_hi": pl.Float64(),
    "loss_gain": pl.Float64(),  # loss of the base less that of the start, nats per example
    "outcome": pl.String(),  # win, tie, loss; for all targets null
    "wins": pl.Int64(), "ties": pl.Int64(), "losses": pl.Int64(),  # of all targets, else null
    "seconds": pl.Float64(),  # of its fine-tunings
    "is_chosen": pl.Boolean(),  # the start that is recommended for this target
    "stage_agreement": pl.Float64(),  # rank correlation of cheap score and metric, or null
})  # fmt: skip
"""What each start gains over the base: one row per target and start, and one per start over all."""
