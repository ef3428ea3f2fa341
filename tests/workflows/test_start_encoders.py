"""Encoders of starts in the frame of their base."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.tasks import encode
from wsgeo.workflows.start_encoders import empty_encoder, features_of, fill, start_weights
from wsgeo.workflows.start_folders import write_plain
from wsgeo.workflows.start_targets import read_target
from wsgeo.zoo import load_tokenizer, load_weights


class TestEncoders:
    """Encoders in the frame of the base."""

    def test_a_mean_of_one_is_that_member(self, members, frame):
        """The start of one member holds its encoder to the bit, and what else the base has."""
        own = load_weights(members[0])
        start = start_weights(members[:1], (1.0,), members[0].base, frame)

        for name, place in frame.own_names.items():
            np.testing.assert_array_equal(start.tensor(place), own.tensor(name))

    def test_shares_weigh_members(self, members, frame):
        """A share of one and none of the others is that member; equal shares are the mean."""
        base, pair = members[0].base, members[:2]
        first = start_weights(pair, (1.0, 0.0), base, frame).vector
        second = start_weights(pair, (0.0, 1.0), base, frame).vector
        mean = start_weights(pair, (0.5, 0.5), base, frame).vector

        np.testing.assert_array_equal(first, start_weights(pair[:1], (1.0,), base, frame).vector)
        np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-7)

    def test_features_are_those_of_the_saved_model(self, members, frame, film, tmp_path):
        """The features are the mean of the states of the model that `from_pretrained` loads."""
        import torch
        from transformers import AutoModel

        task, tokenizer = read_target(str(film)).train, load_tokenizer(members[0])
        examples = encode(task, tokenizer, labels=task.labels)
        weights = start_weights(members[:2], (0.5, 0.5), members[0].base, frame)
        model = empty_encoder(frame)
        fill(model, weights)
        place = write_plain(tmp_path / "start", weights, frame, members[0].tokenizer_folder)
        loaded = AutoModel.from_pretrained(place, attn_implementation="eager").eval()

        found = features_of(model.base_model, examples)

        with torch.no_grad():
            for i in range(3):
                n = int(examples.lengths[i])
                ids = torch.from_numpy(examples.input_ids[i : i + 1, :n].astype(np.int64))
                plain = loaded(input_ids=ids).last_hidden_state[0].mean(0).numpy()
                np.testing.assert_allclose(found[i], plain, atol=1e-5)

    def test_an_encoder_decoder_is_refused(self):
        """A model with two outputs per text has no features, and what to do is said."""
        config = SimpleNamespace(is_encoder_decoder=True, model_type="t5")

        with pytest.raises(WsgeoError, match=r"\(t5\).*--group"):
            features_of(SimpleNamespace(config=config), None)
