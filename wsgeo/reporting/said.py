"""What a run says of itself, read back as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wsgeo.graph.setting_words import title


def told(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the run says of the answers of its members.

    Parameters
    ----------
    run : mapping
        What the run says of itself.

    Returns
    -------
    dict
        Sentences under ``strategies``, ``ridges`` and ``held_out``, and under ``by`` a ``title`` and
        what is ``said`` of each setting of training that was compared.

    Examples
    --------
    >>> told({"ridges": "One ridge."})["ridges"]
    ['One ridge.']
    """
    found = {name: sentences(run.get(name)) for name in ("strategies", "ridges", "held_out")}
    by = [
        {"title": title(str(axis)), "said": sentences(said)}
        for axis, said in (run.get("by") or {}).items()
    ]
    return {**found, "by": by}


def around(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the run says of each region whose inside was measured.

    Parameters
    ----------
    run : mapping
        What the run says of itself.

    Returns
    -------
    dict
        ``said``: ``title`` and ``sentences`` of each region; ``notes``: sentences on what is not known.

    Examples
    --------
    >>> around({"notes": ["No base."]})
    {'said': [], 'notes': ['No base.']}
    """
    said = [
        {"title": str(row["title"]), "sentences": sentences(row.get("sentences"))}
        for row in run.get("around") or []
    ]
    return {"said": said, "notes": sentences(run.get("notes"))}


def sentences(said: Any) -> list[str]:
    """Return what a run says as a list, be it one sentence, several, or none.

    Parameters
    ----------
    said : str, sequence of str or None
        Sentences.

    Returns
    -------
    list of str
        The same.

    Examples
    --------
    >>> sentences("One basin."), sentences(None)
    (['One basin.'], [])
    """
    said = said or []
    return [said] if isinstance(said, str) else [str(sentence) for sentence in said]
