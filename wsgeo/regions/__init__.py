"""Regions of weight space: their groups, their losses inside and outside, merges, and starts."""

from wsgeo.regions.adapter_folders import write_adapter_folder
from wsgeo.regions.adapters import Adapter, load_adapter, mean_adapter
from wsgeo.regions.affine_merges import (
    GeometricMedian,
    Mean,
    Medoid,
    ModelStock,
    TaskArithmetic,
    Weighted,
)
from wsgeo.regions.cards import Origin
from wsgeo.regions.centroids import largest_gap, medoid, refuse_across_barrier
from wsgeo.regions.encoders import encoder_mean, in_frame
from wsgeo.regions.fisher_merges import FisherMean
from wsgeo.regions.folders import ModelTemplate, write_model_folder
from wsgeo.regions.gains import gains
from wsgeo.regions.greedy_soups import GreedySoup, greedy_soup
from wsgeo.regions.merging import AbstractMerge, Merged, merge
from wsgeo.regions.orders import region_orders
from wsgeo.regions.sampling import hull_samples
from wsgeo.regions.sign_merges import Dare, Ties
from wsgeo.regions.stars import stars
from wsgeo.regions.tables import CENTROIDS, CentroidPlan, Evidence, Variant, centroid_row
from wsgeo.regions.transferability import h_score, log_me, probe_scores

__all__ = [
    "CENTROIDS",
    "AbstractMerge",
    "Adapter",
    "CentroidPlan",
    "Dare",
    "Evidence",
    "FisherMean",
    "GeometricMedian",
    "GreedySoup",
    "Mean",
    "Medoid",
    "Merged",
    "ModelStock",
    "ModelTemplate",
    "Origin",
    "TaskArithmetic",
    "Ties",
    "Variant",
    "Weighted",
    "centroid_row",
    "encoder_mean",
    "gains",
    "greedy_soup",
    "h_score",
    "hull_samples",
    "in_frame",
    "largest_gap",
    "load_adapter",
    "log_me",
    "mean_adapter",
    "medoid",
    "merge",
    "probe_scores",
    "refuse_across_barrier",
    "region_orders",
    "stars",
    "write_adapter_folder",
    "write_model_folder",
]
