"""Arithmetic on flat weight vectors: layout, lerp, mean, Gram matrix, low-rank algebra."""
