"""Text of any kind in each format that is written."""

import pytest
import yaml

from wsgeo.escapes import csv_text, markdown_text, printable, shown, xml_text, yaml_text


class TestPrintable:
    """`printable`."""

    @pytest.mark.parametrize(
        "code", [0, 7, 10, 13, 27, 127, 0x9B, 0x200E, 0x202E, 0x2028, 0xFEFF, 0x378]
    )
    def test_hidden_characters_are_escaped(self, code):
        """Control, direction and line characters never reach the output."""
        shown = printable(f"a{chr(code)}b")

        assert chr(code) not in shown
        assert (shown[:2], shown[-1]) == ("a\\", "b")

    def test_letters_of_every_script_stay(self):
        """Text that is harmless is left as it is."""
        text = "größe 模型 модель ∂L/∂t 🙂"

        assert printable(text) == text

    def test_is_always_encodable(self):
        """Undecodable bytes of a file name become escapes."""
        assert printable("a\udcff").encode() == b"a\\xff"

    def test_is_idempotent(self):
        """Text that was escaped once is left as it is."""
        text = printable("a\n\udcff\u202e")

        assert printable(text) == text


class TestShown:
    """`shown`."""

    def test_is_short_and_printable(self):
        """A megabyte of control characters becomes one short line that says it was cut."""
        text = shown("\x1b" * 1_000_000)

        assert len(text) == 80
        assert text.isprintable()
        assert text.endswith("...'")

    def test_an_object_steers_nothing(self):
        """An object whose representation holds control characters is escaped too."""

        class Odd:
            def __repr__(self):
                return "\x1b[31m"

        assert shown(Odd()) == "\\x1b[31m"


HOSTILE = ['a: "b"', "<b>|[x](y)", "a\n---\nb", "# x", "- y", "\x00\x1b[0m", "\u202e", "🙂", "=1+1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_yaml_reads_back(text):
    """A YAML reader gets the text itself."""
    assert yaml.safe_load(yaml_text(text)) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_stays_one_line(text):
    """Markdown gets one line, and no character of markup without a backslash before it."""
    found = markdown_text(text)

    assert found.isprintable()
    assert not any(mark in found.replace(f"\\{mark}", "") for mark in "<>[]|#`*_")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It misses 0.25 of it: too much.", "It misses 0.25 of it: too much."),
        ("1. item", r"1\. item"),
        ("see www.a.org or http://b", r"see www\.a\.org or http\://b"),
        (":smile: now", r"\:smile: now"),
        ("a:b", r"a\:b"),
    ],
)
def test_markdown_leaves_sentences_alone(text, found):
    """Stops and colons are escaped only where they could begin a list, a link or an emoji."""
    assert markdown_text(text) == found


@pytest.mark.parametrize("text", ["1. item", "Gap: 0.5.", "a.b:c", ":x: 1.", "2.5 of 3."])
def test_markdown_reads_back(text):
    """A renderer shows the text itself, in a plain paragraph."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").render(markdown_text(text))

    assert html == f"<p>{text}</p>\n"


def test_xml_holds_what_is_left():
    """Control characters and lone surrogates become escapes; other letters stay."""
    assert xml_text("a\x0bü\ud800\t") == "a\\x0bü\\ud800\t"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx"])
def test_no_cell_is_a_formula(text):
    """A cell that a spreadsheet would compute begins with a quotation mark."""
    assert csv_text(text) == f"'{text}"
