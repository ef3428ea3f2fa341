"""Targets: the data for which a start is chosen."""

from __future__ import annotations

import dataclasses

import pytest
from recipe_cases import write_examples

from wsgeo.errors import DataError, WsgeoError
from wsgeo.workflows.start_targets import check_names, own_name, read_target, refuse_missing


class TestTargets:
    """Data for which a start is chosen."""

    def test_has_training_and_held_out_examples(self, film):
        """A folder is named by itself, and its validation data are held out."""
        target = read_target(str(film))

        assert (target.name, len(target.train), len(target.held_out)) == ("films", 40, 24)
        assert target.labels == ("bad_film", "good_film")
        assert target.notes == ()

    def test_can_be_named(self, film):
        """NAME=PATH names a target."""
        assert read_target(f"mine={film}").name == "mine"

    def test_holds_out_a_fifth_where_there_is_nothing_else(self, film):
        """Without other examples a fifth of the training data is held out, and that is said."""
        (film / "validation.jsonl").unlink()

        target = read_target(str(film))

        assert (len(target.train), len(target.held_out)) == (32, 8)
        assert "8 are held out" in target.notes[0]
        texts = set(target.train.text_a), set(target.held_out.text_a)
        assert len(texts[0] | texts[1]) == len(set(read_target(str(film)).train.text_a) | texts[1])

    def test_more_shots_hold_all_of_fewer(self, film):
        """With one seed a larger sample holds the smaller one; other seeds draw others."""
        target = read_target(str(film))
        few, more = (set(target.sample(n, 0).ids) for n in (8, 20))

        assert few < more
        assert few != set(target.sample(8, 1).ids)

    def test_says_which_of_several_files_is_measured(self, film):
        """Of two validation files one is measured, and the other is named."""
        (film / "validation.jsonl").rename(film / "validation_matched.jsonl")
        write_examples(film / "validation_mismatched.jsonl", 8, 7)

        target = read_target(str(film))

        assert len(target.held_out) == 24
        assert "not on validation_mismatched.jsonl" in target.notes[0]

    def test_refuses_what_is_no_folder(self, film):
        """A file is no target, and neither is an unknown data set of the zoo."""
        with pytest.raises(DataError, match="folder"):
            read_target(str(film / "train.jsonl"))
        with pytest.raises(WsgeoError, match="no data set 'x'"):
            own_name("task:x", ["snli"])

    def test_missing_folders_are_told_before_anything_is_read(self, film):
        """By path and by name; a data set of the zoo is looked up later."""
        refuse_missing([str(film), f"mine={film}", "task:x"])
        for text in (str(film / "gone"), f"mine={film / 'gone'}"):
            with pytest.raises(DataError, match="no such folder") as caught:
                refuse_missing([str(film), text])
            assert caught.value.where == str(film / "gone")

    def test_refuses_two_of_one_name(self, film):
        """Two targets of one name would be one in the tables."""
        target = read_target(str(film))

        with pytest.raises(WsgeoError, match="two targets"):
            check_names([target, target])
        with pytest.raises(WsgeoError, match="all targets"):
            check_names([dataclasses.replace(target, name="*")])
