"""What can be told from the words of a text alone: logistic regression on how often each occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.probing.overlaps import overlap_shares, words_of
from wsgeo.tasks.labels import label_map
from wsgeo.tasks.subsets import subset
from wsgeo.tasks.task import Objective, Task

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MAX_WORDS = 5000
"""Most frequent words that are counted."""

MAX_TRAINED = 20_000
"""Examples that the model is trained on at most, drawn by the seed: more take minutes."""

N_FOLDS = 5
"""Parts of the task's own examples, each answered by a model of the others."""

Floats = NDArray[np.float64]


def word_count_logits(
    task: Task, labels: Sequence[str], *, train: Task | None = None, seed: int = 0
) -> Floats:
    """Return what a word-count model answers: the strategy that is blind to the order of words.

    Logistic regression (an L2 penalty of strength 1) on the counts of the 5,000 most frequent words:
    of the text, or for two texts the counts in the first, in the second and in both, and the share
    of the second's words that occur in the first. A change of the order of words changes no answer.

    Parameters
    ----------
    task : Task
        Examples to answer.
    labels : sequence of str
        Labels to answer with, in order: those of the encoded examples.
    train : Task, optional
        Examples to learn from. Without them the task's own are cut into five parts, equal texts into
        the same, and each is answered by a model of the other four.
    seed : int, default 0
        Draws the parts, and the examples to learn from where there are more than 20,000.

    Returns
    -------
    ndarray of float64, shape (n_examples, n_labels)
        Log-probabilities in nats. A label of which there was no example to learn from has the
        probability of half an example.

    Raises
    ------
    DataError
        If the labels do not match, there are no words or too few examples to learn from, or the
        numbers of texts differ.

    Examples
    --------
    >>> texts = ("good film", "bad film", "good plot", "bad plot")
    >>> task = Task("toy", Objective.CLASSIFICATION, ("0", "1", "2", "3"), texts,
    ...             targets=np.array([1, 0, 1, 0]), labels=("negative", "positive"))
    >>> word_count_logits(task, task.labels, train=task).argmax(axis=1).tolist()
    [1, 0, 1, 0]
    """
    if train is None:
        return _crossed(task, _targets_in(task, labels), len(labels), seed)
    if (train.text_b is None) != (task.text_b is None):
        raise DataError("the examples to learn from have another number of texts", where=train.name)
    targets = _targets_in(train, labels)
    chosen = subset(targets, MAX_TRAINED, seed)
    return _answered(train.rows(chosen), targets[chosen], task, len(labels))


def _targets_in(task: Task, labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the right label of each example as a position in ``labels``."""
    if task.objective is not Objective.CLASSIFICATION or task.targets is None:
        raise DataError("the examples have no labels", where=task.name)
    found = label_map(task.labels, labels, where=task.name)
    if found.labels != tuple(labels):
        raise DataError(
            f"the labels ({', '.join(task.labels)}) do not tell apart {', '.join(labels)}",
            where=task.name,
        )
    return np.asarray(found.index, dtype=np.int64)[task.targets]


def _crossed(task: Task, targets: NDArray[np.int64], n_labels: int, seed: int) -> Floats:
    """Answer each part of the examples by a model of the others."""
    fold = _folds(task, targets, seed)
    if fold.max(initial=0) < 1:
        raise DataError("there is one text only, and none to learn from", where=task.name)
    logits = np.empty((len(task), n_labels))
    for i in np.unique(fold):
        asked, known = np.flatnonzero(fold == i), np.flatnonzero(fold != i)
        logits[asked] = _answered(task.rows(known), targets[known], task.rows(asked), n_labels)
    return logits


def _folds(task: Task, targets: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Deal distinct texts into parts in which each label keeps its share."""
    texts = list(zip(task.text_a, task.text_b or task.text_a, strict=True))
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    distinct = np.array([place[text] for text in texts], dtype=np.int64)
    first = np.unique(distinct, return_index=True)[1]
    draw = np.random.default_rng(seed).random(len(first))
    fold = np.empty(len(first), dtype=np.int64)
    fold[np.lexsort((draw, targets[first]))] = np.arange(len(first)) % N_FOLDS
    return fold[distinct]


def _answered(train: Task, targets: NDArray[np.int64], task: Task, n_labels: int) -> Floats:
    """Learn from labelled texts, and return log-probabilities of the labels of others."""
    from sklearn.linear_model import LogisticRegression

    known = np.unique(targets)
    logits = np.full((len(task), n_labels), np.log(0.5 / len(targets)))
    if len(known) == 1:
        logits[:, known[0]] = 0.0
        return logits
    vocabulary = _vocabulary(train)
    model = LogisticRegression(max_iter=5000)
    model.fit(_counts(train, vocabulary), targets)
    decided = model.decision_function(_counts(task, vocabulary))
    if decided.ndim == 1:  # of two labels only the second has a column
        decided = np.column_stack([np.zeros_like(decided), decided])
    logits[:, known] = decided - np.logaddexp.reduce(decided, axis=1, keepdims=True)
    return logits


def _vocabulary(train: Task) -> list[str]:
    """Return the most frequent words, equally frequent ones by the alphabet."""
    counts = Counter(
        word for text in (*train.text_a, *(train.text_b or ())) for word in words_of(text)
    )
    if not counts:
        raise DataError("the texts to learn from have no words", where=train.name)
    return sorted(counts, key=lambda word: (-counts[word], word))[:MAX_WORDS]


def _counts(task: Task, vocabulary: list[str]) -> csr_matrix:
    """Return the word counts of each example, one text's or two texts' side by side."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=words_of, vocabulary=vocabulary)
    first: Any = counter.transform(task.text_a).astype(np.float64)
    if task.text_b is None:
        return first
    second: Any = counter.transform(task.text_b).astype(np.float64)
    share = np.nan_to_num(overlap_shares(task.text_a, task.text_b))
    return hstack([first, second, first.minimum(second), csr_matrix(share[:, None])], format="csr")
