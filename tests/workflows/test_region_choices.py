"""Which regions are sampled, and which cannot be."""

import polars as pl
import pytest

from wsgeo.errors import WsgeoError
from wsgeo.store.tables import TABLES
from wsgeo.workflows.region_choices import choose_regions, refuse_unknown

NONE = pl.DataFrame(schema=TABLES["regions"])
SNLI = pl.DataFrame([{"level": "dataset", "name": "snli"}], schema=TABLES["regions"])


@pytest.mark.parametrize(
    ("level", "names", "told"),
    [
        (None, ["snil"], "no region is called 'snil'"),
        ("dataset", ["all"], "no region is called 'all'"),
        ("task", [], "no region of level task"),
    ],
)
def test_what_no_region_is_called_is_refused(level, names, told):
    """One line names what was asked for, and what there is."""
    with pytest.raises(WsgeoError, match=told) as caught:
        refuse_unknown(SNLI, level, names)

    assert any(known in str(caught.value) for known in ("snli", "dataset"))


def test_what_there_is_passes():
    """A region's name, its level, both, or neither."""
    for level, names in [(None, ["snli"]), ("dataset", []), ("dataset", ["snli"]), (None, [])]:
        refuse_unknown(SNLI, level, names)


def test_without_regions_the_reason_is_told():
    """Where every member failed the gate nothing is chosen, whatever is asked for."""
    for level, names in [(None, []), ("general", []), (None, ["snli"])]:
        refuse_unknown(NONE, level, names)
        chosen, [note] = choose_regions(NONE, None, None, level=level, names=names)

        assert chosen == []
        assert "end-point gate" in note
