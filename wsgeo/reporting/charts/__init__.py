"""Charts: each takes the summary and returns a Vega-Lite specification; none computes.

A specification names its data sets (``cells``, ``bands``, ...) and holds no text of the zoo: not in
keys, titles, domains or expressions. The page's own script fills the data sets and sets the
parameters that link the views: ``chosen`` (one truth value per member, or null), ``picked`` (row of
a pair), ``threshold`` (nats per example), and the colours of the theme.
"""

from wsgeo.reporting.charts.catalogue import charts

__all__ = ["charts"]
