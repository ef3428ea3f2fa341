"""Arithmetic on flat weight vectors: layout, lerp, mean, Gram matrix, low-rank algebra."""

from wsgeo.weights.arithmetic import lerp, mean, mix
from wsgeo.weights.headers import Header, TensorEntry, read_header
from wsgeo.weights.layout import Layout, Vector, Weights
from wsgeo.weights.tensors import read_span, read_tensors, stream_tensors, write_safetensors

__all__ = [
    "Header",
    "Layout",
    "TensorEntry",
    "Vector",
    "Weights",
    "lerp",
    "mean",
    "mix",
    "read_header",
    "read_span",
    "read_tensors",
    "stream_tensors",
    "write_safetensors",
]
