import csv
import gzip
import json
import os

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsgeo.errors import DataError, WsgeoError
from wsgeo.tasks.readers import read_table
from wsgeo.tasks.reading import read_task

ROWS = [
    {"premise": 'He said "no".', "hypothesis": "He spoke.", "label": "entailment"},
    {"premise": "Ünï, çodé\u2028", "hypothesis": "=1+1", "label": "neutral"},
    {"premise": "a\\tb", "hypothesis": "None", "label": "neutral"},
]


def write_csv(path, rows):
    pl.DataFrame(rows).write_csv(path, quote_style="always")


def write_tsv(path, rows):
    lines = ["\t".join(rows[0])] + ["\t".join(row.values()) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_jsonl(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")


WRITERS = {
    "csv": write_csv,
    "tsv": write_tsv,
    "jsonl": write_jsonl,
    "parquet": lambda path, rows: pl.DataFrame(rows).write_parquet(path),
}


class TestReadTable:
    """Tables from files."""

    @pytest.mark.parametrize("kind", WRITERS)
    def test_every_kind_gives_the_same_table(self, tmp_path, kind):
        """The same rows come out of CSV, TSV, JSONL and Parquet, quotes and all."""
        path = tmp_path / f"rows.{kind}"
        WRITERS[kind](path, ROWS)

        assert read_table(path).rows(named=True) == ROWS

    @pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
    def test_packed_files_are_read(self, tmp_path, kind):
        """A file packed by gzip gives what the file gives."""
        path = tmp_path / f"rows.{kind}"
        WRITERS[kind](path, ROWS)
        packed = tmp_path / f"rows.{kind}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))

        assert read_table(packed).equals(read_table(path))

    def test_text_has_one_row_per_line(self, tmp_path):
        """Lines of a text file are rows; blank lines are not."""
        path = tmp_path / "lines.txt"
        path.write_bytes("\ufeffone\r\n\r\n  \ntwo\u2028still two\n".encode())

        assert read_table(path)["text"].to_list() == ["one", "two\u2028still two"]

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        rows=st.lists(
            st.fixed_dictionaries(
                {
                    k: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))
                    for k in "ab"
                }
            ),
            min_size=1,
            max_size=5,
        )
    )
    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def test_whatever_the_text_it_comes_back(self, tmp_path, kind, rows):
        """Any text survives quoting: separators, quotes and line breaks in fields are text."""
        path = tmp_path / f"rows.{kind}"
        WRITERS[kind](path, rows)

        assert read_table(path).rows(named=True) == rows

    def test_columns_that_no_task_needs_may_hold_anything(self, tmp_path):
        """A field of changing type is refused only if the task needs it."""
        path = tmp_path / "rows.jsonl"
        path.write_text(
            '{"text": "a", "label": 1, "meta": [1]}\n{"text": "b", "label": 0, "meta": {"x": "\\ud800"}}\n'
        )

        assert read_task(path).text_a == ("a", "b")
        with pytest.raises(
            DataError, match="row 2: field 'meta' is of type dict; in row 1 it is list"
        ):
            read_task(path, columns={"label": "meta"})

    def test_a_gzip_bomb_stops_at_the_limit(self, tmp_path, monkeypatch):
        """Unpacking stops at the size limit and says so."""
        monkeypatch.setattr("wsgeo.tasks.readers.MAX_BYTES", 10_000)
        path = tmp_path / "bomb.txt.gz"
        path.write_bytes(gzip.compress(b"a" * 1_000_000))

        with pytest.raises(DataError, match="unpacks to more than"):
            read_table(path)


GOOD = "id\tpremise\thypothesis\tlabel\n1\ta\tb\tentailment\n2\tc\td\tneutral\n"
JSON = '{"text": "a", "label": 0}\n{"text": "b", "label": 1}\n'

# (file name, bytes, what the message must say)
FAULTS = {
    "empty file": ("x.tsv", "", "file is empty"),
    "header only": ("x.tsv", "premise\thypothesis\tlabel\n", "no rows"),
    "blank lines only": ("x.jsonl", "\n\n", "no rows"),
    "short row": ("x.tsv", GOOD + "3\te\tf\n", "row 3: field 'label' ends a row of 3 fields"),
    "long row": ("x.tsv", GOOD + "3\te\tf\tneutral\tg\n", "row 3: .* 5 fields; the header names 4"),
    "empty text": ("x.tsv", GOOD + "3\t \tf\tneutral\n", "row 3: field 'premise' is empty"),
    "empty second text": ("x.tsv", GOOD + "3\te\t\tneutral\n", "row 3: field 'hypothesis' is empty"),
    "null label": ("x.jsonl", JSON + '{"text": "c", "label": null}\n', "row 3: field 'label' is empty"),
    "lacking label": ("x.jsonl", JSON + '{"text": "c"}\n', "row 3: field 'label' is empty"),
    "lacking text": ("x.jsonl", JSON + '{"label": 1}\n', "row 3: field 'text' is empty"),
    "score for a label": ("x.jsonl", JSON + '{"text": "c", "label": 3.8}\n', "row 3: .*3.8, a score"),
    "other type": ("x.jsonl", JSON + '{"text": "c", "label": "x"}\n', "row 3: .*'label' is of type str"),
    "number for a text": ("x.jsonl", '{"text": 1, "label": 1}\n', "row 1: field 'text' holds Int64"),
    "list for a label": ("x.jsonl", '{"text": "a", "label": [1]}\n', "row 1: field 'label' holds List"),
    "broken JSON": ("x.jsonl", JSON + '{"text": "c", "label"\n', "row 3 is no JSON"),
    "no JSON object": ("x.jsonl", JSON + "[1, 2]\n", "row 3 is no JSON object"),
    "field twice": ("x.jsonl", JSON + '{"text": "c", "text": "d", "label": 1}', "row 3.*'text' is given twice"),
    "deep JSON": ("x.jsonl", JSON + "[" * 100_000 + "\n", "row 3 is no JSON"),
    "NaN": ("x.jsonl", JSON + '{"text": "c", "label": NaN}\n', "row 3 is no JSON: NaN"),
    "lone surrogate": ("x.jsonl", JSON + '{"text": "\\ud800", "label": 1}\n', "row 3: field 'text'"),
    "surrogate in a name": ("x.jsonl", JSON + '{"\\ud800": 1}\n', "row 3 is no JSON: a field's name"),
    "huge integer": ("x.jsonl", JSON + f'{{"text": "c", "label": {10**30}}}\n', "row 3: field 'label'"),
    "open quote": ("x.csv", 'text,label\na,1\n"b,0\n', "row 2 cannot be read"),
    "stray quote": ("x.csv", 'text,label\na,1\n"b"c,0\n', "row 2 cannot be read"),
    "column twice": ("x.csv", "text,text\na,b\n", "header: two columns are called 'text'"),
    "blank header": ("x.csv", "\na,1\n", "header: the first line names no columns"),
    "column without name": ("x.csv", "text,\na,b\n", "header: column 2 has no name"),
    "no UTF-8": ("x.tsv", GOOD.encode() + b"3\t\xff\xfe\tf\tneutral\n", "line 4 is not UTF-8"),
    "repeated id": ("x.tsv", GOOD + "2\te\tf\tneutral\n", "row 3: field 'id' repeats the id '2'"),
    "empty id": ("x.jsonl", '{"id": null, "text": "a", "label": 1}', "row 1: field 'id' is empty"),
    "no label at all": ("x.tsv", "text\tlabel\na\t-\n", "field 'label' holds no label at all"),
    "spelt twice": ("x.tsv", GOOD + "3\te\tf\tNeutral\n", "two ways: Neutral, neutral"),
    "negative class": ("x.jsonl", JSON + '{"text": "c", "label": -2}\n', "row 3: .* -2, which is no class"),
    "id for a class": ("x.jsonl", JSON + '{"text": "c", "label": 99999}\n', "row 3: .* which is no class"),
    "named twice": (
        "x.csv", "text,label,label_name\na,0,no\nb,1,yes\nc,1,no\n", "row 3: field 'label_name' is 'no' for label 1"
    ),
    "no label column": ("x.csv", "text,other\na,b\n", "no label"),
    "no text column": ("x.csv", "label,other\na,b\n", "no column of texts is known: label, other"),
    "two readings": ("x.csv", "text,sentence,label\na,b,1\n", "could be the text: text, sentence"),
    "two labels": ("x.csv", "text,gold_label,label\na,b,1\n", "could be the label: label, gold_label"),
    "no Parquet": ("x.parquet", "PAR1 and nothing else PAR1", "Parquet file cannot be read"),
    "unpacked text called packed": ("x.txt.gz", "text\n", "cannot be read"),
    "cut gzip": ("x.txt.gz", gzip.compress(os.urandom(5000))[:-900], "cannot be read"),
    "unknown kind": ("x.xlsx", "x", "'.xlsx' cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_names_its_row_and_field(tmp_path, fault):
    """A faulty data set is refused in one line that names file, row and field (exit code 2)."""
    name, content, message = FAULTS[fault]
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)

    with pytest.raises(DataError, match=message) as caught:
        read_task(tmp_path / name)

    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_is_named(tmp_path):
    """A path without a file is an error that names it."""
    with pytest.raises(DataError, match="no such file"):
        read_task(tmp_path / "none.parquet")


@pytest.mark.parametrize(("kind", "tab"), [("csv", ","), ("tsv", "\t")])
def test_a_long_field_is_read(tmp_path, kind, tab):
    """A field may be longer than the csv module's own limit, which stays as it was."""
    limit = csv.field_size_limit()
    long = "word " * 40_000
    path = tmp_path / f"long.{kind}"
    path.write_text(f"text{tab}label\n{long}{tab}yes\nshort{tab}no\n")

    table = read_table(path)

    assert table["text"].to_list() == [long, "short"]
    assert csv.field_size_limit() == limit


@pytest.mark.slow
@settings(
    max_examples=1500, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    data=st.binary(max_size=200), kind=st.sampled_from(["csv", "tsv", "jsonl", "txt.gz", "parquet"])
)
def test_any_bytes_are_read_or_refused(tmp_path, data, kind):
    """No file, whatever its bytes, causes another error than the documented one."""
    path = tmp_path / f"x.{kind}"
    path.write_bytes(data)
    try:
        table = read_table(path)
    except WsgeoError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert table.height
        assert table.width


@pytest.mark.slow
@pytest.mark.parametrize("kind", WRITERS)
def test_any_damage_is_read_or_refused(tmp_path, capfd, kind):
    """Flipped, lost and added bytes in a sound file cause no other error, in any of 500 ways."""
    source = tmp_path / f"rows.{kind}"
    WRITERS[kind](source, ROWS)
    rng = np.random.default_rng(0)
    for _ in range(500):
        data = bytearray(source.read_bytes())
        for place in rng.integers(0, len(data), size=rng.integers(1, 4)):
            how = rng.integers(3)
            data[place : place + int(how != 2)] = rng.bytes(1) * int(how != 1)
        damaged = tmp_path / f"damaged.{kind}"
        damaged.write_bytes(bytes(data))
        try:
            read_task(damaged)
        except WsgeoError as error:
            assert "\n" not in str(error)  # noqa: PT017
    capfd.readouterr()  # what polars prints when it panics
