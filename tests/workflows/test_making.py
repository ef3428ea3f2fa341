"""A recipe becomes a zoo, once."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from recipe_cases import FINE_TUNING, SEEDS, write_bench

from wsgeo.cli import main
from wsgeo.errors import WsgeoError
from wsgeo.training import members
from wsgeo.training.descent import DivergedError
from wsgeo.workflows import trials, zoo_bases, zoo_work
from wsgeo.workflows.making import plan_training, train
from wsgeo.zoo import read_zoo


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Give a folder with a recipe, its data and its base. Do not change it."""
    return write_bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def made(bench, tmp_path_factory):
    """Give a zoo that was made, and what was said of it. Do not change it."""
    zoo = tmp_path_factory.mktemp("made") / "zoo"
    return zoo, train(bench / FINE_TUNING, zoo, jobs=0)


def names(zoo):
    return sorted(path.name for path in zoo.iterdir())


class TestTrain:
    """The zoo, and what is said of it."""

    def test_what_lies_there(self, made):
        """Bases, data, members with their checkpoints on the way, recipe and manifest; no more."""
        zoo, found = made

        assert names(zoo) == [
            ".lock", "base", "data", "recipe.toml", "seed0", "seed0-step000002", "seed1",
            "seed1-step000002", "zoo.toml",
        ]  # fmt: skip
        assert names(zoo / "data") == ["film-train.parquet", "film-validation.parquet"]
        assert (zoo / "recipe.toml").read_text() == SEEDS
        assert [member["name"] for member in found["members"]] == ["seed0", "seed1"]
        assert found["members"][0]["folders"] == ["seed0-step000002", "seed0"]
        assert found["data"][0]["n"] == 48

    def test_is_a_zoo(self, made):
        """What was made is read without a word more: members, facts, axes, data; no base."""
        zoo = read_zoo(made[0])
        by_id = {member.id: member for member in zoo.members}

        assert sorted(by_id) == ["seed0", "seed0-step000002", "seed1", "seed1-step000002"]
        facts = {name: fact.value for name, fact in by_id["seed1"].facts.items()}
        assert (facts["seed"], facts["step"], facts["task"]) == (1, 4, "film")
        assert facts["data"] == "data/film-validation.parquet"
        assert facts["axes.seed"] == 1
        assert by_id["seed1-step000002"].facts["step"].value == 2
        assert [row.id for row in zoo.excluded] == ["base"]

    def test_only_what_is_missing_is_made(self, bench, tmp_path):
        """The same command keeps finished members, and makes the others as they were."""
        import shutil

        zoo = tmp_path / "zoo"
        train(bench / FINE_TUNING, zoo, jobs=0)
        before = (zoo / "seed1" / "model.safetensors").read_bytes()
        kept = (zoo / "seed0" / "model.safetensors").stat().st_mtime_ns
        shutil.rmtree(zoo / "seed1")
        again = train(bench / FINE_TUNING, zoo, jobs=0)

        assert (zoo / "seed0" / "model.safetensors").stat().st_mtime_ns == kept
        assert (zoo / "seed1" / "model.safetensors").read_bytes() == before
        assert again["exit_code"] == 0

    def test_another_recipe_is_refused(self, bench, made):
        """A zoo has one recipe; what differs is named, and nothing is changed."""
        before = names(made[0])

        with pytest.raises(
            WsgeoError, match=r"another recipe: training\.\w+ is .* there and .* here"
        ):
            train(bench / FINE_TUNING, made[0], overrides=["training.steps=5"], jobs=0)
        assert names(made[0]) == before

    def test_a_folder_of_others_is_refused(self, bench, tmp_path):
        """A zoo that wsgeo train did not make is left alone."""
        (tmp_path / "zoo.toml").write_text('task = "mine"\n')

        with pytest.raises(WsgeoError, match="no zoo that wsgeo train made"):
            train(bench / FINE_TUNING, tmp_path, jobs=0)
        assert names(tmp_path) == ["zoo.toml"]

    def test_a_wrong_recipe_leaves_nothing(self, bench, tmp_path):
        """All that the recipe names is looked at before anything is written."""
        for override in ("task.validation=none.jsonl", "base=none", "training.save_at=[9]"):
            with pytest.raises(WsgeoError):
                train(bench / FINE_TUNING, tmp_path / "zoo", overrides=[override], jobs=0)
        assert not (tmp_path / "zoo").exists()

    def test_a_diverged_member_is_told_and_left_out(self, bench, tmp_path):
        """A member without a model costs one member: its reason is a comment, and the code is 4."""
        zoo = tmp_path / "zoo"
        overrides = ["grid.learning_rate=[1e-2, 1e30]", "grid.seed=[0]", "training.save_at=[]"]
        found = train(bench / FINE_TUNING, zoo, overrides=overrides, jobs=0)

        assert found["exit_code"] == 4
        assert found["members"][1]["status"] == "nonfinite"
        assert "\n# seed0-lr1e+30 is left out: nonfinite" in (zoo / "zoo.toml").read_text()
        assert [member.id for member in read_zoo(zoo).members] == ["seed0-lr1e-2"]
        assert [row.id for row in read_zoo(zoo).excluded] == ["base"]

    def test_checkpoints_of_a_diverged_member_are_left_out(self, bench, tmp_path, monkeypatch):
        """What it left before its loss was lost is a model, but no member of the zoo."""
        ends = []

        def lost_at_the_second_end(loss, step):
            ends.extend([step] if step == 4 else [])
            if len(ends) == 2:
                raise DivergedError("the validation loss is nan")

        monkeypatch.setattr(members, "refuse_nonfinite", lost_at_the_second_end)
        found = train(bench / FINE_TUNING, tmp_path / "zoo", jobs=0)
        zoo = read_zoo(tmp_path / "zoo")

        assert found["members"][1]["status"] == "nonfinite"
        assert (tmp_path / "zoo" / "seed1-step000002").is_dir()
        assert sorted(member.id for member in zoo.members) == ["seed0", "seed0-step000002"]
        assert sorted(row.id for row in zoo.excluded) == ["base", "seed1-step000002"]

    def test_an_interruption_leaves_a_zoo(self, bench, tmp_path):
        """What is finished when Ctrl-C comes is in the manifest, and the next call goes on."""
        zoo = tmp_path / "zoo"

        def stop(done, total, what):
            if done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(bench / FINE_TUNING, zoo, jobs=0, progress=stop)
        assert len(read_zoo(zoo).members) == 2
        train(bench / FINE_TUNING, zoo, jobs=0)
        assert len(read_zoo(zoo).members) == 4

    def test_random_weights_as_a_base(self, bench, tmp_path):
        """With ``[scratch]`` the base is drawn from a config, and drawn the same again."""
        text = SEEDS.replace('base = "models/base"', "").replace("save_at = [2]", "")
        recipe = bench / "scratch.toml"
        recipe.write_text(text + '[scratch]\nconfig = "models/base"\ntokenizer = "models/base"\n')
        for place in ("a", "b"):
            train(recipe, tmp_path / place, overrides=["grid.seed=[0]"], jobs=0)
        bases = [tmp_path / p / "base-scratch0" / "model.safetensors" for p in ("a", "b")]

        assert bases[0].read_bytes() == bases[1].read_bytes()

    def test_texts_that_are_cut_are_told(self, bench, tmp_path):
        """In the record of each member, in the answer, and in a line per file of data."""
        words = [str(bench / FINE_TUNING), "-o", str(tmp_path / "zoo"), "-j", "0"]
        words += ["--set", "task.max_length=3", "--set", "grid.seed=[0]"]
        page = CliRunner().invoke(main, ["train", *words])
        found = json.loads(CliRunner().invoke(main, ["train", *words, "--json"]).stdout)
        record = json.loads((tmp_path / "zoo" / "seed0" / "wsgeo.json").read_text())
        [n] = [row["n_truncated"] for row in found["data"] if row["n"] == 48]

        assert (record["n_truncated"]["train"], record["longest_input"]) == (n, 3)
        assert 0 < n <= 48
        line = (
            f"{n} of 48 examples in data/film-train.parquet are longer than 3 tokens and were cut."
        )
        assert line in page.stdout

    def test_members_share_no_gpu_unasked(self, monkeypatch):
        """One at a time on a GPU, one per core else."""
        monkeypatch.setattr(zoo_work, "n_cores", lambda: 7)
        for kind, n in (("cuda", 1), ("cpu", 7)):
            device = SimpleNamespace(type=kind)
            monkeypatch.setattr(zoo_work, "device_of", lambda _, device=device: device)
            assert zoo_work.usual_jobs("auto") == n


class TestPlanTraining:
    """The cost, before anything is made."""

    def test_nothing_is_written(self, bench, tmp_path):
        """A plan names members, updates, time and disk, and makes no folder."""
        plan = plan_training(bench / FINE_TUNING, tmp_path / "zoo", jobs=0)

        assert not (tmp_path / "zoo").exists()
        assert [member["steps"] for member in plan.members] == [4, 4]
        assert plan.seconds > 0
        assert "2 members; 8 updates to make." in str(plan)

    def test_disk_is_what_it_takes(self, bench, made, tmp_path):
        """The estimate of the disk is within a tenth of what the zoo takes."""
        plan = plan_training(bench / FINE_TUNING, tmp_path / "zoo", jobs=0)
        taken = sum(f.stat().st_size for f in made[0].rglob("*") if f.is_file())

        assert plan.n_bytes == pytest.approx(taken, rel=0.1)

    def test_no_base_is_copied(self, bench, tmp_path, monkeypatch):
        """A trial reads the base where it lies."""
        monkeypatch.setattr(zoo_bases.shutil, "copyfile", None)

        assert plan_training(bench / FINE_TUNING, tmp_path / "zoo", jobs=0).n_bytes > 0

    def test_a_trial_that_fails_is_one_line(self, bench, tmp_path, monkeypatch):
        """What no member could do is said before anything is made."""

        def broken(recipe):
            raise ArithmeticError("no such update")

        monkeypatch.setattr(trials, "fine_tune", broken)

        with pytest.raises(
            WsgeoError, match=r"a trial .* failed \(ArithmeticError: no such update"
        ):
            plan_training(bench / FINE_TUNING, tmp_path / "zoo", jobs=0)

    def test_finished_members_tell_the_pace(self, bench, made, tmp_path):
        """With a member there, an update takes what it took that member."""
        import shutil

        zoo = tmp_path / "zoo"
        shutil.copytree(made[0], zoo)
        shutil.rmtree(zoo / "seed1")
        record = json.loads((zoo / "seed0" / "wsgeo.json").read_text())
        (zoo / "seed0" / "wsgeo.json").write_text(json.dumps({**record, "seconds": 4000.0}))
        plan = plan_training(bench / FINE_TUNING, zoo, jobs=0)

        assert plan.seconds == pytest.approx(4000, rel=0.05)
        assert "2 members, 1 finished; 4 updates to make." in str(plan)

    def test_finished_members_cost_nothing(self, bench, made):
        """For a finished zoo nothing is left, and no model is tried."""
        plan = plan_training(bench / FINE_TUNING, made[0], jobs=0)

        assert (plan.seconds, plan.n_bytes) == (0.0, 0)
        assert "2 members, 2 finished; 0 updates to make." in str(plan)


class TestCommand:
    """The verb."""

    def test_json_and_page(self, bench, made):
        """The verb prints what the function returns, or a line per member."""
        arguments = ["train", str(bench / FINE_TUNING), "-o", str(made[0]), "-j", "0"]
        as_json = CliRunner().invoke(main, [*arguments, "--json"])
        page = CliRunner().invoke(main, arguments)

        assert json.loads(as_json.stdout)["zoo"] == str(made[0])
        assert page.exit_code == 0
        assert f"Next    wsgeo scan {made[0]}" in page.stdout

    def test_a_slip_is_exit_2(self, bench, tmp_path):
        """A mistyped key ends with code 2 and its suggestion."""
        arguments = [str(bench / FINE_TUNING), "-o", str(tmp_path / "z"), "--set", "grid.sed=[1]"]
        result = CliRunner().invoke(main, ["train", *arguments])

        assert result.exit_code == 2
        assert "Did you mean 'seed'?" in result.stderr

    def test_dry_run(self, bench, made):
        """A dry run prints the plan."""
        arguments = [str(bench / FINE_TUNING), "-o", str(made[0]), "--dry-run", "--json"]
        result = CliRunner().invoke(main, ["train", *arguments])

        assert json.loads(result.stdout)["n_members"] == 2


def test_paths_may_be_texts(bench, made):
    """The function takes paths as text, as users write them."""
    assert train(str(bench / FINE_TUNING), str(made[0]), jobs=0)["zoo"] == str(Path(made[0]))
