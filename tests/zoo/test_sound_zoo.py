"""Sound entries in every form they are saved in: none is refused, and the values are the same."""

import json
import shutil
import stat

import numpy as np
import pytest
from zoo_cases import (
    NLI_LABELS,
    bert_config,
    fine_tuned,
    make_zoo,
    random_tensors,
    write_model,
    write_series,
)

from wsgeo.errors import ZooError
from wsgeo.zoo import load_weights, read_zoo
from wsgeo.zoo.tables import EXCLUSIONS, MODELS, exclusions_table, models_table

CONFIG = bert_config(labels=NLI_LABELS)
BASE = random_tensors(bert_config(), 0)
TENSORS = fine_tuned(BASE, CONFIG, 0)
FACTS = {"base": "base", "task": "nli"}


def renamed(tensors, *pairs):
    result = {}
    for name, values in tensors.items():
        for old, new in pairs:
            name = name.replace(old, new)
        result[name] = values
    return result


class TestForms:
    """Forms that keep the values keep the content hash."""

    @pytest.mark.parametrize("n_shards", [2, 5])
    def test_shards(self, root, n_shards):
        """Shards are one model."""
        write_model(root / "other", TENSORS, CONFIG, n_shards=n_shards, facts=FACTS)
        zoo = read_zoo(root)

        assert len({member.content_hash for member in zoo.members}) == 1
        assert np.array_equal(*(load_weights(member).vector for member in zoo.members))

    def test_legacy_names_and_buffers(self, root):
        """``gamma`` and ``beta`` are read, stored position ids are dropped."""
        pairs = (("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta"))
        folder = write_model(root / "other", renamed(TENSORS, *pairs), CONFIG, facts=FACTS)
        add_buffer(folder / "model.safetensors", "bert.embeddings.position_ids")
        zoo = read_zoo(root)

        assert [row.code for row in zoo.excluded] == ["base"]
        assert len({member.content_hash for member in zoo.members}) == 1

    def test_order_of_tensors(self, root):
        """The order in the file says nothing."""
        write_model(root / "other", dict(reversed(TENSORS.items())), CONFIG, facts=FACTS)

        assert len({member.content_hash for member in read_zoo(root).members}) == 1

    @pytest.mark.parametrize("dtype", ["F16", "BF16"])
    def test_widened_types(self, root, dtype):
        """A half-precision file and its widened copy are one function; the original is another."""
        write_model(root / "narrow", TENSORS, CONFIG, dtype=dtype, facts=FACTS)
        narrow = next(m for m in read_zoo(root).members if m.id == "narrow")
        values = load_weights(narrow)
        widened = {name: values.tensor(name) for name in values.layout.names}
        order = np.argsort(narrow.label_order)
        for name in narrow.label_rows:
            widened[name] = widened[name][order]
        write_model(root / "wide", widened, CONFIG, facts=FACTS)
        hashes = {member.id: member.content_hash for member in read_zoo(root).members}

        assert hashes["wide"] == hashes["narrow"] != hashes["run-0"]

    @pytest.mark.parametrize("stored", ["source", "alias", "both"])
    def test_tied_weights_under_either_name(self, tmp_path, stored):
        """A tied matrix is found under the embedding's or the decoder's name and counts once."""
        config = bert_config()
        source, alias = "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"
        tensors = dict(BASE)
        if stored != "source":
            tensors[alias] = tensors[source].copy()
        if stored == "alias":
            tensors.pop(source)
        write_model(tmp_path / "zoo" / "m", tensors, config)
        write_model(tmp_path / "zoo" / "plain", BASE, config)
        zoo = read_zoo(tmp_path / "zoo")

        assert len(zoo.members) == 2
        assert len({member.content_hash for member in zoo.members}) == 1

    def test_tied_weights_that_differ(self, tmp_path):
        """Two copies of a tied matrix that differ are refused."""
        tensors = {**BASE, "cls.predictions.bias": BASE["cls.predictions.bias"]}
        tensors["cls.predictions.decoder.bias"] = BASE["cls.predictions.bias"] + 1
        write_model(tmp_path / "zoo" / "m", tensors, bert_config())

        assert [row.code for row in read_zoo(tmp_path / "zoo").excluded] == ["tied_tensors_differ"]

    def test_values_and_names_decide(self, root):
        """One changed value, or two swapped tensors of one shape, change the hash."""
        swapped = dict(TENSORS)
        one, two = (f"bert.encoder.layer.{i}.output.dense.weight" for i in range(2))
        swapped[one], swapped[two] = swapped[two], swapped[one]
        nudged = {name: values.copy() for name, values in TENSORS.items()}
        nudged["classifier.bias"][0] = np.nextafter(nudged["classifier.bias"][0], np.float32(9))
        write_model(root / "swapped", swapped, CONFIG, facts=FACTS)
        write_model(root / "nudged", nudged, CONFIG, facts=FACTS)

        assert len({member.content_hash for member in read_zoo(root).members}) == 3


class TestPlaces:
    """Places where a zoo may be."""

    def test_unicode_and_spaces(self, tmp_path):
        """Names with spaces, other scripts and equal-looking forms are kept apart."""
        root = make_zoo(tmp_path / "mein Zoo größe 模型", n_members=1)
        for name in ("é", "e\u0301", "a b", "-x", "NULL"):
            shutil.copytree(root / "run-0", root / name)
        zoo = read_zoo(root)

        assert set(zoo.ids) == {"run-0", "é", "e\u0301", "a b", "-x", "NULL"}
        assert models_table(zoo).schema == MODELS
        assert exclusions_table(zoo).schema == EXCLUSIONS

    def test_names_that_are_not_utf8(self, root):
        """A name of any bytes is a member with an id that tables can hold."""
        name = b"m\xff".decode("utf-8", "surrogateescape")
        shutil.copytree(root / "run-0", root / name)
        zoo = read_zoo(root)

        assert "m\\xff" in models_table(zoo)["id"].to_list()
        assert load_weights(zoo.members[0]).vector.size

    def test_a_read_only_tree_stays_as_it_was(self, root):
        """Reading writes nothing below the zoo."""
        before = snapshot(root)
        for path in (root, *root.rglob("*")):
            path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        zoo = read_zoo(root)
        for path in (root, *root.rglob("*")):
            path.chmod(stat.S_IRWXU)

        assert len(zoo.members) == 1
        assert snapshot(root) == before

    def test_a_model_folder_is_a_zoo(self, root):
        """A single model folder is a zoo of one, called after itself."""
        assert read_zoo(root / "run-0").ids == ("run-0",)

    def test_a_trainers_output(self, root):
        """The last step is the entry, with its step as a fact."""
        write_series(root / "out", BASE, CONFIG, [500, 1000])
        zoo = read_zoo(root)
        member = next(m for m in zoo.members if m.id == "out/checkpoint-1000")

        assert len(zoo.members) == 2
        assert member.facts["step"].value == 1000
        assert len(read_zoo(root, all_steps=True).members) == 3

    def test_no_folder(self, tmp_path):
        """A zoo that is not there ends with one line."""
        with pytest.raises(ZooError):
            read_zoo(tmp_path / "missing")


class TestManyEntries:
    """One bad file among many."""

    def test_one_truncated_file(self, tmp_path, rng):
        """One record names entry, file and cause, and the others are members."""
        root = make_zoo(tmp_path / "zoo", n_members=30)
        path = root / "run-17" / "model.safetensors"
        raw = path.read_bytes()
        path.write_bytes(raw[: int(rng.integers(len(raw)))])
        zoo = read_zoo(root)
        row = next(r for r in zoo.excluded if r.id == "run-17")

        assert len(zoo.members) == 29
        assert row.fate == "rejected"
        assert row.file == "run-17/model.safetensors"


def add_buffer(path, name):
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    end = len(raw) - 8 - length
    header[name] = {"dtype": "I64", "shape": [1, 64], "data_offsets": [end, end + 512]}
    text = json.dumps(header).encode()
    buffer = np.arange(64, dtype="<i8").tobytes()
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + length :] + buffer)


def snapshot(root):
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }
