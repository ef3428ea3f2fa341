import math
from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from grammar_cases import HEADER, SAME, SWAP, TWO, WORDS, write

from wsgeo.errors import DataError
from wsgeo.tasks.grammar import EXAMPLES, Grammar, Template, read_grammar, sample_examples


@pytest.fixture
def grammar(tmp_path):
    return read_grammar(write(tmp_path, HEADER, WORDS, SWAP, SAME))


def plain(words):
    return tuple({"": word} for word in words)


class TestSampleExamples:
    """Examples drawn from a grammar."""

    def test_all_fillings_are_those_of_the_slow_expansion(self, grammar):
        """Drawing every filling gives exactly the sentences that nested loops give."""
        rows = sample_examples(grammar, 12, np.random.default_rng(0), templates=["swap"])

        expected = {
            (f"The {a} {v} the {b} .", f"The {b} {v} the {a} .")
            for (a, b), v in product(
                permutations(["doctor", "lawyer", "poet"], 2), ["saw", "heard"]
            )
        }
        assert set(rows.select("text_a", "text_b").rows()) == expected
        assert rows.height == len(expected)

    def test_the_same_seed_gives_the_same_examples(self, grammar):
        """Two draws with one seed are equal, row by row."""
        first, second = (sample_examples(grammar, 9, np.random.default_rng(3)) for _ in range(2))

        assert first.equals(second)

    def test_the_table_has_the_written_schema(self, grammar):
        """Columns and types are those of EXAMPLES."""
        assert sample_examples(grammar, 4, np.random.default_rng(0)).schema == EXAMPLES

    @pytest.mark.parametrize("n", [1, 2, 7, 24])
    def test_no_text_pair_occurs_twice(self, grammar, n):
        """There are n rows and n distinct text pairs."""
        rows = sample_examples(grammar, n, np.random.default_rng(1))

        assert rows.height == rows.select("text_a", "text_b").n_unique() == n

    def test_shares_are_kept_exactly(self, grammar):
        """A mix of three to one gives three quarters and one quarter of the rows."""
        rows = sample_examples(
            grammar, 8, np.random.default_rng(0), mix={"lexical_overlap": 3, "control": 1}
        )

        assert Counter(rows["slice"]) == {"lexical_overlap": 6, "control": 2}

    def test_slots_of_one_class_hold_different_words(self, grammar):
        """No sentence has the same noun in two slots."""
        rows = sample_examples(grammar, 24, np.random.default_rng(0))

        assert all(len({t.split()[1], t.split()[4]}) == 2 for t in rows["text_a"])

    def test_each_filling_is_equally_likely(self, grammar):
        """Over many draws of one example each of the twelve fillings is near its share."""
        rng = np.random.default_rng(0)
        drawn = Counter(
            sample_examples(grammar, 1, rng, templates=["swap"])["text_a"][0] for _ in range(1200)
        )

        assert len(drawn) == 12
        assert max(abs(count - 100) for count in drawn.values()) < 5 * math.sqrt(100)

    def test_more_than_there_are_is_an_error(self, grammar):
        """Asking for more distinct examples than the words give names the template."""
        with pytest.raises(DataError, match=r"12 distinct fillings .* 13 are asked"):
            sample_examples(grammar, 13, np.random.default_rng(0), templates=["swap"])

    def test_a_huge_grammar_is_sampled_without_listing_it(self):
        """Ten slots of a hundred words give distinct examples at once."""
        words = {"n": plain(f"w{i}" for i in range(100))}
        pattern = " ".join(f"{{n{i}}}" for i in range(10))
        rows = sample_examples(
            Grammar((Template(pattern, None, "yes", "s"),), words), 500, np.random.default_rng(0)
        )

        assert rows["text_a"].n_unique() == 500
        assert rows["text_b"].null_count() == 500

    def test_templates_that_make_the_same_texts_do_not_repeat_them(self):
        """Two templates with equal texts share the fillings between them."""
        twin = Template("The {n1} slept .", None, "yes", "s")
        rows = sample_examples(
            Grammar((twin, twin), {"n": plain("abcd")}), 4, np.random.default_rng(0)
        )

        assert sorted(rows["text_a"]) == [f"The {x} slept ." for x in "abcd"]

    def test_an_unknown_slice_is_answered_with_the_nearest(self, grammar):
        """A misspelt slice names the one that was meant."""
        with pytest.raises(DataError, match="Did you mean 'control'"):
            sample_examples(grammar, 1, np.random.default_rng(0), mix={"contrl": 1})


class TestCounterparts:
    """Templates that give examples two by two."""

    def test_the_same_words_fill_both_texts(self, tmp_path):
        """The two examples of a pair share a premise, here, and exchange the nouns."""
        grammar = read_grammar(write(tmp_path, HEADER, WORDS, TWO))
        rows = sample_examples(grammar, 12, np.random.default_rng(0))
        pairs = rows.sort("pair", "label").rows(named=True)

        assert rows.height == 12
        assert Counter(rows["pair"]) == {f"{i}": 2 for i in range(1, 7)}
        for one, other in zip(pairs[::2], pairs[1::2], strict=True):
            a, b = one["text_a"].split()[1], one["text_a"].split()[4]
            assert (one["label"], other["label"]) == ("entailment", "non-entailment")
            assert one["text_a"] == other["text_a"]
            assert one["text_b"].split()[1] == a
            assert other["text_b"].split()[1] == b
            assert one["slice"] == other["slice"] == "roles"

    @pytest.mark.parametrize("n", [1, 2, 7, 10, 24])
    def test_examples_are_rounded_to_whole_pairs(self, tmp_path, n):
        """About n examples come, no pair is torn, and no text pair occurs twice."""
        grammar = read_grammar(write(tmp_path, HEADER, WORDS, TWO, SWAP, SAME))
        rows = sample_examples(grammar, n, np.random.default_rng(1))
        sizes = Counter(pair for pair in rows["pair"] if pair is not None)

        assert abs(rows.height - n) <= 1
        assert set(sizes.values()) <= {2}
        assert rows.select("text_a", "text_b").n_unique() == rows.height

    def test_mirrored_pairs_are_not_drawn_twice(self):
        """A pair that only exchanges the texts of another is the same pair."""
        other = Template("{n2} saw {n1}", None, "no", "s")
        template = Template("{n1} saw {n2}", None, "yes", "s", None, other)
        grammar = Grammar((template,), {"n": plain("abcd")})
        rows = sample_examples(grammar, 12, np.random.default_rng(0))

        assert rows["text_a"].n_unique() == 12
        with pytest.raises(DataError, match="6 distinct fillings"):
            sample_examples(grammar, 14, np.random.default_rng(0))

    def test_templates_without_one_are_in_no_pair(self, grammar):
        """Single examples have no pair."""
        assert sample_examples(grammar, 4, np.random.default_rng(0))["pair"].null_count() == 4


class TestSlots:
    """What a slot may say."""

    def test_forms_and_capitals(self):
        """A slot may ask for a form of its word and for a capital letter."""
        words = {"n": ({"sg": "doctor", "pl": "doctors"},)}
        template = Template("{N1.pl} slept ; the {n1} slept .", None, "yes", "s")
        rows = sample_examples(Grammar((template,), words), 1, np.random.default_rng(0))

        assert rows["text_a"][0] == "Doctors slept ; the doctor slept ."

    def test_word_lists_may_lie_beside_the_set(self, tmp_path):
        """A class may name a text file (a word per line) or a TSV file (a form per column)."""
        (tmp_path / "adverbs.txt").write_text("# manner\nquickly\n", encoding="utf-8")
        (tmp_path / "nouns.tsv").write_text("sg\tpl\npoet\tpoets\n", encoding="utf-8")
        words = '\n[words]\nn = "nouns.tsv"\nadv = "adverbs.txt"\n'
        template = '\n[[template]]\nslice = "s"\nlabel = "entailment"\npremise = "{Adv} the {n.pl} ran ."\n'
        grammar = read_grammar(write(tmp_path, HEADER, words, template))

        assert sample_examples(grammar, 1, np.random.default_rng(0))["text_a"][0] == (
            "Quickly the poets ran ."
        )
