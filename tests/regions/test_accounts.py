"""The files in which a centroid gives account of itself."""

import json

import pytest

from wsgeo.regions.accounts import Account
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant

ACCOUNT = Account("BertForSequenceClassification", "F32", ("no", "yes"))


def origin(variant):
    """Give the origin of a centroid of two members, of known loss."""
    return Origin(CentroidPlan("basin-0", "basin", "0", variant, ("a", "b")), Evidence(loss=0.5))


@pytest.mark.parametrize("variant", Variant)
def test_only_a_mean_of_weights_has_a_recipe(tmp_path, variant):
    """Every account has a card and a provenance; mergekit can repeat the mean of weights alone."""
    evidence = ACCOUNT.write(tmp_path, origin(variant))

    recipe = {"mergekit.yml"} if variant is Variant.MEAN else set()
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "wsgeo.json"} | recipe
    assert evidence.loss == 0.5


def test_what_is_measured_stands_in_every_file(tmp_path):
    """The measure finds the labels in the folder; card and provenance hold what it returns."""
    seen = []

    def measure(folder):
        seen.append(json.loads((folder / "wsgeo.json").read_text())["labels"])
        return Evidence(loss=0.25)

    evidence = ACCOUNT.write(tmp_path, origin(Variant.MEAN), measure)

    assert seen == [["no", "yes"]]
    assert evidence.loss == 0.25
    assert json.loads((tmp_path / "wsgeo.json").read_text())["evidence"]["loss"] == 0.25
    assert "| This centroid | 0.2500 |" in (tmp_path / "README.md").read_text()
