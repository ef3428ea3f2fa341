"""Sets of pairs with labels, and a task that names them."""

import polars as pl

from wsgeo.training.recipe_schema import Task

NLI = ["entailment", "neutral", "contradiction"]


def nli(n, prefix, start=0):
    """Return pairs with label numbers, as many of each."""
    return pl.DataFrame(
        {
            "premise": [f"{prefix} {i}. It is." for i in range(n)],
            "hypothesis": [f"so {i}." for i in range(n)],
            "label": [(i + start) % 3 for i in range(n)],
            "id": [f"{prefix}{i}" for i in range(n)],
        }
    )


def task(**given):
    """Return a task of the files that the fixture `places` writes."""
    files = {"train": "train.parquet", "validation": "validation.parquet"}
    mixture = {"mixture": "mixture.parquet", "labels": NLI}
    return Task.model_validate({"name": "nli", **files, **mixture, **given})
