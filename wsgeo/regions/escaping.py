"""Names as text: whatever a user or a file calls a model, it stays a name in Markdown and YAML."""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#!|<>~&:@$^.])")


def visible(text: str) -> str:
    r"""Return text with control, direction and other unseen characters as escapes.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        One printable line.

    Examples
    --------
    >>> print(visible("a" + chr(10) + chr(0x202e)))
    a\u000a\u202e
    """
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def markdown_text(text: str) -> str:
    r"""Return text that Markdown shows as it is, in a table cell too.

    Parameters
    ----------
    text : str
        Anything, such as a name that a user or a file gave.

    Returns
    -------
    str
        With everything escaped that could become markup, HTML or a link.

    Examples
    --------
    >>> print(markdown_text("<b>|[x](y)"))
    \<b\>\|\[x\]\(y\)
    """
    return _MARKDOWN.sub(r"\\\1", visible(text))


def yaml_text(text: str) -> str:
    r"""Return text as a double-quoted YAML string.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        On one line; reads back as ``text``.

    Examples
    --------
    >>> print(yaml_text('a: "b"'))
    "a: \"b\""
    """
    return f'"{"".join(map(_yaml_character, text))}"'


def _yaml_character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}" if ord(character) > 0xFFFF else f"\\u{ord(character):04x}"
