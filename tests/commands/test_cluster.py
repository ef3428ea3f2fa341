import csv
import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from graph_cases import planted

from wsgeo.cli import main


def write(path, ids, values, delimiter=","):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["id", *ids])
        writer.writerows([name, *row] for name, row in zip(ids, values, strict=True))
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["cluster", "--draws", "40", *map(str, arguments)])


@pytest.fixture(scope="module")
def gaps():
    """Give gaps of 8 and 4 members, and their ids."""
    values, _ = planted((8, 4), 0.005, np.random.default_rng(0))
    return values, [f"m{i:02d}" for i in range(12)]


class TestMatrix:
    """``wsgeo cluster --matrix``."""

    @pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
    def test_every_format_gives_the_same(self, gaps, tmp_path, suffix):
        """A matrix as CSV, TSV or Parquet gives two basins, as JSON on stdout."""
        values, ids = gaps
        path = tmp_path / f"matrix.{suffix}"
        if suffix == "parquet":
            frame = pl.DataFrame(values, schema=ids).select(pl.Series("id", ids), pl.all())
            frame.write_parquet(path)
        else:
            write(path, ids, values, "," if suffix == "csv" else "\t")
        result = run("--matrix", path, "--json")
        summary = json.loads(result.stdout)

        assert result.exit_code == 0
        assert summary["n_basins"] == 2
        assert summary["labels"] == {name: int(i >= 8) for i, name in enumerate(ids)}
        assert summary["p_value"] < 0.05
        assert {"method", "silhouette", "verdict", "reasons"} <= set(summary)

    def test_columns_may_stand_in_any_order(self, gaps, tmp_path):
        """Columns are matched to rows by id, not by place."""
        values, ids = gaps
        order = np.random.default_rng(1).permutation(12)
        path = tmp_path / "m.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["", *(ids[i] for i in order)])
            writer.writerows([name, *row[order]] for name, row in zip(ids, values, strict=True))

        assert json.loads(run("--matrix", path, "--json").stdout)["n_basins"] == 2

    def test_similarities_are_turned_round(self, gaps, tmp_path):
        """Cosines with --similarity give the clusters of 1 - cosine."""
        values, ids = gaps
        path = write(tmp_path / "m.csv", ids, 1 - values)

        assert json.loads(run("--matrix", path, "--similarity", "--json").stdout)["n_basins"] == 2

    def test_missing_pairs_are_named(self, gaps, tmp_path):
        """Empty cells are missing pairs, listed in the summary."""
        values, ids = gaps
        cells = values.astype(object)
        cells[0, 1], cells[1, 0] = "", "NA"
        summary = json.loads(
            run("--matrix", write(tmp_path / "m.csv", ids, cells), "--json").stdout
        )

        assert summary["filled"] == [["m00", "m01"]]

    @pytest.mark.parametrize(("n", "words"), [(1, "1 value was"), (3, "3 values were")])
    def test_a_value_in_one_triangle_counts_for_both_and_is_told(self, gaps, tmp_path, n, words):
        """A half matrix gives what the whole gives, and one line says how much was mirrored."""
        values, ids = gaps
        cells = values.astype(object)
        cells[np.triu_indices(12, 1)[0][:n], np.triu_indices(12, 1)[1][:n]] = ""
        half, whole = (
            json.loads(run("--matrix", write(tmp_path / name, ids, one), "--json").stdout)
            for name, one in (("half.csv", cells), ("whole.csv", values))
        )

        assert f"{words} given in one triangle only and taken for both." in half["reasons"]
        assert half["labels"] == whole["labels"]
        assert not any("triangle" in reason for reason in whole["reasons"])

    def test_a_given_tau_does_not_decide_the_basins_and_says_so(self, gaps, tmp_path):
        """Above all distances tau leaves two basins, and the verdict says what tau does."""
        path = write(tmp_path / "m.csv", gaps[1], gaps[0])
        first = run("--matrix", path, "--tau", "20").stdout.splitlines()[0]

        assert first.startswith("Two basins")
        assert first.endswith("hang together; it does not decide the basins.")
        assert "tau" not in run("--matrix", path).stdout.splitlines()[0]

    def test_people_read_the_verdict_first(self, gaps, tmp_path):
        """Without --json the first line is the verdict, then the members of each basin."""
        lines = run("--matrix", write(tmp_path / "m.csv", gaps[1], gaps[0])).stdout.splitlines()

        assert lines[0].startswith("Two basins of 8 and 4 members (p = ")
        assert "basin 1 (4): m08, m09, m10, m11" in "\n".join(lines)

    def test_names_cannot_reach_the_terminal(self, tmp_path):
        """Control characters in ids are shown as escapes."""
        path = write(tmp_path / "m.csv", ["\x1b[31m", "b"], [[0, 1], [1, 0]])

        assert "\x1b" not in run("--matrix", path).stdout

    def test_out_holds_tables_and_graph(self, gaps, tmp_path):
        """With -o the summary, the tables and the graph are written."""
        path = write(tmp_path / "m.csv", gaps[1], gaps[0])
        result = run("--matrix", path, "-o", tmp_path / "out", "--json")
        clusters = pl.read_parquet(tmp_path / "out/tables/clusters.parquet")

        assert json.loads((tmp_path / "out/summary.json").read_text()) == json.loads(result.stdout)
        assert clusters.filter("is_default").height == 12
        assert (tmp_path / "out/graph/connectivity.graphml").exists()

    def test_same_seed_same_answer(self, gaps, tmp_path):
        """Two runs with one seed print the same bytes."""
        path = write(tmp_path / "m.csv", gaps[1], gaps[0])

        assert run("--matrix", path, "--json").stdout == run("--matrix", path, "--json").stdout


class TestErrors:
    """One line, exit 2, and what to do."""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("id,a,b\na,0,1\nb,2,0\n", "not symmetric"),
            ("id,a,b\na,0,x\nb,x,0\n", "'x' is not a number"),
            ("id,a,a\na,0,1\na,1,0\n", "two rows have the id 'a'"),
            ("id,a,b\na,0,1\nc,1,0\n", "'b' has no row"),
            ("id,a,b\na,0\nb,1,0\n", "has 2 cells, 1 too few: the header has 3"),
            ("id,a,b\na,0,1,2\nb,1,0\n", "has 4 cells, 1 too many: the header has 3"),
            ("id,a,b\na,1,0.5\nb,0.5,1\n", "--similarity"),
            ("id\n", "no matrix"),
            ("", "no matrix"),
            ("id,a,b\na,0,1\nb,1,\ud800\n", "no text table"),
        ],
    )
    def test_say_what_and_where(self, tmp_path, text, words):
        """A bad file is one line that names it and the fault, with exit 2."""
        path = tmp_path / "m.csv"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        result = run("--matrix", path)

        assert result.exit_code == 2
        assert words in result.stderr
        assert str(path) in result.stderr
        assert result.stderr.count("\n") == 1

    def test_a_similarity_above_one_is_refused(self, tmp_path):
        """--similarity takes values in [-1, 1] only."""
        path = write(tmp_path / "m.csv", ["a", "b"], [[1, 3], [3, 1]])

        assert run("--matrix", path, "--similarity").exit_code == 2

    @pytest.mark.parametrize("name", ["absent.csv", "matrix.xlsx"])
    def test_absent_and_unknown_files(self, tmp_path, name):
        """A file that is not there, or of another kind, is exit 2."""
        assert run("--matrix", tmp_path / name).exit_code == 2

    def test_nothing_comparable_is_exit_3(self, tmp_path):
        """A matrix without a single distance is exit 3."""
        path = write(tmp_path / "m.csv", ["a", "b"], [[0, ""], ["", 0]])

        assert run("--matrix", path).exit_code == 3

    @pytest.mark.parametrize("n", [1, 2, 3])
    def test_few_members_are_no_error(self, tmp_path, n):
        """One to three members end with a sentence and exit 0."""
        ids = [f"m{i}" for i in range(n)]
        result = run("--matrix", write(tmp_path / "m.csv", ids, 1 - np.eye(n)))

        assert result.exit_code == 0
        assert result.stdout
