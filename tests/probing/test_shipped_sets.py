"""The diagnostic sets that come with wsgeo: that they are what their headers say."""

import functools
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from wsgeo.probing.sets import find_sets, load_set
from wsgeo.tasks.declarations import Kind, read_declaration

SETS = [
    "acceptability_pairs",
    "heuristics",
    "negation",
    "nli_invariance",
    "numbers",
    "paraphrase_swaps",
    "roles",
    "sentiment_contrast",
    "sentiment_invariance",
]
SUBCASES = [
    "ln_subject_object_swap",
    "ln_preposition",
    "ln_relative_clause",
    "ln_passive",
    "ln_conjunction",
    "le_relative_clause",
    "le_around_prepositional_phrase",
    "le_around_relative_clause",
    "le_conjunction",
    "le_passive",
    "sn_NP_S",
    "sn_PP_on_subject",
    "sn_relative_clause_on_subject",
    "sn_past_participle",
    "sn_NP_Z",
    "se_conjunction",
    "se_adjective",
    "se_understood_object",
    "se_relative_clause_on_obj",
    "se_PP_on_obj",
    "cn_embedded_under_if",
    "cn_after_if_clause",
    "cn_embedded_under_verb",
    "cn_disjunction",
    "cn_adverb",
    "ce_embedded_under_since",
    "ce_after_since_clause",
    "ce_embedded_under_verb",
    "ce_conjunction",
    "ce_adverb",
]
HEURISTICS = {"l": "lexical_overlap", "s": "subsequence", "c": "constituent"}
LABELS = {"e": "entailment", "n": "non-entailment"}
FUNCTION_WORDS = frozenset(["a", "the", "do", "does", "is", "was", "were", "been", "to", "by"])
NEGATIONS = frozenset(["not", "no", "none", "nobody", "never", "neither", "nor"])

loaded = functools.cache(load_set)


def words(text):
    """Return the words of a text without case and punctuation."""
    return re.findall(r"[\w-]+", text.lower())


def content(text):
    """Return how often each content word occurs."""
    return Counter(word for word in words(text) if word not in FUNCTION_WORDS)


def is_run(part, whole):
    """Tell whether ``part`` stands in ``whole`` without a gap."""
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def texts(name):
    """Return every text of a set."""
    examples = loaded(name).examples
    return [text for text in [*examples["text_a"], *examples["text_b"]] if text is not None]


def pairs(name, *, slices=None):
    """Return the pairs of a set, each as its two examples."""
    examples = loaded(name).examples
    chosen = examples if slices is None else examples.filter(pl.col("slice").is_in(slices))
    groups = chosen.partition_by("pair", maintain_order=True)
    return [tuple(group.iter_rows(named=True)) for group in groups]


@pytest.mark.parametrize("name", SETS)
class TestEverySet:
    """What holds of all shipped sets."""

    def test_it_is_found_and_has_as_many_examples_as_it_says(self, name):
        """A set has between 500 and 1500 examples, those that it declares."""
        declared = read_declaration(find_sets()[name])

        assert loaded(name).examples.height == declared.n_examples
        assert 500 <= declared.n_examples <= 1500

    def test_it_is_described_on_terms_of_its_own(self, name):
        """A set says what its slices are, and its texts are under the project's licence."""
        found = loaded(name)
        header = (Path(find_sets()[name]) / "set.toml").read_text().split("\n\n")[0]

        assert found.licence == "Apache-2.0"
        assert header.startswith("# ")
        assert all(
            re.search(rf"\n#   {name}\b", header) for name in found.examples["slice"].unique()
        )

    def test_every_label_is_as_frequent_in_every_slice(self, name):
        """A constant answer is right on one half of each slice and wrong on the other."""
        found = loaded(name)
        counts = found.examples.group_by("slice", "label").len()

        assert counts.height == 2 * found.examples["slice"].n_unique()
        assert counts["len"].n_unique() == 1

    def test_texts_are_sentences(self, name):
        """Texts begin with a capital, end in a stop or a question mark, and are short."""
        for text in texts(name):
            assert re.fullmatch(r"[A-Z].*[.?]", text), text
            assert "  " not in text, text
            assert not re.search(r"\s[.,?;]|[.?]{2}", text), text
            assert len(text.split()) < 40, text

    def test_the_article_fits(self, name):
        """No "a" stands before a vowel and no "an" before another sound."""
        for text in texts(name):
            assert not re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]", text), text

    def test_no_word_is_said_twice(self, name):
        """No word follows on itself, as it would where two slots have one word."""
        for text in texts(name):
            assert not re.search(r"\b(\w+) \1\b", text, re.IGNORECASE), text

    def test_equal_texts_have_one_label(self, name):
        """No example occurs twice, be it with one label or with two."""
        assert not loaded(name).examples.select("text_a", "text_b").is_duplicated().any()


class TestHeuristics:
    """Subcases, and the condition of each heuristic."""

    def test_the_subcases_are_complete_and_equally_frequent(self):
        """Each of the thirty subcases has 50 examples, in its heuristic, with its label."""
        found = loaded("heuristics").examples
        counts = found.group_by("slice", "subcase", "label").len().rows()

        assert sorted(counts) == sorted(
            (HEURISTICS[name[0]], name, LABELS[name[1]], 50) for name in SUBCASES
        )

    def test_the_subcases_are_those_of_the_published_results(self, data_root):
        """Names are those of the published table of accuracies, with _ for a stroke."""
        path = data_root / "hans_published_results" / "berts_of_a_feather_accuracies_by_run.csv"
        with path.open() as lines:
            columns = next(lines).strip().split(",")
        published = [c.replace("/", "_") for c in columns if c[:3] in {n[:3] for n in SUBCASES}]

        assert sorted(published) == sorted(SUBCASES)

    def test_no_subcase_is_one_pattern(self):
        """Each subcase has five templates."""
        declared = read_declaration(find_sets()["heuristics"])

        assert set(Counter(t.subcase for t in declared.template).values()) == {5}

    def test_every_word_of_the_hypothesis_is_in_the_premise(self):
        """Lexical overlap holds in all three slices, which are nested in one another."""
        for row in loaded("heuristics").examples.iter_rows(named=True):
            assert set(words(row["text_b"])) <= set(words(row["text_a"])), row

    def test_a_subsequence_has_no_gap_and_lexical_overlap_has(self):
        """The slices differ in whether the hypothesis is a run of words of the premise."""
        for row in loaded("heuristics").examples.iter_rows(named=True):
            run = is_run(words(row["text_b"]), words(row["text_a"]))

            assert run is (row["slice"] != "lexical_overlap"), row


class TestPairs:
    """What a model that ignores order or negation cannot know."""

    @pytest.mark.parametrize("name", ["roles", "paraphrase_swaps"])
    def test_a_bag_of_words_cannot_tell_the_labels(self, name):
        """Both examples of a pair have one first text and the same content words in the second."""
        for first, second in pairs(name):
            assert first["label"] != second["label"]
            assert first["text_a"] == second["text_a"]
            assert content(first["text_b"]) == content(second["text_b"])

    def test_paraphrases_have_the_words_of_the_first_text(self):
        """Word overlap is complete up to function words, for duplicates and for others."""
        for row in loaded("paraphrase_swaps").examples.iter_rows(named=True):
            assert content(row["text_a"]) == content(row["text_b"]), row

    def test_roles_need_no_word_of_their_own(self):
        """Hypotheses about who did it hold content words of the premise only, comparisons aside."""
        given = {"given", "shown", "it", "who", "more", "after", "in", "front", "of", "compared"}
        given |= {"with"}
        for row in loaded("roles").examples.iter_rows(named=True):
            assert set(content(row["text_b"])) <= set(content(row["text_a"])) | given, row

    def test_contrasts_have_the_same_words_in_another_order(self):
        """Praise and blame change places, and nothing else."""
        for first, second in pairs("sentiment_contrast", slices=["but", "although", "then_now"]):
            assert Counter(words(first["text_a"])) == Counter(words(second["text_a"]))
            assert first["text_a"] != second["text_a"]

    def test_negation_is_in_every_example(self):
        """That there is a negation says nothing about the label."""
        for row in loaded("negation").examples.iter_rows(named=True):
            assert NEGATIONS & set(words(f"{row['text_a']} {row['text_b']}")), row

    @pytest.mark.parametrize(("text", "slice_"), [("a", "in_hypothesis"), ("b", "in_premise")])
    def test_negation_is_where_its_slice_says(self, text, slice_):
        """The other text of these slices has none."""
        rows = loaded("negation").examples.filter(pl.col("slice") == f"negation_{slice_}")

        assert not any(NEGATIONS & set(words(other)) for other in rows[f"text_{text}"])

    def test_minimal_pairs_differ_in_few_words(self):
        """One word is replaced, two are added, or the words are in another order."""
        for good, bad in pairs("acceptability_pairs"):
            a, b = Counter(words(good["text_a"])), Counter(words(bad["text_a"]))

            assert ((a - b) + (b - a)).total() <= 2, (good, bad)
            assert {good["label"], bad["label"]} == {"acceptable", "unacceptable"}

    def test_the_first_of_a_minimal_pair_is_the_acceptable_one(self):
        """Templates are acceptable, their counterparts are not."""
        for template in read_declaration(find_sets()["acceptability_pairs"]).template:
            assert template.label == "acceptable"
            assert template.counterpart is not None

    @pytest.mark.parametrize("name", ["nli_invariance", "sentiment_invariance"])
    def test_invariant_pairs_differ_and_have_one_label(self, name):
        """The change is visible and must not matter."""
        assert loaded(name).kind is Kind.INVARIANCE
        for first, second in pairs(name):
            assert first["text_a"] != second["text_a"]
            assert first["label"] == second["label"]


class TestNumbers:
    """The word list that the labels of the numbers rest on."""

    def test_smaller_and_larger_numbers_are_smaller_and_larger(self):
        """Every row of the list is in order, and words and digits name the same numbers."""
        table = pl.read_csv(Path(find_sets()["numbers"]) / "numbers.tsv", separator="\t")
        named = dict(zip(table["number"], table["digit"], strict=True))

        assert (table["less_digit"] < table["digit"]).all()
        assert (table["digit"] < table["more_digit"]).all()
        assert table["less_digit"].min() > 1  # things are in the plural
        for row in table.iter_rows(named=True):
            known = {row["less"]: row["less_digit"], row["more"]: row["more_digit"]}
            known[row["next"]] = row["digit"] + 1
            assert all(named.get(word, digit) == digit for word, digit in known.items())

    def test_a_comparison_agrees_with_its_numbers(self):
        """Of two persons with so many things, the label says who has more."""
        table = pl.read_csv(Path(find_sets()["numbers"]) / "numbers.tsv", separator="\t")
        value = {str(row["digit"]): row["digit"] for row in table.iter_rows(named=True)}
        for form in ("less", "more"):
            value |= dict(zip(table[form], table[f"{form}_digit"], strict=True))
            value |= {str(digit): digit for digit in table[f"{form}_digit"]}
        value |= dict(zip(table["number"], table["digit"], strict=True))
        pattern = re.compile(r"(\w+) has exactly (\S+) \w+ and (\w+) has exactly (\S+) \w+\.")
        rows = list(loaded("numbers").examples.iter_rows(named=True))
        found = [(row, match) for row in rows if (match := pattern.fullmatch(row["text_a"]))]

        assert found
        for row, match in found:
            holds = {match[1]: value[match[2]], match[3]: value[match[4]]}
            more = " more " in row["text_b"]
            first = words(row["text_b"])[0].capitalize()
            other = next(name for name in holds if name != first)
            right = holds[first] > holds[other] if more else holds[first] < holds[other]
            assert (row["label"] == "entailment") is right, row
