"""The pre-trained base as a checkpoint of its members' architecture."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from wsgeo.zoo.checkpoints import Base, Checkpoint


def base_in_frame(base: Base, like: Checkpoint) -> Checkpoint:
    """Return the base with what it lacks taken from a member, as a checkpoint.

    The base was not trained for a task: it has no head, and often no pooler. So its loss under the
    frame's own head is arbitrary; with a head that is fitted anew (`HeadPolicy.REFIT`) it is a
    start beside others.

    Parameters
    ----------
    base : Base
        The pre-trained model.
    like : Checkpoint
        A member, full or an adapter, of that base.

    Returns
    -------
    Checkpoint
        Body of the base, the rest of ``like``, adapters merged there alone. `wsgeo.zoo.load_weights`
        reads it; its content hash is made of both.
    """
    kept = set(like.layout.names) - set(base.tensors)
    both = f"{base.content_hash}\n{like.content_hash}\n{sorted(base.tensors)}"
    return replace(
        like,
        id=base.id,
        folder=base.folder,
        content_hash=hashlib.sha256(f"base-in-frame-1\n{both}".encode()).hexdigest(),
        tensors={**like.tensors, **base.tensors},
        file_hashes={**like.file_hashes, **base.file_hashes},
        lora={name: pair for name, pair in like.lora.items() if name in kept},
        scalings={name: scaling for name, scaling in like.scalings.items() if name in kept},
        facts={},
        duplicate_of=None,
        adapter=None,
        base=base,
        revision=None,
    )
