"""The trained zoo, made once, and what a choice of a start begins with."""

import pytest
from recipe_cases import write_examples
from scan_cases import trained

from wsgeo.zoo import load_whole_base


@pytest.fixture(scope="session")
def zoo_with_run(tmp_path_factory):
    """Give a trained zoo of six members, its data, and a finished run. Do not change them."""
    return trained(tmp_path_factory.getbasetemp())


@pytest.fixture
def film(tmp_path):
    """Give the folder of a target."""
    folder = tmp_path / "films"
    write_examples(folder / "train.jsonl", 40, 5)
    write_examples(folder / "validation.jsonl", 24, 6)
    return folder


@pytest.fixture
def members(tiny_zoo):
    """Give the distinct members of a zoo."""
    return [member for member in tiny_zoo.members if member.duplicate_of is None]


@pytest.fixture
def frame(members):
    """Give their base, read."""
    return load_whole_base(members[0].base)


@pytest.fixture(scope="session")
def everyone(zoo_with_run):
    """Give the region of all members of the trained zoo; nothing of it is measured."""
    from wsgeo.store import open_run
    from wsgeo.workflows.region_choices import choose_regions
    from wsgeo.workflows.region_levels import find_levels
    from wsgeo.workflows.reopening import reopen

    run = open_run(zoo_with_run.run)
    inputs, _ = reopen(run)
    regions = find_levels(run, seed=0).tables["regions"]
    [found], _ = choose_regions(regions, run, inputs, level="general")
    return found
