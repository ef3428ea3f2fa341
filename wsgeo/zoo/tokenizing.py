"""The tokenizer of a checkpoint, built where it can do no harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from wsgeo.escapes import shown
from wsgeo.processes import WorkFailure, run_apart
from wsgeo.zoo.checkpoints import Checkpoint
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.loading import refuse_changed
from wsgeo.zoo.tokenizer_files import find_tokenizer, refuse_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER_SECONDS, SECONDS_PER_TEXT = 60.0, 0.05

Result = TypeVar("Result")


def with_tokenizer(
    checkpoint: Checkpoint, use: Callable[[Any], Result], *, n_texts: int = 0
) -> Result:
    """Build the tokenizer of a checkpoint's group in a process apart, and use it there.

    A regular expression in its files can panic or take for ever on some text only.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo.
    use : callable
        Called with the tokenizer; like its result, it is pickled.
    n_texts : int, default 0
        How many texts are encoded; each adds `SECONDS_PER_TEXT` to the `TOKENIZER_SECONDS` after
        which the process is ended.

    Returns
    -------
    object
        What ``use`` returned.

    Raises
    ------
    WsgeoError
        If ``use`` raised one.
    EntryError
        As `load_tokenizer`; also if ``use`` fails, takes too long or too much memory.
    """
    seconds = TOKENIZER_SECONDS + n_texts * SECONDS_PER_TEXT
    answer = run_apart(_use_tokenizer, (checkpoint, use), seconds=seconds)
    if isinstance(answer, WorkFailure):
        reason = shown(answer.reason, 160)
        refuse_tokenizer(f"it cannot encode the texts ({reason})", checkpoint.tokenizer_folder)
    return cast("Result", answer)


def _use_tokenizer(request: tuple[Checkpoint, Callable[[Any], Any]]) -> Any:
    checkpoint, use = request
    return use(load_tokenizer(checkpoint))


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a checkpoint's group, from local files only.

    Its files are not to be trusted: unless they are your own, use `with_tokenizer`.

    Parameters
    ----------
    checkpoint : Checkpoint
        A member of a zoo.

    Returns
    -------
    PreTrainedTokenizerBase
        With more than special tokens, and no id beyond the embedding.

    Raises
    ------
    EntryError
        If its files changed since the zoo was read, or it cannot be built.
    """
    folder = checkpoint.tokenizer_folder
    found = find_tokenizer(folder, Roots.of(folder, checkpoint.folder))
    if found is None or found.sha256 != checkpoint.tokenizer_hash:
        refuse_changed(folder)
    tokenizer: PreTrainedTokenizerBase = _auto_tokenizer(folder)
    n_ids = max(tokenizer.get_vocab().values(), default=-1) + 1
    n_rows = checkpoint.config.get("vocab_size")
    if n_ids <= 5:
        refuse_tokenizer(f"it knows {n_ids} tokens only", folder)
    if isinstance(n_rows, int) and n_ids > n_rows:
        refuse_tokenizer(f"it gives {n_ids} ids for {n_rows} rows", folder)
    return tokenizer


def _auto_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(
            str(folder.resolve()), local_files_only=True, trust_remote_code=False
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        # A panic of the tokenizers' own language derives from BaseException.
        refuse_tokenizer(f"it cannot be built ({shown(str(error), 160)})", folder, error)
