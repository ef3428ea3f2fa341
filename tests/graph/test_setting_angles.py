"""How settings of training go with task vectors."""

import itertools

import numpy as np
import polars as pl
import pytest

from wsgeo.graph.associations import associate

N = 24
IDS = [f"m{k:02d}" for k in range(N)]
TASK = [f"t{k // 4}" for k in range(N)]
FAMILY = [f"f{k // 8}" for k in range(N)]
SEED = [str(k % 4) for k in range(N)]


def _settings(ids=IDS, **axes):
    rows = [
        (name, axis, str(value), value if isinstance(value, float) else None)
        for axis, values in axes.items()
        for name, value in zip(ids, values, strict=True)
    ]
    return pl.DataFrame(rows, schema=["id", "axis", "value", "number"], orient="row")


def _distances(*axes, noise=1.0):
    """Return 1 - cosine of vectors that share a direction with those of the same values."""
    rng = np.random.default_rng(5)
    vectors = noise * rng.standard_normal((N, 400))
    for values in axes:
        direction = {value: rng.standard_normal(400) for value in dict.fromkeys(values)}
        vectors += [direction[value] for value in values]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return 1 - vectors @ vectors.T


def _found(settings, distances, labels=None, ids=IDS):
    labels = dict(zip(ids, labels or [0] * N, strict=True))
    return associate(settings, labels, distances, matrix="task_vector")


def _row(found, axis):
    return found.table.row(by_predicate=pl.col("axis") == axis, named=True)


def _mean(distances, wanted):
    pairs = itertools.combinations(range(N), 2)
    return np.mean([distances[a, b] for a, b in pairs if wanted(a, b)])


def test_two_planted_tasks_are_found_with_the_smallest_p():
    """Of two tasks that make the angles no dealing comes as far, and the sentence says both means."""
    task = ["a", "b"] * (N // 2)
    found = _found(_settings(task=task), _distances(task))
    row = _row(found, "task")

    assert row["mantel_p"] == 1 / 2000
    assert row["matrix"] == "task_vector"
    assert set(found.contingency["matrix"]) == {"task_vector"}
    within, between = f"{row['gap_within']:.2g}", f"{row['gap_between']:.2g}"
    assert " ".join(found.sentences) == (
        f"Task vectors follow the task: the mean distance (1 - cosine) is {within} within one task "
        f"and {between} between two (p = 0.0005)."
    )


def test_regions_take_the_place_of_basins():
    """Where there are two regions, the sentence says which setting they follow."""
    task = ["a", "b"] * (N // 2)
    found = _found(_settings(task=task), _distances(task), labels=[0, 1] * (N // 2))

    assert found.sentences[0].startswith("Regions follow the task: Cramer's V 1.00, p = 0.0005; ")
    assert not any(
        "basin" in text for text in (*found.sentences, _row(found, "task")["note"] or "")
    )


@pytest.mark.parametrize(("axis", "values"), [("task", TASK), ("family", FAMILY), ("seed", SEED)])
def test_means_are_those_of_a_plain_loop(axis, values):
    """The means within and between are those over all pairs, one by one."""
    distances = _distances(TASK)
    row = _row(_found(_settings(**{axis: values}), distances), axis)

    within = _mean(distances, lambda a, b: values[a] == values[b])
    between = _mean(distances, lambda a, b: values[a] != values[b])

    assert (row["gap_within"], row["gap_between"]) == pytest.approx((within, between))


def test_names_of_members_and_values_do_not_matter():
    """Other names for members and values give the same figures and sentences."""
    distances, other = _distances(TASK), [f"x{k}" for k in range(N)]
    first = _found(_settings(task=TASK, seed=SEED), distances)
    renamed = _settings(other, task=[t * 2 for t in TASK], seed=[f"s{s}" for s in SEED])

    again = _found(renamed, distances, ids=other)

    assert again.table.equals(first.table)
    assert again.sentences == first.sentences


def test_the_order_of_members_does_not_matter(rng):
    """Members in another order give the same means; p-values differ by the luck of dealing."""
    distances, order = _distances(TASK, noise=4.0), rng.permutation(N)
    ids = [IDS[k] for k in order]
    settings = _settings(task=TASK)

    first = _row(_found(settings, distances), "task")
    again = _row(_found(settings, distances[np.ix_(order, order)], ids=ids), "task")

    assert again["difference"] == pytest.approx(first["difference"])
    assert again["mantel_p"] == pytest.approx(first["mantel_p"], abs=0.05)


def test_a_nested_setting_is_told_with_the_mean_that_is_left():
    """Where each task has one family, the family's note says what remains without pairs of one task."""
    distances = _distances(TASK, FAMILY)
    found = _found(_settings(task=TASK, family=FAMILY), distances)
    left = _mean(distances, lambda a, b: FAMILY[a] == FAMILY[b] and TASK[a] != TASK[b])

    assert "Each task has one family." in _row(found, "task")["note"]
    said = f"without pairs of one task, the mean within one family is {left:.2g}."
    assert said in _row(found, "family")["note"]


def test_a_seed_run_once_on_each_task_is_not_said_to_matter():
    """Pairs of one seed are never of one task: they lie farther apart, which says nothing of seeds."""
    found = _found(_settings(task=TASK, seed=SEED), _distances(TASK))
    row = _row(found, "seed")

    assert row["difference"] < 0
    assert row["mantel_q"] <= 0.05
    assert "Members of one seed never share a task" in row["note"]
    assert "never share" not in (_row(found, "task")["note"] or "")
    assert [text.split(":")[0] for text in found.sentences] == ["Task vectors follow the task"]


def test_distances_that_grow_with_a_number_are_told():
    """A direction that turns with the dose gives a rank correlation, in words of task vectors."""
    dose = [float(k % 6) for k in range(N)]
    turned = np.array(dose) * 0.25
    found = _found(_settings(dose=dose), 1 - np.cos(turned[:, None] - turned))

    assert _row(found, "dose")["spearman"] > 0.9
    assert any(
        text.startswith("Distances of task vectors (1 - cosine) grow with the difference in dose")
        for text in found.sentences
    )


def test_without_a_setting_there_are_no_rows():
    """Members that differ in nothing known have neither rows nor counts."""
    found = _found(_settings(task=["a"] * N), _distances(TASK))

    assert found.table.is_empty()
    assert found.contingency.is_empty()


def test_a_member_that_equals_its_base_is_left_out():
    """A task vector of length 0 has no angle: its pairs enter no mean."""
    distances = _distances(TASK)
    distances[0] = distances[:, 0] = np.nan
    row = _row(_found(_settings(task=TASK), distances, labels=[-1] + [0] * (N - 1)), "task")
    within = _mean(distances, lambda a, b: a > 0 and TASK[a] == TASK[b])

    assert row["gap_within"] == pytest.approx(within)
    assert "1 member in no region left out of V." in row["note"]
