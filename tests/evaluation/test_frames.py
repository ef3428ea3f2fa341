"""The base as a checkpoint of its members' architecture."""

from __future__ import annotations

import evaluation_cases as cases
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from zoo_cases import bert_config, fine_tuned, make_base, write_adapter, write_model

from wsgeo.errors import EntryError
from wsgeo.evaluation.backends import Backends, resumed
from wsgeo.evaluation.engine import Engine
from wsgeo.evaluation.frames import base_in_frame
from wsgeo.evaluation.heads import halves, probe
from wsgeo.evaluation.losses import Item, Losses, Point
from wsgeo.weights.layout import Weights
from wsgeo.zoo import build_model, load_base, load_weights, read_zoo


def write_zoo(root):
    """Write two members of one label set, one of another, and an adapter, of one base."""
    base = make_base(root / "base")
    for k, labels in enumerate(["abc", "cab", "xy"]):
        config = bert_config(labels=tuple(labels))
        write_model(root / f"run-{k}", fine_tuned(base, config, k), config, facts={"base": "base"})
    write_adapter(root / "run-3", "base", bert_config(), labels=tuple("abc"))
    return root


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    return read_zoo(write_zoo(tmp_path_factory.mktemp("zoo"))).members


@pytest.fixture(scope="module")
def examples():
    return cases.classification(n=30)


@pytest.fixture(scope="module")
def both_backends(examples):
    """Return the packed backend and the unchanged module."""
    return resumed("plain", [examples]), Backends()


def measure(checkpoints, examples, point, backends):
    with Engine(checkpoints, {"toy": examples}, backends=backends) as engine:
        [(outcome,)] = engine.evaluate_all([Item((point,), "toy")])
    assert isinstance(outcome, Losses), outcome
    return outcome


def by_hand(member, tensors, examples, layer=None):
    """Return losses, or what a layer reads, of transformers' module, one text at a time."""
    import torch

    model, found = build_model(member), []
    model.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()}, strict=False)
    if layer is not None:
        model.get_submodule(layer).register_forward_pre_hook(
            lambda _, given: found.append(given[0][0].numpy())
        )
    for i, length in enumerate(examples.lengths):
        given = {
            name: torch.from_numpy(getattr(examples, name)[i : i + 1, :length].astype(np.int64))
            for name in ("input_ids", "attention_mask", "token_type_ids")
        }
        with torch.inference_mode():
            logits = model(**given).logits.log_softmax(-1)
        if layer is None:
            found.append(-logits[0, examples.targets[i]].item())
    return np.array(found)


def tensors_of(weights: Weights):
    return {name: weights.tensor(name) for name in weights.layout.names}


@pytest.mark.parametrize("i", range(4))
def test_is_the_base_with_the_rest_of_a_member(members, i):
    """Every tensor that the base has is its own; the others are the member's, as loaded."""
    member = members[i]
    found, own = load_weights(base_in_frame(member.base, member)), load_weights(member)
    base = load_base(member)

    assert found.layout == member.layout
    assert 0 < len(base.layout.names) < len(found.layout.names)
    for name in found.layout.names:
        expected = base.tensor(name) if name in base.layout.names else own.tensor(name)
        np.testing.assert_array_equal(found.tensor(name), expected)


def test_labels_keep_the_order_of_the_group(members):
    """Members whose files have other orders of the labels give heads in the same order."""
    frame = base_in_frame(members[1].base, members[1])

    assert frame.group_labels == members[0].group_labels == tuple("abc")


def test_hashes_tell_frames_apart(members):
    """The content hash is one of neither, differs between frames, and is that of an equal one."""
    hashes = [base_in_frame(member.base, member).content_hash for member in members]

    assert len({*hashes, *(m.content_hash for m in members), members[0].base.content_hash}) == 9
    assert base_in_frame(members[0].base, members[0]).content_hash == hashes[0]


@pytest.mark.parametrize("i", [0, 3])
def test_loss_is_that_of_a_model_built_by_hand(members, examples, both_backends, i):
    """Under a member's head, packed and plain losses are those of the model put together by hand."""
    member, base = members[i], load_base(members[i])
    frame = base_in_frame(member.base, member)
    whole = tensors_of(load_weights(member)) | tensors_of(base)
    expected = by_hand(member, whole, examples)

    for each in both_backends:
        found = measure([frame], examples, Point.of(frame.content_hash), each)
        assert found.loss == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.25, 0.75)])
def test_members_of_other_tasks_are_probed_together(members, examples, both_backends, shares):
    """Across label sets the probe reads the mix of all that two members share."""
    a, b = members[0], members[2]
    one, other = load_weights(a), load_weights(b)
    mixed = {
        name: shares[0] * one.tensor(name) + shares[1] * other.tensor(name)
        if one.layout.shape(name) == other.layout.shape(name)
        else one.tensor(name)
        for name in one.layout.names
    }
    features = by_hand(a, mixed, examples, "classifier").astype(np.float32)
    expected = probe(features, examples.targets, 3, seed=0)
    assert isinstance(expected, Losses)

    for each in both_backends:
        point = Point((a.content_hash, b.content_hash), shares, "refit:0")
        found = measure([a, b], examples, point, each)
        assert found.loss == pytest.approx(expected.loss, abs=1e-3)
        assert len(found.loss) == len(halves(examples.targets, 0)[1])


def test_probed_beside_members_of_other_tasks(members, examples, both_backends):
    """The base can be mixed with a member of another label set and probed."""
    frame = base_in_frame(members[0].base, members[0])
    point = Point((frame.content_hash, members[2].content_hash), (0.5, 0.5), "refit:0")

    packed, plain = (measure([frame, members[2]], examples, point, each) for each in both_backends)
    assert packed.loss == pytest.approx(plain.loss, abs=1e-3)


def test_a_base_that_changed_is_refused(tmp_path):
    """Files are checked again when the frame is loaded."""
    members = read_zoo(write_zoo(tmp_path)).members
    frame = base_in_frame(members[0].base, members[0])
    file = tmp_path / "base" / "model.safetensors"
    tensors = load_file(file)
    name = next(iter(tensors))
    save_file(tensors | {name: tensors[name] + 1}, file, metadata={"format": "pt"})

    with pytest.raises(EntryError, match="changed since the zoo was read"):
        load_weights(frame)
