"""A layout says where each tensor lies, and what two models share."""

from __future__ import annotations

import numpy as np
import pytest

from wsgeo.weights.layout import Layout, Weights, lay_out, shared_spans

MODEL = Layout(("a.weight", "b.bias", "head.weight"), ((2, 3), (), (4,)))


class TestLayout:
    """Names, shapes and places."""

    def test_spans_cover_the_vector(self):
        """The spans follow each other and end at the number of parameters."""
        spans = [MODEL.span(name) for name in MODEL.names]

        assert spans == [slice(0, 6), slice(6, 7), slice(7, 11)]
        assert MODEL.n_parameters == 11

    def test_tensors_are_views(self):
        """A tensor shares memory with the flat vector."""
        weights = Weights(MODEL, np.arange(11, dtype=np.float32))

        weights.tensor("a.weight")[1, 2] = 50

        assert weights.vector[5] == 50
        assert weights.tensor("b.bias").shape == ()

    def test_misuse_is_refused(self):
        """Unsorted or repeated names, other lengths and types are errors."""
        for names, shapes in [(("b", "a"), ((), ())), (("a", "a"), ((), ())), (("a",), ())]:
            with pytest.raises(ValueError, match=r"[Nn]ames"):
                Layout(names, shapes)
        for vector in (np.zeros(10, np.float32), np.zeros(11)):
            with pytest.raises(ValueError, match="asks for"):
                Weights(MODEL, vector)


class TestSharedSpans:
    """What a model has in common with its base."""

    def test_the_head_and_reshaped_tensors_are_left_out(self):
        """Only tensors of the same name and shape are shared."""
        base = Layout(("a.weight", "b.bias", "mask"), ((2, 3), (1,), (9,)))

        assert shared_spans(MODEL, base) == [slice(0, 6)]
        assert shared_spans(MODEL, MODEL) == [slice(0, 6), slice(6, 7), slice(7, 11)]

    def test_the_base_is_laid_out_like_the_model(self):
        """Shared tensors find their place in the model's vector; the rest is zero."""
        base = Weights(Layout(("0", "head.weight"), ((2,), (4,))), np.arange(6, dtype=np.float32))

        vector = lay_out(base, MODEL)

        assert vector.tolist() == [0] * 7 + [2, 3, 4, 5]
