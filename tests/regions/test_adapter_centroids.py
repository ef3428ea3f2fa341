"""Centroids of adapters do what their variant says, and PEFT loads them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.regions.adapter_folders import adapter_config, write_adapter_folder
from wsgeo.regions.adapters import Adapter, mean_adapter
from wsgeo.regions.cards import Origin
from wsgeo.regions.tables import CentroidPlan, Evidence, Variant
from wsgeo.weights.lowrank import LowRankUpdate

QUERY = "bert.encoder.layer.0.attention.self.query"
VALUE = "bert.encoder.layer.0.attention.self.value"


def adapter(seed, rank=2, scaling=2.0, modules=(QUERY, VALUE), **kwargs) -> Adapter:
    rng = np.random.default_rng(seed)
    updates = {
        module: LowRankUpdate(
            rng.normal(size=(rank, 8)).astype(np.float32),
            rng.normal(size=(8, rank)).astype(np.float32),
            scaling,
        )
        for module in modules
    }
    whole = {
        "classifier.weight": rng.normal(size=(3, 8)).astype(np.float32),
        "classifier.bias": rng.normal(size=3).astype(np.float32),
    }
    return Adapter(updates, **{"whole": whole} | kwargs)


def named(*adapters):
    """Give adapters the ids of members."""
    return {f"run-{i}": adapter for i, adapter in enumerate(adapters)}


def products(members, module, weights=None):
    return np.average([member.updates[module].product() for member in members], 0, weights)


def origin(base="base"):
    plan = CentroidPlan("basin-0", "basin", "0", Variant.PRODUCTS, ("a", "b", "c"))
    return Origin(plan, Evidence(0.5, 0.8), base=base, task="nli")


class TestMeanAdapter:
    """The two means of adapters."""

    def test_the_mean_of_products_is_exact_by_default(self):
        """With no rank given, every module's change is the mean of the members' changes."""
        members = [adapter(0), adapter(1, rank=1), adapter(2, scaling=0.5)]

        mean, error = mean_adapter(named(*members))

        assert error < 1e-7
        for module in (QUERY, VALUE):
            assert mean.updates[module].rank == 5
            np.testing.assert_allclose(
                mean.updates[module].product(), products(members, module), atol=1e-5
            )
        heads = [member.whole["classifier.weight"] for member in members]
        np.testing.assert_allclose(mean.whole["classifier.weight"], np.mean(heads, 0), atol=1e-6)

    @pytest.mark.parametrize("rank", [1, 3])
    def test_the_error_is_that_of_all_modules_together(self, rank):
        """The reported error is what the rank leaves out of the concatenated changes."""
        members = [adapter(seed) for seed in range(3)]

        mean, error = mean_adapter(named(*members), rank=rank)

        target = np.stack([products(members, module) for module in (QUERY, VALUE)])
        result = np.stack([mean.updates[module].product() for module in (QUERY, VALUE)])
        assert error == pytest.approx(
            np.linalg.norm(result - target) / np.linalg.norm(target), rel=1e-5
        )

    def test_the_mean_of_factors_is_another_point(self):
        """Averaging the factors keeps the rank and does not give the mean change."""
        members = [adapter(0), adapter(1)]

        mean, error = mean_adapter(named(*members), Variant.FACTORS)

        assert error == 0
        assert mean.updates[QUERY].rank == 2
        a = (members[0].updates[QUERY].a + members[1].updates[QUERY].a) / 2
        np.testing.assert_allclose(mean.updates[QUERY].a, a, atol=1e-6)
        assert abs(mean.updates[QUERY].product() - products(members, QUERY)).max() > 0.1

    @pytest.mark.parametrize("variant", [Variant.PRODUCTS, Variant.FACTORS])
    def test_of_one_is_that_one(self, variant):
        """The centroid of one adapter does what the adapter does."""
        member = adapter(0)

        mean, _ = mean_adapter(named(member), variant)

        np.testing.assert_allclose(
            mean.updates[QUERY].product(), member.updates[QUERY].product(), atol=1e-5
        )
        np.testing.assert_array_equal(
            mean.whole["classifier.bias"], member.whole["classifier.bias"]
        )

    def test_weights_count(self):
        """Weights count relative to their sum, for updates and whole tensors."""
        members = [adapter(0), adapter(1)]

        mean, _ = mean_adapter(named(*members), weights=[3, 1])

        np.testing.assert_allclose(
            mean.updates[VALUE].product(), products(members, VALUE, [3, 1]), atol=1e-5
        )

    def test_other_targets_are_refused(self):
        """Adapters of other modules, heads or orientation are not averaged in silence."""
        others = [
            adapter(1, modules=(QUERY,)),
            adapter(1, whole={}),
            adapter(1, transposed=True),
            adapter(1, embeddings=frozenset({QUERY})),
        ]
        for other in others:
            with pytest.raises(
                WsgeoError,
                match=r"adapter 'run-1' changes other matrices than 'run-0'.*--variant mean",
            ):
                mean_adapter(named(adapter(0), other))

    def test_ranks_that_cannot_be_kept_are_refused(self):
        """The mean of factors has the members' rank or none."""
        for members, rank, told in [
            ([adapter(0), adapter(1, rank=1)], None, "of the ranks 1, 2 .* --variant products"),
            ([adapter(0)], 4, "of rank 2 have no mean of rank 4.*--variant products"),
        ]:
            with pytest.raises(WsgeoError, match=told):
                mean_adapter(named(*members), Variant.FACTORS, rank=rank)


class TestWriting:
    """PEFT loads what was written."""

    @pytest.mark.slow  # importing peft takes longer than the test
    def test_peft_reproduces_the_mean_change(self, tmp_path):
        """Loaded by PEFT onto the base, the change of each matrix is the mean of the changes."""
        import torch
        import transformers
        from peft import PeftModel

        config = transformers.BertConfig(
            vocab_size=10,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=16,
            num_labels=3,
        )
        torch.manual_seed(0)
        base = transformers.BertForSequenceClassification(config)
        before = {name: value.clone() for name, value in base.state_dict().items()}
        members = [adapter(seed) for seed in range(3)]
        mean, _ = mean_adapter(named(*members))

        folder = tmp_path / "centroid"
        write_adapter_folder(
            folder,
            mean,
            origin("org/base@main"),
            model_class="BertForSequenceClassification",
            labels=("no", "maybe", "yes"),
        )

        merged = PeftModel.from_pretrained(base, folder).merge_and_unload().state_dict()
        for module in (QUERY, VALUE):
            change = (merged[f"{module}.weight"] - before[f"{module}.weight"]).numpy()
            np.testing.assert_allclose(change, products(members, module), atol=1e-5)
        np.testing.assert_allclose(
            merged["classifier.weight"].numpy(), mean.whole["classifier.weight"], atol=1e-7
        )
        facts = json.loads((folder / "wsgeo.json").read_text())
        assert facts["labels"] == ["no", "maybe", "yes"]
        assert facts["method"] == "centroid (mean of products)"
        assert "base_model_relation: adapter" in (folder / "README.md").read_text()

    def test_several_ranks_are_refused(self):
        """One file has one rank."""
        mixed = Adapter(adapter(0).updates | adapter(1, rank=1, modules=("other",)).updates)
        for broken in (mixed, Adapter({})):
            with pytest.raises(ValueError, match="one rank"):
                adapter_config(broken, "base", "BertForMaskedLM")
