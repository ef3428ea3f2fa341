"""How the members of each group were trained, against their basins and their task vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wsgeo.graph.associations import Associations, associate
from wsgeo.graph.matrices import square
from wsgeo.graph.result import ClusterResult
from wsgeo.workflows.geometry import Geometry
from wsgeo.workflows.group_results import GroupResult
from wsgeo.workflows.settings import ScanSettings
from wsgeo.zoo import Zoo
from wsgeo.zoo.axes import settings_table


def associations_of(
    zoo: Zoo,
    groups: Sequence[GroupResult],
    geometries: Mapping[str, Geometry],
    regions: Mapping[str, ClusterResult],
    settings: ScanSettings,
) -> dict[str, Associations]:
    """Compare the settings of training with basins and gaps, and with regions and task vectors.

    Members of different tasks are in different loss groups, and have angles all the same: a
    setting such as the task can be compared with task vectors only.

    Parameters
    ----------
    zoo : Zoo
        The zoo, with what is known of its members.
    groups : sequence of GroupResult
        What was measured of each loss group.
    geometries : mapping of str to Geometry
        Angles in each geometry group; a group without a base has none.
    regions : mapping of str to ClusterResult
        Clusters of the task vectors of each geometry group with a base.
    settings : ScanSettings
        Its seed is that of all permutations.

    Returns
    -------
    dict of str to Associations
        By name of the loss group or geometry group. Copies of a member count once, with the
        settings of the first.
    """
    trained, found = settings_table(zoo), {}
    for group in groups:
        labels = group.clusters.label_of()
        gaps = square(group.pairs, group.clusters.ids)
        found[group.name] = associate(trained, labels, gaps, seed=settings.seed)
    distinct = {member.id for member in zoo.members if member.duplicate_of is None}
    for name, region in regions.items():
        labels = {one: k for one, k in region.label_of().items() if one in distinct}
        cosine = geometries[name].of(list(labels)).cosine
        if cosine is not None:
            found[name] = associate(
                trained, labels, 1.0 - cosine, matrix=region.matrix, seed=settings.seed
            )
    return found
