"""What members of several tasks share, and the base it is put into."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from zoo_cases import bert_config, fine_tuned, make_base, write_model

from wsgeo.errors import EntryError
from wsgeo.regions.encoders import encoder_mean, in_frame
from wsgeo.zoo import load_whole_base, read_zoo


@pytest.fixture
def zoo(tmp_path):
    """Give a zoo of one base with a head of its own, and members of two label sets."""
    base = make_base(tmp_path / "base", 0)
    for k, labels in enumerate([("no", "yes"), ("x", "y", "z"), ("no", "yes")]):
        config = bert_config(labels=labels)
        facts = {"base": "base"}
        write_model(tmp_path / f"run-{k}", fine_tuned(base, config, k), config, facts=facts)
    return tmp_path


def test_the_mean_is_that_of_the_shared_tensors(zoo):
    """Each tensor of the base's body is the plain mean of the members' tensors."""
    members = read_zoo(zoo).members
    mean = encoder_mean(members, members[0].base)
    files = [load_file(member.folder / "model.safetensors") for member in members]

    assert set(mean.layout.names) == set(members[0].base.tensors)
    for name in mean.layout.names:
        expected = np.mean([file[name] for file in files], axis=0)
        np.testing.assert_allclose(mean.tensor(name), expected, atol=1e-6)


def test_the_frame_keeps_its_own_head(zoo):
    """In the frame the body is the encoder's, all else is the base's, and the frame is unchanged."""
    member = read_zoo(zoo).members[0]
    frame = load_whole_base(member.base)
    stored = load_file(zoo / "base/model.safetensors")
    filled = in_frame(encoder_mean([member], member.base), frame)

    body = set(frame.own_names.values())
    assert body < set(filled.layout.names)
    own = load_file(member.folder / "model.safetensors")
    for name in filled.layout.names:
        expected = own[name] if name in body else stored[name]
        np.testing.assert_array_equal(filled.tensor(name), expected)
        np.testing.assert_array_equal(frame.weights.tensor(name), stored[name])


def test_a_base_that_changed_is_refused(zoo):
    """Another head of the base under the same name is not taken for the one that was read."""
    base = read_zoo(zoo).members[0].base
    file = zoo / "base/model.safetensors"
    tensors = load_file(file)
    head = next(name for name in tensors if name.startswith("cls."))
    save_file(tensors | {head: tensors[head] + 1}, file, metadata={"format": "pt"})

    with pytest.raises(EntryError, match="changed since the zoo was read"):
        load_whole_base(base)
