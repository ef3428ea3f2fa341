"""How typical each member is of its cluster."""

import numpy as np
import pytest

from wsgeo.graph import cluster
from wsgeo.graph.guard import guard
from wsgeo.graph.typicality import TYPICALITY_FROM, typicality

NAMES = [f"m{k:02d}" for k in range(20)]


def _blobs(*extra):
    """Return the distances of two tight groups of eight, three apart, and of further points."""
    rng = np.random.default_rng(0)
    groups = [rng.normal(0, 0.1, (8, 2)) + centre for centre in ([0, 0], [3, 0])]
    points = np.concatenate([*groups, np.array(extra).reshape(-1, 2)])
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def _typical(matrix, **options):
    return typicality(guard(matrix, NAMES[: len(matrix)]), **options)


def test_a_member_between_the_clusters_stands_out():
    """The one point far from both groups has the largest outlier score and least membership."""
    found = _typical(_blobs([1.4, 1.0]))

    assert found.outlier.argmax() == found.membership.argmin() == 16
    assert found.outlier[16] > 0.8
    assert (found.membership[:16] > 0.3).all()
    assert found.agreement(np.repeat([0, 1, 2], [8, 8, 1])) > 0.8


def test_figures_are_fractions_that_ignore_scale_and_order():
    """Scores lie in [0, 1]; neither the unit nor the order of the members changes them."""
    matrix = _blobs([1.4, 1.0])
    turn = np.random.default_rng(1).permutation(len(matrix))
    first, scaled, turned = (
        _typical(matrix), _typical(1e-6 * matrix), _typical(matrix[np.ix_(turn, turn)])
    )  # fmt: skip

    for name in ("membership", "outlier"):
        values = getattr(first, name)
        assert ((values >= 0) & (values <= 1)).all()
        assert getattr(scaled, name) == pytest.approx(values)
        assert getattr(turned, name) == pytest.approx(values[turn])


def test_equal_members_do_no_harm():
    """Groups of equal members are fully typical; the infinite density raises no warning."""
    matrix = np.kron(1 - np.eye(2), np.ones((8, 8)))
    found = _typical(matrix)

    assert found.agreement(np.repeat([0, 1], 8)) == 1.0
    assert (found.membership == 1).all()


@pytest.mark.parametrize("matrix", [np.zeros((16, 16)), 1 - np.eye(TYPICALITY_FROM - 1)])
def test_too_few_or_all_equal_members_have_none(matrix):
    """Where nothing can be said, nothing is: below 15 members, and where all distances are 0."""
    assert _typical(matrix) is None


def test_missing_distances_reach_no_package():
    """Members whose groups were never compared get figures all the same."""
    matrix = _blobs()
    matrix[:8, 8:] = matrix[8:, :8] = np.nan
    matrix[0, 8] = matrix[8, 0] = 3.0
    found = cluster(matrix, NAMES[:16], umap=False, n_draws=20)

    assert found.clusters.filter("is_default")["outlier"].null_count() == 0


def test_tables_hold_the_figures_on_default_rows():
    """Only the default rows of a measured matrix have figures; a sentence tells the agreement."""
    found = cluster(_blobs(), NAMES[:16], name="convexity_gap", umap=False, n_draws=20)
    rows = found.clusters
    weights = cluster(_blobs(), NAMES[:16], name="task_vector", umap=False, n_draws=20)

    assert rows.filter("is_default")["membership"].null_count() == 0
    assert rows.filter(~rows["is_default"])["membership"].null_count() == rows.height - 16
    assert any("hdbscan package" in reason and "1.00" in reason for reason in found.reasons)
    assert weights.clusters["outlier"].null_count() == weights.clusters.height
