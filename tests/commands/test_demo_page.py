"""What the demo prints at its end."""

import pytest

from wsgeo.commands.demo import _page


@pytest.mark.parametrize(
    ("better", "basin"),
    [(1, "basin 1, the one that is right more often there"), (None, "basin 1, the largest")],
)
def test_the_closing_text_says_which_basin_the_centroid_is_of(better, basin):
    """The centroid's basin is named with the reason for choosing it."""
    centroid = {"group": "1", "loss": 2e-05, "mean_member_loss": 0.00978, "folder": "f"}
    centroid |= {"best_member": "stem", "best_member_loss": 2.5e-06}
    found = {"verdict": ["Two basins."], "strategies": [], "better": better, "centroid": centroid}
    lines = _page({**found, "seconds": 1.0, "report": "r", "next": []})

    assert lines[2] == (
        f"Centroid of {basin}: loss 2e-05, its members 0.00978 on average, the best "
        "stem 2.5e-06; saved in f"
    )
