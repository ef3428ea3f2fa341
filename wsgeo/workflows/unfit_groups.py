"""What to say of a group of which no member can do its task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from wsgeo.counting import counted
from wsgeo.evaluation.gates import EndpointGate

_REASONS = {
    "order": (
        "the labels seem to stand in another order",
        "Give each member's labels in their right order in zoo.toml (`wsgeo check ZOO --write`).",
    ),
    "few": (
        "too few examples tell them from a constant",
        "Take more with --examples.",
    ),
    "weak": (
        "the loss or accuracy is that of a constant",
        "Train them for longer, or see that --data is their own task, read rightly (--label).",
    ),
    "nonfinite": (
        "the loss is not finite",
        "See that their weights were saved whole; the table of members names the fault.",
    ),
    "failed": (
        "they could not be evaluated",
        "The table of members names the fault of each; the same command tries again.",
    ),
}


def no_member_passes(gates: Mapping[str, EndpointGate]) -> str | None:
    """Return what to say of a group of which no member beats the constant predictor.

    Parameters
    ----------
    gates : mapping of str to EndpointGate
        Gate of each member, by id.

    Returns
    -------
    str or None
        The commonest reason with its remedy; None if a member passes, or there is none.

    Examples
    --------
    >>> broken = EndpointGate(False, "nonfinite", "the loss is not finite")
    >>> no_member_passes({"a": broken, "b": broken}).split(":")[0]
    'No member beats the constant predictor on this data, so no pair counts'
    >>> no_member_passes({"a": EndpointGate(True, "passed", ""), "b": broken}) is None
    True
    """
    if not gates or any(gate.passed for gate in gates.values()):
        return None
    kind, n = Counter(_kind(gate) for gate in gates.values()).most_common(1)[0]
    reason, remedy = _REASONS[kind]
    return (
        "No member beats the constant predictor on this data, so no pair counts: "
        f"{reason} ({n:,} of {counted(len(gates), 'member')}). {remedy}"
    )


def _kind(gate: EndpointGate) -> str:
    """Return the key of `_REASONS` that fits a failed gate."""
    if gate.status != "endpoint_failed":
        return gate.status
    if gate.label_order:
        return "order"
    better = (
        gate.loss is not None
        and gate.chance_loss is not None
        and gate.accuracy is not None
        and gate.chance_accuracy is not None
        and gate.loss < gate.chance_loss
        and gate.accuracy > gate.chance_accuracy
    )
    return "few" if better else "weak"
