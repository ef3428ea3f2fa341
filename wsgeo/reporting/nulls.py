"""The draws of the nulls, counted for a chart."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

N_BINS: Final = 30


def draw_counts(draws: pl.DataFrame) -> pl.DataFrame:
    """Count the draws of each null in bins that all nulls share.

    A bin without draws is a row too: a curve must not bridge it.

    Parameters
    ----------
    draws : polars.DataFrame
        One row per draw: ``null`` (its name) and ``statistic``.

    Returns
    -------
    polars.DataFrame
        One row per null and bin: ``null``, ``statistic`` (the middle of the bin) and ``draws``;
        no rows where no statistic is finite.

    Examples
    --------
    >>> draw_counts(pl.DataFrame({"null": ["a"] * 3, "statistic": [0.0, 0.0, 3.0]})).head(2).rows()
    [('a', 0.05, 2), ('a', 0.15000000000000002, 0)]
    """
    finite = draws.filter(pl.col("statistic").is_finite())
    if not finite.height:
        return draws.select("null", "statistic", draws=pl.lit(0)).clear()
    edges = np.histogram_bin_edges(finite["statistic"], bins=N_BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    return pl.concat(
        pl.DataFrame(
            {"null": null, "statistic": middles, "draws": np.histogram(own["statistic"], edges)[0]}
        )
        for (null,), own in finite.group_by("null", maintain_order=True)
    )
