"""Arithmetic on flat weight vectors: layout, lerp, mean, Gram matrix, low-rank algebra."""

from wsgeo.weights.arithmetic import lerp, mean, mix
from wsgeo.weights.geometry import cosines, distances, gram
from wsgeo.weights.headers import Header, TensorEntry, read_header
from wsgeo.weights.layout import Layout, Vector, Weights, lay_out, shared_spans
from wsgeo.weights.lowrank import (
    LowRankUpdate,
    adapter_scaling,
    inner_products,
    mean_of_factors,
    merge_adapter,
    product_mean,
)
from wsgeo.weights.slices import TensorSlices
from wsgeo.weights.tensors import read_tensors, stream_tensors, write_safetensors

__all__ = [
    "Header",
    "Layout",
    "LowRankUpdate",
    "TensorEntry",
    "TensorSlices",
    "Vector",
    "Weights",
    "adapter_scaling",
    "cosines",
    "distances",
    "gram",
    "inner_products",
    "lay_out",
    "lerp",
    "mean",
    "mean_of_factors",
    "merge_adapter",
    "mix",
    "product_mean",
    "read_header",
    "read_tensors",
    "shared_spans",
    "stream_tensors",
    "write_safetensors",
]
