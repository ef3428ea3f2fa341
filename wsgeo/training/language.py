"""Objectives of language models: masked tokens, and the next token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from wsgeo.training.packing import PackedText

if TYPE_CHECKING:
    from torch import Tensor

_AT_ONCE = 16  # blocks of a forward pass of a validation
_MASK_SEED = 0  # of the masks of a validation: the same for every run


@final
@dataclass(frozen=True)
class Masking:
    """Which tokens a model must restore, and what it sees in their places.

    Parameters
    ----------
    share : float, default 0.15
        Share of the tokens that are to be restored.
    kept : float, default 0.1
        Share of these that stays as it is, so that a model does not rely on the mask token, which
        fine-tuning never shows.
    swapped : float, default 0.1
        Share of these that becomes a random token; the rest becomes the mask token.
    """

    share: float = 0.15
    kept: float = 0.1
    swapped: float = 0.1

    def hide(self, ids: Tensor, tokenizer: Any) -> tuple[Tensor, Tensor]:
        """Draw tokens to restore, by torch's default generator on the CPU.

        Parameters
        ----------
        ids : Tensor of int64
            Token ids; special tokens are never drawn.
        tokenizer : PreTrainedTokenizerBase
            Names the special tokens and the mask.

        Returns
        -------
        seen : Tensor of int64
            What the model sees.
        asked : Tensor of bool
            Where it is asked.
        """
        import torch

        special = torch.tensor(tokenizer.all_special_ids, device=ids.device)
        drawn, fate = (torch.rand(ids.shape).to(ids.device) for _ in range(2))
        asked = ~torch.isin(ids, special) & (drawn < self.share)
        hidden = asked & (fate >= self.kept)
        seen = ids.masked_fill(hidden, tokenizer.mask_token_id)
        if self.swapped:
            others = torch.randint(len(tokenizer), ids.shape).to(ids.device)
            seen = torch.where(hidden & (fate < self.kept + self.swapped), others, seen)
        return seen, asked


@final
@dataclass(frozen=True)
class LanguageTask:
    """A model, the text it reads, and its losses.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a head over the vocabulary.
    tokenizer : PreTrainedTokenizerBase
        Its tokenizer.
    text : PackedText
        What it reads.
    length : int
        Tokens of a block.
    masking : Masking
        For the masked objective.
    """

    model: Any
    tokenizer: Any
    text: PackedText
    length: int
    masking: Masking = Masking()

    @property
    def first(self) -> int | None:
        """The token that opens a block: encoders are fine-tuned with one."""
        token = self.tokenizer.cls_token_id
        return None if token is None else int(token)

    @property
    def n_blocks(self) -> int:
        """Number of blocks of the text."""
        return self.text.n_blocks(self.length, first=self.first)

    def block_ids(self, rows: Any) -> Tensor:
        """Return blocks of the text on the model's device."""
        import torch

        blocks = self.text.blocks(rows, self.length, first=self.first)
        return torch.from_numpy(blocks).to(self.model.device, non_blocking=True)

    def masked_loss(self, rows: Any) -> Tensor:
        """Return the mean loss over freshly masked tokens of some blocks, in nats."""
        import torch

        ids = self.block_ids(rows)
        seen, asked = self.masking.hide(ids, self.tokenizer)
        scores = head_scores(self.model, hidden_states(self.model, seen)[asked])
        total = torch.nn.functional.cross_entropy(scores.float(), ids[asked], reduction="sum")
        # The mean of no tokens is NaN: a short block may have none to restore.
        return total / max(1, int(asked.sum()))

    def causal_loss(self, rows: Any) -> Tensor:
        """Return the mean loss of each next token of some blocks, in nats."""
        import torch

        ids = self.block_ids(rows)
        hidden = hidden_states(self.model, ids, causal=True)[:, :-1]
        scores = head_scores(self.model, hidden.flatten(0, 1))
        return torch.nn.functional.cross_entropy(scores.float(), ids[:, 1:].flatten())

    def validate(self, n_blocks: int, *, causal: bool) -> float:
        """Return the mean loss per scored token of the first blocks.

        Parameters
        ----------
        n_blocks : int
            Number of blocks; fewer where the text is shorter.
        causal : bool
            Whether each next token is scored, or masked tokens: always the same ones, and always
            behind the mask token.

        Returns
        -------
        float
            Nats per token.
        """
        import torch

        total, n_scored = 0.0, 0
        with torch.inference_mode():
            for ids, seen, asked in self._scored(n_blocks, causal=causal):
                hidden = hidden_states(self.model, seen, causal=causal)
                inside = hidden[:, :-1][asked[:, 1:]] if causal else hidden[asked]
                scores = head_scores(self.model, inside).float()
                losses = torch.nn.functional.cross_entropy(scores, ids[asked], reduction="none")
                total += float(losses.double().sum())
                n_scored += len(losses)
        return total / n_scored

    def unigram_loss(self, n_blocks: int, frequencies: Any, *, causal: bool) -> float:
        """Return the loss of a predictor that knows the token frequencies alone.

        Parameters
        ----------
        n_blocks : int
            As for `validate`.
        frequencies : array_like, shape (n_tokens,)
            How often each token occurs in the training text; one is added to each.
        causal : bool
            As for `validate`.

        Returns
        -------
        float
            Nats per token, on the tokens that `validate` scores.
        """
        known = np.asarray(frequencies, dtype=np.float64) + 1
        if not causal:
            known[self.tokenizer.all_special_ids] = 0  # they are never masked, so never asked for
        with np.errstate(divide="ignore"):
            loss = -np.log(known / known.sum())
        scored = [ids[asked].cpu() for ids, _, asked in self._scored(n_blocks, causal=causal)]
        return float(np.concatenate([loss[ids.numpy()] for ids in scored]).mean())

    def _scored(self, n_blocks: int, *, causal: bool) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Give token ids, what the model sees of them, and which are scored."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_MASK_SEED)
            rows = np.arange(min(n_blocks, self.n_blocks))
            for some in np.split(rows, range(_AT_ONCE, len(rows), _AT_ONCE)):
                ids = self.block_ids(some)
                if causal:
                    asked = torch.ones_like(ids, dtype=torch.bool)
                    asked[:, 0] = False
                    yield ids, ids, asked
                else:
                    always = Masking(self.masking.share, kept=0.0, swapped=0.0)
                    yield ids, *always.hide(ids, self.tokenizer)


def hidden_states(model: Any, ids: Tensor, *, causal: bool = False) -> Tensor:
    """Return the last hidden states of a model.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        An encoder or a decoder.
    ids : Tensor of int64, shape (n_blocks, length)
        Blocks without padding.
    causal : bool, default False
        Whether an encoder's tokens see only what stands before them; a decoder's never do else.

    Returns
    -------
    Tensor, shape (n_blocks, length, width)
        Hidden states.
    """
    import torch

    masks: dict[str, Tensor] = {}
    if causal and hasattr(model, "cls"):
        n, length = ids.shape
        # Added to scores, not true or false: plain attention would add the truth values.
        lowest = torch.finfo(torch.float32).min
        ahead = torch.full((length, length), lowest, device=ids.device).triu(1)
        masks["attention_mask"] = ahead.expand(n, 1, length, length)
    states: Tensor = model.base_model(input_ids=ids, **masks).last_hidden_state
    return states


def head_scores(model: Any, hidden: Tensor) -> Tensor:
    """Return the scores over the vocabulary of hidden states.

    Only the states that are scored need pass the head, which costs as much as the layers below.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        An encoder or a decoder.
    hidden : Tensor, shape (..., width)
        Hidden states.

    Returns
    -------
    Tensor, shape (..., n_tokens)
        Scores.
    """
    head: Callable[[Tensor], Tensor] = model.cls if hasattr(model, "cls") else model.lm_head
    return head(hidden)
