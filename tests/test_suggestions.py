"""What a mistyped word was meant to be."""

from wsgeo.suggestions import suggestion


def test_the_closest_word_is_named():
    """A likely word is named alone."""
    assert suggestion("bas", ["base", "task"]) == "Did you mean 'base'?"


def test_all_are_named_when_nothing_is_close():
    """Without a likely word the remedy lists what there is, sorted, each once."""
    assert suggestion("qqq", ["task", "base", "task"]) == "Known: base, task."
