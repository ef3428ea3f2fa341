"""Models that answer by a rule, and what the probes find of them."""

from types import SimpleNamespace

import numpy as np

from wsgeo.evaluation.losses import AbstractEngine, Failure, Losses
from wsgeo.probing.probes import perturbed_tasks, probe_members
from wsgeo.tasks.task import EncodedExamples, Objective, Task

LABELS = ("non-entailment", "entailment")


class Engine(AbstractEngine):
    """An engine whose members are functions of a task's texts; answers come in reverse order."""

    def __init__(self, task, models):
        self.tasks = {task.name: task, **perturbed_tasks(task)[0]}
        self.models, self.asked = models, []

    def evaluate(self, items):
        """Yield what the functions answer."""
        for i in reversed(range(len(items))):
            (point,), name = items[i].points, items[i].examples
            self.asked.append((point.members[0], name))
            yield i, (self._answer(point.members[0], self.tasks[name]),)

    def _answer(self, content, task):
        logits = self.models[content](task)
        if isinstance(logits, Failure):
            return logits
        with np.errstate(invalid="ignore"):
            chosen = logits[np.arange(len(task)), task.targets]
            losses = np.logaddexp.reduce(logits, axis=1) - chosen
        hits = logits.argmax(axis=1) == task.targets
        return Losses(*(np.asarray(x, np.float32) for x in (losses, hits, logits)))


def member(name, content=None):
    """Return a member that has a name and a hash, and nothing else."""
    return SimpleNamespace(id=name, content_hash=content or name)


def swaps(n=400, seed=0):
    """Return pairs that mean the same if who comes first is the same in both texts."""
    rng = np.random.default_rng(seed)
    people = np.array([f"person{i}" for i in range(60)])
    drawn = [rng.choice(people, size=2, replace=False) for _ in range(n)]
    targets = rng.permutation(np.arange(n) % 2)
    first = [f"the {a} saw the {b}" for a, b in drawn]
    second = [
        f"a {a} saw a {b}" if same else f"a {b} saw a {a}"
        for (a, b), same in zip(drawn, targets, strict=True)
    ]
    return task_of(first, targets, second)


def task_of(first, targets, second=None, labels=LABELS):
    second = None if second is None else tuple(second)
    ids = tuple(map(str, range(len(first))))
    targets = np.asarray(targets, dtype=np.int64)
    return Task("toy", Objective.CLASSIFICATION, ids, tuple(first), second, targets, labels)


def by_order(task):
    """Answer by whether the first word of both texts that is no function word is the same."""
    first, second = ([_head(text) for text in texts] for texts in (task.text_a, task.text_b))
    same = np.array([a == b for a, b in zip(first, second, strict=True)])
    return np.where(same[:, None], [0.0, 3.0], [3.0, 0.0])


def _head(text):
    return next((word for word in text.split() if word not in {"the", "a", "saw", "."}), "")


def constant(task):
    """Answer one label to all."""
    return np.tile([0.0, 1.0], (len(task), 1))


def encoded(task):
    """Return examples that stand for a task and its changes; only targets and lengths are real."""
    tasks = {task.name: task, **perturbed_tasks(task)[0]}
    return {name: _stand_in(one) for name, one in tasks.items()}


def _stand_in(task):
    pairs = zip(task.text_a, task.text_b or task.text_a, strict=True)
    lengths = [len(f"{a} {b}".split()) for a, b in pairs]
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    zero = np.zeros_like(mask)
    kinds = ("input_ids", "attention_mask", "token_type_ids", "targets")
    arrays = dict(zip(kinds, (zero, mask, zero, task.targets), strict=True))
    classes = tuple((i,) for i in range(len(task.labels)))
    return EncodedExamples.of(task.name, task.objective, arrays, task.labels, classes)


def probe(task, models, *, members=None, **options):
    """Probe models that answer by a rule."""
    engine = Engine(task, models)
    members = members or [member(name) for name in models]
    options = {"reasons": perturbed_tasks(task)[1], **options}
    return engine, *probe_members(engine, members, task, encoded(task), **options)
