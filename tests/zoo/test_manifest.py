"""``zoo.toml``."""

import pytest
from zoo_cases import NLI_LABELS, edit_json, make_zoo

from wsgeo.errors import WsgeoError
from wsgeo.zoo import read_zoo, write_manifest


@pytest.fixture
def root(tmp_path):
    """Make a zoo of three members."""
    return make_zoo(tmp_path / "zoo", n_members=3)


def facts(zoo, member_id):
    member = next(member for member in zoo.members if member.id == member_id)
    return {name: (fact.value, fact.source) for name, fact in member.facts.items()}


class TestReadManifest:
    """What its owner says of a zoo."""

    def test_holds_over_every_other_source(self, root):
        """A member's lines come first, then the zoo's, then its files."""
        (root / "zoo.toml").write_text(
            'task = "snli"\ndata = {train = "t.csv", validation = "v.csv"}\n'
            '[[member]]\npath = "run-0"\ntask = "mnli"\nseed = 77\n[member.facts]\nrater = "me"\n'
        )
        zoo = read_zoo(root)

        assert facts(zoo, "run-0")["task"] == ("mnli", "zoo.toml")
        assert facts(zoo, "run-0")["seed"] == (77, "zoo.toml")
        assert facts(zoo, "run-0")["rater"] == ("me", "zoo.toml")
        assert facts(zoo, "run-1")["task"] == ("snli", "zoo.toml")
        assert facts(zoo, "run-1")["data"] == ("v.csv", "zoo.toml")
        assert facts(zoo, "run-1")["seed"] == (1, "wsgeo.json")

    def test_names_labels(self, root):
        """Labels that a config leaves unnamed may be named here."""
        edit_json(root / "run-0" / "config.json", id2label=None, label2id=None, num_labels=3)
        labels = ", ".join(f'"{label}"' for label in NLI_LABELS)
        (root / "zoo.toml").write_text(f'[[member]]\npath = "run-0"\nlabels = [{labels}]\n')

        assert {member.loss_group for member in read_zoo(root).members} == {"g0.l0"}

    def test_leaves_out(self, root):
        """Excluded entries get a row; with ``only_listed`` the rest is not looked at."""
        (root / "zoo.toml").write_text('exclude = ["run-1"]')
        zoo = read_zoo(root)
        assert zoo.ids == ("run-0", "run-2")
        assert ("run-1", "excluded") in [(row.id, row.code) for row in zoo.excluded]

        (root / "zoo.toml").write_text('only_listed = true\n[[member]]\npath = "run-2"')
        assert read_zoo(root).ids == ("run-2",)

    def test_a_member_that_is_not_there(self, root):
        """A path in vain is a row with its remedy, and no request."""
        (root / "zoo.toml").write_text('[[member]]\npath = "org/not-cached"')
        row = next(row for row in read_zoo(root).excluded if row.code == "not_found")

        assert (row.id, row.fate) == ("org/not-cached", "set aside")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("bas = 'x'", "'bas'.*Did you mean 'base'"),
            ("[[member]]\npath = 'x'\nsteps = 3", r"member\.0\.steps.*Did you mean 'step'"),
            ("[[member]]\npath = 'x'\nseed = 'three'", r"member\.0\.seed"),
            ("[[member]]\nseed = 3", r"member\.0\.path"),
            ("base = ", "not TOML"),
        ],
    )
    def test_refuses_what_it_does_not_know(self, root, text, message):
        """An unknown key, a wrong type or a broken file stops with file, key and remedy."""
        (root / "zoo.toml").write_text(text)
        with pytest.raises(WsgeoError, match=message) as caught:
            read_zoo(root)

        assert caught.value.exit_code == 2
        assert "zoo.toml" in str(caught.value)


class TestWriteManifest:
    """What was inferred, as a file."""

    def test_round_trip(self, root):
        """The written file reads back to the same facts, groups and hashes."""
        before = read_zoo(root)
        write_manifest(before, root / "zoo.toml")
        after = read_zoo(root)

        assert after.ids == before.ids
        for old, new in zip(before.members, after.members, strict=True):
            assert old.loss_group == new.loss_group
            assert old.content_hash == new.content_hash
            for name in ("base", "task", "seed", "learning_rate", "method"):
                assert new.facts[name].value == old.facts[name].value
                assert new.facts[name].source == "zoo.toml"

    def test_every_value_has_its_source(self, root):
        """Each guess is followed by where it was read."""
        write_manifest(read_zoo(root), root / "zoo.toml")
        lines = (root / "zoo.toml").read_text().splitlines()

        assert "seed = 1  # wsgeo.json" in lines
        assert any(line.startswith("labels = ") and "config.json" in line for line in lines)

    def test_hostile_text_stays_text(self, root):
        """A value with quotes, line breaks and control codes neither ends its line nor its string."""
        hostile = 'x"\n[[member]]\npath = "evil" \x1b[31m \u202e \x7f'
        edit_json(root / "run-0" / "wsgeo.json", task=hostile)
        write_manifest(read_zoo(root), root / "zoo.toml")

        assert facts(read_zoo(root), "run-0")["task"] == (hostile, "zoo.toml")
        assert read_zoo(root).ids == ("run-0", "run-1", "run-2")
