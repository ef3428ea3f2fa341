import json

import numpy as np
import polars as pl
import pytest
from graph_cases import planted

from wsgeo.graph import cluster, connectivity_graph, edge_status, export

NASTY = ["a\x00b", "</script><b>", "ü\u202e", "\ufffe", "=1+1", 'quote"&', "tab\tline\n", "x" * 300]


@pytest.fixture(scope="module")
def graph():
    """Give a graph of eight members with hostile names, an infinite and a missing value."""
    values, _ = planted((5, 3), 0.005, np.random.default_rng(0))
    result = cluster(values, NASTY, n_draws=20)
    rows, columns = np.triu_indices(8, 1)
    pairs = pl.DataFrame(
        {
            "a": [NASTY[i] for i in rows],
            "b": [NASTY[j] for j in columns],
            "convexity_gap": values[rows, columns],
            "barrier_height": [float("inf"), None, *values[rows, columns][2:]],
        }
    )
    models = pl.DataFrame({"id": NASTY[:2], "seed": [1, None], "data": ["a\x01", None]})
    return connectivity_graph(edge_status(pairs, result.tau), result, models=models)


class TestConnectivityGraph:
    """Nodes, edges and what they carry."""

    def test_holds_every_member_and_pair(self, graph):
        """All members are nodes with their basin; the merge tree marks n - 1 edges."""
        assert set(graph) == set(NASTY)
        assert all("basin" in facts for _, facts in graph.nodes(data=True))
        marked = [e for *_, e in graph.edges(data=True) if e["in_merge_tree"]]
        assert len(marked) <= 7
        assert graph.graph["merge_tree"][0]["members"] == sorted(NASTY)


class TestExport:
    """Files that other tools open."""

    def test_every_file_opens_again(self, graph, tmp_path):
        """GraphML, GEXF and JSON give back all nodes and edges, whatever the names."""
        import networkx as nx

        graphml, gexf, node_link = export(graph, tmp_path / "graph")
        content = json.loads(node_link.read_text(), parse_constant=pytest.fail)
        for again in (
            nx.read_graphml(graphml),
            nx.read_gexf(gexf),
            nx.node_link_graph(content, edges="links"),
        ):
            assert len(again) == len(graph)
            assert again.number_of_edges() == graph.number_of_edges()
        assert {node["id"] for node in content["nodes"]} == set(NASTY)

    def test_leaves_no_other_file(self, graph, tmp_path):
        """Only the three files are left in the folder."""
        export(graph, tmp_path)

        assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gexf", ".graphml", ".json"]

    def test_names_that_fall_together_stay_apart(self, tmp_path):
        """Two names that differ only in how they are escaped are still two nodes."""
        import networkx as nx

        graph = nx.Graph()
        graph.add_edge("a\x00", "a\\x00")

        assert len(nx.read_graphml(export(graph, tmp_path)[0])) == 2
