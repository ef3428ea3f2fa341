"""The geometry of members on disk is that of their loaded weights, whatever the files look like."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from zoo_cases import (
    NLI_LABELS,
    bert_config,
    edit_json,
    fine_tuned,
    make_base,
    make_zoo,
    members_of,
    random_tensors,
    write_adapter,
    write_model,
)

from wsgeo.errors import EntryError
from wsgeo.weights.slices import TensorSlices
from wsgeo.weights.tensors import read_tensors, write_safetensors
from wsgeo.workflows.geometry import measure_geometry
from wsgeo.zoo import head_names, load_base, load_weights, member_tensors

CONFIG = bert_config()
WIDE = {"hidden_size": 64, "intermediate_size": 128}


def plain(members):
    """Return distances and cosines from whole weights, pair by pair in float64."""
    base, heads = load_base(members[0]), set().union(*map(head_names, members))
    names = [name for name in members[0].layout.names if name not in heads]
    names = [name for name in names if base is None or name in base.layout.names]

    def body(weights):
        return np.concatenate([weights.tensor(name).ravel() for name in names]).astype(np.float64)

    vectors = np.array([body(load_weights(member)) for member in members])
    l2 = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    if base is None:
        return l2, None
    tau = vectors - body(base)
    with np.errstate(invalid="ignore"):
        unit = tau / np.linalg.norm(tau, axis=1)[:, None]
    return l2, unit @ unit.T


def check(members, tolerance=1e-6):
    """Compare with the plain way, and the layers with the whole; return the geometry."""
    found, (l2, cosine) = measure_geometry(members), plain(members)
    np.testing.assert_allclose(found.l2, l2, rtol=tolerance, atol=1e-7 * l2.max())
    if cosine is None:
        assert found.cosine is None
    else:
        np.testing.assert_allclose(found.cosine, cosine, rtol=0, atol=tolerance)
    squares = sum(layer.l2**2 for layer in found.layers.values())
    np.testing.assert_allclose(squares, found.l2**2, rtol=1e-9, atol=1e-12)
    return found


@pytest.fixture
def read_bytes(monkeypatch):
    """Give a list that each read of a slice adds its file and bytes to."""
    seen, fill = [], TensorSlices._fill

    def counting(self, path, start, stored):
        seen.append((path, stored.nbytes))
        fill(self, path, start, stored)

    monkeypatch.setattr(TensorSlices, "_fill", counting)
    return seen


class TestFullModels:
    """Members that are whole."""

    def test_agree_with_loaded_weights(self, tmp_path):
        """Layers come in the order of the model, and their squares sum to the whole."""
        found = check(members_of(make_zoo(tmp_path / "zoo")))

        assert list(found.layers) == ["embeddings", "layer 0", "layer 1"]

    def test_of_any_type_and_in_shards(self, tmp_path):
        """Half precision, bfloat16 and shards are read where they lie."""
        root = make_zoo(tmp_path / "zoo", n_members=1)
        base, config = random_tensors(CONFIG), bert_config(labels=NLI_LABELS)
        for k, (dtype, shards) in enumerate([("F16", 1), ("BF16", 3), ("F32", 2)]):
            tensors = fine_tuned(base, config, 70 + k)
            folder = root / f"other-{k}"
            write_model(
                folder, tensors, config, dtype=dtype, n_shards=shards, facts={"base": "base"}
            )

        assert len(members_of(root)) == 4
        check(members_of(root))

    def test_without_a_base(self, tmp_path):
        """Distances need no base; cosines are null then."""
        root = make_zoo(tmp_path / "zoo", n_members=3)
        for k in range(3):
            (root / f"run-{k}" / "wsgeo.json").unlink()
        members = [m for m in members_of(root) if m.id.startswith("run")]

        assert members[0].base is None
        found = check(members)
        assert found.as_table()["cosine"].null_count() == 3

    def test_that_are_one_language_model(self, tmp_path):
        """Tied tensors count once, in one read of the files."""
        root = tmp_path / "zoo"
        for k in range(3):
            make_base(root / f"model-{k}", seed=k)

        check(members_of(root))

    def test_are_read_once(self, tmp_path, read_bytes):
        """The bytes of bodies and base are read once, and none of the heads."""
        root = make_zoo(tmp_path / "zoo", n_members=3)
        members = members_of(root)

        measure_geometry(members)

        base = members[0].base
        body = sum(4 * int(np.prod(ref.shape)) for ref in base.tensors.values())
        assert sum(n_bytes for _, n_bytes in read_bytes) == 4 * body

    def test_in_blocks_smaller_than_a_tensor(self, tmp_path, monkeypatch):
        """Blocks that end inside a row change nothing."""
        monkeypatch.setattr("wsgeo.weights.geometry._BLOCK", 37)
        root = make_zoo(tmp_path / "zoo", n_members=2)
        write_adapter(root / "lora", "base", CONFIG)

        check(members_of(root))

    @pytest.mark.parametrize("whose", ["base", "run-0"])
    def test_that_changed_are_refused(self, tmp_path, whose):
        """A file that changed since the zoo was read is refused, also at the same size and time."""
        root = make_zoo(tmp_path / "zoo", n_members=2)
        members = members_of(root)
        path = root / whose / "model.safetensors"
        raw = bytearray(path.read_bytes())
        raw[-3] ^= 1
        path.write_bytes(raw)

        with pytest.raises(EntryError) as refused:
            measure_geometry(members)
        assert refused.value.code == "file_changed"


ADAPTERS = {
    "plain": {},
    "rank-stabilised": {"use_rslora": True},
    "alpha": {"alpha_pattern": {"query": 7}},
    "more targets": {"targets": ("key", "query", "value")},
    "rank": {"rank": 5},
}


class TestAdapters:
    """Members that are adapters of one base."""

    def make(self, root, **changes):
        make_base(root / "base", **changes)
        config = bert_config(**changes)
        for k, settings in enumerate(ADAPTERS.values()):
            write_adapter(root / f"lora-{k}", "base", config, seed=k, **settings)
        return members_of(root)

    def test_agree_with_merged_weights(self, tmp_path, read_bytes):
        """Ranks, scalings and targets may differ; the base is never read."""
        members = self.make(tmp_path / "zoo")

        measure_geometry(members)

        assert {path.name for path, _ in read_bytes} == {"adapter_model.safetensors"}
        found = check(members)
        assert found.l2[0, 1] > 0
        assert not found.layers["embeddings"].l2.any()

    def test_agree_where_factors_are_the_dearer_way(self, tmp_path, monkeypatch):
        """Where matrices are the cheaper way, they are made slice by slice, with the same result."""
        members = self.make(tmp_path / "zoo")
        factored = measure_geometry(members)
        monkeypatch.setattr(member_tensors, "_are_cheap", lambda *_: False)

        check(members)
        np.testing.assert_allclose(measure_geometry(members).l2, factored.l2, rtol=1e-6)

    def test_high_ranks_are_the_dearer_way(self):
        """Factors that are wider than the matrix itself are not multiplied."""
        assert member_tensors._are_cheap([8] * 200, (768, 768))
        assert not member_tensors._are_cheap([64] * 200, (768, 768))

    def test_with_a_tensor_of_their_own(self, tmp_path, read_bytes):
        """A body tensor that one adapter holds whole is read of all, and the others' factors not."""
        root = tmp_path / "zoo"
        self.make(root)
        path = root / "lora-1" / "adapter_model.safetensors"
        name = "base_model.model.bert.encoder.layer.0.output.LayerNorm"
        own = {f"{name}.weight": np.full(16, 1.5, np.float32), f"{name}.bias": np.ones(16, "f4")}
        write_safetensors(path, read_tensors(path) | own)
        modules = ["classifier", "score", "pooler", "output.LayerNorm"]
        edit_json(root / "lora-1" / "adapter_config.json", modules_to_save=modules)
        members = members_of(root)

        check(members)

        of_base = sum(n for path, n in read_bytes if path.name == "model.safetensors")
        assert of_base == 2 * 16 * 4 * len(members)

    def test_beside_full_members(self, tmp_path):
        """A mixed zoo is read slice by slice, adapters merged on the way."""
        root = make_zoo(tmp_path / "zoo", n_members=2, **WIDE)
        for k in range(2):
            write_adapter(root / f"lora-{k}", "base", bert_config(**WIDE), seed=k)

        check(members_of(root))

    def test_that_never_trained_are_their_base(self, tmp_path):
        """With B = 0 an adapter has no direction, and the distance of two is zero."""
        root = tmp_path / "zoo"
        make_base(root / "base")
        for k, scale in enumerate([0.0, 0.0, 0.1]):
            write_adapter(root / f"lora-{k}", "base", CONFIG, seed=k, scale=scale)

        found = measure_geometry(members_of(root))

        assert found.l2[0, 1] == 0
        assert np.isnan(found.cosine[0]).all()
        assert found.as_table()["cosine"].to_list() == [None, None, None]

    def test_that_scale(self, tmp_path):
        """IA3 vectors scale rows with their bias, or columns."""
        root = make_zoo(tmp_path / "zoo", n_members=1)
        for k in range(2):
            self.write_ia3(root / f"ia3-{k}", k)

        assert len(members_of(root)) == 3
        check(members_of(root))

    def write_ia3(self, folder, seed):
        changes = {"peft_type": "IA3", "feedforward_modules": ["output.dense"]}
        write_adapter(folder, "base", CONFIG, **changes)
        path, rng = folder / "adapter_model.safetensors", np.random.default_rng(seed)
        stored = {n: v for n, v in read_tensors(path).items() if ".lora_" not in n}
        for module, shape in (("attention.self.key", (16, 1)), ("output.dense", (1, 32))):
            name = f"base_model.model.bert.encoder.layer.0.{module}.ia3_l"
            stored[name] = rng.normal(1, 0.3, shape).astype(np.float32)
        edit_json(
            folder / "adapter_config.json",
            target_modules=["key", "output.dense"],
            init_ia3_weights=True,
        )
        write_safetensors(path, stored)

    def test_stored_input_first(self, tmp_path):
        """Where a base stores matrices input first, the product is turned."""
        root = tmp_path / "zoo"
        members = [dataclasses.replace(m, lora=turned(m)) for m in self.make(root)]

        check(members)


def turned(member):
    """Return an adapter's factors as if its base, of square matrices, stored them input first."""
    return {n: dataclasses.replace(pair, transposed=True) for n, pair in member.lora.items()}
