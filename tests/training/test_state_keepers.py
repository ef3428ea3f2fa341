"""What is kept of a run in work, and what is passed over."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch
from recipe_cases import same

from wsgeo.errors import WsgeoError
from wsgeo.training.states import UNFINISHED, State, StateKeeper


class TestStateKeeper:
    """Files."""

    def test_gives_back_what_it_was_given(self, tmp_path):
        """Tensors, losses, step and time are equal to the last bit."""
        keeper = StateKeeper(tmp_path / "s", {"seed": 1})
        state = State(
            3, {"weight:a": torch.randn(4, 5), "step:a": torch.tensor(3.0)}, (0.1, 1 / 3), 2.5
        )
        keeper.save(state)
        read = keeper.load()

        assert (read.step, read.losses, read.seconds) == (3, (0.1, 1 / 3), 2.5)
        assert same(dict(read.tensors), dict(state.tensors))

    def test_passes_over_a_state_of_other_settings(self, tmp_path):
        """A state is only for the run that made it."""
        StateKeeper(tmp_path / "s", {"seed": 1}).save(State(3, {"weight:a": torch.ones(1)}))

        assert StateKeeper(tmp_path / "s", {"seed": 2}).load() is None

    @pytest.mark.parametrize(
        "content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ", b"\xff" * 64]
    )
    def test_passes_over_a_broken_file(self, tmp_path, content):
        """What cannot be read is no state."""
        (tmp_path / "state.safetensors").write_bytes(content)

        assert StateKeeper(tmp_path, {}).load() is None

    def test_a_full_disk_leaves_the_state_before(self, tmp_path):
        """The error is one line for the user, and no part of a file stays."""
        keeper = StateKeeper(tmp_path / "s", {})
        keeper.save(State(1, {"weight:a": torch.ones(4)}))
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        try:
            with pytest.raises(WsgeoError, match="cannot be written"):
                keeper.save(State(2, {"weight:a": torch.ones(100_000)}))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        assert keeper.load().step == 1
        assert [path.name for path in (tmp_path / "s").iterdir()] == ["state.safetensors"]

    def test_a_run_that_is_given_up_keeps_its_reason_alone(self, tmp_path):
        """The reason holds for the same settings; the state is gone."""
        keeper = StateKeeper.beside(tmp_path / "one", {"seed": 1})
        keeper.save(State(1, {"weight:a": torch.ones(4)}))
        keeper.give_up("the loss is nan")

        assert keeper.given_up() == "the loss is nan"
        assert keeper.load() is None
        assert StateKeeper.beside(tmp_path / "one", {"seed": 2}).given_up() == ""
        assert StateKeeper.has_given_up(tmp_path / "one")
        keeper.remove()
        assert keeper.given_up() == ""
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", ["", "[]", "nan", '{"settings": 1}'])
    def test_passes_over_a_broken_reason(self, tmp_path, content):
        """What cannot be read is no reason."""
        (tmp_path / "failed.json").write_text(content)

        assert StateKeeper(tmp_path, {}).given_up() == ""

    def test_a_folder_that_cannot_be_made_is_one_line(self, tmp_path):
        """Where the states should lie there is a file."""
        (tmp_path / UNFINISHED).write_text("")

        with pytest.raises(WsgeoError, match="the state of the run cannot be written"):
            StateKeeper.beside(tmp_path / "one", {}).save(State(1, {}))

    def test_its_folder_may_be_removed_while_it_is_made(self, tmp_path, monkeypatch):
        """A worker that removes the last other state does not end the one that begins."""
        mkdir, removed = Path.mkdir, []

        def contested(path, *args, **kwargs):
            mkdir(path, *args, **kwargs)
            if path.name == UNFINISHED and len(removed) < 3:
                removed.append(path)
                path.rmdir()

        monkeypatch.setattr(Path, "mkdir", contested)
        keeper = StateKeeper.beside(tmp_path / "one", {})
        keeper.save(State(4, {"weight:a": torch.ones(1)}))

        assert len(removed) == 3
        assert keeper.step() == keeper.load().step == 4

    def test_tells_its_step_without_its_tensors(self, tmp_path):
        """Without a state of these settings it is before the first."""
        StateKeeper(tmp_path / "s", {"seed": 1}).save(State(3, {"weight:a": torch.ones(1)}))

        assert [StateKeeper(tmp_path / "s", {"seed": s}).step() for s in (1, 2)] == [3, -1]
