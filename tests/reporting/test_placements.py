"""How far predictions of members that were held out lie from their scores."""

import polars as pl

from wsgeo.probing.tables import PREDICTIONS
from wsgeo.reporting.placements import placements
from wsgeo.store import TABLES


def test_rounding_puts_no_score_outside_its_interval():
    """A score at the end of its interval counts as inside, though the end is rounded."""
    row = {
        "id": "a", "held_out": True, "set": "s", "slice": "all",
        "predicted": 0.1 + 0.2, "lo": 0.1 + 0.2, "hi": 0.4, "everyone": 0.5, "actual": 0.3,
    }  # fmt: skip
    frames = {
        "placements": pl.DataFrame(schema=TABLES["placements"]),
        "predictions": pl.DataFrame([row], schema={"group": pl.String, **PREDICTIONS}),
    }

    assert placements(frames, [], [])["errors"][0]["covered"] == 1
