"""Each fault of a set of templates is named."""

import pytest
from grammar_cases import HEADER, SAME, SWAP, TWO, WORDS, write

from wsgeo.errors import DataError
from wsgeo.tasks.grammar import read_grammar

FAULTS = {
    "unknown top key": (
        [HEADER, 'licens = "x"\n', WORDS, SWAP],
        "unknown key 'licens'.*Did you mean 'licence'",
    ),
    "unknown template key": (
        [HEADER, WORDS, SWAP, 'premis = "x"\n'],
        r"template\[1\]\.premis.*Did you mean 'premise'",
    ),
    "missing licence": ([HEADER.replace('licence = "CC0"', ""), WORDS, SWAP], "licence"),
    "no TOML": (["title = "], "cannot be read"),
    "neither templates nor data": ([HEADER], "either"),
    "unknown class": ([HEADER, WORDS, SWAP.replace("{vt}", "{vtt}")], "Did you mean 'vt'"),
    "unknown form": ([HEADER, WORDS, SWAP.replace("{vt}", "{vt.ing}")], "no form 'ing'"),
    "stray brace": ([HEADER, WORDS, SWAP.replace("The {n1}", "The {n1 }")], "brace"),
    "too few words": ([HEADER, WORDS.replace('"lawyer", "poet"', ""), SWAP], "fewer words"),
    "repeated word": ([HEADER, WORDS.replace("lawyer", "poet"), SWAP], "repeats 'poet'"),
    "empty class": ([HEADER, WORDS, "adj = []\n", SWAP], "words.adj is or has an empty word"),
    "empty form": ([HEADER, WORDS, 'adj = [{ a = "x", b = "" }]\n', SWAP], "words.adj is or has"),
    "other forms": (
        [HEADER, WORDS, 'adj = [{ a = "x" }, { b = "y" }]\n', SWAP],
        "words.adj: not all words have the same forms",
    ),
    "foreign label": (
        [HEADER, WORDS, SWAP.replace('label = "non-e', 'label = "non_e')],
        "Did you mean 'non-entailment'",
    ),
    "both slice and heuristic": ([HEADER, WORDS, SWAP, 'slice = "x"\n'], "mean the same"),
    "word list elsewhere": ([HEADER, WORDS, 'adj = "../a.txt"\n', SWAP], "not a file beside"),
    "word list missing": ([HEADER, WORDS, 'adj = "a.txt"\n', SWAP], "words.adj cannot be read"),
    "one text and two": (
        [HEADER, WORDS, SWAP, SAME.replace("hypothesis", "# hypothesis")],
        "some templates have a hypothesis",
    ),
    "class with a number": ([HEADER, WORDS, 'n2 = ["x"]\n', SWAP], "words.n2"),
    "number in quotes": ([HEADER, 'seed = "1"\n', WORDS, SWAP], "seed"),
    "unknown kind": (['kind = "pairs"\n', HEADER, WORDS, TWO], "kind"),
    "unknown counterpart key": (
        [HEADER, WORDS, TWO.replace('premise = "The {n1} {vt} the {n2} .", h', 'premis = "x", h')],
        r"template\[1\]\.counterpart\.premis",
    ),
    "foreign counterpart label": (
        [HEADER, WORDS, TWO.replace('label = "non-entailment"', 'label = "non-entailed"')],
        r"template\[1\]\.counterpart\.label is 'non-entailed'.*Did you mean 'non-entailment'",
    ),
    "counterpart of one text": (
        [HEADER, WORDS, TWO.replace('hypothesis = "The {n2} {vt} someone .", ', "")],
        "some templates have a hypothesis",
    ),
    "unknown class of a counterpart": (
        [HEADER, WORDS, TWO.replace('"The {n2} {vt} someone', '"The {n2} {vtt} someone')],
        "Did you mean 'vt'",
    ),
    "pairs without counterparts": (
        ['kind = "minimal_pairs"\n', HEADER, WORDS, TWO, SWAP],
        r"template\[2\] has no counterpart, but the kind is minimal_pairs",
    ),
    "no counterpart at all": (
        ['kind = "counterfactual"\n', HEADER, WORDS, SWAP],
        "no template has a counterpart",
    ),
    "minimal pair of one label": (
        ['kind = "minimal_pairs"\n', HEADER, WORDS, TWO.replace("non-entailment", "entailment")],
        r"template\[1\]\.counterpart\.label is 'entailment' too",
    ),
    "invariant pair of two labels": (
        ['kind = "invariance"\n', HEADER, WORDS, TWO],
        r"template\[1\]\.counterpart\.label is 'non-entailment', but both",
    ),
    "minimal pairs of three labels": (
        ['kind = "minimal_pairs"\n', HEADER.replace('["ent', '["neutral", "ent'), WORDS, TWO],
        "minimal pairs have two, not 3",
    ),
    "one label": ([HEADER.replace(', "non-entailment"', ""), WORDS, SAME], "labels"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_set_is_named(tmp_path, fault):
    """A faulty set.toml is refused in one line that names the file and the fault."""
    parts, message = FAULTS[fault]

    with pytest.raises(DataError, match=message) as caught:
        read_grammar(write(tmp_path, *parts))

    assert "set.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
