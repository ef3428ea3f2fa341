"""How the user wants members merged: a method, and the settings that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Never, final

from wsgeo.errors import WsgeoError
from wsgeo.regions.affine_merges import (
    GeometricMedian,
    Mean,
    Medoid,
    ModelStock,
    TaskArithmetic,
    Weighted,
)
from wsgeo.regions.merging import AbstractMerge, shares_of
from wsgeo.regions.sign_merges import Dare, Ties
from wsgeo.regions.tables import IN_SAMPLE, TITLES, short_hash

METHODS: Final = tuple(TITLES)
"""What the command line calls the methods."""

LINEAR: Final = frozenset({"mean", "weighted", "medoid", "greedy", "median", "arithmetic"})
"""Methods whose result is one linear combination of members and base throughout."""

PAPERS: Final[Mapping[str, str]] = {
    "arithmetic": "ilharco2023",
    "dare": "yu2024",
    "fisher": "matena2022",
    "greedy": "wortsman2022",
    "median": "vardi2000",
    "stock": "jang2024",
    "ties": "yadav2023",
}
"""Key of the paper that a method is from; methods that are not named have none."""

_TAKEN_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "weights": ("weighted", "arithmetic", "ties", "dare"),
    "scale": ("arithmetic", "ties", "dare"),
    "density": ("ties", "dare"),
    "seed": ("dare", "greedy", "fisher"),
    "per": ("stock",),
}

_KINDS: Final[Mapping[str, Callable[..., AbstractMerge]]] = {
    Mean.name: Mean,
    Weighted.name: Weighted,
    Medoid.name: Medoid,
    GeometricMedian.name: GeometricMedian,
    TaskArithmetic.name: TaskArithmetic,
    ModelStock.name: ModelStock,
    Ties.name: Ties,
    Dare.name: Dare,
}


@final
@dataclass(frozen=True)
class MergeRequest:
    """A method of merging with its settings; None stands for the method's own default.

    Parameters
    ----------
    method : str, default 'mean'
        One of `METHODS`.
    weights : str or sequence of float, optional
        One weight per member, in the order of their ids: ``0.9,0.1`` or ``ID=0.9,ID=0.1``.
    scale : float, optional
        Multiple of what is added to the base.
    density : float, optional
        Share of the entries of a task vector that is kept.
    seed : int, optional
        Of what is drawn.
    per : {"layer", "tensor"}, optional
        What has a share of its own in Model Stock.

    Raises
    ------
    WsgeoError
        If there is no such method, or it does not take a setting.
    """

    method: str = "mean"
    weights: str | Sequence[float] | None = None
    scale: float | None = None
    density: float | None = None
    seed: int | None = None
    per: Literal["layer", "tensor"] | None = None

    def __post_init__(self) -> None:
        """Refuse unknown methods, and settings that the method does not take."""
        if self.method not in METHODS:
            raise WsgeoError(
                f"no method is called {self.method}", remedy=f"Choose among {', '.join(METHODS)}."
            )
        for name, methods in _TAKEN_BY.items():
            if getattr(self, name) is not None and self.method not in methods:
                raise WsgeoError(
                    f"--{name} is for --method {' or '.join(methods)}, and the method is "
                    f"{self.method}",
                    remedy=f"Leave out --{name}, or choose one of them.",
                )
        if self.method == "weighted" and self.weights is None:
            raise WsgeoError("a weighted mean needs weights", remedy="Pass --weights 0.9,0.1.")

    @property
    def is_linear(self) -> bool:
        """Whether the result is one linear combination of members and base throughout."""
        return self.method in LINEAR

    @property
    def needs_losses(self) -> bool:
        """Whether the members must be measured on data for it."""
        return self.method in IN_SAMPLE

    def suffix(self, ids: Sequence[str]) -> str:
        """Return what it adds to the name of a centroid: method and settings, where they are given.

        Parameters
        ----------
        ids : sequence of str
            Ids of the members.

        Returns
        -------
        str
            Empty for the mean. Weights are told by a hash of their shares; equal ones are not told.

        Raises
        ------
        WsgeoError
            If the weights do not match the members.

        Examples
        --------
        >>> MergeRequest("ties", "b=1,a=3", scale=0.5).suffix(["a", "b"])
        '-ties-scale-0.5-weights-79779a'
        """
        parts = [] if self.method == "mean" else [self.method]
        parts += [] if self.scale is None else [f"scale-{self.scale:g}"]
        parts += [] if self.density is None else [f"density-{self.density:g}"]
        parts += [] if self.seed is None else [f"seed-{self.seed:d}"]
        parts += [] if self.per is None else [f"per-{self.per}"]
        if self.weights is not None:
            shares = shares_of(_weights(self.weights, ids), len(ids))
            told = ",".join(f"{share:.6g}" for share in shares)
            parts += [f"weights-{short_hash(told)}"] if len(set(shares)) > 1 else []
        return "".join(f"-{part}" for part in parts)

    def merge_of(self, ids: Sequence[str]) -> AbstractMerge:
        """Return the method for some members, where it takes nothing but them.

        Parameters
        ----------
        ids : sequence of str
            Ids of the members.

        Returns
        -------
        AbstractMerge
            With the settings.

        Raises
        ------
        WsgeoError
            If a setting is out of its range, or the weights do not match the members.
        ValueError
            If the method takes losses.

        Examples
        --------
        >>> MergeRequest("weighted", "b=1,a=3").merge_of(["a", "b"])
        Weighted(weights=(3.0, 1.0))
        """
        weights = () if self.weights is None else _weights(self.weights, ids)
        given: dict[str, object] = {
            "scale": self.scale,
            "density": self.density,
            "seed": self.seed,
            "per": self.per,
        }
        settings = {name: value for name, value in given.items() if value is not None}
        if self.weights is not None:
            settings["weights"] = weights
        if self.needs_losses:
            raise ValueError(f"The method {self.method} takes losses.")
        try:
            return _KINDS[self.method](**settings)
        except ValueError as error:
            raise WsgeoError(
                str(error).rstrip("."), remedy=f"Change the settings of --method {self.method}."
            ) from error


def _weights(given: str | Sequence[float], ids: Sequence[str]) -> tuple[float, ...]:
    """Return one weight per member."""
    if not isinstance(given, str):
        values = tuple(float(weight) for weight in given)
    elif "=" in given:
        return _by_id(given, ids)
    else:
        values = tuple(_number(part) for part in given.split(","))
    if len(values) != len(ids):
        _refuse(f"{len(ids)} members need as many weights, not {len(values)}", ids)
    return values


def _by_id(given: str, ids: Sequence[str]) -> tuple[float, ...]:
    parts = [part.rpartition("=") for part in given.split(",")]
    named = {name.strip(): _number(value) for name, _, value in parts}
    if unknown := [name for name in named if name not in ids]:
        _refuse(f"--weights names {unknown[0]!r}, which is no member", ids)
    if missing := [name for name in ids if name not in named]:
        _refuse(f"--weights names no weight for {missing[0]}; 0 leaves a member out", ids)
    return tuple(named[name] for name in ids)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise WsgeoError(
            f"--weights holds {text.strip()!r}, which is no number",
            remedy="Write 0.9,0.1 or ID=0.9,ID=0.1.",
        ) from error


def _refuse(what: str, ids: Sequence[str]) -> Never:
    raise WsgeoError(what, remedy=f"The members are {', '.join(ids)}.")
