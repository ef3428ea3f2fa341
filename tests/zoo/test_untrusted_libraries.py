"""What the bytes of an entry make transformers and tokenizers do costs that entry only."""

import time

import pytest
from zoo_cases import (
    NLI_LABELS,
    bert_config,
    edit_json,
    fine_tuned,
    make_base,
    make_zoo,
    tokenizer_document,
    write_model,
    write_tokenizer,
)

from wsgeo.errors import EntryError
from wsgeo.processes import WorkFailure, run_apart
from wsgeo.zoo import load_tokenizer, read_zoo, tokenizer_files, tokenizing, with_tokenizer
from wsgeo.zoo.architectures import architecture_of
from wsgeo.zoo.configs import check_config


def replaced(*patterns, content=""):
    """Return a tokenizer whose normalizer replaces what each regular expression finds."""
    document = tokenizer_document()
    document["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}
            for pattern in patterns
        ],
    }
    return document


PANICS = replaced("(a+)+[0-9]")
# Each of them tries a million ways at each letter of a run, a fifth of a second in all.
BACKTRACKS = replaced(*["(?:a|a){20}[0-9]"] * 1000)
GROWS = replaced(*["a"] * 12, content="aaaaaaaaaa")
# Slow on letters that the probe's sentences do not hold.
BACKTRACKS_ON_DATA = replaced(*["(?:x|x){20}[0-9]"] * 1000)


@pytest.fixture
def root(tmp_path):
    return make_zoo(tmp_path / "zoo", n_members=2)


def add(root, name, *, config=None, document=None):
    """Write one more entry of the zoo's family, with another config or tokenizer."""
    sound = bert_config(labels=NLI_LABELS)
    folder = root / name
    write_model(folder, fine_tuned(make_base(root / "base"), sound, 7), sound)
    edit_json(folder / "config.json", **(config or {}))
    if document is not None:
        write_tokenizer(folder, document)


class TestTokenizers:
    """Tokenizers that hold a program."""

    @pytest.mark.parametrize(
        ("document", "cause"),
        [(PANICS, "PanicException"), (BACKTRACKS, "not done after 1 s"), (GROWS, "")],
        ids=["panics", "backtracks", "grows"],
    )
    def test_one_row(self, root, monkeypatch, document, cause):
        """A tokenizer that panics, backtracks for minutes or grows without end is one row."""
        monkeypatch.setattr(tokenizer_files, "PROBE_SECONDS", 1.0)
        add(root, "hostile", document=document)

        zoo = read_zoo(root)

        assert zoo.ids == ("run-0", "run-1")
        [row] = [row for row in zoo.excluded if row.id == "hostile"]
        assert (row.code, row.file) == ("tokenizer_malformed", "hostile/tokenizer.json")
        assert cause in row.cause
        assert row.remedy

    def test_asked_once(self, root, monkeypatch):
        """Entries that share a tokenizer wait for it once, and each has its row."""
        monkeypatch.setattr(tokenizer_files, "PROBE_SECONDS", 1.0)
        asked = []

        def counted(function, path, seconds):
            asked.append(path.parent.name)
            return run_apart(function, path, seconds=seconds)

        monkeypatch.setattr(tokenizer_files, "run_apart", counted)
        for name in ("one", "three", "two"):
            add(root, name, document=BACKTRACKS)

        rows = [row.id for row in read_zoo(root).excluded if row.code == "tokenizer_malformed"]

        assert rows == ["one", "three", "two"]
        assert asked == ["base", "one"]

    @pytest.mark.slow
    def test_slow_on_some_texts_only(self, root, monkeypatch):
        """A tokenizer that passes the probe and hangs on the data is refused, in time."""
        monkeypatch.setattr(tokenizing, "TOKENIZER_SECONDS", 2.0)
        add(root, "hostile", document=BACKTRACKS_ON_DATA)
        member = next(member for member in read_zoo(root).members if member.id == "hostile")
        start = time.monotonic()

        with pytest.raises(EntryError, match=r"cannot encode the texts .*not done after") as error:
            with_tokenizer(member, encode_runs, n_texts=1)

        assert error.value.code == "tokenizer_malformed"
        assert time.monotonic() - start < 30

    def test_sound(self, root):
        """A sound tokenizer is used as if it were here."""
        member = read_zoo(root).members[0]

        assert with_tokenizer(member, encode_doctor) == load_tokenizer(member)("the doctor")


def encode_runs(tokenizer):
    return tokenizer("x" * 32 + " 3")["input_ids"]


def encode_doctor(tokenizer):
    return dict(tokenizer("the doctor"))


class TestConfigs:
    """Configs that make a library work or allocate without end."""

    @pytest.mark.parametrize(
        ("config", "code"),
        [
            ({"num_hidden_layers": 10**9}, "config_size"),
            ({"hidden_size": 10**9}, "config_size"),
            ({"layer_norm_eps": "tiny"}, "config_invalid"),
            ({"hidden_act": ["gelu"]}, "config_invalid"),
        ],
        ids=["layers", "width", "wrong type", "list for a name"],
    )
    def test_one_row(self, root, config, code):
        """A config with absurd sizes or wrong types is one row, and the others stay."""
        add(root, "hostile", config=config)

        zoo = read_zoo(root)

        assert zoo.ids == ("run-0", "run-1")
        [row] = [row for row in zoo.excluded if row.id == "hostile"]
        assert (row.code, row.file) == (code, "hostile/config.json")

    @pytest.mark.parametrize(
        "raw",
        [
            {"model_type": "xlnet", "architectures": ["XLNetForSequenceClassification"],
             "n_layer": 512, "d_model": 4096, "n_head": 64},
            {"model_type": "gpt_neo", "architectures": ["GPTNeoForCausalLM"], "num_layers": 2,
             "attention_types": [[["global"], 2]], "hidden_size": 16, "num_heads": 2,
             "max_position_embeddings": 131_072},
        ],
        ids=["at once", "when the tables are computed"],
    )  # fmt: skip
    def test_tens_of_gigabytes(self, raw):
        """A model that would take tens of gigabytes beside its weights is refused."""
        with pytest.raises(EntryError, match=r"cannot build .*(memory|GiB)") as error:
            architecture_of(check_config(raw, "config.json"), "config.json")

        assert error.value.code == "config_invalid"

    def test_a_death_is_not_the_configs(self, monkeypatch):
        """A process that was killed is told as such, and the next call asks again."""
        config = check_config({**bert_config(), "initializer_range": 0.0625}, "config.json")
        with monkeypatch.context() as patch:
            killed = WorkFailure("died", "its worker died once (SIGKILL)")
            patch.setattr("wsgeo.zoo.architectures.run_apart", lambda *_, **__: killed)
            with pytest.raises(EntryError, match="SIGKILL") as error:
                architecture_of(config, "config.json")

        assert error.value.remedy.startswith("Run the command again with more memory")
        assert architecture_of(config, "config.json").shapes

    @pytest.mark.slow
    def test_endless_work(self, monkeypatch):
        """A config that keeps the library at work beyond the limit is refused, once for all."""
        architecture_of(check_config(bert_config(), "config.json"), "config.json")
        monkeypatch.setattr("wsgeo.zoo.architectures.BUILD_SECONDS", 1.0)
        raw = {**bert_config(), "num_labels": 2**31}  # no part of the computing configuration
        start = time.monotonic()

        for _ in range(20):
            with pytest.raises(EntryError, match=r"cannot build .*not done after 1 s"):
                architecture_of(check_config(raw, "config.json"), "config.json")

        assert time.monotonic() - start < 15
