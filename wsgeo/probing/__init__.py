"""Diagnostic sets and probes to tables of answers to what a basin's strategy is."""

from __future__ import annotations

from wsgeo.probing.coordinates import basin_coordinate
from wsgeo.probing.detectable import detectable_difference
from wsgeo.probing.headlines import headlines
from wsgeo.probing.held_out import HeldOut, hold_out
from wsgeo.probing.intervals import wilson_interval
from wsgeo.probing.lines import LineTables, choose_lines, measure_lines, ridge_sentences
from wsgeo.probing.predictors import predictors
from wsgeo.probing.probes import encode_probes, probe_members
from wsgeo.probing.scores import encode_sets, score_members, unknown_share
from wsgeo.probing.sets import DiagnosticSet, find_sets, load_set
from wsgeo.probing.strategies import Strategies, basin_profile
from wsgeo.probing.tables import CONTRASTS, PROBES, PROFILE, SCORES

__all__ = [
    "CONTRASTS",
    "PROBES",
    "PROFILE",
    "SCORES",
    "DiagnosticSet",
    "HeldOut",
    "LineTables",
    "Strategies",
    "basin_coordinate",
    "basin_profile",
    "choose_lines",
    "detectable_difference",
    "encode_probes",
    "encode_sets",
    "find_sets",
    "headlines",
    "hold_out",
    "load_set",
    "measure_lines",
    "predictors",
    "probe_members",
    "ridge_sentences",
    "score_members",
    "unknown_share",
    "wilson_interval",
]
