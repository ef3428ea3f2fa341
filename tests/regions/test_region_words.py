"""What clusterings say of the groups of the manifest, in words."""

import numpy as np
import polars as pl
import pytest
from level_cases import seen

from wsgeo.regions.recovery import Recovery
from wsgeo.regions.region_groups import Group
from wsgeo.regions.region_scores import TASK_VECTOR, Scored
from wsgeo.regions.region_tables import REGION_MEMBERS
from wsgeo.regions.region_words import told
from wsgeo.regions.traits import Trait


@pytest.mark.parametrize(
    ("p_value", "n_exact", "said"),
    [
        (0.005, 2, "find 2 of 5 data sets (task) exactly again"),
        (0.005, 0, "follow the data sets (task) better than chance, none found exactly"),
        (0.4, 0, "do not find the data sets (task) again better than chance"),
    ],
)
def test_groups_are_found_followed_or_neither(rng, p_value, n_exact, said):
    """What stands against chance without one exact group is not said to be found again."""
    vectors = seen(rng.standard_normal((10, 30)))
    trait = Trait("dataset", "task", {name: f"d{k // 2}" for k, name in enumerate(vectors.ids)})
    got = Recovery(5, 5, 10, 0.7, 0.6, 0.4, 0.5, p_value, n_exact)
    scored = Scored(trait, TASK_VECTOR, "given", vectors.ids, np.arange(10) // 2, got, False)
    group = Group(vectors, (trait,), {}, frozenset(), {})

    sentence = told(group, [scored], pl.DataFrame(schema=REGION_MEMBERS))[0]

    assert f"the number of clusters given, {said}: purity 0.70" in sentence
