"""What the demo prints at its end."""

import pytest

from wsgeo.commands.demo import _page


@pytest.mark.parametrize(("better", "why"), [(1, "right more often"), (None, "the largest")])
def test_the_closing_text_says_which_basin_the_centroid_is_of(better, why):
    """The centroid's basin is named with the reason for choosing it."""
    centroid = {"group": "1", "loss": 2e-05, "mean_member_loss": 0.00978, "folder": "f"}
    found = {"verdict": ["Two basins."], "strategies": [], "better": better, "centroid": centroid}
    text = _page({**found, "seconds": 1.0, "report": "r", "next": []})

    assert (
        f"Centroid of basin 1, the {'one that is ' if better else ''}{why.removeprefix('the ')}"
        in text
    )
    assert "loss 2e-05, its members 0.00978 on average" in text
