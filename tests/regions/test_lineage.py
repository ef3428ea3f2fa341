"""From which models others come, by distances."""

import numpy as np
import pytest

from wsgeo.regions.lineage import ESTIMATE, relations

WIDTH = 4_000


class Planted:
    """Models in a space of many dimensions, with a known pedigree."""

    def __init__(self, rng):
        self.rng, self.weights = rng, {}

    def add(self, name, parent=None, step=0.05, along=None, share=0.0):
        """Tune a model from another, partly in the direction in which a third was; or make it anew."""
        move = self.rng.standard_normal(WIDTH)
        if parent is None:
            self.weights[name] = move
            return self
        if along is not None:
            way = self.weights[along] - self.weights[parent]
            move = share * way / np.linalg.norm(way) * WIDTH**0.5 + (1 - share**2) ** 0.5 * move
        self.weights[name] = self.weights[parent] + step * move
        return self

    def tell(self, declared=None, without=(), rounded=None, contents=None):
        """Return other and relation by model."""
        names = [name for name in self.weights if name not in without]
        points = np.array([self.weights[name] for name in names])
        norms = np.linalg.norm(points, axis=1)
        apart = np.linalg.norm(points[:, None] - points, axis=2)
        relative = apart / np.sqrt((norms[:, None] ** 2 + norms**2) / 2)
        found = relations(names, relative, declared or {}, rounded, contents)
        return {(row.id, row.relation): row.other for row in found}


@pytest.fixture
def star(rng):
    """Give a base and six models tuned from it."""
    models = Planted(rng).add("base")
    for name in "abcdef":
        models.add(name, "base")
    return models


def test_models_tuned_from_one_base_come_from_it(star):
    """All of a star come from its middle, and there is nothing else to tell."""
    found = star.tell(dict.fromkeys("abcdef", "base"))

    assert found == {(name, "base"): "base" for name in "abcdef"}


def test_a_chain_is_followed(star):
    """A model tuned from a member, and one tuned from that, have their parents."""
    found = star.add("child", "a").add("grandchild", "child").tell(dict.fromkeys("abcdef", "base"))

    assert found["child", "parent"] == "a"
    assert found["grandchild", "parent"] == "child"
    assert found["a", "base"] == "base"


def test_a_chain_is_followed_without_its_base(star):
    """Where no base is at hand it is estimated, and called so."""
    found = star.add("child", "a").tell(without=["base"])

    assert found["child", "parent"] == "a"
    assert all(found[name, "base"] == ESTIMATE for name in "abcdef")


def test_a_base_among_the_members_is_found(star):
    """The model that most are nearest to is the likely base, whoever says so."""
    assert star.tell() == {(name, "base"): "base" for name in "abcdef"}


def test_the_least_tuned_of_some_is_no_base(rng):
    """Half of the members moved less, and none of these is where all came from."""
    models = Planted(rng).add("base")
    for name in "abcd":
        models.add(name, "base", 0.05).add(f"{name} faster", "base", 0.13, along=name, share=0.4)

    assert set(models.tell(without=["base"]).values()) == {ESTIMATE}


def test_siblings_on_the_same_data_are_no_parents(star):
    """Neither seeds whose ways have a cosine of 0.5, nor a longer training of the same, are children."""
    star.add("same", "base", along="a", share=0.5).add("more", "base", 0.13, along="a", share=0.35)
    found = star.tell(dict.fromkeys(["same", "more", *"abcdef"], "base"))

    assert set(found) == {(name, "base") for name in ["same", "more", *"abcdef"]}


def test_copies_are_told_before_anything_else(star):
    """Equal, rounded and nearly equal models are named with their originals, and not as children."""
    star.add("copy", "a", 0).add("round", "b", 0.003).add("near", "c", 0.002)
    declared = dict.fromkeys(["copy", "round", "near", *"abcdef"], "base")
    found = star.tell(declared, rounded={("b", "round"): "bf16"})

    assert found["copy", "near_duplicate"] == "a"
    assert found["round", "rounded"] == "b"
    assert found["near", "near_duplicate"] == "c"
    assert not any((name, "base") in found for name in ("copy", "round", "near"))


def test_only_equal_contents_are_duplicates(star):
    """Of models with the matrices of one, those are duplicates whose hashes agree."""
    star.add("bias", "base", 0).add("again", "base", 0).add("copy", "a", 0)
    contents = {"a": "0", "bias": "1", "again": "1", "copy": "0"}
    found = star.tell(
        dict.fromkeys(["bias", "again", "copy", *"abcdef"], "base"), contents=contents
    )

    assert found["bias", "near_duplicate"] == "base"
    assert found["again", "duplicate"] == "bias"
    assert found["copy", "duplicate"] == "a"


def test_a_member_that_changed_no_matrix_contradicts_nothing(star):
    """A probe or BitFit member is at its base, also where another base is there too."""
    star.add("probe", "base", 0).add("other").add("x", "other", 0)
    declared = dict.fromkeys(["probe", *"abcdef"], "base") | {"x": "other"}

    assert not any(relation == "contradiction" for _, relation in star.tell(declared))


def test_a_stranger_is_told(star):
    """A model of another base is related to none."""
    found = star.add("stranger").tell(dict.fromkeys("abcdef", "base"))

    assert found["stranger", "stranger"] is None
    assert found["a", "base"] == "base"


def test_a_base_that_is_stated_wrongly_is_contradicted(star):
    """A statement is held against the distance to what is stated, and to the other bases."""
    star.add("other").add("x", "other").add("second", "base").add("y", "second", 0.03)
    declared = dict.fromkeys("abcdef", "base") | {"x": "base", "y": "base", "z": "second"}
    star.add("z", "second")
    found = star.tell(declared)

    assert {key: other for key, other in found.items() if key[1] == "contradiction"} == {
        ("x", "contradiction"): "base",
        ("y", "contradiction"): "base",
    }
    assert found["y", "base"] == "second"


def test_few_models_without_a_base_are_related_only(star):
    """Of two or three nobody can say which came from which."""
    found = star.tell(without=["base", "d", "e", "f"])

    assert {relation for _, relation in found} == {"related"}


def test_the_order_of_models_does_not_matter(star):
    """The same pedigree is told of models in another order."""
    star.add("child", "a")
    one = star.tell(dict.fromkeys("abcdef", "base"))
    star.weights = dict(reversed(star.weights.items()))

    assert star.tell(dict.fromkeys("abcdef", "base")) == one
