"""Hostile files of weights: cut, altered, leading elsewhere, of another kind."""

from __future__ import annotations

import json
import os

import numpy as np
from hostile_cases import BASE, case
from zoo_cases import edit_json

from wsgeo.weights.tensors import read_tensors, write_safetensors


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
