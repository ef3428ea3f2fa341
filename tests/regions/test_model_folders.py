"""A centroid's folder loads with transformers, and holds what it should alone."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from card_cases import origin

from wsgeo.errors import WsgeoError
from wsgeo.regions.cards import Origin
from wsgeo.regions.folders import ModelTemplate, copy_tokenizer, model_config, write_model_folder
from wsgeo.regions.tables import CentroidPlan, Evidence
from wsgeo.weights.layout import Layout, Weights
from wsgeo.weights.tensors import read_tensors

LABELS = ("entailment", "neutral", "contradiction")


def as_weights(tensors) -> Weights:
    names = sorted(tensors)
    layout = Layout(tuple(names), tuple(tensors[name].shape for name in names))
    return Weights(layout, np.concatenate([tensors[name].reshape(-1) for name in names]))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    """Make a folder with a tokenizer of ten words, and files that must not be copied."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("tokenizer")
    words = ["[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d", "e"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": "[UNK]",
        "pad_token": "[PAD]",
        "auto_map": {"AutoTokenizer": ["evil.Evil", None]},
        "chat_template": "{{ 7 * 7 }}",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    for name in ("training_args.bin", "evil.py", "model.safetensors", "chat_template.jinja"):
        (folder / name).write_bytes(b"not to be copied")
    return folder


def saved_model(folder, kind, seed):
    """Save a tiny BERT with transformers; return it and what its file holds."""
    import torch
    import transformers

    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=10,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        num_labels=3,
    )
    model = getattr(transformers, kind)(config).eval()
    model.save_pretrained(folder)
    return model, as_weights(read_tensors(folder / "model.safetensors"))


class TestLoading:
    """transformers loads what was written."""

    @pytest.mark.parametrize("kind", ["BertForSequenceClassification", "BertForMaskedLM"])
    def test_of_one_is_that_model(self, tmp_path, tokenizer, kind):
        """The centroid of one model has its weights to the bit, tied heads included."""
        import torch
        import transformers

        model, weights = saved_model(tmp_path / "member", kind, 0)
        config = json.loads((tmp_path / "member/config.json").read_text())
        labels = LABELS if kind.endswith("Classification") else ()
        template = ModelTemplate(config, kind, labels, tokenizer)

        folder = tmp_path / "centroid"
        write_model_folder(folder, weights, template, origin())

        loaded, info = getattr(transformers, kind).from_pretrained(
            folder, output_loading_info=True, trust_remote_code=False
        )
        assert not any(info.values())
        ids = torch.tensor([[2, 5, 6, 7, 3]])
        with torch.inference_mode():
            torch.testing.assert_close(loaded.eval()(ids).logits, model(ids).logits)
        for name, value in model.state_dict().items():
            assert torch.equal(loaded.state_dict()[name], value)
        assert loaded.dtype == torch.float32
        if labels:
            assert loaded.config.id2label == dict(enumerate(LABELS))
        text = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        assert text("a e")["input_ids"] == [5, 9]

    @pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
    def test_the_mean_is_what_torch_averages(self, tmp_path, tokenizer, dtype):
        """The written mean equals torch's, to the rounding of the stored type."""
        import torch
        import transformers

        kind = "BertForSequenceClassification"
        pairs = [saved_model(tmp_path / f"{i}", kind, i) for i in range(3)]
        template = ModelTemplate(pairs[0][0].config.to_dict(), kind, LABELS, tokenizer)

        vector = np.mean([weights.vector for _, weights in pairs], axis=0, dtype=np.float64)
        mean = Weights(pairs[0][1].layout, vector.astype(np.float32))
        folder = tmp_path / "c"
        write_model_folder(folder, mean, template, origin(), dtype=dtype)

        loaded = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
        assert (
            loaded.dtype
            == {
                "F32": torch.float32,
                "BF16": torch.bfloat16,
                "F16": torch.float16,
            }[dtype]
        )
        for name, value in loaded.state_dict().items():
            expected = torch.stack([m.state_dict()[name].double() for m, _ in pairs]).mean(0)
            error = {"F32": 1e-7, "BF16": 4e-3, "F16": 5e-4}[dtype]
            torch.testing.assert_close(value.double(), expected, rtol=error, atol=error / 10)


@pytest.fixture
def written(tmp_path, tokenizer):
    """Write a two-tensor model and return a function that writes it again."""
    weights = as_weights({"w": np.ones((2, 3), np.float32), "b": np.zeros(2, np.float32)})
    template = ModelTemplate({"hidden_size": 3}, "BertForMaskedLM", (), tokenizer)

    def write(**kwargs):
        kwargs = {"origin": origin(), "template": template, "weights": weights} | kwargs
        write_model_folder(tmp_path / "out", **kwargs)
        return tmp_path / "out"

    return write


class TestFolder:
    """What is in the folder, and when it appears."""

    def test_holds_known_files_only(self, written):
        """Weights, config, tokenizer, card, recipe and provenance; nothing else is copied."""
        assert sorted(path.name for path in written().iterdir()) == [
            "README.md",
            "config.json",
            "mergekit.yml",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
            "wsgeo.json",
        ]

    def test_code_is_left_out(self, written, tokenizer):
        """Neither config nor tokenizer settings name code, however deep."""
        config = {
            "auto_map": {"AutoModel": "evil.Evil"},
            "text_config": {"auto_map": {}, "hidden_size": 3, "_name_or_path": "/home/me"},
            "_attn_implementation": "evil/kernel",
            "torch_dtype": "float16",
        }
        template = ModelTemplate(config, "BertForMaskedLM", ("no", "yes"), tokenizer)

        folder = written(template=template)

        assert model_config(template)["text_config"] == {"hidden_size": 3}
        for name in ("config.json", "tokenizer_config.json"):
            text = (folder / name).read_text()
            for word in ("auto_map", "evil", "name_or_path", "chat_template", "implementation"):
                assert word not in text
        read = json.loads((folder / "config.json").read_text())
        assert read["label2id"] == {"no": 0, "yes": 1}
        assert read["dtype"] == read["torch_dtype"] == "float32"

    def test_an_older_centroid_is_replaced(self, written):
        """Running the command again replaces the folder; other folders are left alone."""
        folder = written()
        (folder / "left-over").write_text("x")

        written()

        assert not (folder / "left-over").exists()
        assert [path.name for path in folder.parent.iterdir()] == ["out"]

    @pytest.mark.parametrize("marker", [None, "{", "[]", '{"kind": "model"}'])
    def test_a_foreign_folder_is_left_alone(self, tmp_path, written, marker):
        """A folder that no centroid left there is refused and untouched."""
        (tmp_path / "out").mkdir()
        (tmp_path / "out/thesis.tex").write_text("years of work")
        if marker is not None:
            (tmp_path / "out/wsgeo.json").write_text(marker)

        with pytest.raises(WsgeoError, match="holds files"):
            written()
        assert (tmp_path / "out/thesis.tex").read_text() == "years of work"

    def test_a_link_or_file_is_left_alone(self, tmp_path, written):
        """A link in place of the folder is not followed."""
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "out").symlink_to(tmp_path / "elsewhere")

        with pytest.raises(WsgeoError, match="file or link"):
            written()
        assert not list((tmp_path / "elsewhere").iterdir())

    def test_a_failure_leaves_nothing(self, tmp_path, written, tokenizer):
        """An error in the last file leaves no half folder and keeps the older one."""
        before = sorted(written().iterdir())
        broken = Origin(origin().plan, Evidence(), command=(b"bytes",))

        with pytest.raises(TypeError):
            written(origin=broken)
        assert sorted((tmp_path / "out").iterdir()) == before
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_a_missing_or_broken_tokenizer_is_refused(self, tmp_path):
        """No vocabulary, a pipe, or settings that are no JSON: one line each."""
        source, target = tmp_path / "source", tmp_path / "target"
        source.mkdir()
        target.mkdir()
        (source / "tokenizer_config.json").write_text("{}")
        with pytest.raises(WsgeoError, match="no tokenizer"):
            copy_tokenizer(source, target)
        os.mkfifo(source / "vocab.txt")
        with pytest.raises(WsgeoError, match="not a regular file"):
            copy_tokenizer(source, target)
        (source / "vocab.txt").unlink()
        (source / "vocab.txt").write_text("a\n")
        for text in ("{nope", "[]", '{"x": NaN}', '{"x":' * 100_000):
            (source / "tokenizer_config.json").write_text(text)
            with pytest.raises(WsgeoError, match="settings cannot be read"):
                copy_tokenizer(source, target)

    def test_unknown_figures_are_null(self, written):
        """A figure that is not finite is null in the provenance and 'not measured' on the card."""
        plan = CentroidPlan("n", "basin", "0", "mean", ("a",))

        folder = written(origin=Origin(plan, Evidence(loss=float("nan"), metric=float("inf"))))

        evidence = json.loads((folder / "wsgeo.json").read_text())["evidence"]
        assert evidence["loss"] is None
        assert "not measured" in (folder / "README.md").read_text()
