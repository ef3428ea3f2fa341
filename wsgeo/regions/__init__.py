"""Regions of weight space and their centroids."""

from wsgeo.regions.adapter_folders import write_adapter_folder
from wsgeo.regions.adapters import Adapter, load_adapter, mean_adapter
from wsgeo.regions.cards import Origin
from wsgeo.regions.centroids import largest_gap, mean_weights, medoid, refuse_across_barrier
from wsgeo.regions.encoders import encoder_mean, in_frame
from wsgeo.regions.folders import ModelTemplate, write_model_folder
from wsgeo.regions.tables import CENTROIDS, CentroidPlan, Evidence, Variant, centroid_row

__all__ = [
    "CENTROIDS",
    "Adapter",
    "CentroidPlan",
    "Evidence",
    "ModelTemplate",
    "Origin",
    "Variant",
    "centroid_row",
    "encoder_mean",
    "in_frame",
    "largest_gap",
    "load_adapter",
    "mean_adapter",
    "mean_weights",
    "medoid",
    "refuse_across_barrier",
    "write_adapter_folder",
    "write_model_folder",
]
