"""A recipe of pre-training becomes a zoo of series."""

import pytest
from click.testing import CliRunner
from recipe_cases import SERIES
from series_cases import write_texts

from wsgeo.cli import main
from wsgeo.errors import WsgeoError
from wsgeo.workflows.making import plan_training, train
from wsgeo.zoo import read_zoo


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Give recipe and zoo, made once, and what was said. Do not change them."""
    root = write_texts(tmp_path_factory.mktemp("series"))
    (root / "recipe.toml").write_text(SERIES)
    return root / "recipe.toml", root / "zoo", train(root / "recipe.toml", root / "zoo", jobs=0)


class TestPretrain:
    """The dispatch on the table ``[pretraining]``."""

    def test_checkpoints_are_members(self, made):
        """Every kept checkpoint is a member with its step and its axes."""
        members = {m.id: m for m in read_zoo(made[1]).members}

        assert sorted(members) == [f"seed{s}/step-00000{n}" for s in (0, 1) for n in (4, 8)]
        assert members["seed1/step-000004"].facts["step"].value == 4
        assert members["seed1/step-000004"].facts["axes.seed"].value == 1

    def test_what_is_said(self, made):
        """A series is one line, with its loss and its folders."""
        series = made[2]["members"][0]

        assert series["name"] == "seed0"
        assert series["folders"] == ["seed0/step-000004", "seed0/step-000008"]
        assert series["validation_loss"] > 0

    def test_goes_on(self, made):
        """The same command keeps what is finished, and prints it."""
        result = CliRunner().invoke(main, ["train", str(made[0]), "-o", str(made[1]), "-j", "0"])

        assert result.exit_code == 0
        assert "2 kept" in result.stdout

    def test_another_recipe_is_refused(self, made):
        """A zoo of series has one recipe."""
        with pytest.raises(WsgeoError, match="another recipe"):
            train(made[0], made[1], overrides=["pretraining.steps=9"], jobs=0)

    def test_plans(self, made, tmp_path):
        """Time and disk are told from a trial that leaves nothing; a finished zoo costs nothing."""
        fresh, done = (plan_training(made[0], zoo, jobs=0) for zoo in (tmp_path / "z", made[1]))
        taken = sum(f.stat().st_size for f in made[1].rglob("*") if f.is_file())

        assert not (tmp_path / "z").exists()
        assert fresh.seconds > 0
        assert fresh.members[0]["folders"] == 2
        assert fresh.n_bytes == pytest.approx(taken, rel=0.1)
        assert "2 members; 16 updates to make." in str(fresh)
        assert (done.seconds, done.n_bytes) == (0.0, 0)
