"""Ids of the hub, resolved from a cache, and bases wherever they are."""

import shutil

import numpy as np
import pytest
from zoo_cases import (
    bert_config,
    edit_json,
    make_zoo,
    random_tensors,
    write_adapter,
    write_hub_cache,
)

from wsgeo.errors import EntryError, MissingAssetError, WsgeoError
from wsgeo.zoo import load_base, read_zoo

BASE = random_tensors(bert_config(), 0)


@pytest.fixture
def root(tmp_path):
    """Make a zoo of one member."""
    return make_zoo(tmp_path / "zoo", n_members=1)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Make an empty hub cache that the library uses, offline."""
    from huggingface_hub import constants, file_download

    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(file_download.constants, "HF_HUB_CACHE", str(cache))
    return cache


class TestHubCache:
    """Ids of the hub."""

    def test_a_cached_id_from_the_user(self, root, hub):
        """An id resolves from the cache, with its commit, through links inside the repository."""
        snapshot_folder = write_hub_cache(hub, "org/member", root / "run-0")
        zoo = read_zoo(None, ids=["org/member@main"])

        assert zoo.ids == ("org/member@main",)
        assert zoo.members[0].revision == snapshot_folder.name

    def test_an_uncached_id_from_the_user(self, root, hub):
        """An id that is neither cached nor to be fetched ends with exit code 6 and its name."""
        with pytest.raises(MissingAssetError, match="org/missing") as caught:
            read_zoo(root, ids=["org/missing"])

        assert caught.value.exit_code == 6

    def test_a_cache_as_a_zoo(self, root, hub):
        """The cache's own folder can be read as a zoo."""
        write_hub_cache(hub, "org/member", root / "run-0")
        zoo = read_zoo(hub)

        assert len(zoo.members) == 1
        assert zoo.excluded == ()

    def test_a_snapshot_as_a_zoo(self, root, hub):
        """A snapshot may be given alone: its links lead into its repository."""
        folder = write_hub_cache(hub, "org/member", root / "run-0")

        assert len(read_zoo(folder).members) == 1

    def test_an_adapter_of_a_cached_id(self, root, hub):
        """An id inside an adapter's file resolves from the cache, if it is there."""
        write_hub_cache(hub, "org/base", root / "base")
        write_adapter(root / "lora", "org/base", bert_config())
        member = next(m for m in read_zoo(root).members if m.id == "lora")

        assert member.base.id == "org/base@main"

    def test_base_plus_adapter(self, root, hub):
        """The user may name the base with the adapter."""
        write_adapter(root.parent / "lora", "moved/away", bert_config())
        text = f"{root / 'base'}+{root.parent / 'lora'}"
        zoo = read_zoo(None, ids=[text])

        assert zoo.ids == (text,)
        assert zoo.members[0].facts["base"].source == "command line"

    def test_a_moved_base(self, root, hub):
        """An adapter whose base has moved is set aside, and ``base`` brings it back."""
        write_adapter(root / "lora", "/home/someone/base", bert_config())
        row = next(r for r in read_zoo(root).excluded if r.id == "lora")
        zoo = read_zoo(root, base=root / "base")

        assert (row.code, row.fate) == ("base_not_found", "set aside")
        assert "--base" in row.remedy
        assert "lora" in zoo.ids


class TestBase:
    """`load_base` and tokenizers from a base."""

    def test_body_of_the_base(self, root):
        """The base comes under the member's names, over what the base has."""
        member = read_zoo(root).members[0]
        weights = load_base(member)

        assert "bert.pooler.dense.weight" not in weights.layout.names
        name = "bert.encoder.layer.1.output.dense.weight"
        assert np.array_equal(weights.tensor(name), BASE[name])

    def test_a_member_without_a_tokenizer(self, root):
        """It takes its base's."""
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (root / "run-0" / name).unlink()
        member = read_zoo(root).members[0]

        assert member.tokenizer_folder.name == "base"

    def test_a_base_that_is_no_model(self, root, tmp_path):
        """A base on the command line that cannot be read is an error, not a row."""
        shutil.copytree(root / "base", tmp_path / "broken")
        edit_json(tmp_path / "broken" / "config.json", auto_map={"AutoModel": "x"})
        for base in (tmp_path / "broken", tmp_path / "no such"):
            with pytest.raises(WsgeoError) as caught:
                read_zoo(root, base=base)
            assert not isinstance(caught.value, EntryError)
