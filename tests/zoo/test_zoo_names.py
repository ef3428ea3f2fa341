"""Names that came from files, as text."""

import pytest

from wsgeo.zoo.names import closest, printable


class TestPrintable:
    """`printable`."""

    @pytest.mark.parametrize("code", [0, 7, 10, 13, 27, 127, 0x9B, 0x200E, 0x202E, 0x2028, 0xFEFF])
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


def test_closest_names_all_when_nothing_is_close():
    """Without a likely word the remedy lists what there is."""
    assert closest("qqq", ["base", "task"]) == "Use one of: base, task."
