"""How the members of each loss group were trained, against the basins they are in."""

from __future__ import annotations

from collections.abc import Sequence

from wsgeo.graph.associations import Associations, associate
from wsgeo.graph.matrices import square
from wsgeo.workflows.measuring import GroupResult
from wsgeo.workflows.settings import ScanSettings
from wsgeo.zoo import Zoo
from wsgeo.zoo.axes import settings_table


def associations_of(
    zoo: Zoo, groups: Sequence[GroupResult], settings: ScanSettings
) -> dict[str, Associations]:
    """Compare the settings of training with the basins and gaps of each loss group.

    Parameters
    ----------
    zoo : Zoo
        The zoo, with what is known of its members.
    groups : sequence of GroupResult
        What was measured.
    settings : ScanSettings
        Its seed is that of all permutations.

    Returns
    -------
    dict of str to Associations
        By name of the group. Copies of a member count once, with the settings of the first.
    """
    trained = settings_table(zoo)
    return {
        group.name: associate(
            trained,
            group.clusters.label_of(),
            square(group.pairs, group.clusters.ids),
            seed=settings.seed,
        )
        for group in groups
    }
