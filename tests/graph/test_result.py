import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from graph_cases import NOISES, planted

from wsgeo.graph import CLUSTERINGS, CLUSTERS, EMBEDDING, MERGE_TREE, NULLS, cluster


def names(n):
    return [f"m{i:02d}" for i in range(n)]


@pytest.fixture(scope="module")
def two_basins():
    """Give gaps of 8 and 4 members with errors and resamples, and their clustering."""
    rng = np.random.default_rng(0)
    values, labels = planted((8, 4), 0.01, rng)
    noise = 0.01 * rng.normal(size=(40, 12, 12))
    errors = np.full((12, 12), 0.01)
    found = cluster(values, names(12), se=errors, bootstrap=values + noise, n_draws=200)
    return values, labels, found


class TestCluster:
    """From a matrix to a verdict."""

    def test_says_two_basins(self, two_basins):
        """Two planted basins come out as labels, p-value and a sentence."""
        _, labels, found = two_basins

        assert found.labels.tolist() == labels.tolist()
        assert found.verdict == (
            f"Two basins of 8 and 4 members (p = {found.p_value:.2g}, "
            f"silhouette {found.silhouette:.2f})."
        )
        assert found.p_value < 0.03

    def test_tables_have_their_schemas(self, two_basins):
        """Every table has its written schema."""
        found = two_basins[2]
        for table, schema in (
            (found.clusters, CLUSTERS),
            (found.clusterings, CLUSTERINGS),
            (found.nulls, NULLS),
            (found.embedding, EMBEDDING),
            (found.merge_tree, MERGE_TREE),
        ):
            assert table.schema == schema
            assert len(table) > 0

    def test_one_clustering_is_the_default(self, two_basins):
        """Exactly one clustering is the default, and each member has one default label."""
        found = two_basins[2]

        assert found.clusterings["is_default"].sum() == 1
        assert found.clusters.filter("is_default")["id"].to_list() == list(found.ids)

    def test_the_shown_p_value_can_be_read_from_the_nulls(self, two_basins):
        """The p-value follows from the table of null draws."""
        found = two_basins[2]
        best = found.clusterings["silhouette"].max()
        share = (
            found.nulls.group_by("null")
            .agg(p=(1 + (pl.col("statistic") >= best).sum()) / (1 + pl.len()))
            .get_column("p")
        )

        assert share.max() == pytest.approx(found.p_value)

    def test_resamples_give_certainty(self, two_basins):
        """Small resampling noise leaves clear basins nearly certain."""
        found = two_basins[2]

        assert found.stability.median == 1.0
        assert found.clusters.filter("is_default")["certainty"].min() > 0.9

    def test_order_of_rows_does_not_matter(self, two_basins, rng):
        """Shuffled rows give the same label for each member, the same p-value and order."""
        values, _, _ = two_basins
        first = cluster(values, names(12), n_draws=40)
        order = rng.permutation(12)
        again = cluster(values[np.ix_(order, order)], [names(12)[i] for i in order], n_draws=40)

        assert again.label_of() == first.label_of()
        assert again.p_value == first.p_value
        assert again.order == first.order

    def test_order_does_not_matter_with_ties(self, rng):
        """With many equal distances the result still does not depend on the order."""
        values = np.round(NOISES["cloud 2-d"](12, rng), 0)
        order = rng.permutation(12)
        shuffled = cluster(values[np.ix_(order, order)], [names(12)[i] for i in order], n_draws=20)

        assert shuffled.label_of() == cluster(values, names(12), n_draws=20).label_of()

    def test_unit_does_not_matter(self, two_basins):
        """Distances in another unit give the same labels and p-value."""
        values = two_basins[0]
        one, two = (cluster(scale * values, names(12), n_draws=40) for scale in (1.0, 1000.0))

        assert one.label_of() == two.label_of()
        assert one.p_value == two.p_value

    def test_noise_is_no_structure(self, rng):
        """In noise all members have label 0 and the sentence names the p-value."""
        found = cluster(NOISES["cloud 8-d"](14, rng), names(14), n_draws=40)

        assert found.labels.tolist() == [0] * 14
        assert found.method == "one_group"
        assert found.verdict.startswith("No structure")
        assert f"p = {found.p_value:.2g}" in found.verdict

    def test_gaps_within_their_errors_are_one_basin(self, rng):
        """Where nearly all gaps are small against their errors the members are one basin."""
        values = NOISES["independent clipped"](12, rng)
        found = cluster(values, names(12), se=np.full((12, 12), 0.03), n_draws=40)

        assert found.verdict.startswith("One basin")
        assert found.tau.value == pytest.approx(0.09)

    def test_task_vectors_form_regions(self, rng):
        """For task vectors the sentence speaks of regions."""
        values, _ = planted((8, 4), 0.005, rng)

        assert "regions" in cluster(values, names(12), name="task_vector", n_draws=40).verdict

    def test_a_member_without_pairs_is_not_placed(self, rng):
        """It has label -1 in every clustering, and the others are clustered."""
        values, _ = planted((8, 4), 0.005, rng)
        values[3], values[:, 3] = np.nan, np.nan
        found = cluster(values, names(12), n_draws=40)

        assert found.label_of()["m03"] == -1
        assert found.n_clusters == 2
        assert set(found.clusters.filter(pl.col("id") == "m03")["label"]) == {-1}

    def test_duplicates_are_mentioned(self, rng):
        """Members that stand for several equal checkpoints count once, and a reason says so."""
        values, _ = planted((6, 6), 0.0, rng)
        found = cluster(values, names(12), multiplicity=[3] + [1] * 11, n_draws=20)

        assert "2 exact duplicates" in found.reasons[-1]


class TestFewMembers:
    """Too few for a test."""

    @pytest.mark.parametrize("n", [1, 2, 3])
    @pytest.mark.parametrize("distance", [0.0, 0.5, np.nan, np.inf])
    def test_end_with_a_sentence(self, n, distance):
        """One, two and three members are answered in words, whatever the distances."""
        values = np.where(np.eye(n, dtype=bool), 0.0, distance)
        found = cluster(values, names(n))

        assert found.verdict
        assert found.p_value is None

    def test_two_are_components_at_tau(self):
        """With a threshold two members are connected or separate."""
        near, far = (
            cluster([[0, d], [d, 0]], ["a", "b"], tau=0.1).labels.tolist() for d in (0.05, 0.5)
        )

        assert near == [0, 0]
        assert far == [0, 1]

    @pytest.mark.parametrize("n", [4, 5, 6, 7])
    def test_below_eight_there_is_no_density(self, rng, n):
        """Four to seven members are clustered without HDBSCAN."""
        found = cluster(NOISES["cloud 2-d"](n, rng), names(n), n_draws=20)

        assert "hdbscan" not in set(found.clusterings["method"])

    def test_members_that_coincide_are_one_basin(self):
        """All distances zero is one basin."""
        assert cluster(np.zeros((9, 9)), names(9)).verdict == "One basin: all distances are zero."


def test_fourteen_members_load_no_heavy_package():
    """Clustering a demo-sized matrix imports neither sklearn, scipy, hdbscan, umap nor torch."""
    code = (
        "import sys, numpy as np; from wsgeo.graph import cluster;"
        "d = np.abs(np.subtract.outer(np.arange(14.0), np.arange(14.0)));"
        "cluster(d, [str(i) for i in range(14)], n_draws=20);"
        "print(set(sys.modules) & {'sklearn', 'scipy', 'hdbscan', 'umap', 'torch', 'networkx'})"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "set()"


def test_a_chain_between_basins_is_named():
    """Where single links join what is split, a reason says so with the largest step."""
    from graph_cases import chain

    values, _ = chain(np.random.default_rng(0))
    found = cluster(values, names(28), n_draws=40, umap=False)

    assert found.n_clusters == 4
    assert any(reason.startswith("A chain joins basins 0 and 3") for reason in found.reasons)
