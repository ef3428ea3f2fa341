"""Settings: how starts are ranked and tried."""

from __future__ import annotations

import dataclasses

import pytest

from wsgeo.errors import WsgeoError
from wsgeo.workflows.start_settings import StartSettings, Tuning
from wsgeo.zoo.checkpoints import Fact


class TestSettings:
    """How starts are ranked and tried."""

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"method": "magic"}, "no method is called magic"),
            ({"rank_by": "few-step"}, "without any"),
            ({"steps": 3, "epochs": 1.0}, "exclude each other"),
            ({"shots": (0,)}, "--shots is 0.*1 or more"),
            ({"shots": ()}, "--shots all"),
            ({"batch_size": 0}, "--batch-size is 0"),
            ({"steps": -3}, "--steps is -3"),
            ({"epochs": -1.0}, "--epochs is -1.0"),
            ({"learning_rate": float("nan")}, "--learning-rate is nan"),
            ({"top": -1}, "--top is -1.*0 or more"),
        ],
    )
    def test_refuses(self, given, said):
        """What cannot be done is refused."""
        with pytest.raises(WsgeoError, match=said):
            StartSettings(**given)

    def test_few_seeds_are_told_of(self):
        """Before anything is tuned, and only where so few can hardly prove a gain."""
        assert "--seeds 3" in StartSettings(seeds=2).notes[0]
        assert StartSettings(seeds=1).notes[0].startswith("No gain is proved by 1 seed")
        assert StartSettings(seeds=3).notes == ()

    def test_the_rate_is_the_members(self, members):
        """Full fine-tuning takes the members' rate where they were tuned so; BitFit has its own."""
        facts = {"method": Fact("full", "wsgeo.json"), "learning_rate": Fact(0.02, "wsgeo.json")}
        tuned = [dataclasses.replace(m, facts={**m.facts, **facts}) for m in members]

        assert Tuning.of(StartSettings(), tuned).learning_rate == 0.02
        assert Tuning.of(StartSettings(method="bitfit"), tuned).learning_rate == 1e-3
        assert Tuning.of(StartSettings(learning_rate=0.5), tuned).learning_rate == 0.5
