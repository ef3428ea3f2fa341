"""The bases of a zoo."""

import json
import shutil

import numpy as np
import pytest
import torch
from zoo_cases import edit_json, make_base, vocabulary, write_model

from wsgeo.errors import WsgeoError
from wsgeo.training.grids import bases_of
from wsgeo.training.recipe_files import Places
from wsgeo.training.recipe_schema import Recipe
from wsgeo.weights.tensors import read_tensors
from wsgeo.workflows.zoo_bases import find_bases, put_bases

RECIPE = Recipe.model_validate(
    {"base": "model", "task": {"name": "film", "train": "t", "validation": "v"}}
)


@pytest.fixture
def places(tmp_path):
    """Give a folder with a base called model in it."""
    make_base(tmp_path / "model")
    return Places(tmp_path / "recipe.toml")


def put(places, recipe=RECIPE):
    """Put the bases of a recipe into a zoo, and return where the first lies."""
    zoo = places.recipe.parent / "zoo"
    put_bases(recipe, bases_of(recipe, places.recipe), places, zoo)
    return zoo / "base"


def find(places):
    return find_bases(RECIPE, bases_of(RECIPE, places.recipe), places)


def sharded(folder):
    """Save a base again as transformers does with large ones, and return how many files it has."""
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="8KB")
    return len(list(folder.glob("model-*.safetensors")))


class TestPutBases:
    """Copies."""

    def test_a_copy_is_whole_and_no_more(self, places, tmp_path):
        """Weights, config and tokenizer are copied; notes, pickles and code are not."""
        for name in ("README.md", "wsgeo.json", "pytorch_model.bin", "modeling.py"):
            (tmp_path / "model" / name).write_text("{}")
        base = put(places)

        assert sorted(file.name for file in base.iterdir()) == [
            "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
        ]  # fmt: skip
        for file in base.iterdir():
            assert file.read_bytes() == (tmp_path / "model" / file.name).read_bytes()

    def test_shards_become_one_file(self, places, tmp_path):
        """A base in several files is copied with every tensor, bit for bit, and loads."""
        from transformers import AutoModelForMaskedLM

        assert sharded(tmp_path / "model") > 2
        base = put(places)
        copied = AutoModelForMaskedLM.from_pretrained(base).state_dict()
        source = AutoModelForMaskedLM.from_pretrained(tmp_path / "model").state_dict()

        assert [file.name for file in base.glob("*.safetensors*")] == ["model.safetensors"]
        assert copied.keys() == source.keys()
        assert all(torch.equal(copied[name], source[name]) for name in source)

    def test_keep_their_type(self, places, tmp_path):
        """Shards of 16 bits are not widened."""
        tensors = make_base(tmp_path / "other")
        config = json.loads((tmp_path / "model" / "config.json").read_text())
        shutil.rmtree(tmp_path / "model")
        write_model(tmp_path / "model", tensors, config, dtype="BF16", n_shards=3)
        base = put(places)
        joined = read_tensors(base / "model.safetensors")

        assert (base / "model.safetensors").stat().st_size < 2.2 * sum(
            values.size for values in tensors.values()
        ) + 10_000
        for file in (tmp_path / "model").glob("*.safetensors"):
            assert all(np.array_equal(joined[name], x) for name, x in read_tensors(file).items())

    def test_name_their_padding(self, places, tmp_path):
        """A config without a padding token gets its tokenizer's, and keeps the rest."""
        edit_json(tmp_path / "model" / "config.json", model_type="gpt2", pad_token_id=None)
        before = json.loads((tmp_path / "model" / "config.json").read_text())
        after = json.loads((put(places) / "config.json").read_text())

        assert after == {**before, "pad_token_id": vocabulary()["[PAD]"]}

    @pytest.mark.parametrize("shards", [False, True])
    def test_are_kept_and_never_changed(self, places, tmp_path, shards):
        """The same base is kept as it lies, in one file or several; another one is refused."""
        if shards:
            sharded(tmp_path / "model")
        before = (put(places) / "model.safetensors").stat().st_mtime_ns

        assert (put(places) / "model.safetensors").stat().st_mtime_ns == before
        shutil.rmtree(tmp_path / "model")
        make_base(tmp_path / "model", seed=1)
        with pytest.raises(WsgeoError, match="not the base that the recipe names"):
            put(places)

    def test_a_damaged_shard_leaves_nothing(self, places, tmp_path):
        """A shard that was cut short is one line, and no half of a base is left."""
        sharded(tmp_path / "model")
        shard = next((tmp_path / "model").glob("model-00002*"))
        shard.write_bytes(shard.read_bytes()[:-8])

        with pytest.raises(WsgeoError, match="the shards of the base cannot be joined") as caught:
            put(places)
        assert "\n" not in str(caught.value)
        assert not list((tmp_path / "zoo").iterdir())


class TestRandomWeights:
    """Bases of ``[scratch]``."""

    @pytest.mark.parametrize("kind", ["bert", "gpt2", "llama"])
    def test_fit_their_tokenizer(self, places, tmp_path, kind):
        """A config of any kind gives weights of its shape for the words of the tokenizer."""
        from transformers import AutoModel, AutoTokenizer

        shapes = {
            "bert": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
            "gpt2": {"n_embd": 16, "n_layer": 1, "n_head": 2},
            "llama": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
        }
        (tmp_path / "shape").mkdir()
        config = {"model_type": kind, "vocab_size": 9, **shapes[kind]}
        (tmp_path / "shape" / "config.json").write_text(json.dumps(config))
        scratch = {"config": "shape", "tokenizer": "model", "seeds": [3]}
        recipe = Recipe.model_validate({"scratch": scratch, "task": RECIPE.task[0].model_dump()})
        put(places, recipe)
        base = tmp_path / "zoo" / "base-scratch3"
        tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModel.from_pretrained(base)

        assert model.get_input_embeddings().weight.shape == (len(tokenizer), 16)
        assert model.config.pad_token_id == tokenizer.pad_token_id
        assert model.config.eos_token_id == tokenizer.eos_token_id


class TestFindBases:
    """What can be a base."""

    def test_pickled_weights_are_refused(self, places, tmp_path):
        """Weights that are pickled are one line that says what to do."""
        (tmp_path / "model" / "model.safetensors").rename(tmp_path / "model" / "pytorch_model.bin")

        with pytest.raises(
            WsgeoError, match=r"pickled\. Convert them: .* save_pretrained"
        ) as caught:
            find(places)
        assert caught.value.exit_code == 2
        assert "allow-pickle" not in str(caught.value)

    def test_a_missing_shard_is_named(self, places, tmp_path):
        """An index without one of its shards is refused before anything is copied."""
        sharded(tmp_path / "model")
        next((tmp_path / "model").glob("model-00002*")).unlink()

        with pytest.raises(WsgeoError, match="model-00002"):
            find(places)

    def test_a_folder_without_weights(self, places, tmp_path):
        """A folder with neither file is one line."""
        (tmp_path / "model" / "model.safetensors").unlink()

        with pytest.raises(WsgeoError, match="nor its index is there"):
            find(places)

    def test_an_adapter_is_no_base(self, places, tmp_path):
        """A folder of an adapter alone is told what it is."""
        (tmp_path / "model" / "model.safetensors").unlink()
        (tmp_path / "model" / "adapter_config.json").write_text("{}")

        with pytest.raises(WsgeoError, match="It is an adapter: merge it"):
            find(places)
