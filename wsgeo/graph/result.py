"""One call from a distance matrix to basins, their test, their map and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from wsgeo.counting import counted
from wsgeo.graph.clustering import Clustering, agreement
from wsgeo.graph.deciding import ONE_GROUP, Decision, decide
from wsgeo.graph.frames import clusterings_table, clusters_table, merge_tree_table, nulls_table
from wsgeo.graph.guard import DistanceMatrix, guard
from wsgeo.graph.maps import embed
from wsgeo.graph.merging import MergeTree, merge_tree
from wsgeo.graph.partitions import Labels, Matrix, in_units_of_largest
from wsgeo.graph.spectral import eigengap, eigenpairs
from wsgeo.graph.stability import Stability, stability, valid_resamples
from wsgeo.graph.status import Tau
from wsgeo.graph.typicality import Typicality, typicality


@final
@dataclass(frozen=True)
class ClusterResult:
    """Basins of one matrix, with all that backs them.

    Parameters
    ----------
    matrix : str
        Name of the matrix: ``convexity_gap``, ``task_vector`` or ``given``.
    ids : tuple of str
        Members in the order given.
    labels : ndarray of int64, shape (n_members,)
        Default labels, aligned to ``ids``: 0 for all where no split stands out; -1 for noise.
    method : str
        Method of the default labels; ``one_group`` where no split stands out.
    parameters : mapping
        Its setting.
    p_value : float or None
        Of the best-of-all silhouette, the largest over the nulls; None where there was no test.
    silhouette : float or None
        Best silhouette of the search, whether or not it stands out.
    tau : Tau
        Threshold and its origin.
    verdict : str
        The answer in one or two sentences.
    reasons : tuple of str
        The sentences that back it.
    basins_found : bool
        Whether the labels are basins: a split that stands out, or one group of small gaps.
    agreement : mapping of (str, str) to float
        Adjusted Rand index between the methods' best partitions.
    p_by_null : mapping of str to float
        The p-value against each null.
    eigengap : (int, float) or None
        Number of groups below the largest gap of the affinity's eigenvalues, and that gap: near 1
        for clear groups, near 0 for none.
    tree : MergeTree
        Merge tree over ``tree_ids``.
    tree_ids : tuple of str
        The placed members in canonical order; the tree counts them from 0.
    filled : tuple of (str, str)
        Pairs without a value of their own.
    stability : Stability or None
        Resampling of the default clustering, in the order of ``tree_ids``.
    stress : mapping of str to float
        Stress of each map.
    clusters, clusterings, nulls, embedding, merge_tree : polars.DataFrame
        Tables with the schemas of `wsgeo.graph.tables`.
    """

    matrix: str
    ids: tuple[str, ...]
    labels: Labels
    method: str
    parameters: Mapping[str, int | float | str]
    p_value: float | None
    silhouette: float | None
    tau: Tau
    verdict: str
    reasons: tuple[str, ...]
    basins_found: bool
    agreement: Mapping[tuple[str, str], float]
    p_by_null: Mapping[str, float]
    eigengap: tuple[int, float] | None
    tree: MergeTree
    tree_ids: tuple[str, ...]
    filled: tuple[tuple[str, str], ...]
    stability: Stability | None
    stress: Mapping[str, float]
    clusters: pl.DataFrame
    clusterings: pl.DataFrame
    nulls: pl.DataFrame
    embedding: pl.DataFrame
    merge_tree: pl.DataFrame

    @property
    def n_clusters(self) -> int:
        """Number of clusters in the default labels."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def order(self) -> tuple[str, ...]:
        """Placed members in dendrogram order."""
        return tuple(self.tree_ids[i] for i in self.tree.order()) if self.tree_ids else ()

    def label_of(self) -> dict[str, int]:
        """Return the default label of each member."""
        return dict(zip(self.ids, self.labels.tolist(), strict=True))


def cluster(
    matrix: ArrayLike,
    ids: Sequence[str],
    *,
    name: str = "given",
    keys: Sequence[str] | None = None,
    multiplicity: Sequence[int] | None = None,
    se: ArrayLike | None = None,
    bootstrap: ArrayLike | None = None,
    tau: float | Tau | Literal["auto"] = "auto",
    chance_loss: float | None = None,
    seed: int = 0,
    n_draws: int = 200,
    umap: bool | None = None,
    where: str | None = None,
) -> ClusterResult:
    """Return the basins of a distance matrix, tested against noise.

    The default labels are the candidate partition with the best silhouette if that silhouette
    stands out (p at most 0.05) from the best one found in every kind of noise; otherwise all
    members are in one group, and the verdict says whether that is one basin or no structure.

    Parameters
    ----------
    matrix : array_like, shape (n_members, n_members)
        Gaps in nats per example, or 1 - cosine, or any distance; NaN where missing.
    ids : sequence of str
        Members in the order of the rows.
    name : str, default "given"
        Name of the matrix in the tables: ``convexity_gap``, ``task_vector`` (the verdict then
        speaks of regions) or ``given``.
    keys : sequence of str, optional
        Content hashes that set the canonical order; the ids by default. The order of the rows
        never matters.
    multiplicity : sequence of int, optional
        How many equal checkpoints each row stands for; they count once, and the reasons say so.
    se : array_like, shape (n_members, n_members), optional
        Standard errors of the distances.
    bootstrap : array_like, shape (n_resamples, n_members, n_members), optional
        Distance matrices of bootstrap resamples, for stability.
    tau : float, Tau or "auto", default "auto"
        Threshold at which a pair counts as connected.
    chance_loss : float, optional
        Loss of the best constant predictor: an automatic threshold is at least 1 % of it.
    seed : int, default 0
        Seed of the null draws and of UMAP.
    n_draws : int, default 200
        Draws from each null; from 150 members they end early where p can only be large.
    umap : bool, optional
        Whether UMAP is drawn; by default from 15 members.
    where : str, optional
        File that an error names.

    Returns
    -------
    ClusterResult
        Labels, test, tables and verdict.

    Raises
    ------
    DataError
        If the matrix cannot be one of distances between the ids.
    ValueError
        If keys, multiplicity, errors or resamples are not aligned to the ids.

    References
    ----------
    [juneja2022]_
    """
    ids = tuple(ids)
    distances = _in_order(guard(matrix, ids, where=where), dict(_keyed(ids, keys)))
    rows = [ids.index(member) for member in distances.ids]
    errors = None if se is None else _aligned(se, (len(ids),) * 2)[np.ix_(rows, rows)]
    decision = decide(
        distances,
        errors=errors,
        tau=None if tau == "auto" else tau if isinstance(tau, Tau) else Tau(float(tau), "given"),
        chance_loss=chance_loss,
        noun="region" if name == "task_vector" else "basin",
        rng=np.random.default_rng(seed),
        n_draws=n_draws,
    )
    held = None
    if bootstrap is not None and decision.search and decision.default.method != ONE_GROUP:
        stack = _aligned(bootstrap, (np.shape(bootstrap)[0], len(ids), len(ids)))
        held = stability(
            decision.default, valid_resamples(stack[:, rows][:, :, rows], distances.values)
        )
    return _result(ids, name, distances, decision, held, _repeated(ids, multiplicity), seed, umap)


def _result(
    ids: tuple[str, ...],
    name: str,
    distances: DistanceMatrix,
    decision: Decision,
    held: Stability | None,
    notes: tuple[str, ...],
    seed: int,
    umap: bool | None,
) -> ClusterResult:
    search, default = decision.search, decision.default
    label_of = dict(zip(distances.ids, default.labels.tolist(), strict=True))
    tree = merge_tree(distances.values) if distances.ids else MergeTree((), (), (), (), ())
    drawn = embed(distances, matrix=name, seed=seed, umap=umap)
    # Task vectors are no measurement: how dense they lie says nothing of a loss.
    typical = (
        None if name == "task_vector" else typicality(distances, single=default.n_clusters < 2)
    )
    return ClusterResult(
        matrix=name,
        ids=ids,
        labels=np.array([label_of.get(member, -1) for member in ids], dtype=np.int64),
        method=default.method,
        parameters=default.parameters,
        p_value=search.test.p_value if search else None,
        silhouette=search.candidates[search.best].silhouette if search else None,
        tau=decision.tau,
        verdict=decision.verdict,
        reasons=(*decision.reasons, *_compared(default, typical), *notes),
        basins_found=decision.basins_found,
        agreement=agreement(search) if search else {},
        p_by_null=search.test.p_by_null if search else {},
        eigengap=_eigengap(distances.values) if search else None,
        tree=tree,
        tree_ids=distances.ids,
        filled=distances.filled,
        stability=held,
        stress=drawn.stress,
        clusters=clusters_table(name, ids, distances.ids, decision, held, typical),
        clusterings=clusterings_table(name, decision, held),
        nulls=nulls_table(name, search.test if search else None),
        embedding=drawn.table,
        merge_tree=merge_tree_table(name, tree),
    )


def _compared(default: Clustering, typical: Typicality | None) -> tuple[str, ...]:
    """Return the sentence that holds a split against the labels of the hdbscan package."""
    if typical is None or default.n_clusters < 2:
        return ()
    found = counted(int(typical.labels.max()) + 1, "cluster")
    index = f"adjusted Rand index with these labels is {typical.agreement(default.labels):.2f}"
    return (f"The hdbscan package, run once, finds {found}; their {index}.",)


def _eigengap(values: Matrix) -> tuple[int, float]:
    return eigengap(eigenpairs(in_units_of_largest(values[None]), "local")[0][0])


def _keyed(ids: tuple[str, ...], keys: Sequence[str] | None) -> zip[tuple[str, str]]:
    if keys is not None and len(keys) != len(ids):
        raise ValueError(f"{len(keys)} keys for {len(ids)} ids.")
    return zip(ids, keys if keys is not None else ids, strict=True)


def _in_order(distances: DistanceMatrix, key_of: Mapping[str, str]) -> DistanceMatrix:
    """Return the distances in canonical order, so that ties fall the same way in any order."""
    order = sorted(
        range(len(distances.ids)), key=lambda i: (key_of[distances.ids[i]], distances.ids[i])
    )
    return replace(
        distances,
        values=np.ascontiguousarray(distances.values[np.ix_(order, order)]),
        ids=tuple(distances.ids[i] for i in order),
    )


def _aligned(values: ArrayLike, shape: tuple[int, ...]) -> Matrix:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"An array of shape {array.shape} where {shape} is due.")
    return array


def _repeated(ids: tuple[str, ...], multiplicity: Sequence[int] | None) -> tuple[str, ...]:
    """Return the sentence about duplicates, if there are any."""
    if multiplicity is None:
        return ()
    if len(multiplicity) != len(ids):
        raise ValueError(f"{len(multiplicity)} multiplicities for {len(ids)} ids.")
    extra = sum(multiplicity) - len(ids)
    said = f"{counted(extra, 'exact duplicate counts', 'exact duplicates count')} once"
    return (f"{said}, with the member of the same weights.",) if extra else ()
