"""A zoo in which almost every entry is malformed or hostile: each gets a row, and nothing else happens."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
from zoo_cases import (
    NLI_LABELS,
    bert_config,
    edit_json,
    fine_tuned,
    make_zoo,
    random_tensors,
    tokenizer_document,
    vocabulary,
    write_adapter,
    write_model,
    write_tokenizer,
)

from wsgeo.weights.tensors import read_tensors, write_safetensors
from wsgeo.zoo import read_zoo

CONFIG = bert_config(labels=NLI_LABELS)
BASE = random_tensors(bert_config(), 0)
FACTS = {"base": "base", "task": "nli"}

CASES = {}
"""Name -> (expected code, function that spoils a sound copy of a member)."""


def case(code, name=None):
    def note(spoil):
        CASES[name or spoil.__name__] = (code, spoil)
        return spoil

    return note


def weights(folder):
    return folder / "model.safetensors"


def change_tensors(folder, change):
    tensors = read_tensors(weights(folder))
    change(tensors)
    write_safetensors(weights(folder), tensors)


def cut(share):
    def spoil(folder):
        raw = weights(folder).read_bytes()
        weights(folder).write_bytes(raw[: int(share * len(raw))])

    return spoil


for _share in (0, 0.0001, 0.05, 0.5, 0.9999):
    case("truncated_file", f"cut at {_share}")(cut(_share))


@case("trailing_bytes")
def longer(folder):
    with weights(folder).open("ab") as file:
        file.write(b"\0")


def bad_value(value, name, row):
    def spoil(folder):
        def change(tensors):
            tensors[name][row] = value

        change_tensors(folder, change)

    return spoil


for _value in (np.nan, np.inf, -np.inf):
    case("nonfinite_weights", f"holds {_value}")(bad_value(_value, "classifier.weight", 0))
case("nonfinite_weights", "nan in an unused row")(
    bad_value(np.nan, "bert.embeddings.word_embeddings.weight", 1)
)


@case("missing_head")
def no_head(folder):
    change_tensors(folder, lambda t: [t.pop(name) for name in list(t) if "classifier" in name])


@case("missing_keys")
def no_inner_matrix(folder):
    change_tensors(folder, lambda t: t.pop("bert.encoder.layer.1.output.dense.weight"))


@case("extra_keys")
def one_more(folder):
    change_tensors(folder, lambda t: t.update(extra=np.zeros(3, np.float32)))


@case("missing_keys")
def parallel_names(folder):
    def change(tensors):
        for name in list(tensors):
            tensors[f"module.{name}"] = tensors.pop(name)

    change_tensors(folder, change)


@case("missing_keys")
def one_letter(folder):
    def change(tensors):
        name = "bert.encoder.layer.0.output.dense.bias"
        tensors[name.replace("output", "outpuu")] = tensors.pop(name)

    change_tensors(folder, change)


@case("other_shapes")
def transposed(folder):
    def change(tensors):
        name = "bert.encoder.layer.0.intermediate.dense.weight"
        tensors[name] = np.ascontiguousarray(tensors[name].T)

    change_tensors(folder, change)


@case("other_shapes")
def more_labels_than_rows(folder):
    edit_json(folder / "config.json", id2label={str(i): f"l{i}" for i in range(5)}, label2id=None)


def shard_to(target):
    def spoil(folder):
        weights(folder).rename(folder / "model-00001-of-00001.safetensors")
        weight_map = dict.fromkeys(BASE, target(folder))
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))

    return spoil


case("malformed_index", "shard above")(shard_to(lambda _: "../run-0/model.safetensors"))
case("malformed_index", "shard elsewhere")(
    shard_to(lambda f: str(f.parent.parent / "outside" / "model.safetensors"))
)
case("malformed_index", "shard backwards")(shard_to(lambda _: "..\\run-0\\model.safetensors"))
case("malformed_index", "shard pickled")(shard_to(lambda _: "pytorch_model.bin"))
case("malformed_index", "shard number")(shard_to(lambda _: 3))
case("unreadable_file", "shard missing")(shard_to(lambda _: "model-00002-of-00002.safetensors"))


@case("leaves_folder")
def link_out(folder):
    weights(folder).unlink()
    weights(folder).symlink_to(folder.parent.parent / "outside" / "model.safetensors")


@case("leaves_folder")
def shard_link_out(folder):
    shard_to(lambda _: "model-00001-of-00001.safetensors")(folder)
    shard = folder / "model-00001-of-00001.safetensors"
    shard.unlink()
    shard.symlink_to(folder.parent.parent / "outside" / "model.safetensors")


@case("leaves_folder")
def config_link_out(folder):
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(folder.parent.parent / "outside" / "config.json")


@case("unreadable_file")
def link_to_itself(folder):
    weights(folder).unlink()
    weights(folder).symlink_to("model.safetensors")


def pipe(name):
    def spoil(folder):
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return spoil


for _name in ("config.json", "model.safetensors", "tokenizer.json"):
    case("not_a_regular_file", f"pipe for {_name}")(pipe(_name))


@case("no_weights")
def no_weights(folder):
    weights(folder).unlink()


@case("no_config")
def no_config(folder):
    (folder / "config.json").unlink()


@case("pickled")
def pickled(folder):
    weights(folder).rename(folder / "pytorch_model.bin")


@case("not_safetensors")
def a_pointer(folder):
    weights(folder).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")


@case("malformed_json")
def config_bomb(folder):
    (folder / "config.json").write_text('{"a":' * 900 + "1" + "}" * 900)


@case("file_too_large")
def config_huge(folder):
    (folder / "config.json").write_text(json.dumps({**CONFIG, "note": "x" * 1_000_001}))


@case("malformed_json")
def config_twice(folder):
    text = json.dumps(CONFIG)
    (folder / "config.json").write_text(text[:-1] + ', "hidden_size": 16}')


def config_with(**changes):
    return lambda folder: edit_json(folder / "config.json", **changes)


case("remote_code", "auto_map")(config_with(auto_map={"AutoModel": "evil.Model"}))
case("remote_code", "auto_map inside")(config_with(sub={"auto_map": {"AutoConfig": "a/b--e.C"}}))
case("quantised", "quantised")(config_with(quantization_config={"quant_method": "gptq"}))
case("unsupported_class", "unknown type")(config_with(model_type="evil"))
case("unsupported_class", "no type")(config_with(model_type=None))
case("unsupported_class", "class of another type")(config_with(architectures=["GPT2LMHeadModel"]))
case("unsupported_class", "no head of ours")(config_with(architectures=["BertModel"]))
case("unsupported_class", "a module path")(config_with(architectures=["os.system"]))
case("config_invalid", "names a method")(config_with(to_dict=1))
case("config_invalid", "heads do not divide")(config_with(num_attention_heads=3))
case("config_invalid", "unknown activation")(config_with(hidden_act="evil"))
case("malformed_labels", "one name twice")(config_with(id2label={"0": "a", "1": "a", "2": "b"}))
for _key in ("num_hidden_layers", "hidden_size", "vocab_size", "num_attention_heads"):
    for _size in (10**9, -1, "2", 2.5, True, [10**9]):
        case("config_size", f"{_key} {_size}")(config_with(**{_key: _size}))
case("config_size", "layers beyond the file")(config_with(num_hidden_layers=500))
case("config_size", "positions beyond reason")(config_with(max_position_embeddings=10**9))
case("config_size", "a long number")(config_with(chunk_size_feed_forward=10**12))


@case("tokenizer_missing")
def no_tokenizer(folder):
    (folder / "tokenizer.json").unlink()
    edit_json(folder / "wsgeo.json", base=None)


@case("tokenizer_malformed")
def five_tokens(folder):
    vocab = dict(list(vocabulary().items())[:5])
    write_tokenizer(folder, tokenizer_document(vocab))


@case("malformed_json")
def cut_tokenizer(folder):
    raw = (folder / "tokenizer.json").read_bytes()
    (folder / "tokenizer.json").write_bytes(raw[: len(raw) // 2])


@case("tokenizer_too_large")
def ids_beyond_the_embedding(folder):
    vocab = vocabulary()
    write_tokenizer(folder, tokenizer_document(vocab | {"more": len(vocab)}))


@case("tokenizer_malformed")
def tokenizer_of_no_kind(folder):
    document = tokenizer_document()
    document["pre_tokenizer"] = {"type": "Evil"}
    write_tokenizer(folder, document)


@case("tokenizer_malformed")
def panicking_tokenizer(folder):
    document = tokenizer_document()
    document["normalizer"] = {
        "type": "Replace", "pattern": {"Regex": "(((((a{999}){999}){999}){999})"}, "content": "",
    }  # fmt: skip
    write_tokenizer(folder, document)


def adapter(code, name, **changes):
    def spoil(folder):
        shutil.rmtree(folder)
        write_adapter(folder, "base", bert_config(), **changes)

    case(code, name)(spoil)


adapter("base_not_found", "adapter of a hub id", base_model_name_or_path="org/not-cached")
adapter("base_not_found", "adapter of a path outside", base_model_name_or_path="../../outside")
adapter("base_not_found", "adapter of itself", base_model_name_or_path=".")
adapter("base_not_found", "adapter of nothing", base_model_name_or_path=None)
adapter("unsupported_adapter", "another method", peft_type="IA3")
adapter("unsupported_adapter", "with dora", use_dora=True)
adapter("unsupported_adapter", "with a bias", bias="all")
adapter("unsupported_adapter", "pattern of targets", target_modules="(a+)+b")
adapter("unsupported_adapter", "pattern of ranks", rank_pattern={"(a+)+b": 2})
adapter("unsupported_adapter", "starts with pissa", init_lora_weights="pissa")
adapter("unsupported_adapter", "names classes", auto_mapping={"parent_library": "os"})
adapter("malformed_adapter", "another rank", r=3)
adapter("malformed_adapter", "rank of no size", r=-1)
adapter("missing_head", "brings no head", labels=None, task_type="SEQ_CLS")


@case("malformed_adapter")
def factor_without_partner(folder):
    shutil.rmtree(folder)
    tensors = write_adapter(folder, "base", bert_config())
    tensors.pop(next(name for name in tensors if "lora_B" in name))
    write_safetensors(folder / "adapter_model.safetensors", tensors)


@case("nonfinite_weights")
def adapter_with_nan(folder):
    shutil.rmtree(folder)
    tensors = write_adapter(folder, "base", bert_config())
    next(iter(tensors.values()))[0, 0] = np.nan
    write_safetensors(folder / "adapter_model.safetensors", tensors)


class Evil:
    """Write a marker when unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


@pytest.fixture(scope="module")
def marker(tmp_path_factory):
    return tmp_path_factory.mktemp("marks") / "executed"


@pytest.fixture(scope="module")
def opened():
    """Note the files that are opened and the connections that are made."""
    events = []
    armed = [True]

    def hook(event, args):
        if armed[0] and event in ("open", "pickle.find_class", "socket.connect"):
            events.append((event, str(args[0])))

    sys.addaudithook(hook)
    yield events
    armed[0] = False


@pytest.fixture(scope="module")
def zoo(tmp_path_factory, marker, opened):
    """Read a zoo of four sound members and one entry per case."""
    import pickle

    root = make_zoo(tmp_path_factory.mktemp("hostile") / "zoo")
    outside = root.parent / "outside"
    shutil.copytree(root / "base", outside)
    config = {**CONFIG, "architectures": ["BertForSequenceClassification"]}
    (outside / "config.json").write_text(json.dumps(config))
    write_safetensors(outside / "model.safetensors", fine_tuned(BASE, CONFIG, 77))
    for i, (name, (_, spoil)) in enumerate(CASES.items()):
        folder = root / name
        write_model(folder, fine_tuned(BASE, CONFIG, 100 + i), CONFIG, facts=FACTS)
        spoil(folder)
    for place in (root, root / "run-0"):
        for side_file in ("training_args.bin", "optimizer.pt", "rng_state.pth", "cache.joblib"):
            (place / side_file).write_bytes(pickle.dumps(Evil(marker)))
    opened.clear()
    return read_zoo(root)


@pytest.fixture(scope="module")
def rows(zoo):
    return {row.id: row for row in zoo.excluded}


class TestHostileZoo:
    """`read_zoo` on it."""

    def test_the_sound_members_remain(self, zoo):
        """Every sound member is there, and nobody else."""
        assert zoo.ids == ("run-0", "run-1", "run-2", "run-3")
        assert {member.loss_group for member in zoo.members} == {"g0.l0"}

    @pytest.mark.parametrize("name", CASES)
    def test_each_case_gets_its_row(self, rows, name):
        """The entry is listed with its finding, a cause and a remedy."""
        row = rows[name]

        assert row.code == CASES[name][0], row
        assert row.cause
        assert row.remedy
        assert row.file == "" or not row.file.startswith("/")

    def test_fates(self, rows):
        """What is sound but unsupported is set aside, what is malformed is rejected."""
        aside = {row.code for row in rows.values() if row.fate == "set aside"}

        assert aside == {
            "base", "pickled", "quantised", "unsupported_class", "unsupported_adapter",
            "base_not_found", "tokenizer_missing", "no_config",
        }  # fmt: skip

    def test_nothing_was_executed_opened_or_asked_for(self, zoo, opened, marker):
        """No pickle is touched, nothing outside is read, and no connection is made."""
        names = [name for event, name in opened if event == "open"]

        assert not marker.exists()
        assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".joblib"))]
        assert not [name for name in names if "/outside/" in name]
        assert not [event for event in opened if event[0] != "open"]

    def test_the_marker_works(self, tmp_path):
        """The payload would have been noticed."""
        import pickle

        file = pickle.loads(pickle.dumps(Evil(tmp_path / "executed")))
        file.close()

        assert (tmp_path / "executed").exists()
