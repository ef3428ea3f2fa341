"""The register of hostile entries: what spoils a sound one, and the finding it must lead to."""

from __future__ import annotations

from zoo_cases import NLI_LABELS, bert_config, random_tensors

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
