"""What the demo prints at its end."""

import pytest

from wsgeo.commands.demo import _page


@pytest.mark.parametrize(
    ("better", "line"),
    [
        (
            1,
            "Centroid of basin 1, the one that is right more often there: loss 2e-05, its members ",
        ),
        (None, "Centroid of basin 1, the largest: loss 2e-05, its members "),
    ],
)
def test_the_closing_text_says_which_basin_the_centroid_is_of(better, line):
    """The centroid's basin is named with the reason for choosing it."""
    centroid = {"group": "1", "loss": 2e-05, "mean_member_loss": 0.00978, "folder": "f"}
    found = {"verdict": ["Two basins."], "strategies": [], "better": better, "centroid": centroid}
    lines = _page({**found, "seconds": 1.0, "report": "r", "next": []})

    assert lines[2] == line + "0.00978 on average; saved in f"
