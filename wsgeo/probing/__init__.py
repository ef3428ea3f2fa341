"""Diagnostic sets to score table to what a basin's strategy is."""

from __future__ import annotations

from wsgeo.probing.scores import encode_sets, score_members, wilson_interval
from wsgeo.probing.sets import DiagnosticSet, find_sets, load_set
from wsgeo.probing.strategies import Strategies, basin_profile
from wsgeo.probing.tables import CONTRASTS, PROFILE, SCORES

__all__ = [
    "CONTRASTS",
    "PROFILE",
    "SCORES",
    "DiagnosticSet",
    "Strategies",
    "basin_profile",
    "encode_sets",
    "find_sets",
    "load_set",
    "score_members",
    "wilson_interval",
]
