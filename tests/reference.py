"""Slow, plain formulas, written from the definitions; the fast code is checked against them."""

from __future__ import annotations

import itertools
import json

import numpy as np

# --- paths ----------------------------------------------------------------------------------------


def barrier_height(t, loss):
    """Return the largest excess over the chord of the end points, point by point."""
    excess = [0.0]
    for position, value in zip(t, loss, strict=True):
        excess.append(value - ((1 - position) * loss[0] + position * loss[-1]))
    return max(excess)


def convexity_gap(t, loss):
    """Return the largest excess of any point over the chord of any pair around it, O(n^3)."""
    gaps = [0.0]
    for i, k, j in itertools.combinations(range(len(t)), 3):
        share = (t[k] - t[i]) / (t[j] - t[i])
        gaps.append(loss[k] - ((1 - share) * loss[i] + share * loss[j]))
    return max(gaps)


def lower_envelope(t, loss):
    """Return the lowest chord that spans each position."""
    envelope = np.array(loss, dtype=float)
    for i, k, j in itertools.combinations(range(len(t)), 3):
        share = (t[k] - t[i]) / (t[j] - t[i])
        envelope[k] = min(envelope[k], (1 - share) * loss[i] + share * loss[j])
    return envelope


def area(t, loss):
    """Return the summed trapezoids under the positive excess over the chord."""
    excess = [
        max(0.0, y - ((1 - x) * loss[0] + x * loss[-1])) for x, y in zip(t, loss, strict=True)
    ]
    return sum((t[k + 1] - t[k]) * (excess[k] + excess[k + 1]) / 2 for k in range(len(t) - 1))


def contrasts(t):
    """Return for each triple i < k < j the weights of its excess, as rows."""
    rows = []
    for i, k, j in itertools.combinations(range(len(t)), 3):
        row = np.zeros(len(t))
        row[k] = 1
        row[i] = -(t[j] - t[k]) / (t[j] - t[i])
        row[j] = -(t[k] - t[i]) / (t[j] - t[i])
        rows.append(row)
    return np.array(rows)


def gap_limits(t, losses, counts):
    """Return the 95 % limits of the convexity gap, contrast by contrast and resample by resample."""
    n = len(losses)
    each = losses.astype(float) @ contrasts(t).T
    value = each.mean(axis=0)
    error = each.std(axis=0, ddof=1) / np.sqrt(n)
    top = value.argmax()
    apart = (each - each[:, [top]]).std(axis=0, ddof=1) / np.sqrt(n)
    behind = value[top] - value
    running = [c for c in range(len(value)) if behind[c] <= np.sqrt(np.log(n)) * apart[c]]
    near = [c for c in running if behind[c] <= apart[c]]
    noise, studentised = np.empty((2, len(counts), len(value)))
    for b, count in enumerate(counts.astype(int)):
        resample = np.repeat(each, count, axis=0)
        noise[b] = (resample.mean(axis=0) - value) / error
        spread = resample.std(axis=0) / np.sqrt(n - 1)
        studentised[b] = (resample.mean(axis=0) - value) / np.maximum(spread, 0.2 * error)
    tops = (noise[:, running].max(axis=1), -noise[:, running].min(axis=1))
    plain = (np.quantile(tops[0], 0.975) + np.quantile(tops[1], 0.975)) / 2
    multiple = (plain + np.quantile(studentised[:, running].max(axis=1), 0.975)) / 2
    low = max(value[c] - multiple * error[c] for c in running)
    high = max(
        value[c] + (1.959964 - np.sort(studentised[:, c])[int(0.025 * len(counts))]) / 2 * error[c]
        for c in near
    )
    return max(0.0, low), max(0.0, high)


# --- scanning -------------------------------------------------------------------------------------


def losses_along_lines(folders, data, positions):
    """Return the mean loss at each position between every two model folders, by their names.

    Whole models, state dicts interpolated tensor by tensor, one unpadded example at a time.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    models = {f.name: AutoModelForSequenceClassification.from_pretrained(f) for f in folders}
    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    some = next(iter(models.values())).eval()
    rows = [json.loads(line) for line in data.read_text().splitlines()]
    inputs = [tokenizer(row["text"], return_tensors="pt") for row in rows]
    targets = [some.config.label2id[row["label"]] for row in rows]
    states = {
        name: {key: tensor.clone() for key, tensor in model.state_dict().items()}
        for name, model in models.items()
    }

    def mean_loss(state):
        some.load_state_dict(state)
        with torch.no_grad():
            logits = [some(**each).logits[0].double() for each in inputs]
        losses = [torch.logsumexp(x, 0) - x[y] for x, y in zip(logits, targets, strict=True)]
        return float(sum(losses) / len(losses))

    ends = {name: mean_loss(state) for name, state in states.items()}
    found = {}
    for a, b in itertools.combinations(sorted(states), 2):
        inner = [
            mean_loss({key: (1 - t) * states[a][key] + t * states[b][key] for key in states[a]})
            for t in positions[1:-1]
        ]
        found[a, b] = [ends[a], *inner, ends[b]]
    return found
