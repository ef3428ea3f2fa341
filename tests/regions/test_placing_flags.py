"""Members that are trained too little to be placed."""

import dataclasses

import numpy as np
import pytest
from level_cases import DATASETS, planted, seen

from wsgeo.regions.placing_flags import members_table


def _found(vectors, datasets=DATASETS, **changes):
    one = dataclasses.replace(seen(vectors), **changes)
    of = {name: value for name, value in zip(one.ids, datasets, strict=True) if value is not None}
    return members_table(one, of)


def _placed(vectors, datasets=DATASETS, **changes):
    return _found(vectors, datasets, **changes)["placed"].to_list()


def _little(rng, size=600):
    """Return a short task vector without the direction of any data set."""
    return 0.2 * rng.standard_normal(size)


def test_members_of_one_length_are_all_placed(rng):
    """Where nobody is short, everybody is placed."""
    assert _placed(planted(DATASETS, rng=rng)) == [True] * 24


def test_a_short_and_aimless_member_is_not_placed(rng):
    """One planted member with little training is found, and no other."""
    vectors = planted(DATASETS, rng=rng)
    vectors[5] = _little(rng)
    found = _found(vectors)

    assert found.filter(~found["placed"])["id"].to_list() == ["m005"]
    assert found["note"][5].startswith("Trained too little to be placed: its task vector is 0.1")


def test_a_short_member_that_points_home_is_placed(rng):
    """A small learning rate makes a short vector, not a doubtful one."""
    vectors = planted(DATASETS, rng=rng)
    vectors[5] *= 0.1

    assert _placed(vectors) == [True] * 24


def test_a_long_member_that_points_elsewhere_is_placed(rng):
    """It is trained; that it is unlike its data set is another matter."""
    vectors = planted(DATASETS, rng=rng)
    vectors[5] = 2 * rng.standard_normal(600)

    assert _placed(vectors) == [True] * 24


def test_a_whole_data_set_with_little_training_is_found(rng):
    """Members are held against all others, not against their own data set only."""
    vectors = planted(DATASETS, rng=rng)
    vectors[:4] = [_little(rng) for _ in range(4)]

    assert _placed(vectors) == [False] * 4 + [True] * 20


def test_lengths_in_another_unit_change_nothing(rng):
    """The rule knows ratios only."""
    vectors = planted(DATASETS, rng=rng)
    vectors[5] = _little(rng)

    assert _placed(1000 * vectors) == _placed(vectors)


def test_cosines_are_means_over_the_other_members(rng):
    """Own and others are those of a plain loop, the member itself left out."""
    vectors = planted(DATASETS, rng=rng)
    found = _found(vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    own = np.mean([unit[5] @ unit[k] for k in (4, 6, 7)])
    others = np.mean([unit[5] @ unit[k] for k in range(24) if k // 4 != 1])
    assert found["cosine_own"][5] == pytest.approx(own)
    assert found["cosine_others"][5] == pytest.approx(others)


@pytest.mark.parametrize(
    ("datasets", "said"),
    [
        (["x"] * 24, "no two data sets"),
        ([None] * 24, "no two data sets"),
        ([str(k % 4) for k in range(24)], "do not stand out either"),
    ],
)
def test_a_short_member_cannot_be_judged_without_data_sets_that_stand_out(rng, datasets, said):
    """Where nobody can say where it should point, neither yes nor no is said."""
    vectors = planted(DATASETS, rng=rng)
    vectors[5] = _little(rng)
    found = _found(vectors, datasets)

    assert found["placed"][5] is None
    assert said in found["note"][5]
    assert found["placed"].drop_nulls().all()


def test_lengths_that_are_not_known_judge_nobody(rng):
    """Without lengths, or from an estimated base, there is no answer but a reason."""
    vectors = planted(DATASETS, rng=rng)
    old = _found(vectors, norms=np.full(24, np.nan))
    estimated = _found(vectors, estimated=True)

    assert old["placed"].is_null().all()
    assert estimated["placed"].is_null().all()
    assert old["norm"].is_null().all()
    assert "scan again" in old["note"][0]
    assert "base is not known" in estimated["note"][0]


def test_a_member_that_equals_its_base_is_not_placed(rng):
    """A task vector of length zero has no direction."""
    vectors = planted(DATASETS, rng=rng)
    vectors[5] = 0
    found = _found(vectors)

    assert found["placed"][5] is False
    assert found["cosine_own"][5] is None


def test_few_members_are_not_compared(rng):
    """With fewer than four others nobody is called short."""
    assert _placed(planted("xxyy", rng=rng), list("xxyy")) == [None] * 4
