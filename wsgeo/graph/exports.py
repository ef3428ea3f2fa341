"""GraphML, GEXF and JSON files of the connectivity graph, which other tools open.

The XML writers of networkx refuse None and lists and write control characters that no XML reader
accepts; infinite numbers make invalid JSON. So each value is made plain here, in one place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wsgeo.escapes import xml_text
from wsgeo.files import replacing, write_text

if TYPE_CHECKING:
    import networkx as nx


def export(graph: nx.Graph[str], folder: str | Path) -> list[Path]:
    """Write the graph as ``connectivity.graphml``, ``.gexf`` and ``.json``.

    Parameters
    ----------
    graph : networkx.Graph
        From `wsgeo.graph.connectivity_graph`.
    folder : str or Path
        Where to write; made if it is missing. Files of these names are replaced as a whole.

    Returns
    -------
    list of Path
        The files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writers = {"graphml": write_graphml, "gexf": write_gexf, "json": write_json}
    for suffix, write in writers.items():
        write(graph, folder / f"connectivity.{suffix}")
    return [folder / f"connectivity.{suffix}" for suffix in writers]


def write_graphml(graph: nx.Graph[str], path: str | Path) -> None:
    """Write the graph as GraphML; the merge tree is a JSON text in the graph's attributes.

    Parameters
    ----------
    graph : networkx.Graph
        Connectivity graph.
    path : str or Path
        File to replace.
    """
    import networkx as nx

    with replacing(Path(path)) as temporary:
        nx.write_graphml(_plain_graph(graph), temporary)


def write_gexf(graph: nx.Graph[str], path: str | Path) -> None:
    """Write the graph as GEXF, for Gephi; edges of the merge tree have ``in_merge_tree``.

    Parameters
    ----------
    graph : networkx.Graph
        Connectivity graph.
    path : str or Path
        File to replace.
    """
    import networkx as nx

    with replacing(Path(path)) as temporary:
        nx.write_gexf(_plain_graph(graph), temporary)


def write_json(graph: nx.Graph[str], path: str | Path) -> None:
    """Write the graph as node-link JSON, the merge tree as a list of joins.

    Parameters
    ----------
    graph : networkx.Graph
        Connectivity graph.
    path : str or Path
        File to replace.
    """
    from networkx.readwrite import json_graph

    plain = _jsonable(json_graph.node_link_data(graph, edges="links"))
    write_text(Path(path), json.dumps(plain, allow_nan=False, indent=1))


def _plain_graph(graph: nx.Graph[str]) -> nx.Graph[str]:
    """Return a copy whose names and attributes XML can hold; missing values are left out."""
    import networkx as nx

    names = _distinct(list(graph))
    plain: nx.Graph[str] = nx.Graph()
    plain.graph.update(_plain(graph.graph))
    for node, facts in graph.nodes(data=True):
        plain.add_node(names[node], **_plain(facts))
    for a, b, facts in graph.edges(data=True):
        plain.add_edge(names[a], names[b], **_plain(facts))
    return plain


def _distinct(names: list[str]) -> dict[str, str]:
    """Return an XML name for each name, no two the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain, count = xml_text(name), 1
        while plain in taken:
            count += 1
            plain = f"{xml_text(name)} ({count})"
        taken.add(plain)
        found[name] = plain
    return found


def _plain(facts: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    plain: dict[str, str | int | float | bool] = {}
    for key, value in facts.items():
        value = _jsonable(value)
        if isinstance(value, list | dict):
            value = json.dumps(value)
        if value is not None:
            plain[key] = xml_text(value) if isinstance(value, str) else value
    return plain


def _jsonable(value: Any) -> Any:
    """Return a value of plain types; a number that is not finite becomes None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): _jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [_jsonable(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
