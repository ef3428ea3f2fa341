"""The hub of a region."""

import numpy as np
import pytest

from wsgeo.regions.region_tables import STARS
from wsgeo.regions.stars import stars

NAN = np.nan
GAPS = np.array([[0, 0.1, 0.2, 0.1], [0.1, 0, 0.5, 0.4], [0.2, 0.5, 0, 0.3], [0.1, 0.4, 0.3, 0]])
IDS = ("a", "b", "c", "d")


def found(gaps=GAPS, middle=None, ids=IDS):
    return stars(ids, gaps, middle, level="dataset", name="snli")


def hub(table):
    return table.filter("is_star")["point"].to_list()


def test_the_star_has_the_least_largest_gap():
    """The hub is the member whose worst line is best."""
    table = found()

    assert hub(table) == ["a"]
    assert table["largest_gap"].to_list() == [0.2, 0.5, 0.5, 0.4]
    assert table["farthest"].to_list() == ["c", "c", "b", "b"]
    assert table["mean_gap"][0] == pytest.approx(0.4 / 3)


def test_the_centroid_may_be_the_star():
    """A centroid that sees every member better than any member does is the hub."""
    assert hub(found(middle=[0.1, 0.1, 0.15, 0])) == ["centroid"]
    assert hub(found(middle=[0.1, 0.1, 0.3, 0])) == ["a"]


def test_order_does_not_matter(rng):
    """Members in another order have the same gaps, and the same one is the hub."""
    order = rng.permutation(4)
    other = found(GAPS[np.ix_(order, order)], ids=[IDS[i] for i in order])

    assert other.sort("point").equals(found())


def test_who_is_not_fully_known_is_no_star():
    """A point with an unmeasured gap keeps what is known of it and cannot be the hub."""
    gaps = GAPS.copy()
    gaps[0, 2] = gaps[2, 0] = NAN
    table = found(gaps)

    assert table["n_gaps"].to_list() == [2, 3, 2, 3]
    assert table["largest_gap"][0] == 0.1
    assert hub(table) == ["d"]


def test_nothing_is_known():
    """Without any gap every figure is null and there is no hub."""
    table = found(np.full((4, 4), NAN), np.full(4, NAN))

    assert table.schema == STARS
    assert table["largest_gap"].null_count() == table["farthest"].null_count() == 5
    assert hub(table) == []
    assert hub(found([[0]], ids=["a"])) == []


def test_equals():
    """Among equal largest gaps the first is the hub, a member before the centroid."""
    flat = 0.2 * (1 - np.eye(4))

    assert hub(found(flat)) == ["a"]
    assert hub(found(flat, [0.2, 0.2, 0.2, 0.2])) == ["a"]


def test_misuse():
    """Gaps of other shapes are misuse."""
    with pytest.raises(ValueError, match="4 members"):
        found(GAPS[:3])
    with pytest.raises(ValueError, match="4 members"):
        found(middle=[0.1])
