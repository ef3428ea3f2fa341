"""Why no two members of a zoo can be compared."""

from types import SimpleNamespace

from wsgeo.workflows.inputs import why_apart


def _zoo(n, *alerts):
    return SimpleNamespace(members=[SimpleNamespace(id=f"m{i}") for i in range(n)], alerts=alerts)


def test_the_unknown_base_is_told_first():
    """The alert whose remedy is --base goes before others."""
    told = why_apart(_zoo(6, "Labels differ.", "No base is known. Name it with --base PATH."))

    assert told.startswith("No base is known.")


def test_one_member_is_named():
    """One member alone is told by its name."""
    assert why_apart(_zoo(1)).startswith("There is one member, m0;")
    assert why_apart(_zoo(2)).startswith("`wsgeo check`")
