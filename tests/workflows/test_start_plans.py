"""Plans: what a choice would cost at most."""

from __future__ import annotations

import pytest
from study_cases import NO_DISTANCES, regions

from wsgeo.workflows.start_candidates import GENERAL, SOUP, candidates_for
from wsgeo.workflows.start_plans import _most_tried


class TestMostTried:
    """At most is at most."""

    @pytest.mark.parametrize(
        ("top", "start", "n"),
        [(0, [], 2), (1, [], 3), (1, [GENERAL], 3), (1, [SOUP], 4), (1, ["x"], 3), (99, [], 7)],
    )
    def test_counts_what_is_asked_for(self, members, top, start, n):
        """Starts by name count beside the best, each once, and the soup is one of all."""
        found = candidates_for(members, regions(*members), NO_DISTANCES, ())

        assert _most_tried(found, top, start) == n
        assert _most_tried(found, 0, [members[0].id, members[1].id]) == 4
        assert _most_tried(found[:1], top, start) == 0
