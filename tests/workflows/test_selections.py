"""Which members a centroid is made of."""

from types import SimpleNamespace

import polars as pl
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.workflows.selections import Selection, choose_basin
from wsgeo.workflows.variants import WORDS, variant_of


def member(name, content=None, *, adapter=None, group="g0.l0"):
    """Give a stand-in for a member."""
    return SimpleNamespace(
        id=name,
        content_hash=content or name,
        adapter=adapter,
        lora={} if adapter is None else {"query": adapter},
        geometry_group="g0",
        loss_group=group,
    )


class FakeRun:
    """A run with one clustering of the gaps."""

    folder = "run"

    def __init__(self, labels, failed=(), found=True):
        self.labels, self.failed, self.found = labels, failed, found

    def read(self, name):
        """Give the summary."""
        return {"groups": [{"name": "g0.l0", "basins_found": self.found}]}

    def table(self, name):
        """Give the labels, or the verdicts of the gate."""
        ids = list(self.labels)
        if name == "models":
            return pl.DataFrame({"id": ids, "gate": [name not in self.failed for name in ids]})
        columns = {"id": ids, "label": list(self.labels.values())}
        return pl.DataFrame(columns).with_columns(is_default=True, matrix=pl.lit("convexity_gap"))


def basin(labels, label=None, failed=(), copies=(), found=True):
    """Choose a basin among members with these labels."""
    contents = {second: first for first, second in copies}
    members = tuple(member(name, contents.get(name)) for name in labels)
    groups = (SimpleNamespace(name="g0.l0", members=members),)
    return choose_basin(FakeRun(labels, failed, found), SimpleNamespace(groups=groups), label, None)


class TestBasins:
    """`choose_basin`."""

    def test_the_largest_is_taken(self):
        """Without a number the largest basin is taken, and the note says so."""
        found = basin({"a": 0, "b": 1, "c": 1})

        assert (found.ids, found.label, found.name) == (("b", "c"), 1, "basin-1")
        assert found.note == (
            "Basin 1, the largest of 2, 2 members, was taken because none was named."
        )

    def test_the_first_of_equals_is_taken(self):
        """Of equally large basins the one of the smallest number is taken, and the note says so."""
        found = basin({"a": 1, "b": 0, "c": 1, "d": 0, "e": 2})

        assert found.ids == ("b", "d")
        assert found.note.startswith("Basin 0, the first of 2 equally large, 2 members")

    def test_one_group_is_no_basin(self):
        """Where the scan found no basins, the members are a group, and the note says so."""
        chosen = basin({"a": 0, "b": 0}, 0, found=False)

        assert (chosen.kind, chosen.name) == ("group", "group-0")
        assert chosen.note == "No basins were found: all 2 members together."

    def test_noise_is_no_basin(self):
        """Members without a basin are never the largest one, however many they are."""
        found = basin({"a": -1, "b": -1, "c": -1, "d": 0})

        assert found.ids == ("d",)
        assert found.note == "Basin 0 was taken; there is no other."
        with pytest.raises(WsgeoError, match=r"no basin 7 .*There is basin 0"):
            basin({"a": -1, "d": 0}, 7)

    def test_copies_count_once(self):
        """Of equal members the first that passed the gate stands for all."""
        labels = {"a": 0, "b": 0, "c": 0}

        assert basin(labels, copies=[("a", "b")]).ids == ("a", "c")
        assert basin(labels, copies=[("a", "b")], failed=["a"]).ids == ("b", "c")

    def test_a_basin_of_failures_is_refused(self):
        """Where no member passed the gate, the message says where to look."""
        with pytest.raises(WsgeoError, match=r"can do its task.*wsgeo show run"):
            basin({"a": 0, "b": 0}, failed=["a", "b"])


def chosen(*members):
    """Give a selection of members."""
    return Selection("basin", 0, members, None, "basin-0")


class TestVariants:
    """`variant_of`."""

    @pytest.mark.parametrize(
        ("members", "asked", "found"),
        [
            ([member("a"), member("b")], None, "mean"),
            ([member("a", adapter="x")], None, "mean of products"),
            ([member("a", adapter="x"), member("b")], None, "mean"),
            ([member("a", adapter="x")], "mean", "mean"),
            ([member("a", adapter="x")], "factors", "mean of factors"),
            ([member("a"), member("b", group="g0.l1")], None, "mean of encoders"),
            ([member("a"), member("b", group="g0.l1")], "mean", "mean of encoders"),
        ],
    )
    def test_what_suits_the_members(self, members, asked, found):
        """Adapters give adapters, models give models, and several tasks their encoder."""
        assert variant_of(chosen(*members), asked, None) == found

    @pytest.mark.parametrize(
        ("members", "asked", "rank", "told"),
        [
            ([member("a")], "products", None, "products are those of LoRA .*--variant mean"),
            ([member("a")], "encoders", None, "no variant is called encoders.*mean, products"),
            ([member("a")], None, 2, "not the mean.*Leave out --rank"),
            ([member("a", adapter="x")], "factors", 2, "not the mean of factors"),
            ([member("a"), member("b", group="h")], "factors", None, "an encoder but no factors"),
        ],
    )
    def test_what_does_not_apply_is_refused(self, members, asked, rank, told):
        """The message says what stands against it."""
        with pytest.raises(WsgeoError, match=told):
            variant_of(chosen(*members), asked, rank)

    def test_the_command_offers_every_word(self):
        """The option of the command and the words of the function are the same."""
        from wsgeo.commands.centroid import command

        [option] = [one for one in command.params if one.name == "variant"]
        assert tuple(option.type.choices) == WORDS
