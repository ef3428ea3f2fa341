"""Task vectors from the tables of a run, with a base and without."""

import numpy as np
import pytest
from level_cases import planted, seen, tables

from wsgeo.regions.task_vectors import estimated_cosines, task_vectors
from wsgeo.weights.geometry import cosines


def _from_mean(vectors):
    centred = vectors - vectors.mean(axis=0)
    return cosines(centred @ centred.T)


def test_tables_give_back_distances_angles_and_lengths(rng):
    """What the tables hold of each pair is found at its place."""
    vectors = planted(["x"] * 3 + ["y"] * 3, rng=rng)
    found, true = task_vectors(*tables(vectors)), seen(vectors)

    assert found.ids == true.ids
    assert found.l2 == pytest.approx(true.l2)
    assert found.cosine == pytest.approx(true.cosine)
    assert found.norms == pytest.approx(true.norms)
    assert not found.estimated


def test_distances_alone_give_the_angles_from_the_mean(rng):
    """Double centring of squared distances gives the cosines of the centred members."""
    vectors = planted(["x"] * 4 + ["y"] * 3, rng=rng, size=50)

    assert estimated_cosines(seen(vectors).l2, [True] * 7) == pytest.approx(_from_mean(vectors))


def test_a_shift_of_all_members_changes_no_estimate(rng):
    """The estimated base moves with the members, as a base they share would."""
    vectors = planted(["x"] * 4 + ["y"] * 3, rng=rng, size=50)
    shifted = vectors + 3 * rng.standard_normal(50)
    every = [True] * 7

    assert estimated_cosines(seen(shifted).l2, every) == pytest.approx(
        estimated_cosines(seen(vectors).l2, every)
    )


def test_a_run_without_a_base_estimates_it(rng):
    """Without cosines and lengths the mean of the members is the base, and that is marked."""
    vectors = planted(["x"] * 4 + ["y"] * 4, rng=rng)
    found = task_vectors(*tables(vectors, has_base=False))

    assert found.estimated
    assert found.cosine == pytest.approx(_from_mean(vectors))
    assert np.isnan(found.norms).all()


def test_a_member_gone_astray_does_not_move_the_estimated_base(rng):
    """One that failed the gate does not enter the mean: the others keep their angles."""
    vectors = planted(["x"] * 4 + ["y"] * 4, rng=rng)
    astray = np.vstack([vectors, 100 * rng.standard_normal((1, 600))])
    found = task_vectors(*tables(astray, has_base=False, gate=[True] * 8 + [False]))

    assert found.cosine[:8, :8] == pytest.approx(_from_mean(vectors), abs=1e-6)


def test_members_that_all_equal_their_base_have_no_estimate(rng):
    """Lengths of zero say that there is a base; nobody has a direction then."""
    found = task_vectors(*tables(np.zeros((4, 10))))

    assert not found.estimated
    assert not found.has_directions


def test_lengths_are_unknown_in_runs_of_earlier_versions(rng):
    """Cosines without lengths are those of task vectors, and lengths are missing."""
    models, distances = tables(planted(["x"] * 3 + ["y"] * 3, rng=rng))
    old = models.with_columns(task_vector_norm=None)

    assert not task_vectors(old, distances).estimated
    assert np.isnan(task_vectors(old, distances).norms).all()
