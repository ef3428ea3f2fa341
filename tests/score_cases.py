"""Members that have a name, and sets with known answers."""

from types import SimpleNamespace

import numpy as np
import polars as pl

from wsgeo.probing.sets import DiagnosticSet
from wsgeo.tasks.grammar import EXAMPLES
from wsgeo.tasks.task import EncodedExamples, Objective


def member(name, content=None):
    """Return a member that has a name and a hash, and nothing else."""
    return SimpleNamespace(id=name, content_hash=content or name)


def toy(name="toy"):
    """Return a set of two slices and four examples."""
    rows = [
        ("a", "b", "entailment", "x", None, None),
        ("c", "d", "non-entailment", "x", None, None),
        ("e", "f", "non-entailment", "y", None, None),
        ("g", "h", "non-entailment", "y", None, None),
    ]
    frame = pl.DataFrame(rows, schema=EXAMPLES, orient="row")
    return DiagnosticSet(name, "t", "s", "l", "nli", ("entailment", "non-entailment"), frame)


def encoded_by_name(one, targets):
    """Return a set as an engine is given it, without its texts."""
    arrays = dict.fromkeys(
        ("input_ids", "attention_mask", "token_type_ids"), np.ones((len(targets), 1))
    )
    arrays["targets"] = np.array(targets)
    maps = tuple((i,) for i in range(len(one.labels)))
    return EncodedExamples.of(one.name, Objective.CLASSIFICATION, arrays, one.labels, maps)
