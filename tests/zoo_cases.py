"""Tiny real zoos, made at run time: BERTs of a few thousand parameters that transformers can load.

Everything is a plain function of a seed; only `logits` needs torch. A typical use:

    root = make_zoo(tmp_path / "zoo", n_members=4)
    zoo = read_zoo(root)
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tokenizer_cases import tokenizer_document, vocabulary, write_tokenizer

from wsgeo.weights.tensors import write_safetensors

__all__ = [
    "NLI_LABELS", "SENTENCES", "bert_config", "bert_shapes", "edit_json", "fine_tuned", "logits",
    "make_base", "make_zoo", "members_of", "random_tensors", "tokenizer_document", "vocabulary", "write_adapter", "write_hub_cache",
    "write_model", "write_series", "write_tokenizer",
]  # fmt: skip

NLI_LABELS = ("entailment", "neutral", "contradiction")
SENTENCES = (
    ["the doctor near the actor danced", "bad film"],
    ["the actor danced", "not very good"],
)

Tensors = dict[str, np.ndarray]


def bert_config(*, labels: Sequence[str] | None = None, **changes) -> dict:
    """Return a ``config.json``: a classifier with these labels, or a masked language model."""
    config = {
        "architectures": ["BertForMaskedLM" if labels is None else "BertForSequenceClassification"],
        "model_type": "bert",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "vocab_size": len(vocabulary()),
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "pad_token_id": 0,
        "dtype": "float32",
    }
    if labels is not None:
        config["id2label"] = {str(i): label for i, label in enumerate(labels)}
        config["label2id"] = {label: i for i, label in enumerate(labels)}
    return config | changes


def bert_shapes(config: Mapping) -> dict[str, tuple[int, ...]]:
    """Return tensor name -> shape, as transformers saves them: tied names once, no buffers."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (config["vocab_size"], width),
        "bert.embeddings.position_embeddings.weight": (config["max_position_embeddings"], width),
        "bert.embeddings.token_type_embeddings.weight": (config["type_vocab_size"], width),
        **_norm("bert.embeddings.LayerNorm", width),
    }
    for i in range(config["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{i}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _dense(f"{layer}.attention.{part}", width, width)
        shapes |= _norm(f"{layer}.attention.output.LayerNorm", width)
        shapes |= _dense(f"{layer}.intermediate.dense", inner, width)
        shapes |= _dense(f"{layer}.output.dense", width, inner)
        shapes |= _norm(f"{layer}.output.LayerNorm", width)
    if config["architectures"] == ["BertForMaskedLM"]:
        shapes |= _dense("cls.predictions.transform.dense", width, width)
        shapes |= _norm("cls.predictions.transform.LayerNorm", width)
        shapes["cls.predictions.bias"] = (config["vocab_size"],)
    else:
        n_labels = len(config["id2label"]) if "id2label" in config else config.get("num_labels", 2)
        shapes |= _dense("bert.pooler.dense", width, width)
        shapes |= _dense("classifier", n_labels, width)
    return shapes


def random_tensors(config: Mapping, seed: int = 0, scale: float = 0.3) -> Tensors:
    """Return random weights of a config's shapes; layer norms start at one."""
    rng = np.random.default_rng(seed)
    tensors: Tensors = {}
    for name, shape in bert_shapes(config).items():
        values = scale * rng.standard_normal(shape)
        if name.endswith("LayerNorm.weight"):
            values = 1 + 0.1 * values
        tensors[name] = values.astype(np.float32)
    return tensors


def fine_tuned(base: Tensors, config: Mapping, seed: int, step: float = 0.05) -> Tensors:
    """Return the base's body moved a little at random, with a new head: one more of its family."""
    rng = np.random.default_rng(1000 + seed)
    fresh = random_tensors(config, seed=2000 + seed)
    return {
        name: (base[name] + step * rng.standard_normal(base[name].shape)).astype(np.float32)
        if name.startswith("bert.") and name in base
        else values
        for name, values in fresh.items()
    }


def write_model(
    folder: Path,
    tensors: Mapping[str, np.ndarray],
    config: Mapping,
    *,
    dtype: str = "F32",
    n_shards: int = 1,
    tokenizer: bool = True,
    facts: Mapping | None = None,
) -> Path:
    """Write a model folder: config, weights in one file or shards, tokenizer, ``wsgeo.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    names = list(tensors)
    if n_shards == 1:
        write_safetensors(folder / "model.safetensors", dict(tensors), dtype=dtype)
    else:
        weight_map = {}
        for k in range(n_shards):
            file = f"model-{k + 1:05}-of-{n_shards:05}.safetensors"
            part = {name: tensors[name] for name in names[k::n_shards]}
            write_safetensors(folder / file, part, dtype=dtype)
            weight_map |= dict.fromkeys(part, file)
        index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    if tokenizer:
        write_tokenizer(folder)
    if facts is not None:
        (folder / "wsgeo.json").write_text(json.dumps(facts))
    return folder


def make_base(folder: Path, seed: int = 0, **changes) -> Tensors:
    """Write a masked language model and return its weights."""
    config = bert_config(**changes)
    tensors = random_tensors(config, seed)
    write_model(folder, tensors, config)
    return tensors


def make_zoo(
    root: Path,
    *,
    n_members: int = 4,
    labels: Sequence[str] = NLI_LABELS,
    task: str = "nli",
    seed: int = 0,
    step: float = 0.05,
    **changes,
) -> Path:
    """Write ``root/base`` and ``root/run-K``: classifiers of one base, with their ``wsgeo.json``."""
    base = make_base(root / "base", seed, **changes)
    config = bert_config(labels=labels, **changes)
    for k in range(n_members):
        facts = {"base": "base", "task": task, "seed": k, "learning_rate": 3e-4, "method": "full"}
        tensors = fine_tuned(base, config, 10 * seed + k, step)
        write_model(root / f"run-{k}", tensors, config, facts=facts)
    return root


def write_adapter(
    folder: Path,
    base: str,
    config: Mapping,
    *,
    seed: int = 0,
    rank: int = 2,
    targets: Sequence[str] = ("query", "value"),
    labels: Sequence[str] | None = NLI_LABELS,
    scale: float = 0.1,
    **changes,
) -> Tensors:
    """Write a LoRA adapter as PEFT saves it; with labels it brings pooler and classifier."""
    rng = np.random.default_rng(3000 + seed)
    width, prefix = config["hidden_size"], "base_model.model."
    tensors: Tensors = {}
    for i in range(config["num_hidden_layers"]):
        for target in targets:
            module = f"{prefix}bert.encoder.layer.{i}.attention.self.{target}"
            tensors[f"{module}.lora_A.weight"] = _normal(rng, (rank, width), 1.0)
            tensors[f"{module}.lora_B.weight"] = _normal(rng, (width, rank), scale)
    if labels is not None:
        head = _dense("bert.pooler.dense", width, width) | _dense("classifier", len(labels), width)
        tensors |= {prefix + name: _normal(rng, shape, 0.3) for name, shape in head.items()}
    adapter = {
        "peft_type": "LORA",
        "task_type": None if labels is None else "SEQ_CLS",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(targets),
        "modules_to_save": None if labels is None else ["classifier", "score", "pooler"],
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(adapter | changes))
    write_safetensors(folder / "adapter_model.safetensors", tensors)
    if labels is not None:
        (folder / "wsgeo.json").write_text(json.dumps({"labels": list(labels)}))
    return tensors


def write_series(folder: Path, base: Tensors, config: Mapping, steps: Sequence[int]) -> Path:
    """Write a trainer's output: ``checkpoint-N`` with its state, no final model."""
    for k, step in enumerate(steps):
        checkpoint = folder / f"checkpoint-{step}"
        write_model(checkpoint, fine_tuned(base, config, 500 + k), config)
        state = {"global_step": step, "epoch": 1.5, "log_history": []}
        (checkpoint / "trainer_state.json").write_text(json.dumps(state))
    return folder


def write_hub_cache(cache: Path, repo: str, source: Path) -> Path:
    """Lay out a model folder as the hub's cache does, and return the snapshot's folder."""
    commit = hashlib.sha1(repo.encode()).hexdigest()
    repository = cache / f"models--{repo.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    for file in sorted(source.iterdir()):
        blob = hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copyfile(file, repository / "blobs" / blob)
        (snapshot / file.name).symlink_to(f"../../blobs/{blob}")
    return snapshot


def edit_json(path: Path, **changes) -> None:
    """Change keys of a JSON file; None removes one."""
    document = json.loads(path.read_text())
    for key, value in changes.items():
        document.pop(key, None)
        if value is not None:
            document[key] = value
    path.write_text(json.dumps(document))


def logits(checkpoint):
    """Return the logits of a checkpoint as wsgeo loads it."""
    import torch

    from wsgeo.zoo import build_model, load_tokenizer, load_weights

    model, weights = build_model(checkpoint), load_weights(checkpoint)
    state = {name: torch.from_numpy(weights.tensor(name)) for name in weights.layout.names}
    model.load_state_dict(state, strict=False)
    inputs = load_tokenizer(checkpoint)(*SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).logits.numpy()


def members_of(root):
    """Return the members of a zoo, none of which is rejected."""
    from wsgeo.zoo import read_zoo

    zoo = read_zoo(root)
    assert [row for row in zoo.excluded if row.fate == "rejected"] == []
    return zoo.geometry_group("g0")


def _normal(rng, shape, scale):
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def _dense(name, n_out, n_in):
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def _norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
