"""Arithmetic on flat weight vectors: layout, lerp, mean, Gram matrix, low-rank algebra."""

from wsgeo.weights.arithmetic import lerp, mean, mix
from wsgeo.weights.geometry import (
    TaskVectorGeometry,
    cosines,
    distances,
    gram,
    span_grams,
    task_vector_geometry,
)
from wsgeo.weights.headers import Header, TensorEntry, read_header
from wsgeo.weights.layout import Layout, Vector, Weights, lay_out, merge_spans, shared_spans
from wsgeo.weights.lowrank import (
    LowRankUpdate,
    adapter_scaling,
    inner_products,
    mean_of_factors,
    merge_adapter,
    product_mean,
)
from wsgeo.weights.tensors import read_tensors, stream_tensors, write_safetensors

__all__ = [
    "Header",
    "Layout",
    "LowRankUpdate",
    "TaskVectorGeometry",
    "TensorEntry",
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
    "merge_spans",
    "mix",
    "product_mean",
    "read_header",
    "read_tensors",
    "shared_spans",
    "span_grams",
    "stream_tensors",
    "task_vector_geometry",
    "write_safetensors",
]
