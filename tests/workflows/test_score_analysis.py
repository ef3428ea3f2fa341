"""Analyses of scores from elsewhere."""

import json
import random

import numpy as np
import polars as pl
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.store.tables import read_table
from wsgeo.workflows.score_analysis import analyse_scores

PUBLISHED = "hans_published_results/berts_of_a_feather_accuracies_by_run.csv"
PREDICTIONS = "hans_published_results/model_predictions.parquet"


@pytest.fixture
def two_kinds(tmp_path, rng):
    """Give a table of twelve models of two kinds, alike in domain."""
    kind = np.arange(12) % 2
    table = {"model": [f"m{i}" for i in range(12)], "in_domain": rng.uniform(0.84, 0.85, 12)}
    for k in range(6):
        middle = np.where(kind == k % 2, 0.8, 0.2)
        table[f"s{k}"] = np.clip(middle + rng.normal(0, 0.03, 12), 0, 1)
    pl.DataFrame(table).write_csv(tmp_path / "mine.csv")
    labels = pl.DataFrame({"model": table["model"], "basin": kind})
    labels.write_csv(tmp_path / "basins.csv")
    return tmp_path


class TestWithGroups:
    """Groups that a file gives are compared as basins of a run are."""

    def test_differences_have_p_values(self, two_kinds):
        """Every slice beyond the own task differs, corrected for all slices."""
        found = analyse_scores(two_kinds / "mine.csv", two_kinds / "basins.csv")
        contrasts = pl.DataFrame(found["contrasts"]).filter(pl.col("set") == "mine")

        assert found["groups"]["kind"] == "basins"
        assert contrasts.height == 6
        assert contrasts["p_adjusted"].max() < 0.05
        assert any("basin 1 is right on" in one for one in found["sentences"])

    def test_given_groups_are_taken_at_their_word(self, two_kinds):
        """That p-values hold only for groups made without these scores is said."""
        found = analyse_scores(two_kinds / "mine.csv", two_kinds / "basins.csv")

        assert "if the groups were made without these scores" in found["groups"]["verdict"]

    def test_models_without_a_label_are_left_out_and_counted(self, two_kinds):
        """A model that the file of groups does not name is told and not compared."""
        lines = (two_kinds / "basins.csv").read_text().splitlines()
        (two_kinds / "basins.csv").write_text("\n".join(lines[:-2]))
        found = analyse_scores(two_kinds / "mine.csv", two_kinds / "basins.csv")

        assert found["groups"]["n_without_label"] == 2
        assert "2 models without a label, left out" in found["groups"]["verdict"]
        assert found["contrasts"][0]["n_a"] == 5

    def test_other_groups_are_called_so(self, two_kinds):
        """A column that does not speak of basins makes groups, by their names."""
        text = (two_kinds / "basins.csv").read_text()
        (two_kinds / "g.csv").write_text(
            text.replace("basin", "group").replace(",0", ",left").replace(",1", ",right")
        )
        found = analyse_scores(two_kinds / "mine.csv", two_kinds / "g.csv")

        assert found["groups"]["names"] == {"0": "group left", "1": "group right"}
        assert not any("basin" in one for one in found["lines"])

    def test_models_of_one_answer_are_no_evidence(self, two_kinds):
        """A model that gives one answer to its own task is left out, and said to be."""
        table = pl.read_csv(two_kinds / "mine.csv")
        first = pl.int_range(pl.len()) == 0
        table.with_columns(
            pl.when(first).then(1.0).otherwise(0.8).alias("in_domain/x"),
            pl.when(first).then(0.0).otherwise(0.8).alias("in_domain/y"),
        ).write_csv(two_kinds / "mine.csv")
        found = analyse_scores(two_kinds / "mine.csv", two_kinds / "basins.csv")

        assert (list(found["left_out"]), found["flagged"]) == (["m0"], {})
        assert {row["n_a"] for row in found["contrasts"] if row["slice"] == "s0"} == {5}
        assert any(one.startswith("Left out: m0 gives one answer") for one in found["lines"])

        alone = analyse_scores(two_kinds / "mine.csv", n_draws=30)["groups"]
        assert sum(alone["sizes"].values()) == 11
        assert alone["verdict"].endswith(" Not counted: m0.")

    def test_doubtful_models_are_flagged_and_compared(self, two_kinds):
        """Without scores by label a low score in domain is told, and the model stays."""
        table = pl.read_csv(two_kinds / "mine.csv")
        low = pl.when(pl.int_range(pl.len()) == 0).then(0.4).otherwise(pl.col("in_domain"))
        table.with_columns(low.alias("in_domain")).write_csv(two_kinds / "mine.csv")
        found = analyse_scores(two_kinds / "mine.csv", n_draws=30)

        assert (found["left_out"], list(found["flagged"])) == ({}, ["m0"])
        assert sum(found["groups"]["sizes"].values()) == 12
        assert "Not counted" not in found["groups"]["verdict"]
        assert any(one.startswith("Flagged: m0 is right on 40%") for one in found["lines"])


class TestWithoutGroups:
    """Models are put in profile groups by their scores, which are described."""

    def test_no_p_value_is_claimed(self, two_kinds):
        """Groups are found and described; the sentences say why nothing is tested."""
        found = analyse_scores(two_kinds / "mine.csv", n_draws=60)
        text = json.dumps({key: found[key] for key in ("groups", "sentences", "lines")})

        assert found["groups"]["sizes"] == {"0": 6, "1": 6}
        assert {row["p_value"] for row in found["contrasts"]} == {None}
        assert any(one.startswith("No p-values:") for one in found["sentences"])
        assert "basin" not in text

    def test_tables_and_summary_are_written(self, two_kinds):
        """The folder holds the tables of a run and the summary as it is printed."""
        found = analyse_scores(two_kinds / "mine.csv", n_draws=60, out=two_kinds / "out")
        tables = two_kinds / "out" / "tables"
        summary = json.loads((two_kinds / "out" / "summary.json").read_text())

        assert read_table(tables, "scores").height == 12 * 7
        assert set(read_table(tables, "clusters")["group"]) == {"given"}
        assert read_table(tables, "contrasts").height == len(found["contrasts"]) > 0
        assert read_table(tables, "strategies").height == 2 * 7
        assert summary == {key: value for key, value in found.items() if key != "lines"}

    def test_tables_are_written_with_given_groups(self, two_kinds):
        """Given labels are a table of clusters too."""
        basins = two_kinds / "basins.csv"
        analyse_scores(two_kinds / "mine.csv", basins, out=two_kinds / "out")
        clusters = read_table(two_kinds / "out" / "tables", "clusters")

        assert clusters["is_default"].all()
        assert clusters.height == 12

    def test_the_seed_decides(self, two_kinds):
        """One seed gives one answer."""
        one, two = (analyse_scores(two_kinds / "mine.csv", n_draws=30, seed=3) for _ in range(2))

        assert one == two

    @pytest.mark.parametrize("n", [1, 2])
    def test_few_models_are_described(self, tmp_path, n):
        """One model, or two, have scores and no groups."""
        (tmp_path / "f.csv").write_text("id,a\n" + "".join(f"m{i},0.{i}\n" for i in range(n)))
        found = analyse_scores(tmp_path / "f.csv")

        assert "too few" in found["groups"]["verdict"]
        assert (found["n_models"], found["contrasts"]) == (n, [])

    def test_predictions_are_analysed_alike(self, data_root):
        """The published predictions of four models give slices, spreads and no own task."""
        found = analyse_scores(data_root / PREDICTIONS, n_draws=30)

        assert (found["n_models"], found["in_domain"]) == (4, None)
        assert found["spreads"][0]["slice"] == "constituent/non-entailment/cn_embedded_under_if"

    @pytest.mark.slow
    def test_the_published_models_form_no_groups(self, data_root):
        """One hundred models that are alike in domain lie far apart elsewhere, without a gap."""
        found = analyse_scores(data_root / PUBLISHED)
        rows = {row["slice"]: row for row in found["spreads"] if row["set"] == "hans"}
        swap = rows["lexical_overlap/non-entailment/ln_subject_object_swap"]

        assert found["n_models"] == 100
        assert found["groups"]["verdict"].startswith("No profile groups")
        assert (swap["lowest"], swap["highest"]) == (0.0, 0.662)
        assert swap["correlation"] == pytest.approx(0.388, abs=0.01)
        assert found["sentences"][0].startswith(
            "In domain the models reach 83.7% to 84.8% on mnli;"
        )


ODD_CELLS = (
    "", "nan", "-nan", "inf", "1e400", "0e400", "1e23", "9" * 400, "see", "-1", "50", "99.5%", "é", "\0",
    '"', "a,b", "x/no", "all", "mean", "yes", "in_domain", "1_000", "\u202e",
)  # fmt: skip
ODD_NAMES = (
    "id", "slice", "metric", "n_examples", "gold", "prediction", "label", "in_domain", "in_domain/x", "all",
    "x/no", "h: a", "*", "^a$", "\0row", "seed", "ln_x",
)  # fmt: skip
TABLES = (
    "model,in_domain,a,b\nm,0.8,0.5,0.1\nn,0.9,0.25,0.4\no,0.85,0.2,0.4\nmean,0.85,0.317,0.3\n",
    "model,in_domain,in_domain/x,in_domain/y,a\nm,0.5,1,0,0.1\nn,0.9,0.9,0.9,0.4\n",
    "id,set,slice,metric,n_examples\nm,in_domain,all,0.9,10\nm,h,a,0.5,10\nn,h,a,0.7,20\n",
    "example,slice,subcase,gold,a,b\n1,x,s,yes,yes,no\n2,x,t,no,yes,no\n3,y,s,no,yes,\n",
    "model,example,slice,gold,prediction\nm,1,x,yes,yes\nm,2,x,no,yes\nn,1,x,yes,no\n",
)
GROUPS = ('{"labels": {"m": 0, "n": 1}}', '{"labels": {"m": %s}}' % 10**30, "[" * 9999, "\0", "")


def mutated(draw, folder):
    """Write a table with one to three odd cells or names, as one of four kinds of file."""
    rows = [line.split(",") for line in draw.choice(TABLES).splitlines()]
    for _ in range(draw.randint(1, 3)):
        row = draw.choice(rows)
        row[draw.randrange(len(row))] = draw.choice(ODD_NAMES if row is rows[0] else ODD_CELLS)
    kind = draw.choice(["csv", "tsv", "jsonl", "parquet"])
    names, path = rows[0], folder / f"mine.{kind}"
    if kind == "parquet":
        columns = dict(zip(names, zip(*rows[1:], strict=True), strict=True))
        odd = draw.choice(names)
        kinds = (pl.Binary, pl.Categorical, pl.List(pl.String), pl.Null, pl.String)
        dtype = draw.choice(kinds)
        values = {pl.Binary: [b"\xff"], pl.List(pl.String): [["x"]], pl.Null: [None]}
        table = pl.DataFrame({name: pl.Series(column) for name, column in columns.items()})
        other = pl.Series(odd, values.get(dtype, ["0.5"]) * table.height, dtype)
        table.with_columns(other).write_parquet(path)
    elif kind == "jsonl":
        path.write_text(
            "\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows[1:])
        )
    else:
        text = "\n".join(("," if kind == "csv" else "\t").join(row) for row in rows)
        path.write_bytes(text.encode(draw.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])))
    return path


class TestMutatedFiles:
    """A faulty file ends in one line, never in a traceback."""

    def test_faults_are_one_line(self, tmp_path):
        """Of odd cells, names, types, encodings and groups each is read or refused in one line."""
        draw, refused = random.Random(0), []
        for _ in range(150):
            path = mutated(draw, tmp_path)
            groups = draw.choice([None, None, tmp_path / "groups.json"])
            (tmp_path / "groups.json").write_text(draw.choice(GROUPS))
            try:
                analyse_scores(path, groups, n_draws=5)
            except WsgeoError as error:
                refused.append(str(error))

        assert 75 < len(refused) < 150
        assert all(message.isprintable() for message in refused)
