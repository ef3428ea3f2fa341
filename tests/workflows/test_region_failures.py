"""Regions of which something cannot be evaluated, or that are stopped, and those of real data."""

import polars as pl
import pytest
from region_cases import FEW
from scan_cases import N_MEMBERS

from wsgeo.evaluation import directions
from wsgeo.store import open_run
from wsgeo.workflows import region_losses
from wsgeo.workflows.making import train
from wsgeo.workflows.region_curves import RADII
from wsgeo.workflows.regioning import plan_region, region
from wsgeo.workflows.scanning import scan
from wsgeo.workflows.settings import ScanSettings
from wsgeo.zoo import load_weights


class TestFailures:
    """What cannot be evaluated is a row with a reason."""

    @pytest.mark.slow
    def test_a_point_that_fails_is_a_row(self, zoo_with_run, tmp_path, monkeypatch):
        """The rest is measured, and the answer names what failed."""
        run = zoo_with_run.copy_run(tmp_path / "run")

        def load(checkpoint):
            if directions.is_direction(checkpoint):
                raise RuntimeError("no memory for a direction")
            return load_weights(checkpoint)

        monkeypatch.setattr(region_losses, "load_weights", load)
        found = region(run, **FEW, jobs=0)

        points = open_run(run).table("region_points")
        random = points.filter(kind="random")
        assert random["loss"].null_count() == random.height == N_MEMBERS
        assert all("no memory" in reason for reason in random["reason"])
        assert points.filter(pl.col("kind") != "random")["loss"].null_count() == 0
        assert len(found["failures"]) == N_MEMBERS + len(RADII) - 1
        assert open_run(run).table("region_orders").filter(a="random").is_empty()

    @pytest.mark.slow
    def test_what_was_measured_survives_an_interrupt(self, zoo_with_run, tmp_path, monkeypatch):
        """A second call goes on where the first was stopped."""
        folder = zoo_with_run.copy_run(tmp_path / "run")
        total = plan_region(folder, **FEW).n_points

        def stop(done, _, what):
            if what == "losses" and done > total // 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            region(folder, **FEW, jobs=0, progress=stop)
        done = []
        region(folder, **FEW, jobs=0, progress=lambda n, *_: done.append(n))

        assert min(done) > total // 2 - 64


RECIPE = """
title = "Two data sets, two seeds each"
source = "gueta2023"
base = "masked-lm-4x192-seed0/step-005838"
[[task]]
name = "agnews"
train = "agnews/train.parquet"
validation = "agnews/test.parquet"
max_length = 40
n_examples = 2000
n_validation = 400
[[task]]
name = "sst2"
train = "sst2/train.parquet"
validation = "sst2/validation.parquet"
labels = ["negative", "positive"]
max_length = 40
n_examples = 4000
n_validation = 400
[training]
learning_rate = 3e-4
steps = 120
[grid]
seed = [0, 1]
"""


@pytest.mark.slow
def test_real_data_sets_have_regions(data_root, weights_root, tmp_path):
    """Members of real data sets do better on their own data than the base and than members outside."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    train(
        tmp_path / "recipe.toml", tmp_path / "zoo", data_root=data_root, weights_root=weights_root,
        jobs=0,
    )  # fmt: skip
    settings = ScanSettings(n_examples=400, n_points=3, n_resamples=50, n_draws=20)
    run = scan(tmp_path / "zoo", out=tmp_path / "run", settings=settings, jobs=0)

    found = region(run.folder, level="dataset", samples=1, lines=1, directions=0, jobs=0)

    assert found["failures"] == []
    assert [one["name"] for one in found["regions"]] == ["agnews", "sst2"]
    orders = run.table("region_orders").filter(head="refit", a="members", level="dataset")
    for name in ("agnews", "sst2"):
        own = dict(orders.filter(name=name).select("b", "probability").iter_rows())
        assert own["base"] == own["random"] == 1.0
        assert own["outside"] == 1.0
    ways = run.table("region_curves").filter(curve="extrapolation", level="dataset")
    farthest = ways.filter(pl.col("position") == pl.col("position").max())
    nearest = ways.filter(position=1.0)
    assert farthest["loss"].mean() > nearest["loss"].mean() + 0.1
