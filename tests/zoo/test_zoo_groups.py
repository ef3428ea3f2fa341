"""Groups of a zoo: base, tokenizer, computing settings, labels, task."""

import json

import pytest
from zoo_cases import (
    NLI_LABELS,
    bert_config,
    edit_json,
    fine_tuned,
    make_base,
    make_zoo,
    random_tensors,
    tokenizer_document,
    write_model,
    write_tokenizer,
)

from wsgeo.errors import EntryError
from wsgeo.zoo import assembly, read_zoo


@pytest.fixture
def root(tmp_path):
    """Make a zoo of three members of one base."""
    return make_zoo(tmp_path / "zoo", n_members=3)


def groups(zoo):
    return {member.id: (member.geometry_group, member.loss_group) for member in zoo.members}


class TestGeometryGroups:
    """Distances are taken within these."""

    def test_sound_members_share_one(self, root):
        """Members of one base and task are in one loss group, and the base is no member."""
        zoo = read_zoo(root)

        assert set(groups(zoo).values()) == {("g0", "g0.l0")}
        assert [(row.id, row.code) for row in zoo.excluded] == [("base", "base")]
        assert {member.base.id for member in zoo.members} == {"base"}
        assert zoo.alerts == ()

    @pytest.mark.parametrize(
        "change",
        [
            {"num_attention_heads": 4},
            {"hidden_act": "relu"},
            {"layer_norm_eps": 0.1},
            {"is_decoder": True},
            {"pad_token_id": 3},
        ],
    )
    def test_computing_settings_that_keep_the_shapes(self, root, change):
        """The same shapes with other settings are another function, hence another group and hash."""
        before = {member.id: member for member in read_zoo(root).members}
        edit_json(root / "run-1" / "config.json", **change)
        zoo = read_zoo(root)
        after = {member.id: member for member in zoo.members}

        assert groups(zoo)["run-1"][0] == "g1"
        assert groups(zoo)["run-0"][0] == groups(zoo)["run-2"][0] == "g0"
        assert after["run-1"].content_hash != before["run-1"].content_hash
        assert after["run-0"].content_hash == before["run-0"].content_hash

    @pytest.mark.parametrize(
        "change",
        [
            {"hidden_dropout_prob": 0.3},
            {"dtype": "bfloat16", "transformers_version": "4.1"},
            {"layer_norm_eps": 1e-12, "use_cache": False},
            {"attn_implementation": "someone/kernel", "_attn_implementation": "x"},
        ],
    )
    def test_settings_that_compute_nothing(self, root, change):
        """Dropout, versions, types, defaults written out and kernels make no difference."""
        before = [member.content_hash for member in read_zoo(root).members]
        edit_json(root / "run-1" / "config.json", **change)
        zoo = read_zoo(root)

        assert set(groups(zoo).values()) == {("g0", "g0.l0")}
        assert [member.content_hash for member in zoo.members] == before

    def test_another_tokenizer(self, root):
        """Another vocabulary order is another group, and padding settings are not."""
        document = tokenizer_document()
        vocab = document["model"]["vocab"]
        vocab["cat"], vocab["dog"] = vocab["dog"], vocab["cat"]
        write_tokenizer(root / "run-1", document)
        padded = tokenizer_document()
        padded["truncation"] = {"max_length": 8, "strategy": "LongestFirst", "stride": 0,
                                "direction": "Right"}  # fmt: skip
        write_tokenizer(root / "run-2", padded)
        found = groups(read_zoo(root))

        assert found["run-0"][0] == found["run-2"][0] != found["run-1"][0]


class TestBases:
    """A base is what the files say, checked against the weights."""

    def stray(self, root, name, facts):
        """Write a member of another pre-training."""
        config = bert_config(labels=NLI_LABELS)
        write_model(root / name, fine_tuned(random_tensors(bert_config(), 99), config, 5), config,
                    facts=facts)  # fmt: skip

    def test_a_foreign_member_that_claims_the_base(self, root):
        """A member of another pre-training is kept apart, with an alert, whatever it claims."""
        self.stray(root, "stray", {"base": "base", "task": "nli"})
        zoo = read_zoo(root)

        assert groups(zoo)["stray"][0] == "g1"
        assert any("stray" in alert and "cosine" in alert for alert in zoo.alerts)

    def test_a_member_that_names_no_base(self, root):
        """It joins those whose weights resemble its own, and the source of the base says so."""
        edit_json(root / "run-2" / "wsgeo.json", base=None)
        zoo = read_zoo(root)
        member = zoo.members[2]

        assert groups(zoo)["run-2"] == ("g0", "g0.l0")
        assert (member.facts["base"].value, member.facts["base"].source) == ("base", "weights")
        assert member.base is not None

    def test_a_zoo_without_bases(self, root):
        """Without any named base the weights alone part two pre-trainings, and an alert says so."""
        for k in range(3):
            (root / f"run-{k}" / "wsgeo.json").unlink()
        self.stray(root, "stray", None)
        zoo = read_zoo(root)
        found = groups(zoo)

        assert found["run-0"][0] == found["run-1"][0] == found["run-2"][0] != found["stray"][0]
        assert any("No base is known" in alert for alert in zoo.alerts)

    def test_names_of_bases_that_are_not_there(self, root):
        """Different names of one family keep members apart, with an alert that asks."""
        edit_json(root / "run-0" / "wsgeo.json", base="org/one")
        edit_json(root / "run-1" / "wsgeo.json", base="org/one")
        edit_json(root / "run-2" / "wsgeo.json", base="org/two")
        zoo = read_zoo(root)

        assert groups(zoo)["run-0"][0] == groups(zoo)["run-1"][0] != groups(zoo)["run-2"][0]
        assert any("org/one" in alert and "org/two" in alert for alert in zoo.alerts)

    def test_the_users_word_holds(self, root, tmp_path):
        """A base from the command line replaces what the files say."""
        edit_json(root / "run-2" / "wsgeo.json", base="org/two")
        zoo = read_zoo(root, base=root / "base")

        assert len({member.geometry_group for member in zoo.members}) == 1
        assert {member.facts["base"].source for member in zoo.members} == {"command line"}

    def test_a_declared_hash_is_compared(self, root):
        """A member whose file holds another hash of the base is told of."""
        edit_json(root / "run-1" / "wsgeo.json", base_hash="0" * 64)
        told = [alert for alert in read_zoo(root).alerts if "another hash" in alert]

        assert len(told) == 1
        assert "run-1" in told[0]

    def test_a_hash_that_cannot_be_compared_is_no_other_hash(self, root, monkeypatch):
        """Where a file of the base cannot be read, the alert says that nothing was compared."""

        def refused(path):
            raise EntryError("unreadable", "it cannot be read", where=str(path))

        edit_json(root / "run-1" / "wsgeo.json", base_hash="0" * 64)
        monkeypatch.setattr(assembly, "open_regular", refused)
        alerts = read_zoo(root).alerts

        assert not [alert for alert in alerts if "another hash" in alert]
        [told] = [alert for alert in alerts if "could not be checked" in alert]
        assert "run-1" in told

    def test_a_hash_without_a_name_parts_members(self, root):
        """A base that is known by its hash alone keeps its members apart from those of another."""
        (root / "run-1" / "wsgeo.json").write_text(json.dumps({"base_hash": "0" * 64}))
        found = groups(read_zoo(root))

        assert found["run-0"][0] == found["run-2"][0] != found["run-1"][0]

    def test_a_base_with_other_shapes_is_not_used(self, root, tmp_path):
        """A base that does not fit leaves the member in, without a base and with an alert."""
        make_base(tmp_path / "wide", hidden_size=32)
        zoo = read_zoo(root, base=tmp_path / "wide")

        assert len(zoo.members) == 4
        assert all(member.base is None for member in zoo.members)
        assert sum("is not used" in alert for alert in zoo.alerts) == 4


class TestLossGroups:
    """Barriers are measured within these."""

    def test_other_labels(self, root):
        """Another label set is another loss group of the same geometry group."""
        labels = ("a", "b", "c")
        edit_json(root / "run-1" / "config.json", id2label=dict(enumerate(labels)), label2id=None)
        found = groups(read_zoo(root))

        assert found["run-1"] == ("g0", "g0.l1")

    def test_another_number_of_labels(self, root):
        """A head of another size changes the loss group only."""
        config = bert_config(labels=("no", "yes"))
        base = random_tensors(bert_config(), 0)
        write_model(root / "two", fine_tuned(base, config, 7), config, facts={"base": "base"})
        found = groups(read_zoo(root))

        assert found["two"] == ("g0", "g0.l1")

    def test_permuted_labels_are_matched_by_name(self, root):
        """Another order of the same names stays in the group, and an alert says so."""
        labels = ("contradiction", "entailment", "neutral")
        edit_json(root / "run-1" / "config.json", id2label=dict(enumerate(labels)), label2id=None)
        zoo = read_zoo(root)
        members = {member.id: member for member in zoo.members}

        assert set(groups(zoo).values()) == {("g0", "g0.l0")}
        assert {member.group_labels for member in zoo.members} == {tuple(sorted(NLI_LABELS))}
        assert members["run-1"].label_order == (0, 1, 2)
        assert members["run-0"].label_order == (2, 0, 1)
        assert any("2 orders" in alert for alert in zoo.alerts)

    def test_unnamed_labels_are_told_of(self, root):
        """Default names part from real ones, and an alert asks for names."""
        edit_json(root / "run-1" / "config.json", id2label=None, label2id=None, num_labels=3)
        zoo = read_zoo(root)

        assert groups(zoo)["run-1"] == ("g0", "g0.l1")
        assert any("LABEL_0" in alert and "run-1" in alert for alert in zoo.alerts)

    def test_names_from_our_own_file(self, root):
        """``wsgeo.json`` may name the labels that the config leaves unnamed."""
        edit_json(root / "run-1" / "config.json", id2label=None, label2id=None, num_labels=3)
        edit_json(root / "run-1" / "wsgeo.json", labels=list(NLI_LABELS))

        assert set(groups(read_zoo(root)).values()) == {("g0", "g0.l0")}

    def test_tasks(self, root):
        """Another task is another loss group; an unknown one joins where there is only one."""
        edit_json(root / "run-2" / "wsgeo.json", task=None)
        assert set(groups(read_zoo(root)).values()) == {("g0", "g0.l0")}

        edit_json(root / "run-1" / "wsgeo.json", task="other")
        assert len({loss for _, loss in groups(read_zoo(root)).values()}) == 3


class TestDuplicates:
    """One node with its multiplicity."""

    def test_a_copy_in_other_files(self, root):
        """Sharding and a wider type keep the hash; the later id points to the earlier."""
        config = json.loads((root / "run-0" / "config.json").read_text())
        tensors = fine_tuned(random_tensors(bert_config(), 0), config, 0)
        facts = {"base": "base", "task": "nli"}
        write_model(root / "twin", tensors, config, n_shards=3, facts=facts)
        (root / "zlink").symlink_to("run-0")
        zoo = read_zoo(root)
        members = {member.id: member for member in zoo.members}

        assert members["twin"].duplicate_of == "run-0"
        assert members["twin"].content_hash == members["run-0"].content_hash
        assert members["run-0"].duplicate_of is None
        assert any("is an exact duplicate of run-0" in alert for alert in zoo.alerts)
        assert ("zlink", "seen_before") in [(row.id, row.code) for row in zoo.excluded]
