"""The Fisher-weighted mean agrees with its formula, and falls back to the plain mean."""

from __future__ import annotations

import numpy as np
import pytest
from merge_cases import SHAPES, moved, tensors, write_members

from wsgeo.errors import WsgeoError
from wsgeo.regions.affine_merges import Mean
from wsgeo.regions.fisher_merges import FisherMean
from wsgeo.regions.merging import merge
from wsgeo.weights import TensorSlices, write_safetensors


@pytest.fixture
def models():
    """Give the values of three members."""
    return moved(tensors(0), 3)


@pytest.fixture
def members(tmp_path, models):
    """Give the members on disk."""
    return write_members(tmp_path, None, models)


def in_memory(information):
    """Return readers of information that is at hand."""

    def reader(each):
        return lambda name: lambda columns, out: np.copyto(out, each[name].ravel()[columns])

    return tuple(reader(each) for each in information)


def test_agrees_with_the_formula(members, models):
    """Each entry is the mean with the information as weights, heads too."""
    information = [{n: v**2 for n, v in tensors(50 + k).items()} for k in range(3)]

    merged = merge(FisherMean(in_memory(information)), members).weights

    for name in SHAPES:
        weights = np.array([each[name] for each in information], float)
        stacked = np.array([model[name] for model in models], float)
        expected = np.average(stacked, axis=0, weights=weights)
        np.testing.assert_allclose(merged.tensor(name), expected, rtol=1e-5)


def test_information_is_read_from_files(tmp_path, members):
    """What lies in safetensors files, one per member, is read slice by slice."""
    information = [{n: v**2 for n, v in tensors(50 + k).items()} for k in range(3)]
    files = [tmp_path / f"fisher-{k}.safetensors" for k in range(3)]
    for file, each in zip(files, information, strict=True):
        write_safetensors(file, each)

    with TensorSlices() as slices:
        readers = tuple(lambda name, file=file: slices.reader(file, name) for file in files)
        found = merge(FisherMean(readers), members).weights

    expected = merge(FisherMean(in_memory(information)), members).weights
    np.testing.assert_array_equal(found.vector, expected.vector)


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_equal_information_gives_the_plain_mean(members, value):
    """Where members know the same, or nobody knows anything, the mean is plain."""
    flat = [{n: np.full(s, value, np.float32) for n, s in SHAPES.items()}] * 3

    found = merge(FisherMean(in_memory(flat)), members).weights

    np.testing.assert_allclose(found.vector, merge(Mean(), members).weights.vector, rtol=1e-6)


def test_who_alone_knows_decides(members, models):
    """An entry that matters to one member only is that member's."""
    information = [{n: np.full(s, k == 1, np.float32) for n, s in SHAPES.items()} for k in range(3)]

    found = merge(FisherMean(in_memory(information)), members).weights

    for name in SHAPES:
        np.testing.assert_allclose(found.tensor(name), models[1][name], atol=1e-6)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_what_is_no_variance_is_refused(members, value):
    """Negative information, NaN and infinities are refused with the name of the tensor."""
    broken = [{n: np.full(s, value, np.float32) for n, s in SHAPES.items()}] * 3

    with pytest.raises(WsgeoError, match=r"'bert.embeddings.word_embeddings.weight' is") as told:
        merge(FisherMean(in_memory(broken)), members)
    assert (told.value.where, "--method" in told.value.remedy) == (members[0].id, True)


def test_information_must_match_the_members(members):
    """Each member needs information of its own."""
    with pytest.raises(ValueError, match="3 members, but information of 2"):
        merge(FisherMean(in_memory([{}, {}])), members)
