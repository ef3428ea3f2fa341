"""The bases of a zoo: copies of pre-trained models, or random weights, that its members start from."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsgeo.errors import EntryError, WsgeoError
from wsgeo.files import replacing_folder, write_text
from wsgeo.tasks.encoding import padding_of
from wsgeo.training.models import quiet, set_dropout, tokenizer_of
from wsgeo.weights.tensors import FileDigest, stream_tensors
from wsgeo.zoo.discovery import ADAPTER_CONFIG, CONFIG, WEIGHTS
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.hub import FILES
from wsgeo.zoo.weight_files import weight_files

if TYPE_CHECKING:
    from wsgeo.training.recipe_files import Places
    from wsgeo.training.recipe_schema import Base, Recipe, Scratch


def base_folder(name: str) -> str:
    """Return the folder of a base below its zoo.

    Parameters
    ----------
    name : str
        Name of the base.

    Returns
    -------
    str
        Folder name.

    Examples
    --------
    >>> base_folder("base"), base_folder("step87")
    ('base', 'base-step87')
    """
    return name if name == "base" else f"base-{name}"


def find_bases(recipe: Recipe, bases: Mapping[str, Base | int], places: Places) -> dict[str, Path]:
    """Return where the bases of a recipe lie.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    bases : mapping of str to Base or int
        Its bases by name, from `wsgeo.training.grids.bases_of`.
    places : Places
        Where its files may lie.

    Returns
    -------
    dict of str to Path
        Model folder by name; for random weights the folder of the config.

    Raises
    ------
    WsgeoError
        If a folder is missing or holds no weights in safetensors, in one file or several.
    """
    found = {}
    for name, base in bases.items():
        if isinstance(base, int):
            assert recipe.scratch is not None
            places.model(recipe.scratch.tokenizer)
            found[name] = places.model(recipe.scratch.config)
            continue
        found[name] = places.model(base.path)
        _weights(found[name])
    return found


def check_dropout(folder: Path) -> None:
    """Refuse a base that has no dropout to set.

    Parameters
    ----------
    folder : Path
        Its folder, or that of its config.

    Raises
    ------
    WsgeoError
        If it has none.
    """
    set_dropout(_config(folder), 0.0)


def put_bases(
    recipe: Recipe,
    bases: Mapping[str, Base | int],
    places: Places,
    zoo: Path,
) -> None:
    """Copy the bases into a zoo, or draw their random weights; what is there is kept.

    The weights of a copy are one file, whatever they were: members name its hash. Its config names the
    padding that members are trained with, so that adapters on it compute as whole models do.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    bases : mapping of str to Base or int
        Its bases by name.
    places : Places
        Where its files may lie.
    zoo : Path
        Folder of the zoo.

    Raises
    ------
    WsgeoError
        If the zoo holds another model under that name.
    """
    for name, source in find_bases(recipe, bases, places).items():
        target, base = zoo / base_folder(name), bases[name]
        if isinstance(base, int):
            assert recipe.scratch is not None
            if not target.exists():
                _draw(recipe.scratch, source, places, base, target)
        elif not target.exists():
            with replacing_folder(target) as staging:
                for file in _files(source):
                    shutil.copyfile(file, staging / file.name)
                _put_weights(_weights(source), staging / WEIGHTS)
                _name_padding(staging)
        elif _digests(target) != _digests(source):
            raise WsgeoError(
                "the zoo's copy of the base is not the base that the recipe names",
                where=str(target),
                remedy="Choose another folder with -o.",
            )


def _weights(folder: Path) -> list[Path]:
    """Return the files of a base's weights; a recipe has no leave to unpickle."""
    try:
        return weight_files(folder, Roots.of(folder), allow_pickle=False)
    except EntryError as error:
        remedy = error.remedy
        if (folder / ADAPTER_CONFIG).is_file():
            remedy = "It is an adapter: merge it into its own base first."
        elif error.code == "pickled":
            remedy = "Convert them: load the model in transformers, then call save_pretrained."
        raise WsgeoError(error.what, where=error.where, remedy=remedy) from error


def _files(folder: Path) -> list[Path]:
    """Return the files beside the weights: no pickle, no code, no record of how it was made."""
    kept = {file for pattern in FILES for file in folder.glob(pattern) if file.is_file()}
    return sorted(
        file
        for file in kept
        if file.name not in ("README.md", "wsgeo.json") and ".safetensors" not in file.suffixes
    )


def _put_weights(files: Sequence[Path], target: Path) -> None:
    """Write the tensors of all files as one, with the bytes they have."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    if len(files) == 1:
        shutil.copyfile(files[0], target)
        return
    try:
        tensors = {name: tensor for file in files for name, tensor in load_file(file).items()}
        save_file(tensors, target, metadata={"format": "pt"})
    except SafetensorError as error:
        raise WsgeoError(
            f"the shards of the base cannot be joined ({str(error).splitlines()[0]})",
            where=str(files[0].parent),
            remedy="Get the base again.",
        ) from error


def _name_padding(folder: Path) -> None:
    """Have a config name the padding of the tokenizer beside it; those of decoders often name none."""
    padding = padding_of(tokenizer_of(folder))
    if _config(folder).pad_token_id != padding:
        document = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        write_text(
            folder / CONFIG, json.dumps({**document, "pad_token_id": padding}, indent=2) + "\n"
        )


def _config(folder: Path) -> Any:
    from transformers import AutoConfig

    config_of: Any = AutoConfig
    try:
        return config_of.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise WsgeoError(
            f"the config cannot be read ({str(error).splitlines()[0]})",
            where=str(folder),
            remedy="Give the folder of a config.json.",
        ) from error


def _draw(scratch: Scratch, source: Path, places: Places, seed: int, target: Path) -> None:
    """Write a model with random weights."""
    import torch
    from transformers import AutoModel

    tokenizer = tokenizer_of(places.model(scratch.tokenizer))
    config = _config(source)
    config.vocab_size = len(tokenizer)
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(config, name, getattr(tokenizer, name))
    with quiet(), contextlib.ExitStack() as stack, replacing_folder(target) as staging:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        torch.manual_seed(seed)
        model_of: Any = AutoModel
        model = model_of.from_config(config, dtype=torch.float32)
        model.save_pretrained(staging)
        tokenizer.save_pretrained(staging)


def _digests(folder: Path) -> dict[str, str]:
    """Return the hash of each tensor's bytes, in however many files they lie."""
    found: dict[str, str] = {}
    for file in _weights(folder):
        digest = FileDigest()
        for _ in stream_tensors(file, (), digest=digest):
            pass
        found |= digest.tensors
    return found
