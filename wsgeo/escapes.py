"""Text from files and users in each format that is written: it stays text, and steers nothing."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

# A stop or colon may begin a list, a link or an emoji, but not between a word and a space, and a
# point not within a number.
_PLAIN_STOP: Final = r"(?<=[^\W\d])[.:](?=\s|$)|(?<=\d)\.(?=\d)"
_MARKDOWN: Final = re.compile(rf"(?!{_PLAIN_STOP})([\\`*_{{}}\[\]()#!|<>~&:@$^.])")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def printable(text: object) -> str:
    r"""Return text that a terminal, a table or a page shows on one line, and nothing happens.

    Control and direction characters, line breaks, unassigned code points and undecodable bytes
    become escapes; letters of every script stay.

    Parameters
    ----------
    text : object
        The text; anything else is turned into text first.

    Returns
    -------
    str
        One line that can be encoded in UTF-8.

    Examples
    --------
    >>> print(printable("a\x1b[31m\nb\u202e"), printable("größe"))
    a\x1b[31m\nb\u202e größe
    """
    text = str(text)
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(character: str) -> str:
    category = unicodedata.category(character)
    if not category.startswith("C") and category not in {"Zl", "Zp"}:
        return character
    if "\udc80" <= character <= "\udcff":
        # Such a character stands for one byte of a file name that is not UTF-8.
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def shown(value: object, length: int = 80) -> str:
    r"""Return a short form of an untrusted value for a message: texts are quoted.

    Parameters
    ----------
    value : object
        What a file or a user said.
    length : int, default 80
        Characters to keep.

    Returns
    -------
    str
        Printable text of at most that length.

    Examples
    --------
    >>> print(shown("layer.0\n"), shown([1, 2]))
    'layer.0\n' [1, 2]
    """
    # A name may be megabytes long, and its escapes ten times that.
    text = printable(repr(value[: length + 1] if isinstance(value, str) else value))
    if len(text) <= length:
        return text
    return text[: length - 4] + ("...'" if isinstance(value, str) else "...")


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
    return _MARKDOWN.sub(r"\\\1", printable(text))


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


def xml_text(text: str) -> str:
    r"""Return text with the characters that XML cannot hold written as escapes.

    Parameters
    ----------
    text : str
        Any text, lone surrogates included; the XML writer itself escapes markup.

    Returns
    -------
    str
        Text that any XML reader accepts.

    Examples
    --------
    >>> xml_text("a\x00b")
    'a\\x00b'
    """
    return _NOT_XML.sub(lambda found: ascii(found.group())[1:-1], text)


def csv_text(text: str) -> str:
    """Return text that no spreadsheet takes for a formula.

    Parameters
    ----------
    text : str
        A cell; the CSV writer itself quotes commas and line breaks.

    Returns
    -------
    str
        The cell, after a quotation mark where it begins as a formula does.

    Examples
    --------
    >>> csv_text("=1+1"), csv_text("seed-0")
    ("'=1+1", 'seed-0')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def toml_value(value: object) -> str:
    r"""Return a value as TOML, on one line.

    Parameters
    ----------
    value : str, int, float, bool, list or mapping
        The value; texts without surrogates.

    Returns
    -------
    str
        TOML.

    Examples
    --------
    >>> print(toml_value({"path": 'a"b', "seeds": [0, 1], "lr": 3e-4, "on": True}))
    { "path" = "a\"b", "seeds" = [0, 1], "lr" = 0.0003, "on" = true }
    """
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_value(k)} = {toml_value(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    # A JSON text is a TOML text once the delete character is escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
