"""JSON and paths that nobody has checked."""

import json
import os
import tracemalloc

import pytest

from wsgeo.errors import EntryError
from wsgeo.weights.strict_json import MAX_DEPTH
from wsgeo.zoo.documents import Roots, read_bytes, read_json


@pytest.fixture
def read(tmp_path):
    """Write a text and read it back as JSON."""

    def read(text, **limits):
        path = tmp_path / "config.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_json(path, Roots.of(tmp_path), **limits)

    return read


def nested(depth):
    return '{"a":' * depth + "1" + "}" * depth


class TestReadJson:
    """`read_json`."""

    def test_returns_what_json_returns(self, read):
        """A sound document is read as the standard library reads it."""
        document = {"a": [1, 2.5, None, True, "ü"], "b": {"c": {}}}

        assert read(json.dumps(document)) == document

    def test_accepts_the_largest_depth(self, read):
        """The limit itself is allowed."""
        assert read(nested(MAX_DEPTH))

    @pytest.mark.parametrize(
        "text",
        [
            nested(MAX_DEPTH + 1),
            nested(5000),
            '{"a": 1, "a": 2}',
            '{"a": {"b": 1, "b": 1}}',
            '{"a": NaN}',
            '{"a": Infinity}',
            '{"a": 1e999}',
            '{"a": 1234567890123456789}',
            '{"a": "\\ud800"}',
            '{"\\udc00": 1}',
            b'{"a": "\xff"}',
            "[1]",
            "",
            "{",
            '{"a": 1} x',
            "\ufeff{}",
        ],
    )
    def test_refuses(self, read, text):
        """Documents that two readers may read in two ways, or that are none, are refused."""
        with pytest.raises(EntryError, match=r"config\.json") as caught:
            read(text)

        assert caught.value.code == "malformed_json"
        assert caught.value.remedy

    def test_digits_have_a_limit(self, read):
        """Eighteen digits pass."""
        assert read('{"a": 123456789012345678}') == {"a": 123456789012345678}

    def test_a_bomb_costs_little(self, read):
        """A refusal takes memory in proportion to the file, not to what it would become."""
        text = '{"a": [' + "[]," * 300_000 + "[]]}"
        tracemalloc.start()
        with pytest.raises(EntryError, match="more than"):
            read(text)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert peak < 4_000_000

    def test_size_has_a_limit(self, read):
        """A file above its kind's limit is refused unread."""
        assert read('{"a": "' + "x" * 80 + '"}', limit=100)
        with pytest.raises(EntryError) as caught:
            read('{"a": "' + "x" * 100 + '"}', limit=100)

        assert caught.value.code == "file_too_large"


class TestRoots:
    """`Roots`."""

    def test_links_inside_are_fine(self, tmp_path):
        """A link that stays in the zoo is followed."""
        (tmp_path / "real").write_bytes(b"x")
        (tmp_path / "link").symlink_to("real")

        assert read_bytes(tmp_path / "link", Roots.of(tmp_path), 10) == b"x"

    def test_links_that_leave_are_refused(self, tmp_path):
        """A link to a file outside is refused even though the file is there."""
        outside, zoo = tmp_path / "outside", tmp_path / "zoo"
        outside.write_bytes(b"x")
        zoo.mkdir()
        (zoo / "link").symlink_to(outside)
        (zoo / "folder").symlink_to(tmp_path)

        for path in (zoo / "link", zoo / "folder" / "outside", zoo / ".." / "outside"):
            with pytest.raises(EntryError) as caught:
                read_bytes(path, Roots.of(zoo), 10)
            assert caught.value.code == "leaves_folder"

    def test_a_root_with_a_like_name_is_another(self, tmp_path):
        """``zoo2`` does not lie inside ``zoo``."""
        for name in ("zoo", "zoo2"):
            (tmp_path / name).mkdir()

        assert not Roots.of(tmp_path / "zoo").holds(tmp_path / "zoo2")

    @pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "nothing", "device"])
    def test_only_regular_files(self, tmp_path, kind):
        """A pipe, folder, circular link, dangling link or device is refused without hanging."""
        path = tmp_path / "config.json"
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "loop":
            path.symlink_to("config.json")
        elif kind == "nothing":
            path.symlink_to("missing")
        else:
            path.symlink_to("/dev/zero")

        with pytest.raises(EntryError):
            read_bytes(path, Roots.of(tmp_path), 10)

    def test_a_snapshot_may_use_its_repository(self, tmp_path):
        """The root of a cached snapshot is the whole repository, where its links lead."""
        snapshot = tmp_path / "models--a--b" / "snapshots" / ("0" * 40)
        snapshot.mkdir(parents=True)
        blob = tmp_path / "models--a--b" / "blobs" / "x"
        blob.parent.mkdir()
        blob.write_bytes(b"y")
        (snapshot / "config.json").symlink_to("../../blobs/x")

        assert read_bytes(snapshot / "config.json", Roots.of(snapshot), 10) == b"y"
