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
from wsgeo.weights.layout import Layout, Vector, Weights, lay_out, shared_spans
from wsgeo.weights.tensors import read_span, read_tensors, stream_tensors, write_safetensors

__all__ = [
    "Header",
    "Layout",
    "TaskVectorGeometry",
    "TensorEntry",
    "Vector",
    "Weights",
    "cosines",
    "distances",
    "gram",
    "lay_out",
    "lerp",
    "mean",
    "mix",
    "read_header",
    "read_span",
    "read_tensors",
    "shared_spans",
    "span_grams",
    "stream_tensors",
    "task_vector_geometry",
    "write_safetensors",
]
