import polars as pl
import pytest
from grammar_cases import HEADER

from wsgeo.errors import DataError
from wsgeo.probing import sets
from wsgeo.probing.sets import DiagnosticSet, find_sets, load_set
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.grammar import EXAMPLES

TEMPLATES = """
[words]
n = ["doctor", "lawyer", "poet", "judge"]

[[template]]
slice = "overlap"
label = "entailment"
premise = "The {n1} saw the {n2} ."
hypothesis = "The {n1} saw the {n2} ."

[[template]]
slice = "overlap"
label = "non-entailment"
premise = "The {n1} saw the {n2} ."
hypothesis = "The {n2} saw the {n1} ."

[[template]]
slice = "control"
label = "non-entailment"
premise = "The {n1} slept ."
hypothesis = "The {n2} slept ."
"""


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "set.toml").write_text(HEADER + "n_examples = 9\n" + TEMPLATES)
    return folder


@pytest.fixture
def data_folder(tmp_path):
    folder = tmp_path / "file"
    folder.mkdir()
    pl.DataFrame(
        {
            "premise": [f"p{i}" for i in range(40)],
            "hypothesis": [f"h{i}" for i in range(40)],
            "gold_label": ["Non-entailment", "entailment"] * 19 + ["-", "entailment"],
            "phenomenon": ["x"] * 20 + ["y"] * 20,
        }
    ).write_csv(folder / "rows.csv")
    (folder / "set.toml").write_text(
        HEADER + 'n_examples = 12\ndata = "rows.csv"\ncolumns = { slice = "phenomenon" }\n'
    )
    return folder


class TestLoadSet:
    """Sets from folders and files."""

    def test_loading_twice_gives_the_same_set(self, folder):
        """A set draws its examples by its own seed: its content hash does not change."""
        assert load_set(folder).content_hash == load_set(folder / "set.toml").content_hash

    def test_another_seed_is_another_content(self, folder):
        """The content hash tells the examples apart, and not the title."""
        first = load_set(folder).content_hash
        text = (folder / "set.toml").read_text()
        (folder / "set.toml").write_text(text.replace("A toy set", "A game"))
        retitled = load_set(folder).content_hash
        (folder / "set.toml").write_text("seed = 1\n" + text)

        assert first == retitled != load_set(folder).content_hash

    def test_templates_give_as_many_examples_as_declared(self, folder):
        """A set of templates has n_examples rows, equally many per template."""
        found = load_set(folder)

        assert found.examples.schema == EXAMPLES
        assert found.examples.group_by("slice", "label").len()["len"].to_list() == [3, 3, 3]

    def test_a_file_is_read_by_its_columns(self, data_folder):
        """A set that points at a file has its rows, in the set's own labels, by slice and label."""
        found = load_set(data_folder)
        counts = found.examples.group_by("slice", "label").len()["len"].to_list()

        assert found.labels == ("entailment", "non-entailment")
        assert counts == [3, 3, 3, 3]
        assert (
            found.examples["text_a"].str.slice(1) == found.examples["text_b"].str.slice(1)
        ).all()

    def test_a_bare_file_is_a_set(self, tmp_path):
        """A file of examples without a set.toml is a set of its own, with its heuristics as slices."""
        path = tmp_path / "mine.jsonl"
        path.write_text('{"text": "a", "label": "no", "heuristic": "h"}\n')
        found = load_set(path)

        assert (found.name, found.labels) == ("mine", ("no",))
        assert list(found.slices) == ["all", "h"]

    def test_an_unknown_name_is_answered(self):
        """A name that is no set is an error that names it."""
        with pytest.raises(DataError, match="no diagnostic set 'hanss'"):
            load_set("hanss")

    def test_a_users_folder_of_sets_adds_names(self, folder):
        """Sets of a named folder are known by name; a near miss is answered with both places."""
        assert load_set("toy", folder.parent).content_hash == load_set(folder).content_hash
        with pytest.raises(DataError, match=r"'toyy' in .* or among .*Did you mean 'toy'"):
            load_set("toyy", folder.parent)

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ('{ slise = "phenomenon" }', "Did you mean 'slice'"),
            ('{ slice = "phenomenom" }', "Did you mean 'phenomenon'"),
            ('{ text_a = "premises" }', "Did you mean 'premise'"),
        ],
    )
    def test_a_misspelt_column_is_answered_with_the_nearest(self, data_folder, columns, message):
        """A wrong field or column of the file names the one that was meant."""
        path = data_folder / "set.toml"
        path.write_text(path.read_text().replace('{ slice = "phenomenon" }', columns))

        with pytest.raises(DataError, match=message):
            load_set(data_folder)


class TestFindSets:
    """Where sets are looked for."""

    def test_a_folder_of_sets_is_searched(self, folder, data_folder):
        """All folders with a set.toml below the given one are found by name."""
        assert {"toy", "file"} <= set(find_sets(folder.parent))
        assert find_sets(folder)["toy"] == folder

    def test_a_folder_without_sets_is_an_error(self, tmp_path):
        """A given folder must hold a set."""
        with pytest.raises(DataError, match="no diagnostic set is there"):
            find_sets(tmp_path)

    @pytest.mark.parametrize(
        ("packaged", "source", "expected"),
        [(True, True, "wsgeo/_diagnostics"), (False, True, "diagnostics"), (False, False, None)],
    )
    def test_the_packages_own_sets_come_before_the_source_tree(
        self, tmp_path, monkeypatch, packaged, source, expected
    ):
        """Shipped sets are the package's; beside it they count only in a source tree."""
        for place in ("wsgeo/_diagnostics", "diagnostics"):
            if packaged or place == "diagnostics":
                (tmp_path / place / "toy").mkdir(parents=True)
                (tmp_path / place / "toy" / "set.toml").write_text(HEADER)
        if source:
            (tmp_path / "pyproject.toml").touch()
        monkeypatch.setattr(sets, "__file__", str(tmp_path / "wsgeo" / "probing" / "sets.py"))

        assert find_sets() == ({"toy": tmp_path / expected / "toy"} if expected else {})

    def test_every_shipped_set_loads(self):
        """Each set that comes with wsgeo is sound."""
        for name in find_sets():
            assert load_set(name).examples.height > 0


LABELS = ("acceptable", "unacceptable")
PAIR = [
    ("good", None, "acceptable", "x", None, "1"),
    ("bad", None, "unacceptable", "x", None, "1"),
]


def frame(rows):
    return pl.DataFrame(rows, schema=EXAMPLES, orient="row")


class TestDiagnosticSet:
    """The set itself."""

    def test_slices_are_all_each_and_each_by_label(self, folder):
        """Masks follow the rows; a slice with two labels is also given label by label."""
        found = load_set(folder)
        masks = found.slices

        assert list(masks) == [
            "all", "control", "overlap", "overlap/entailment", "overlap/non-entailment"
        ]  # fmt: skip
        assert (masks["control"] ^ masks["overlap"]).all()
        assert (
            masks["overlap/entailment"] ^ masks["overlap/non-entailment"] == masks["overlap"]
        ).all()
        assert masks["control"].tolist() == (found.examples["slice"] == "control").to_list()

    def test_the_task_has_the_rows_in_order(self, folder):
        """As a task the set keeps its rows, so that masks fit the losses."""
        found = load_set(folder)
        task = found.as_task()

        assert list(task.text_a) == found.examples["text_a"].to_list()
        assert [task.labels[i] for i in task.targets] == found.examples["label"].to_list()

    def test_subcases_are_slices_where_there_are_two(self):
        """Subcases are told apart within slice and label; a single one adds nothing."""
        rows = [
            ("a", None, "no", "x", "p", None), ("b", None, "no", "x", "q/r", None),
            ("c", None, "yes", "x", "p", None), ("d", None, "no", "y", "p", None),
            ("e", None, "no", "y", "q", None), ("f", None, "no", "y", None, None),
        ]  # fmt: skip
        masks = DiagnosticSet("n", "t", "s", "l", "nli", ("yes", "no"), frame(rows)).slices

        assert list(masks) == [
            "all", "x", "x/no", "x/yes", "x/no/p", "x/no/q/r", "y", "y/p", "y/q"
        ]  # fmt: skip
        assert masks["x/no/p"].tolist() == [True] + [False] * 5
        assert masks["y/q"].tolist() == [False] * 4 + [True, False]

    def test_minimal_pairs_lie_whole_in_their_slices(self):
        """Slices of minimal pairs are not split by label."""
        found = DiagnosticSet("n", "t", "s", "l", "x", LABELS, frame(PAIR), Kind.MINIMAL_PAIRS)

        assert list(found.slices) == ["all", "x"]

    def test_the_kind_and_the_pairs_are_content(self):
        """Another kind, or other pairs, are another question."""
        rows = [*PAIR, *(("c" + text, *rest, "2") for text, *rest, _ in PAIR)]
        sets = [
            DiagnosticSet("n", "t", "s", "l", "x", LABELS, frame(rows), kind) for kind in
            (Kind.LABELLED, Kind.COUNTERFACTUAL, Kind.MINIMAL_PAIRS)
        ]  # fmt: skip
        swapped = [(*row[:-1], other) for row, other in zip(rows, "1221", strict=True)]
        sets.append(DiagnosticSet("n", "t", "s", "l", "x", LABELS, frame(swapped)))

        assert len({one.content_hash for one in sets}) == 4

    def test_the_worse_label_of_minimal_pairs_comes_first(self):
        """For models whose labels have no names 1 is the better one, however the set lists them."""
        for labels in (LABELS, LABELS[::-1]):
            one = DiagnosticSet("n", "t", "s", "l", "x", labels, frame(PAIR), Kind.MINIMAL_PAIRS)

            assert one.as_task().labels == ("unacceptable", "acceptable")
            assert one.as_task().targets.tolist() == [1, 0]

    def test_the_slice_pairs_is_made_by_the_judge(self):
        """A counterfactual set may not call one of its slices pairs."""
        rows = [(*row[:3], "pairs", *row[4:]) for row in PAIR]

        with pytest.raises(DataError, match="called 'pairs'"):
            DiagnosticSet("n", "t", "s", "l", "x", LABELS, frame(rows), Kind.COUNTERFACTUAL)

    def test_a_slice_may_not_take_the_name_of_all(self, folder):
        """Beside other slices, none may be called all."""
        path = folder / "set.toml"
        path.write_text(path.read_text().replace('"control"', '"all"'))

        with pytest.raises(DataError, match="called 'all'"):
            load_set(folder)

    def test_foreign_labels_are_refused(self):
        """A set cannot hold examples of labels that it does not declare."""
        rows = pl.DataFrame([("a", None, "maybe", "s", None, None)], schema=EXAMPLES, orient="row")

        with pytest.raises(ValueError, match="labels beside"):
            DiagnosticSet("n", "t", "s", "l", "nli", ("yes", "no"), rows)


def test_slices_of_one_name_are_refused(tmp_path):
    """A slice called like another's part is an error: one would silently stand for the other."""
    path = tmp_path / "clash.csv"
    rows = ["a,x", "a,y", "a/x,x"]
    lines = [f"t{i},{label},{part}" for i, (part, label) in enumerate(r.split(",") for r in rows)]
    path.write_text("\n".join(["text,label,slice", *lines]) + "\n")

    with pytest.raises(DataError, match="come to be called 'a/x'"):
        load_set(path)
