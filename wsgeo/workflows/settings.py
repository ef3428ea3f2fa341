"""What a scan is asked to do, besides which zoo and which data."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Final, final

from wsgeo.errors import WsgeoError
from wsgeo.evaluation.heads import HeadPolicy
from wsgeo.paths.sequences import BOUND

PRECISIONS: Final = ("fp32", "bf16")
MODES: Final = ("exact", "edges", "auto")
EVIDENCE: Final = ("normal", "betting")


@final
@dataclass(frozen=True)
class ScanSettings:
    """Settings of a scan; they are stored with its results.

    Parameters
    ----------
    n_examples : int
        Examples on which a loss is the mean; a stratified, seeded subset.
    n_points : int
        Positions along a path, both ends included; odd, so that 0.5 is one of them.
    head_policy : str
        What becomes of the head along a path, a `wsgeo.evaluation.heads.HeadPolicy`.
    tau : float or None
        Threshold between connected and separated, in nats per example; None derives it.
    seed : int
        Seed of subsets, masks, bootstraps and nulls.
    n_resamples : int
        Bootstrap resamples per pair.
    n_draws : int
        Draws of each null.
    token_budget : int
        Tokens per batch.
    refinements : int
        How often positions are added to a line whose grid may miss what matters of its gap.
    precision : str
        Number format of the forward pass: ``fp32``, or ``bf16`` with the pairs near the threshold
        measured again in ``fp32``.
    mode : str
        ``exact`` (every position, every example), ``edges`` (only whether a gap is above the
        threshold, on as few examples as that takes) or ``auto`` (edges, then exact where it is
        close, and for typical pairs).
    error_level : float
        Probability that a race says wrongly on which side of the threshold a gap is.
    evidence : str
        What a race counts on: ``normal`` (sums of examples are about normal) or ``betting`` (holds
        for any number of examples and any distribution, and needs more of them).
    skip_joined : bool
        Whether races leave out pairs that connected pairs join.

    Raises
    ------
    WsgeoError
        If a value is out of range.

    Examples
    --------
    >>> ScanSettings(n_points=5).positions
    (0.0, 0.25, 0.5, 0.75, 1.0)
    """

    n_examples: int = 512
    n_points: int = 11
    head_policy: str = "interpolate"
    tau: float | None = None
    seed: int = 0
    n_resamples: int = 1000
    n_draws: int = 200
    token_budget: int = 1024
    refinements: int = 3
    precision: str = "fp32"
    mode: str = "exact"
    error_level: float = 0.01
    evidence: str = "normal"
    skip_joined: bool = False

    def __post_init__(self) -> None:
        """Refuse grids without a middle, and counts that are too small."""
        if self.n_points < 3 or self.n_points % 2 == 0:
            raise WsgeoError(
                f"--points is {self.n_points}",
                remedy="Take an odd number of at least 3, so that the middle is a point.",
            )
        if self.n_examples < 2:
            raise WsgeoError(f"--examples is {self.n_examples}", remedy="Take at least 2.")
        if self.head_policy not in set(HeadPolicy):
            raise WsgeoError(
                f"--head-policy is {self.head_policy!r}",
                remedy=f"Take one of {', '.join(HeadPolicy)}.",
            )
        if self.tau is not None and not self.tau > 0:
            raise WsgeoError(f"--tau is {self.tau}", remedy="Take a positive number, or auto.")
        if not 0 < self.error_level < 0.5:
            raise WsgeoError(
                f"--error-level is {self.error_level}",
                remedy="Take a probability, such as 0.01.",
            )
        self._check_choices()

    def _check_choices(self) -> None:
        """Refuse unknown words, and races about a head that is fitted to half of all examples."""
        for option, value, choices in (
            ("--precision", self.precision, PRECISIONS),
            ("--mode", self.mode, MODES),
            ("--evidence", self.evidence, EVIDENCE),
        ):
            if value not in choices:
                raise WsgeoError(
                    f"{option} is {value!r}", remedy=f"Take one of {', '.join(choices)}."
                )
        if self.evidence == "betting" and self.tau is not None and self.tau >= BOUND:
            raise WsgeoError(
                f"--evidence betting cuts excesses off at {BOUND:g} nats, and --tau is {self.tau}",
                remedy="Take --evidence normal, or a lower threshold.",
            )
        if self.mode != "exact" and self.head_policy == HeadPolicy.REFIT:
            raise WsgeoError(
                f"--mode {self.mode} cannot be combined with --head-policy refit",
                remedy="A head is fitted to half of all examples: take --mode exact.",
            )
        idle = [("--skip-joined", self.skip_joined), ("--evidence", self.evidence != "normal")]
        for option, given in idle:
            if given and self.mode == "exact":
                raise WsgeoError(
                    f"{option} is for --mode edges or auto", remedy="Leave it out, or take a mode."
                )

    @property
    def positions(self) -> tuple[float, ...]:
        """The positions ``t``, from 0 to 1."""
        return tuple(i / (self.n_points - 1) for i in range(self.n_points))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return dataclasses.asdict(self)

    def as_toml(self) -> str:
        """Return the settings as TOML; ``tau`` is ``"auto"`` where it is derived."""
        values = {**self.as_dict(), "tau": "auto" if self.tau is None else self.tau}
        return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
