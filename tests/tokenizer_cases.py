"""A small WordPiece tokenizer, made at run time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_TEXT = (
    "the a doctor doctors actor actors near danced saw slept film was good bad not very dull great "
    "plot and if or who paid man woman dog cat runs run happy sad"
)
WORDS = tuple(_TEXT.split())
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def vocabulary() -> dict[str, int]:
    """Return token -> id: special tokens, letters with and without ``##``, words."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = [*SPECIAL, *".,!?0123456789", *letters, *(f"##{c}" for c in letters), *WORDS]
    return {token: i for i, token in enumerate(dict.fromkeys(tokens))}


def tokenizer_document(vocab: Mapping[str, int] | None = None) -> dict:
    """Return the content of a ``tokenizer.json`` that splits words into pieces."""
    vocab = dict(vocabulary() if vocab is None else vocab)
    added = [
        {"id": vocab[token], "content": token, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": True}
        for token in SPECIAL
    ]  # fmt: skip
    sequence = [{"Sequence": {"id": "A", "type_id": 0}}]
    cls = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}
    sep = {"SpecialToken": {"id": "[SEP]", "type_id": 0}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [cls, *sequence, sep],
            "pair": [cls, *sequence, sep, {"Sequence": {"id": "B", "type_id": 1}},
                     {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {
                name: {"id": name, "ids": [vocab[name]], "tokens": [name]}
                for name in ("[CLS]", "[SEP]")
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocab},
    }  # fmt: skip


def write_tokenizer(folder: Path, document: Mapping | None = None) -> None:
    """Write ``tokenizer.json`` and its config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(document or tokenizer_document()))
    config = {"tokenizer_class": "TokenizersBackend", "model_max_length": 64}
    config |= {f"{name[1:-1].lower()}_token": name for name in SPECIAL}
    config["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
