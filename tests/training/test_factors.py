"""The factors of a grid."""

from math import prod

from hypothesis import given
from hypothesis import strategies as st

from wsgeo.training.factors import flat_grid, names_of, nested, points_of

AXES = st.dictionaries(
    st.sampled_from(["seed", "order_seed", "steps"]),
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"method": st.sampled_from(["full", "lora"]), "batch_size": st.integers(1, 3)}
    ),
    min_size=1,
    max_size=4,
    unique_by=repr,
)


class TestPoints:
    """The product."""

    @given(AXES, ROWS)
    def test_each_row_meets_each_value(self, axes, rows):
        """There are as many points as rows times values, all apart, and none mixes two rows."""
        points = points_of({"together": rows, **axes})

        assert len(points) == len(rows) * prod(len(values) for values in axes.values())
        assert len({repr(point) for point in points}) == len(points)
        assert all({a: point[a] for a in rows[0]} in rows for point in points)

    @given(AXES, ROWS)
    def test_names_tell_points_apart(self, axes, rows):
        """Names are as many as points, whatever part of the rows they leave out."""
        grid = {"together": rows, **axes}

        assert len(set(names_of(grid))) == len(points_of(grid))


class TestNames:
    """As long as they must be."""

    def test_tell_of_a_row_what_is_needed(self):
        """A setting that follows from those before it is not told; one that does not is."""
        rates = [("full", 1e-3), ("lora", 1e-3), ("lora", 1e-2)]
        rows = [{"method": m, "learning_rate": lr, "steps": i} for i, (m, lr) in enumerate(rates)]

        assert names_of({"together": rows}) == ["full-lr1e-3", "lora-lr1e-3", "lora-lr1e-2"]
        assert names_of({"seed": [4], "together": rows[:2]}) == ["seed4-full", "seed4-lora"]


class TestFlatGrid:
    """Inner tables."""

    @given(ROWS)
    def test_nested_is_its_inverse(self, rows):
        """A point made flat and nested again is the point."""
        rows = [{**row, "lora": {"rank": i, "alpha": 2.0}} for i, row in enumerate(rows)]

        assert [nested(row) for row in flat_grid({"together": rows})["together"]] == rows

    def test_the_order_of_a_row_is_that_of_the_first(self):
        """Rows with their settings in another order have the names of the first one's order."""
        rows = [{"seed": 1, "steps": 2}, {"steps": 2, "seed": 3}, {"steps": 9, "seed": 3}]

        assert names_of(flat_grid({"together": rows})) == [
            "seed1-steps2", "seed3-steps2", "seed3-steps9",
        ]  # fmt: skip
