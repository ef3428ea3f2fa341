import dataclasses

import numpy as np
import pytest

from wsgeo.errors import DataError
from wsgeo.tasks.encoding import MASKED_SHARE, encode
from wsgeo.tasks.task import EncodedExamples, Objective, Task

WORDS = [f"w{i}" for i in range(50)]
NLI = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="module")
def tokenizer():
    """Return a tokenizer of whole words in the manner of BERT."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: i for i, word in enumerate([*special, *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        model_max_length=64,
    )


@pytest.fixture(scope="module")
def plain_tokenizer(tokenizer):
    """Return a tokenizer of whole words in the manner of GPT: an end token, no mask, no padding."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<end>", "<unk>", *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>", unk_token="<unk>")


def text(rng, n):
    return " ".join(rng.choice(WORDS, size=n))


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    return Task(
        name="toy",
        objective=Objective.CLASSIFICATION,
        ids=tuple("abcdef"),
        text_a=tuple(text(rng, n) for n in (3, 1, 7, 2, 5, 4)),
        text_b=tuple(text(rng, n) for n in (2, 1, 3, 9, 1, 4)),
        targets=np.array([0, 1, 2, 2, 1, 0]),
        labels=NLI,
    )


def running(n_texts=8, seed=0, objective=Objective.MASKED_LM):
    rng = np.random.default_rng(seed)
    texts = tuple(text(rng, int(n)) for n in rng.integers(1, 40, n_texts))
    return Task("lines", objective, tuple(map(str, range(n_texts))), texts)


class TestClassification:
    """Texts with a label."""

    def test_rows_are_those_of_the_tokenizer_one_by_one(self, pairs, tokenizer):
        """Without its padding, each row is what the tokenizer makes of the pair alone."""
        found = encode(pairs, tokenizer, labels=NLI)
        for i, (a, b) in enumerate(zip(pairs.text_a, pairs.text_b, strict=True)):
            alone = tokenizer(a, b)
            kept = found.attention_mask[i].astype(bool)

            assert found.input_ids[i][kept].tolist() == alone["input_ids"]
            assert found.token_type_ids[i][kept].tolist() == alone["token_type_ids"]

    def test_rows_are_padded_to_the_longest(self, pairs, tokenizer):
        """The arrays are as wide as the longest example, in the written types."""
        found = encode(pairs, tokenizer, labels=NLI)

        assert found.input_ids.shape[1] == found.lengths.max()
        assert found.input_ids.dtype == np.int32
        assert found.targets.dtype == np.int64

    def test_targets_follow_the_models_order(self, pairs, tokenizer):
        """Each target names, in the model's order, the label that the example has."""
        model = ("Contradiction", "Entailment", "Neutral")
        found = encode(pairs, tokenizer, labels=model)

        assert found.labels == model
        assert [model[i].lower() for i in found.targets] == [NLI[i] for i in pairs.targets]

    def test_the_tasks_own_label_order_does_not_matter(self, pairs, tokenizer):
        """A task with its labels in another order has the same content key."""
        turned = dataclasses.replace(
            pairs, labels=NLI[::-1], targets=2 - pairs.targets, name="other name"
        )

        assert encode(turned, tokenizer, labels=NLI).key == encode(pairs, tokenizer, labels=NLI).key

    def test_truncated_examples_are_counted(self, pairs, tokenizer):
        """Rows are cut to the limit and the number of rows that lost tokens is kept."""
        whole = encode(pairs, tokenizer, labels=NLI)
        found = encode(pairs, tokenizer, labels=NLI, max_length=9)

        assert found.lengths.tolist() == np.minimum(whole.lengths, 9).tolist()
        assert found.n_truncated == (whole.lengths > 9).sum() > 0
        assert whole.n_truncated == 0

    def test_two_labels_on_three_classes_keep_the_tasks_labels(self, pairs, tokenizer):
        """Where classes are read together, labels are the task's and the map says which classes."""
        two = dataclasses.replace(
            pairs, labels=("entailment", "non-entailment"), targets=np.minimum(pairs.targets, 1)
        )
        found = encode(two, tokenizer, labels=("neutral", "entailment", "contradiction"))

        assert found.labels == ("entailment", "non-entailment")
        assert found.class_map == ((1,), (0, 2))
        assert found.targets.tolist() == two.targets.tolist()


class TestMasked:
    """Masked language modelling."""

    def test_only_free_tokens_are_masked_and_each_row_has_one(self, tokenizer):
        """Every row has a mask; masks hide no special token; targets are what stood there."""
        task = running(40)
        found = encode(task, tokenizer)
        whole = tokenizer(list(task.text_a))["input_ids"]
        for i, ids in enumerate(whole):
            row, target = found.input_ids[i], found.targets[i]
            masked = target != -100

            assert masked.sum() == max(1, round(MASKED_SHARE * (len(ids) - 2)))
            assert (row[masked] == tokenizer.mask_token_id).all()
            assert not set(target[masked]) & {0, 2, 3}
            assert np.where(masked, target, row)[: len(ids)].tolist() == ids

    def test_masks_depend_on_the_example_and_the_seed_alone(self, tokenizer):
        """An example keeps its masks in any company; another seed moves them."""
        task = running(10)
        last = dataclasses.replace(task, ids=task.ids[-1:], text_a=task.text_a[-1:])
        together, alone = encode(task, tokenizer), encode(last, tokenizer)
        other = encode(dataclasses.replace(task, seed=1), tokenizer)
        width = alone.input_ids.shape[1]

        assert together.input_ids[-1][:width].tolist() == alone.input_ids[0].tolist()
        assert together.key != other.key

    def test_a_tokenizer_without_a_mask_is_refused(self, plain_tokenizer):
        """Without a mask token the task cannot be posed, and the message says what can."""
        with pytest.raises(DataError, match="no mask token"):
            encode(running(), plain_tokenizer)


class TestCausal:
    """Causal language modelling in blocks."""

    def test_blocks_joined_are_the_running_text(self, plain_tokenizer):
        """Every token of every text stands once, in order, with an end after each text."""
        task = running(objective=Objective.CAUSAL_LM)
        found = encode(task, plain_tokenizer, max_length=16)
        joined = found.input_ids[found.attention_mask.astype(bool)].tolist()
        expected = [i for t in task.text_a for i in [*plain_tokenizer(t)["input_ids"], 0]]

        assert joined == expected[: len(joined)]
        assert len(expected) - len(joined) <= 1

    def test_every_token_but_the_first_of_a_block_is_scored(self, plain_tokenizer):
        """Targets are the tokens themselves; the first has nothing before it and is not scored."""
        found = encode(running(objective=Objective.CAUSAL_LM), plain_tokenizer, max_length=16)
        scored = found.attention_mask.astype(bool)
        scored[:, 0] = False

        assert (found.targets[scored] == found.input_ids[scored]).all()
        assert (found.targets[~scored] == -100).all()

    def test_a_single_token_is_refused(self, plain_tokenizer):
        """Texts that leave nothing to predict are an error."""
        task = Task("t", Objective.CAUSAL_LM, ("1",), ("w1",))

        with pytest.raises(DataError, match="fewer than two tokens"):
            encode(task, plain_tokenizer, max_length=1)


def test_a_sequence_target_is_padded_with_no_loss(tokenizer, pairs):
    """For sequence-to-sequence, targets are the second texts' tokens, then -100."""
    task = dataclasses.replace(pairs, objective=Objective.SEQ2SEQ, targets=None, labels=())
    found = encode(task, tokenizer)
    for row, wanted in zip(found.targets, task.text_b, strict=True):
        assert row[row != -100].tolist() == tokenizer(wanted)["input_ids"]
    assert found.labels == found.class_map == ()


def test_an_empty_sequence_target_is_refused(plain_tokenizer):
    """A target text without a token is named: it has no loss, and its chance would be NaN."""
    task = Task(
        "t", Objective.SEQ2SEQ, ("1", "2"), ("w1", "w2"), text_b=("w3", ""), source="rows.csv"
    )

    with pytest.raises(DataError, match=r"rows\.csv: id 2: the target text has no tokens"):
        encode(task, plain_tokenizer)


class TestEncodedExamples:
    """Examples on disk and their key."""

    def test_what_is_saved_is_loaded(self, pairs, tokenizer, tmp_path):
        """Every field survives the file, and the folder holds nothing else."""
        found = encode(pairs, tokenizer, labels=NLI, max_length=9)
        path = found.save(tmp_path)
        again = EncodedExamples.load(tmp_path, found.key)

        assert [p.name for p in tmp_path.iterdir()] == [path.name]
        for field in dataclasses.fields(EncodedExamples):
            one, other = getattr(found, field.name), getattr(again, field.name)
            assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other

    def test_the_key_tells_content_apart(self, pairs, tokenizer):
        """Changing one token, target or class changes the key; the name does not."""
        found = encode(pairs, tokenizer, labels=NLI)
        arrays = {
            kind: getattr(found, kind)
            for kind in ("input_ids", "attention_mask", "token_type_ids", "targets")
        }

        def key(name="n", labels=found.labels, class_map=found.class_map, **changed):
            return EncodedExamples.of(
                name, found.objective, arrays | changed, labels, class_map
            ).key

        bent = {kind: array.copy() for kind, array in arrays.items()}
        for array in bent.values():
            array.flat[0] += 1
        assert key() == key(name="other") == found.key
        others = [key(**{kind: array}) for kind, array in bent.items()]
        others += [key(class_map=((0,), (2,), (1,))), key(labels=("x", *NLI[1:]))]
        assert len({found.key, *others}) == len(others) + 1

    @pytest.mark.parametrize("fault", ["flipped", "cut", "missing", "renamed"])
    def test_a_damaged_file_is_refused(self, pairs, tokenizer, tmp_path, fault):
        """A file that is cut, changed, absent or under another name is never served."""
        found = encode(pairs, tokenizer, labels=NLI)
        path, key = found.save(tmp_path), found.key
        data = bytearray(path.read_bytes())
        if fault == "flipped":
            data[len(data) // 2] ^= 255
            path.write_bytes(data)
        elif fault == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif fault == "missing":
            path.unlink()
        else:
            key = "0" * 64
            path.rename(tmp_path / f"{key}.npz")

        with pytest.raises(DataError, match=r"encoded examples|stored arrays"):
            EncodedExamples.load(tmp_path, key)

    def test_arrays_out_of_line_are_refused(self, pairs, tokenizer):
        """Arrays of different lengths are a mistake of the caller."""
        found = encode(pairs, tokenizer, labels=NLI)

        with pytest.raises(ValueError, match="not aligned"):
            dataclasses.replace(found, targets=found.targets[:-1])
