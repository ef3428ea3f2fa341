"""What is said of a group that cannot do its task."""

import pytest

from wsgeo.evaluation.gates import EndpointGate
from wsgeo.workflows.unfit_groups import no_member_passes

WEAK = EndpointGate(False, "endpoint_failed", "r", 1.2, 1.3, 1.1, 0.3, 0.2, 0.33)
FEW = EndpointGate(False, "endpoint_failed", "r", 1.0, 1.3, 1.1, 0.5, 0.2, 0.33)
ORDER = EndpointGate(False, "endpoint_failed", "r", 5.0, 5.3, 1.1, 0, 0, 0.33, ("b", "a"))


@pytest.mark.parametrize(
    ("gate", "reason", "remedy"),
    [
        (WEAK, "that of a constant (2 of 3 members)", "--data"),
        (FEW, "too few examples", "--examples"),
        (ORDER, "another order", "zoo.toml"),
        (EndpointGate(False, "nonfinite", "r"), "not finite", "weights"),
        (EndpointGate(False, "failed", "r"), "could not be evaluated", "tries again"),
    ],
)
def test_the_commonest_reason_has_its_remedy(gate, reason, remedy):
    """Of several reasons the most frequent one is told, with what to do."""
    other = FEW if gate is WEAK else WEAK
    sentence = no_member_passes({"a": other, "b": gate, "c": gate})

    assert sentence.startswith("No member beats the constant predictor")
    assert reason in sentence
    assert remedy in sentence.split(") ")[-1]


def test_one_that_passes_is_enough():
    """Where a member passes, or there is none at all, nothing is said."""
    assert no_member_passes({"a": WEAK, "b": EndpointGate(True, "passed", "")}) is None
    assert no_member_passes({}) is None
