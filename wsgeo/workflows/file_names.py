"""Names of files for what users have named."""

from __future__ import annotations

import re


def file_name(text: str) -> str:
    """Return a name that any file system takes, from one that anybody may have given.

    Parameters
    ----------
    text : str
        A name.

    Returns
    -------
    str
        Letters, digits, points and dashes.

    Examples
    --------
    >>> file_name("centroid of loss-1 basin 0"), file_name("../a:b")
    ('centroid-of-loss-1-basin-0', 'a-b')
    """
    return re.sub(r"[^\w.]+", "-", text, flags=re.ASCII).strip("-._") or "unnamed"
