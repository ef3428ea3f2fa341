"""Tables of tensors that are read member by member."""

from __future__ import annotations

from zoo_cases import (
    make_zoo,
    members_of,
)

from wsgeo.workflows.geometry import measure_geometry


class TestTables:
    """What is written of a geometry."""

    def test_one_row_per_pair_and_layer(self, tmp_path):
        """Ids are in order whatever the order of the members, and layers keep theirs."""
        members = list(members_of(make_zoo(tmp_path / "zoo", n_members=3)))[::-1]
        found = measure_geometry(members)

        pairs, layers = found.as_table(), found.layers_table()

        assert pairs.select("a", "b").rows() == [
            ("run-0", "run-1"), ("run-0", "run-2"), ("run-1", "run-2")
        ]  # fmt: skip
        assert pairs["l2"].to_list() == [found.l2[2, 1], found.l2[2, 0], found.l2[1, 0]]
        assert layers.height == 9
        assert layers["position"].to_list() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
        assert layers.filter(layer="layer 1")["l2"][0] == found.layers["layer 1"].l2[2, 1]

    def test_some_of_the_members(self, tmp_path):
        """A part of the members has their rows, in every layer too."""
        found = measure_geometry(members_of(make_zoo(tmp_path / "zoo", n_members=3)))

        part = found.of(["run-2", "run-0"])

        assert part.l2[0, 1] == found.l2[2, 0]
        assert part.layers["layer 0"].cosine[0, 1] == found.layers["layer 0"].cosine[2, 0]

    def test_of_one_member(self, tmp_path):
        """A single member has tables without rows."""
        found = measure_geometry(members_of(make_zoo(tmp_path / "zoo", n_members=1)))

        assert found.as_table().is_empty()
        assert found.layers_table().is_empty()
