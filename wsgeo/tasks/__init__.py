"""On what data a loss is measured: readers, label maps, encoded examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wsgeo.late import late_names
from wsgeo.tasks.batches import batches
from wsgeo.tasks.labels import LabelMap, label_map
from wsgeo.tasks.task import EncodedExamples, Objective, Task

if TYPE_CHECKING:
    from wsgeo.tasks.encoding import encode
    from wsgeo.tasks.grammar import Grammar, read_grammar, sample_examples
    from wsgeo.tasks.readers import read_table
    from wsgeo.tasks.reading import read_task, task_of
    from wsgeo.tasks.subsets import drawn
    from wsgeo.tasks.unigrams import count_tokens, countable

__all__ = [
    "EncodedExamples",
    "Grammar",
    "LabelMap",
    "Objective",
    "Task",
    "batches",
    "count_tokens",
    "countable",
    "drawn",
    "encode",
    "label_map",
    "read_grammar",
    "read_table",
    "read_task",
    "sample_examples",
    "task_of",
]

# polars takes 0.5 s to import; a worker that only evaluates must not pay for it.
__getattr__ = late_names(
    __name__,
    {
        "Grammar": "grammar",
        "count_tokens": "unigrams",
        "countable": "unigrams",
        "drawn": "subsets",
        "encode": "encoding",
        "read_grammar": "grammar",
        "read_table": "readers",
        "read_task": "reading",
        "sample_examples": "grammar",
        "task_of": "reading",
    },
)
