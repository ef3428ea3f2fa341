import json

import polars as pl
import pytest

from wsgeo.errors import DataError
from wsgeo.probing.set_files import MOST
from wsgeo.probing.sets import load_set
from wsgeo.tasks.declarations import Kind

HEADER = """
title = "A toy set"
source = "mccoy2019"
licence = "CC0"
task = "toy"
"""


def write(folder, name, rows):
    """Write rows as JSONL and return the file."""
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def declare(folder, *lines):
    """Write a set.toml into the folder and load it."""
    (folder / "set.toml").write_text(HEADER + "\n".join(lines) + "\n")
    return load_set(folder)


BLIMP = [
    {"sentence_good": f"good {i}", "sentence_bad": f"bad {i}", "uid": "ab"[i % 2], "pair_id": i}
    for i in range(6)
]
CHECKLIST = [{"text": f"text {i}", "group": f"g{i // 3}"} for i in range(9)]
PERTURBED = [{"original": f"o{i}", "perturbed": f"p{i}", "label": "x"} for i in range(4)]
REVISED = [
    {"text": f"{v} {i}", "label": f"{i % 2}", "pair": i // 2, "variant": v}
    for i in range(8)
    for v in ["new" if i % 2 else "old"]
]
BARE = {
    "blimp": (BLIMP, Kind.MINIMAL_PAIRS, "minimal pairs by sentence_good and sentence_bad"),
    "checklist": (CHECKLIST, Kind.INVARIANCE, "invariance by group"),
    "perturbed": (PERTURBED, Kind.INVARIANCE, "invariance by original and perturbed"),
    "revised": (REVISED, Kind.COUNTERFACTUAL, "counterfactual by pair"),
    "lone pairs": (
        [{"text": f"t{i}", "label": "ab"[i % 2], "pair_id": i} for i in range(4)],
        Kind.LABELLED,
        "labelled examples",
    ),
    "groups of mixed labels": (
        [{"text": f"t{i}", "label": "ab"[i % 2], "group": "g"} for i in range(4)],
        Kind.LABELLED,
        "labelled examples",
    ),
    "groups of one label": (
        [{"text": f"t{i}", "label": "ab"[i // 2], "group": i // 2} for i in range(4)],
        Kind.INVARIANCE,
        "invariance by group",
    ),
}


class TestKinds:
    """What a bare file is taken for."""

    @pytest.mark.parametrize("case", BARE)
    def test_columns_tell_the_kind(self, tmp_path, case):
        """The columns decide what is judged, and the title says so."""
        rows, kind, words = BARE[case]
        found = load_set(write(tmp_path, "mine.jsonl", rows))

        assert found.kind is kind
        assert found.title == f"mine, taken for {words}"

    def test_a_row_of_two_sentences_is_a_pair(self, tmp_path):
        """Good and bad sentences are two examples, acceptable and not, in the slice of their uid."""
        found = load_set(write(tmp_path, "mine.jsonl", BLIMP))

        assert found.labels == ("unacceptable", "acceptable")
        assert found.examples.rows()[2:4] == [
            ("good 1", None, "acceptable", "b", None, "2"),
            ("bad 1", None, "unacceptable", "b", None, "2"),
        ]
        assert list(found.slices) == ["all", "a", "b"]

    def test_invariance_needs_no_labels(self, tmp_path):
        """Groups of texts without labels are a set without labels."""
        found = load_set(write(tmp_path, "mine.jsonl", CHECKLIST))

        assert found.labels == ()
        assert found.examples["label"].null_count() == 9
        assert found.examples["pair"].to_list() == ["g0"] * 3 + ["g1"] * 3 + ["g2"] * 3
        assert found.as_task(("no", "yes")).labels == ("no", "yes")

    def test_examples_alone_in_their_pair_count_by_themselves(self, tmp_path):
        """A counterfactual file may have examples without a partner."""
        lone = {"text": "alone", "label": "0", "pair": 9, "variant": "old"}
        found = load_set(write(tmp_path, "mine.jsonl", [*REVISED, lone]))

        assert found.kind is Kind.COUNTERFACTUAL
        assert found.examples["pair"].to_list() == [str(i // 2) for i in range(8)] + [None]

    def test_a_declared_kind_decides(self, tmp_path):
        """What the set.toml says of the kind holds against the columns."""
        write(tmp_path, "rows.jsonl", REVISED)
        data = ('data = "rows.jsonl"', 'labels = ["0", "1"]')

        assert declare(tmp_path, *data).kind is Kind.COUNTERFACTUAL
        assert declare(tmp_path, *data, 'kind = "labelled"').kind is Kind.LABELLED
        with pytest.raises(DataError, match="more than one label"):
            declare(tmp_path, *data, 'kind = "invariance"')

    def test_a_kind_without_its_pairs_is_refused(self, tmp_path):
        """A kind that needs pairs says which column it lacks."""
        write(tmp_path, "rows.jsonl", [{"text": "a", "label": "0"}, {"text": "b", "label": "1"}])

        with pytest.raises(DataError, match=r"no examples are paired.*columns\.pair"):
            declare(
                tmp_path, 'data = "rows.jsonl"', 'labels = ["0", "1"]', 'kind = "counterfactual"'
            )

    def test_named_columns_take_the_place_of_usual_ones(self, tmp_path):
        """Pairs of sentences under other names are found through columns."""
        rows = [{"ok": f"ok {i}", "ko": f"ko {i}", "what": "agreement"} for i in range(3)]
        write(tmp_path, "rows.jsonl", rows)
        found = declare(
            tmp_path,
            'data = "rows.jsonl"',
            'labels = ["fine", "not_fine"]',
            'columns = { good = "ok", bad = "ko", slice = "what" }',
        )

        assert found.kind is Kind.MINIMAL_PAIRS
        assert found.examples["label"].to_list() == ["fine", "not_fine"] * 3
        assert list(found.slices) == ["all", "agreement"]


class TestRows:
    """Which rows are taken, and what of them."""

    def test_integers_may_be_named_by_the_set(self, tmp_path):
        """Names that repeat their integers give way to those that the set declares."""
        rows = [{"text": f"t{i}", "label": i % 2, "label_name": f"{i % 2}"} for i in range(4)]
        write(tmp_path, "rows.jsonl", rows)
        found = declare(tmp_path, 'data = "rows.jsonl"', 'labels = ["unacceptable", "acceptable"]')

        assert found.examples["label"].to_list() == ["unacceptable", "acceptable"] * 2

    def test_the_published_layout_of_hans_is_read(self, tmp_path):
        """Tab-separated text with a header is a table, also with the ending .txt."""
        text = (
            "gold_label\tsentence1\tsentence2\tpairID\theuristic\tsubcase\ttemplate\n"
            "entailment\tThe poet slept .\tThe poet slept .\tex0\tsubsequence\tse\ttemp1\n"
            "non-entailment\tA saw B .\tB saw A .\tex1\tlexical_overlap\tln\ttemp2\n"
        )
        (tmp_path / "heuristics.txt").write_text(text)
        (tmp_path / "heuristics.tsv").write_text(text)
        found, same = (load_set(tmp_path / f"heuristics.{kind}") for kind in ("txt", "tsv"))

        assert found.content_hash == same.content_hash
        assert found.examples.row(1) == (
            "A saw B .", "B saw A .", "non-entailment", "lexical_overlap", "ln", None
        )  # fmt: skip

    def test_a_short_row_of_tabbed_text_is_named(self, tmp_path):
        """A row with fewer fields than the header is an error with its number."""
        (tmp_path / "mine.txt").write_text("label\ttext\nyes\tfine\nno\n")

        with pytest.raises(DataError, match=r"row 2.*1 fields"):
            load_set(tmp_path / "mine.txt")

    def test_a_row_of_a_pair_has_both_texts(self, tmp_path):
        """A missing text is named by its row and column in the file."""
        rows = [{"original": "a", "perturbed": "b"}, {"original": "c", "perturbed": " "}]

        with pytest.raises(DataError, match="row 2: field 'perturbed' is empty"):
            load_set(write(tmp_path, "mine.jsonl", rows))

    def test_a_large_file_is_drawn_evenly(self, tmp_path):
        """Of a bare file at most 5,000 rows are asked, as many of each slice as there are."""
        parts = ["rare"] * 100 + ["common"] * 6000
        pl.DataFrame(
            {"text": [f"t{i}" for i in range(6100)], "label": ["y", "n"] * 3050, "slice": parts}
        ).write_parquet(tmp_path / "mine.parquet")
        found = load_set(tmp_path / "mine.parquet")

        assert found.examples.height == MOST
        assert found.slices["rare"].sum() == 100

    def test_large_files_of_pairs_keep_them_whole(self, tmp_path):
        """A declared number of examples is rounded to whole pairs."""
        write(tmp_path, "rows.jsonl", BLIMP)
        found = declare(
            tmp_path,
            'data = "rows.jsonl"',
            'labels = ["unacceptable", "acceptable"]',
            "n_examples = 5",
        )

        assert found.examples.height == 4
        assert found.examples["pair"].n_unique() == 2

    def test_indicator_columns_make_slices_that_overlap(self, tmp_path):
        """Columns of 0 and 1 are a slice each; rows in none of them are not asked."""
        rows = [
            {
                "text": f"t{i}",
                "label": "ab"[i % 2],
                "negation": int(i < 4),
                "logic": int(i in (3, 4)),
            }
            for i in range(8)
        ]
        write(tmp_path, "rows.jsonl", rows)
        data = ('data = "rows.jsonl"', 'labels = ["a", "b"]')
        found = declare(tmp_path, *data, 'columns = { slice = ["negation", "logic"] }')
        one = declare(tmp_path, *data, 'columns = { slice = ["negation"] }')

        assert found.examples["text_a"].to_list() == [f"t{i}" for i in range(5)]
        assert found.slices["negation"].tolist() == [True] * 4 + [False]
        assert found.slices["logic"].tolist() == [False] * 3 + [True] * 2
        assert list(found.slices) == [
            "all", "logic", "logic/a", "logic/b", "negation", "negation/a", "negation/b"
        ]  # fmt: skip
        assert found.content_hash != one.content_hash

    def test_an_indicator_is_0_or_1(self, tmp_path):
        """A column that counts is no slice."""
        write(tmp_path, "rows.jsonl", [{"text": "t", "label": "a", "negation": 2}])

        with pytest.raises(DataError, match=r"row 1.*'negation' is 2, neither 0 nor 1"):
            declare(
                tmp_path,
                'data = "rows.jsonl"',
                'labels = ["a", "b"]',
                'columns = { slice = ["negation"] }',
            )

    def test_several_columns_are_only_for_slices(self, tmp_path):
        """A list of columns for another field is refused."""
        with pytest.raises(DataError, match=r"columns\.label names one column"):
            declare(tmp_path, 'data = "x"', 'labels = ["a", "b"]', 'columns = { label = ["x"] }')


REAL = {
    "hans/validation": (Kind.LABELLED, "lexical_overlap/non-entailment/ln_passive", 5000),
    "hans_real_sample/validation": (Kind.LABELLED, "constituent/non-entailment", 30),
    "paws_qqp/train": (Kind.LABELLED, "all/1", 5000),
    "cola/validation_in_domain": (Kind.LABELLED, "all/0", 527),
    "cola/validation_out_of_domain": (Kind.LABELLED, "all/0", 516),
    "mnli_hard_matched/validation": (Kind.LABELLED, "all/neutral", 4573),
    "monli/validation": (Kind.LABELLED, "all/neutral", 2678),
    "negation_snli/test": (Kind.LABELLED, "all/contradiction", 1500),
    "taxinli/validation": (Kind.LABELLED, "all/entailment", 5000),
    "blimp/pairs": (Kind.MINIMAL_PAIRS, "adjunct_island", 5000),
    "imdb_cad/test": (Kind.LABELLED, "revised/Negative", 976),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_sets_as_they_are(data_root, name):
    """Published files load without a set.toml, with their slices, at most 5,000 rows of them."""
    kind, part, n = REAL[name]
    found = load_set(data_root / f"{name}.parquet")

    assert found.kind is kind
    assert part in found.slices
    assert found.examples.height == n


def test_the_two_splits_of_cola_have_two_names(data_root):
    """Files that are named for parts of one data set are told apart."""
    names = [
        load_set(data_root / "cola" / f"validation_{part}.parquet").name
        for part in ("in_domain", "out_of_domain")
    ]

    assert names == ["cola-in_domain", "cola-out_of_domain"]


def test_real_indicators_overlap(data_root, tmp_path):
    """The categories of TaxiNLI are slices that share examples."""
    found = declare(
        tmp_path,
        f'data = "{data_root.resolve()}/taxinli/validation.parquet"',
        'labels = ["entailment", "neutral", "contradiction"]',
        'columns = { slice = ["negation_logic", "boolean_logic"] }',
    )

    assert (found.slices["negation_logic"] | found.slices["boolean_logic"]).all()
    assert (found.slices["negation_logic"] & found.slices["boolean_logic"]).any()
