"""Hostile configs, tokenizers and adapters."""

from __future__ import annotations

import json
import shutil

import numpy as np
from hostile_cases import CONFIG, case
from zoo_cases import (
    bert_config,
    edit_json,
    tokenizer_document,
    vocabulary,
    write_adapter,
    write_tokenizer,
)

from wsgeo.weights.tensors import write_safetensors


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
adapter("unsupported_adapter", "another method", peft_type="LOHA")
adapter("unsupported_adapter", "a prefix", peft_type="PREFIX_TUNING")
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
