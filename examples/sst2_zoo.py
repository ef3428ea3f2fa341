"""Make a zoo of film-review classifiers: one base, twelve members, in about twelve minutes.

The members differ in the seed of the head, the order of the data, and the learning rate. A second
run trains only what is missing.

    uv run python examples/sst2_zoo.py --data-root DATA --base BASE -o sst2-zoo
    uv run wsgeo scan sst2-zoo

DATA holds ``sst2/train.parquet`` and ``sst2/validation.parquet``; BASE is the folder of any small
pre-trained model with its tokenizer.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
from pathlib import Path

import polars as pl

from wsgeo.files import replacing, write_text
from wsgeo.processes import WorkerPool
from wsgeo.training import FineTuneRecipe, Optimization, Order, make_members

LABELS = ("negative", "positive")
SEEDS, ORDER_SEEDS, LEARNING_RATES = (0, 1, 2), (0, 1), (3e-4, 1e-3)
MANIFEST = 'base = "base"\nexclude = ["base"]\ntask = "sst2"\ndata = "data/validation.parquet"\n'


def orders(zoo: Path, n_examples: int, steps: int) -> list[Order]:
    """Return one order per seed, order of the data, and learning rate."""
    made = []
    for seed, order_seed, rate in itertools.product(SEEDS, ORDER_SEEDS, LEARNING_RATES):
        recipe = FineTuneRecipe(
            zoo / "base",
            zoo / "data" / "train.parquet",
            zoo / "data" / "validation.parquet",
            LABELS,
            Optimization(rate, steps),
            seed=seed,
            order_seed=order_seed,
            n_examples=n_examples,
            max_length=64,
        )
        made.append(Order(zoo / f"seed{seed}-order{order_seed}-lr{rate:.0e}", recipe, zoo))
    return made


def copy_data(source: Path, data: Path) -> None:
    """Copy the two splits into the zoo, with names in place of label numbers."""
    data.mkdir(exist_ok=True)
    for split in ("train", "validation"):
        table = pl.read_parquet(source / f"{split}.parquet", columns=["text_a", "label"])
        named = table.with_columns(pl.col("label").replace_strict(dict(enumerate(LABELS))))
        with replacing(data / f"{split}.parquet") as temporary:
            named.write_parquet(temporary)


def main() -> None:
    """Copy base and data into the zoo, train what is missing, and say how it came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-root", type=Path, required=True, help="folder that holds sst2/")
    parser.add_argument("--base", type=Path, required=True, help="folder of the base")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the zoo")
    parser.add_argument("--jobs", type=int, default=2, help="workers (default 2)")
    parser.add_argument("--n-examples", type=int, default=6000, help="training rows (default 6000)")
    parser.add_argument("--steps", type=int, default=375, help="updates (default 375: two epochs)")
    options = parser.parse_args()
    shutil.copytree(options.base, options.out / "base", dirs_exist_ok=True)
    copy_data(options.data_root / "sst2", options.out / "data")
    write_text(options.out / "zoo.toml", MANIFEST)

    def tell(done: int, total: int, what: str) -> None:
        print(f"{done} of {total} {what}", file=sys.stderr)

    with WorkerPool(options.jobs) as pool:
        for made in make_members(
            orders(options.out, options.n_examples, options.steps), pool, tell
        ):
            print(made.folder, made.status, made.reason)


if __name__ == "__main__":
    main()
