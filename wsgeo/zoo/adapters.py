"""Low-rank adapters: which tensors of the base their files change, and which they replace."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from wsgeo.escapes import shown
from wsgeo.zoo.adapter_configs import PREFIX, AdapterConfig, refuse
from wsgeo.zoo.architectures import Architecture
from wsgeo.zoo.checkpoints import LoraPair, TensorRef

_FACTOR = re.compile(
    r"(?P<module>.+)\.lora_(?P<embedding>embedding_)?(?P<factor>[AB])(\.default)?(\.weight)?"
)


def whole_tensors(stored: Iterable[TensorRef]) -> dict[str, TensorRef]:
    """Return the tensors of an adapter that are no factors, by the names of the model.

    Parameters
    ----------
    stored : iterable of TensorRef
        What its file holds.

    Returns
    -------
    dict of str to TensorRef
        Such as the classifier's.
    """
    whole = {}
    for ref in stored:
        name = ref.stored_name.removeprefix(PREFIX)
        if not _FACTOR.fullmatch(name):
            whole[re.sub(r"\.modules_to_save(\.default)?\.", ".", name)] = ref
    return whole


def lora_pairs(
    config: AdapterConfig, architecture: Architecture, stored: Iterable[TensorRef], where: str
) -> dict[str, LoraPair]:
    """Match the factors of an adapter with the tensors of the base; check ranks and shapes.

    Parameters
    ----------
    config : AdapterConfig
        The adapter's.
    architecture : Architecture
        The adapted model's.
    stored : iterable of TensorRef
        What the adapter's file holds.
    where : str
        The file, for messages.

    Returns
    -------
    dict of str to LoraPair
        By canonical name.

    Raises
    ------
    EntryError
        If a factor has no partner, no tensor to change, or another shape or rank.
    """
    factors: dict[str, dict[str, TensorRef]] = {}
    embeddings: set[str] = set()
    for ref in stored:
        match = _FACTOR.fullmatch(ref.stored_name.removeprefix(PREFIX))
        if match:
            factors.setdefault(match["module"], {})[match["factor"]] = ref
            if match["embedding"]:
                embeddings.add(match["module"])
    if not factors:
        refuse("the file holds no LoRA factors", where)
    pairs: dict[str, LoraPair] = {}
    for module, both in factors.items():
        name = f"{module}.weight"
        name = architecture.aliases.get(name, name)
        transposed = name in architecture.transposed or module in embeddings
        pairs[name] = _pair(config, module, both, architecture.shapes.get(name), transposed, where)
    return pairs


def _pair(
    config: AdapterConfig,
    module: str,
    both: Mapping[str, TensorRef],
    shape: tuple[int, ...] | None,
    transposed: bool,
    where: str,
) -> LoraPair:
    if set(both) != {"A", "B"}:
        refuse(f"module {shown(module)} has only one factor", where)
    if shape is None:
        refuse(f"the base has no tensor for module {shown(module)}", where)
    a, b = both["A"], both["B"]
    rank = a.shape[0] if a.shape else 0
    outer = (*b.shape[:1], *a.shape[1:])
    if transposed:
        outer = outer[::-1]
    if len(a.shape) != 2 or b.shape[1:] != (rank,) or outer != shape:
        what = f"module {shown(module)}: factors {a.shape} and {b.shape} do not give {shape}"
        refuse(what, where)
    if rank != config.rank_of(module):
        refuse(f"module {shown(module)} has rank {rank}, not {config.rank_of(module)}", where)
    return LoraPair(a, b, config.scaling(module, rank), transposed)
