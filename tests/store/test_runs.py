"""A run folder has one writer and opens again."""

import subprocess
import sys

import polars as pl
import pytest

from wsgeo.errors import StoreError
from wsgeo.store import TABLES, create_run, open_run, write_table


class TestFolder:
    """Runs are made once and taken up again."""

    def test_a_new_run_opens(self, tmp_path):
        """A run that was made can be opened, with empty tables."""
        create_run(tmp_path / "run")

        assert open_run(tmp_path / "run").table("pairs").is_empty()

    def test_a_foreign_folder_is_left_alone(self, tmp_path):
        """A folder with other files is refused and not touched."""
        (tmp_path / "thesis.txt").write_text("mine")

        with pytest.raises(StoreError, match="holds no run"):
            create_run(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_no_run_is_an_error(self, tmp_path):
        """A folder without run.json is no run."""
        with pytest.raises(StoreError, match="no run folder"):
            open_run(tmp_path)

    def test_a_later_format_is_refused(self, tmp_path):
        """A run of a later format asks for a newer wsgeo."""
        create_run(tmp_path / "run").write("run", {"format": 99})

        with pytest.raises(StoreError, match="newer wsgeo"):
            open_run(tmp_path / "run")

    def test_broken_json_is_named(self, tmp_path):
        """A run file that is not JSON is named in the error."""
        run = create_run(tmp_path / "run")
        (run.folder / "summary.json").write_text("{")

        with pytest.raises(StoreError, match=r"summary\.json"):
            run.read("summary")


class TestTables:
    """Tables keep their schema and its version."""

    @pytest.mark.parametrize("name", sorted(TABLES))
    def test_round_trip(self, tmp_path, name):
        """An empty table of every kind is written and read with its schema."""
        run = create_run(tmp_path / "run")
        run.write_table(name, pl.DataFrame(schema=TABLES[name]))

        assert run.table(name).schema == TABLES[name]

    def test_wrong_columns_are_refused(self, tmp_path):
        """A frame without a column of the schema is not written."""
        with pytest.raises(ValueError, match="embedding"):
            write_table(tmp_path, "embedding", pl.DataFrame({"id": ["a"]}))

    def test_a_table_of_version_1_is_read(self, tmp_path):
        """Columns that a later version added are null in an older table."""
        run = create_run(tmp_path / "run")
        old = pl.DataFrame({"group": "g", "id": "a", "matrix": "given", "method": "one_group",
                            "label": 0, "certainty": 0.5, "is_default": True})  # fmt: skip
        old.write_parquet(
            run.subfolder("tables") / "clusters.parquet", metadata={"wsgeo.schema": "clusters/1"}
        )
        found = run.table("clusters")

        assert found.schema == TABLES["clusters"]
        assert found.select(old.columns).equals(old)
        assert found["outlier"].to_list() == [None]

    def test_a_table_of_a_later_version_is_refused(self, tmp_path):
        """What a newer wsgeo wrote is not guessed at."""
        run = create_run(tmp_path / "run")
        frame = pl.DataFrame(schema=TABLES["clusters"])
        frame.write_parquet(
            run.subfolder("tables") / "clusters.parquet", metadata={"wsgeo.schema": "clusters/3"}
        )

        with pytest.raises(StoreError, match="newer wsgeo"):
            run.table("clusters")

    def test_an_unreadable_table_is_named(self, tmp_path):
        """A file that is no Parquet is named in the error."""
        run = create_run(tmp_path / "run")
        run.subfolder("tables").joinpath("pairs.parquet").write_bytes(b"PAR1")

        with pytest.raises(StoreError, match=r"pairs\.parquet"):
            run.table("pairs")

    def test_another_table_under_this_name_is_refused(self, tmp_path):
        """A file of another table is not taken for this one."""
        run = create_run(tmp_path / "run")
        run.write_table("scores", pl.DataFrame(schema=TABLES["scores"]))
        (run.tables / "scores.parquet").rename(run.tables / "pairs.parquet")

        with pytest.raises(StoreError, match="scan again"):
            run.table("pairs")


class TestWriters:
    """One writer per run."""

    def test_the_second_writer_is_refused(self, tmp_path):
        """While one process holds the ledger another gets one line."""
        run = create_run(tmp_path / "run")
        script = (
            "import sys; from pathlib import Path; from wsgeo.store import open_run\n"
            "from wsgeo.errors import StoreError\n"
            "try:\n"
            "    with open_run(Path(sys.argv[1])).ledger(): pass\n"
            "except StoreError as error: print(error); sys.exit(error.exit_code)\n"
        )
        command = [sys.executable, "-c", script, str(run.folder)]
        with run.ledger():
            refused = subprocess.run(command, capture_output=True, text=True, check=False)
        accepted = subprocess.run(command, capture_output=True, text=True, check=False)

        assert refused.returncode == 2
        assert "another process" in refused.stdout
        assert len(refused.stdout.splitlines()) == 1
        assert accepted.returncode == 0
