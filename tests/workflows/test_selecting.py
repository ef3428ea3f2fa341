"""The choice of a start: what is ranked and tried, that trials are paired, and what is kept."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from recipe_cases import write_examples
from safetensors.numpy import load_file

from wsgeo.errors import DataError, WsgeoError
from wsgeo.store import open_run
from wsgeo.tasks import encode
from wsgeo.training import FineTuneRecipe
from wsgeo.workflows.selecting import plan_selection, select
from wsgeo.workflows.start_candidates import (
    GENERAL,
    SOUP,
    Region,
    candidates_for,
    named,
    regions_in,
    soup_of,
)
from wsgeo.workflows.start_encoders import empty_encoder, features_of, fill, start_weights
from wsgeo.workflows.start_folders import write_plain
from wsgeo.workflows.start_overlaps import Knowledge, ZooData, share_of
from wsgeo.workflows.start_settings import TRIED, StartSettings, Tuning
from wsgeo.workflows.start_targets import check_names, own_name, read_target
from wsgeo.workflows.start_trials import Bench, Start, make_trial
from wsgeo.zoo import load_tokenizer, load_weights, load_whole_base
from wsgeo.zoo.axes import SETTINGS
from wsgeo.zoo.checkpoints import Fact

NO_DISTANCES = pl.DataFrame(schema={"a": pl.String, "b": pl.String, "l2": pl.Float64})
QUICK = StartSettings(seeds=2, steps=3, examples=24, held_out=16, top=1, batch_size=4)


@pytest.fixture
def film(tmp_path):
    """Give the folder of a target."""
    folder = tmp_path / "films"
    write_examples(folder / "train.jsonl", 40, 5)
    write_examples(folder / "validation.jsonl", 24, 6)
    return folder


@pytest.fixture
def members(tiny_zoo):
    """Give the distinct members of a zoo."""
    return [member for member in tiny_zoo.members if member.duplicate_of is None]


@pytest.fixture
def frame(members):
    """Give their base, read."""
    return load_whole_base(members[0].base)


def regions(*members):
    """Return the region of all members."""
    return [Region("general", "all", tuple(member.id for member in members))]


class TestTargets:
    """Data for which a start is chosen."""

    def test_has_training_and_held_out_examples(self, film):
        """A folder is named by itself, and its validation data are held out."""
        target = read_target(str(film))

        assert (target.name, len(target.train), len(target.held_out)) == ("films", 40, 24)
        assert target.labels == ("bad_film", "good_film")
        assert target.notes == ()

    def test_can_be_named(self, film):
        """NAME=PATH names a target."""
        assert read_target(f"mine={film}").name == "mine"

    def test_holds_out_a_fifth_where_there_is_nothing_else(self, film):
        """Without other examples a fifth of the training data is held out, and that is said."""
        (film / "validation.jsonl").unlink()

        target = read_target(str(film))

        assert (len(target.train), len(target.held_out)) == (32, 8)
        assert "8 are held out" in target.notes[0]
        texts = set(target.train.text_a), set(target.held_out.text_a)
        assert len(texts[0] | texts[1]) == len(set(read_target(str(film)).train.text_a) | texts[1])

    def test_more_shots_hold_all_of_fewer(self, film):
        """With one seed a larger sample holds the smaller one; other seeds draw others."""
        target = read_target(str(film))
        few, more = (set(target.sample(n, 0).ids) for n in (8, 20))

        assert few < more
        assert few != set(target.sample(8, 1).ids)

    def test_says_which_of_several_files_is_measured(self, film):
        """Of two validation files one is measured, and the other is named."""
        (film / "validation.jsonl").rename(film / "validation_matched.jsonl")
        write_examples(film / "validation_mismatched.jsonl", 8, 7)

        target = read_target(str(film))

        assert len(target.held_out) == 24
        assert "not on validation_mismatched.jsonl" in target.notes[0]

    def test_refuses_what_is_no_folder(self, film):
        """A file is no target, and neither is an unknown data set of the zoo."""
        with pytest.raises(DataError, match="folder"):
            read_target(str(film / "train.jsonl"))
        with pytest.raises(WsgeoError, match="no data set 'x'"):
            own_name("task:x", ["snli"])

    def test_refuses_two_of_one_name(self, film):
        """Two targets of one name would be one in the tables."""
        target = read_target(str(film))

        with pytest.raises(WsgeoError, match="two targets"):
            check_names([target, target])
        with pytest.raises(WsgeoError, match="all targets"):
            check_names([dataclasses.replace(target, name="*")])


class TestKnowledge:
    """Members that know a target."""

    def known(self, members, target, values=(), data=None):
        knowledge = Knowledge(
            members, data or ZooData({}, {}), pl.DataFrame(schema=SETTINGS), values
        )
        return knowledge.of(target)

    def facts(self, member, **facts):
        own = {name: Fact(value, "wsgeo.json") for name, value in facts.items()}
        return dataclasses.replace(member, facts={**member.facts, **own})

    def test_strangers_know_nothing(self, members, film):
        """Members of another task stay."""
        assert self.known(members, read_target(str(film))) == {}

    def test_a_name_tells(self, members, film):
        """A member whose data set has the target's name is left out, whatever the case."""
        one = self.facts(members[0], dataset="FILMS")

        assert list(self.known([one, *members[1:]], read_target(str(film)))) == [one.id]

    def test_values_are_left_out_as_asked(self, members, film):
        """Any value of a setting leaves its members out; one that nobody has is refused."""
        target, one = read_target(str(film)), members[0]
        seed = str(one.facts["seed"].value)

        assert one.id in self.known(members, target, [seed])
        assert list(self.known(members, target, [one.id])) == [one.id]
        with pytest.raises(WsgeoError, match="nothing would be left out"):
            self.known(members, target, ["no-such-value"])

    def test_texts_tell(self, members, film, tmp_path):
        """A member is left out if its training data hold the target's texts."""
        target, one = read_target(str(film)), members[0]
        write_examples(tmp_path / "other" / "train.jsonl", 30, 6)
        data = ZooData({}, {one.id: tmp_path / "other" / "train.jsonl"})

        found = self.known(members, target, data=data)

        assert list(found) == [one.id]
        assert "100.0%" in found[one.id]
        assert share_of(target, target.train) == 1.0

    def test_a_copy_knows_what_its_original_knows(self, members, film):
        """Where a copy is left out, so is its original."""
        copy = dataclasses.replace(members[1], id="copy", duplicate_of=members[0].id)
        copy = self.facts(copy, dataset="films")

        known = self.known([members[0], copy], read_target(str(film)))

        assert set(known) == {"copy", members[0].id}


class TestCandidates:
    """Starts that could be."""

    def test_the_base_is_first_and_all_are_distinct(self, members):
        """Base, centroid of all, and each member; equal encoders are listed once."""
        found = candidates_for(members, regions(*members), NO_DISTANCES, ())

        assert [one.kind for one in found] == ["base", "centroid", *["member"] * len(members)]
        assert found[1].name == GENERAL
        assert sum(found[1].weights) == pytest.approx(1)

    def test_members_that_know_the_target_are_in_none(self, members):
        """No candidate is made of them, and the centroid says so."""
        known = members[0].id
        found = candidates_for(members, regions(*members), NO_DISTANCES, {known})

        assert all(known not in one.ids for one in found)
        assert named(found, GENERAL).left_out == (known,)

    def test_equal_candidates_are_one(self, members):
        """The mean of one member is that member, and answers to both names."""
        found = candidates_for(members, regions(members[0]), NO_DISTANCES, ())

        assert named(found, members[0].id) is named(found, GENERAL)
        assert members[0].id in named(found, GENERAL).note

    def test_the_medoid_is_the_member_in_the_middle(self, members):
        """With distances known the medoid is the member nearest to the others."""
        ids = [member.id for member in members[:3]]
        rows = [(ids[0], ids[1], 1.0), (ids[1], ids[2], 1.0), (ids[0], ids[2], 2.0)]
        distances = pl.DataFrame(rows, schema=NO_DISTANCES.schema, orient="row")

        found = candidates_for(members[:3], regions(*members[:3]), distances, ())

        assert named(found, "medoid of all").ids == (ids[1],)

    def test_the_soup_is_the_mean_of_the_better_half(self, members):
        """Of four members the two of least score are averaged."""
        found = candidates_for(members[:4], [], NO_DISTANCES, ())
        scores = {one.name: float(place) for place, one in enumerate(found)}

        soup = soup_of(found, scores)

        assert soup.name == SOUP
        assert set(soup.ids) == set(found[1].ids + found[2].ids)
        assert soup_of(found[:3], scores) is None

    def test_titles_are_distinct(self):
        """Regions of two levels that share a name are told apart."""
        rows = [("dataset", "nli", ["a"]), ("task", "nli", ["a"]), ("general", "all", ["a"])]
        frame = pl.DataFrame(rows, schema=["level", "name", "members"], orient="row")

        assert [one.title for one in regions_in(frame)] == ["all", "nli", "nli (dataset)"]

    def test_an_unknown_name_is_refused(self, members):
        """A start that is none is refused with what is near."""
        with pytest.raises(WsgeoError, match="centroid of all"):
            named(candidates_for(members, regions(*members), NO_DISTANCES, ()), "centroid of al")


class TestEncoders:
    """Encoders in the frame of the base."""

    def test_a_mean_of_one_is_that_member(self, members, frame):
        """The start of one member holds its encoder to the bit, and what else the base has."""
        own = load_weights(members[0])
        start = start_weights(members[:1], (1.0,), members[0].base, frame)

        for name, place in frame.own_names.items():
            np.testing.assert_array_equal(start.tensor(place), own.tensor(name))

    def test_shares_weigh_members(self, members, frame):
        """A share of one and none of the others is that member; equal shares are the mean."""
        base, pair = members[0].base, members[:2]
        first = start_weights(pair, (1.0, 0.0), base, frame).vector
        second = start_weights(pair, (0.0, 1.0), base, frame).vector
        mean = start_weights(pair, (0.5, 0.5), base, frame).vector

        np.testing.assert_array_equal(first, start_weights(pair[:1], (1.0,), base, frame).vector)
        np.testing.assert_allclose(mean, (first + second) / 2, atol=1e-7)

    def test_features_are_those_of_the_saved_model(self, members, frame, film, tmp_path):
        """The features are the mean of the states of the model that `from_pretrained` loads."""
        import torch
        from transformers import AutoModel

        task, tokenizer = read_target(str(film)).train, load_tokenizer(members[0])
        examples = encode(task, tokenizer, labels=task.labels)
        weights = start_weights(members[:2], (0.5, 0.5), members[0].base, frame)
        model = empty_encoder(frame)
        fill(model, weights)
        place = write_plain(tmp_path / "start", weights, frame, members[0].tokenizer_folder)
        loaded = AutoModel.from_pretrained(place, attn_implementation="eager").eval()

        found = features_of(model.base_model, examples)

        with torch.no_grad():
            for i in range(3):
                n = int(examples.lengths[i])
                ids = torch.from_numpy(examples.input_ids[i : i + 1, :n].astype(np.int64))
                plain = loaded(input_ids=ids).last_hidden_state[0].mean(0).numpy()
                np.testing.assert_allclose(found[i], plain, atol=1e-5)


class TestSettings:
    """How starts are ranked and tried."""

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"method": "magic"}, "no method is called magic"),
            ({"rank_by": "few-step"}, "without any"),
            ({"steps": 3, "epochs": 1.0}, "exclude each other"),
            ({"shots": (0,)}, "1 or more"),
        ],
    )
    def test_refuses(self, given, said):
        """What cannot be done is refused."""
        with pytest.raises(WsgeoError, match=said):
            StartSettings(**given)

    def test_the_rate_is_the_members(self, members):
        """Full fine-tuning takes the members' rate where they were tuned so; BitFit has its own."""
        facts = {"method": Fact("full", "wsgeo.json"), "learning_rate": Fact(0.02, "wsgeo.json")}
        tuned = [dataclasses.replace(m, facts={**m.facts, **facts}) for m in members]

        assert Tuning.of(StartSettings(), tuned).learning_rate == 0.02
        assert Tuning.of(StartSettings(method="bitfit"), tuned).learning_rate == 1e-3
        assert Tuning.of(StartSettings(learning_rate=0.5), tuned).learning_rate == 0.5


class TestTrials:
    """Fine-tunings of starts."""

    @pytest.fixture
    def bench(self, tmp_path):
        """Give a bench of a few updates."""
        return Bench(tmp_path / "run" / "trials", QUICK, Tuning(1e-2, 16, "as asked"))

    @pytest.fixture
    def start(self, members, frame, tmp_path):
        """Give a start that is written."""
        folder = tmp_path / "run" / "starts" / "base"
        write_plain(folder, frame.weights, frame, members[0].tokenizer_folder)
        return Start("base", "a" * 40, folder)

    def test_equal_starts_have_equal_results(self, bench, start, film):
        """One encoder under two names comes out the same: head, order and shots are the seed's."""
        target = read_target(str(film))
        twin = dataclasses.replace(start, name="twin", key="b" * 40)

        made = [make_trial(bench.trial(target, 12, one, 1)) for one in (start, twin)]

        assert made[0].validation_loss == made[1].validation_loss

    def test_its_weights_go_and_its_result_stays(self, bench, start, film):
        """After a trial its folder is gone, and asking again trains nothing."""
        trial = bench.trial(read_target(str(film)), None, start, 0)
        made = make_trial(trial)
        start.folder.rename(start.folder.with_name("gone"))

        assert not trial.folder.exists()
        assert trial.is_known
        assert make_trial(trial).validation_loss == made.validation_loss

    @pytest.mark.slow
    @pytest.mark.parametrize("method", TRIED)
    def test_every_method_makes_trials(self, bench, start, film, method):
        """Each method trains a start and leaves nothing but its result."""
        settings = dataclasses.replace(QUICK, method=method)
        trial = dataclasses.replace(bench, settings=settings).trial(
            read_target(str(film)), 16, start, 0
        )

        made = make_trial(trial)

        assert made.status in {"trained", "degenerate"}
        assert (trial.row(made)["method"], trial.row(made)["steps"]) == (method, QUICK.steps)
        assert not trial.folder.exists()

    def test_all_that_decides_is_in_the_key(self, bench, start, film):
        """Another seed, number of shots, start or rate is another trial; a new name is not."""
        target = read_target(str(film))
        other = dataclasses.replace(bench, tuning=Tuning(1e-3, 16, "as asked"))
        trials = [
            bench.trial(target, None, start, 0),
            bench.trial(target, None, start, 1),
            bench.trial(target, 8, start, 0),
            bench.trial(target, None, dataclasses.replace(start, key="c" * 40), 0),
            other.trial(target, None, start, 0),
        ]

        assert len({trial.key for trial in trials}) == len(trials)
        renamed = bench.trial(target, None, dataclasses.replace(start, name="x"), 0)
        assert renamed.key == trials[0].key

    def test_reads_no_more_than_it_sees(self, bench, film):
        """Where updates end before a pass does, only as many examples are written."""
        recipe = bench.recipe(read_target(str(film)), None, 0)

        assert isinstance(recipe, FineTuneRecipe)
        assert pl.read_parquet(recipe.train).height == QUICK.steps * QUICK.batch_size


@pytest.fixture(scope="module")
def asked(zoo_with_run, tmp_path_factory):
    """Give a run, its target, and the first answer; do not change them."""
    place = tmp_path_factory.mktemp("select")
    write_examples(place / "films" / "train.jsonl", 40, 5)
    write_examples(place / "films" / "validation.jsonl", 24, 6)
    run = zoo_with_run.copy_run(place / "run")
    found = select(run, [place / "films"], settings=QUICK, start=["medoid of all"], jobs=0)
    return open_run(run), place / "films", found


@pytest.mark.slow
class TestSelect:
    """The whole choice, on a trained zoo."""

    def test_tries_the_best_beside_base_and_centroid(self, asked):
        """Base, centroid of all, the best by rank and what was asked for are tried with each seed."""
        run, _, found = asked
        starts = run.table("starts")
        tried = starts.filter("is_tried")

        assert {"base", GENERAL, "medoid of all"} <= set(tried["start"])
        assert 1 in tried["rank"].to_list()
        assert run.table("trials")["start"].n_unique() == tried.height
        assert found["n_trials"] == found["n_new"] == tried.height * QUICK.seeds
        assert found["exit_code"] == 0
        assert run.table("gains").filter(target="films", start="base")["gain"].item() == 0.0

    def test_the_report_and_the_run_know(self, asked):
        """What was found stands in the run, ready for its report."""
        run, _, found = asked
        told = run.read("run")["starts"]

        assert told["sentences"] == found["sentences"]
        assert told["targets"][0]["n_held_out"] == 16
        assert "drawn anew" in told["head"]
        json.dumps(found, allow_nan=False)

    def test_a_second_call_computes_nothing(self, asked, monkeypatch):
        """Scores and fine-tunings are looked up: no encoder is built again but the chosen one."""
        from wsgeo.workflows import start_features, start_trials

        run, target, first = asked
        monkeypatch.setattr(start_features, "features_of", None)
        monkeypatch.setattr(start_trials, "make_member", None)

        again = select(run.folder, [target], settings=QUICK, start=["medoid of all"], jobs=0)

        assert again["n_new"] == 0
        assert again["gains"] == first["gains"]

    def test_the_chosen_start_is_a_model_folder(self, asked):
        """The chosen start is in a folder with a card, or the base is named."""
        run, _, found = asked
        [row] = found["chosen"]
        folder = run.folder / "starts" / "chosen-films"

        assert (row["start"] == "base") != folder.exists()
        if folder.exists():
            assert "films" in (folder / "README.md").read_text()
            assert not [n for n in load_file(folder / "model.safetensors") if "classifier" in n]

    def test_a_budget_stops_and_the_next_call_goes_on(self, zoo_with_run, film, tmp_path):
        """Calls with a budget make so many each, and end in the answer of one call."""
        run = zoo_with_run.copy_run(tmp_path / "run")
        first = select(run, [film], settings=QUICK, jobs=0, budget=2)
        second = select(run, [film], settings=QUICK, jobs=0)
        third = select(run, [film], settings=QUICK, jobs=0)

        assert (first["n_new"], first["exit_code"]) == (2, 5)
        assert (second["exit_code"], third["n_new"]) == (0, 0)
        assert first["n_new"] + second["n_new"] == second["n_trials"]
        assert not list((run / "starts").glob("base-*"))

    def test_several_shots_and_a_few_updates(self, zoo_with_run, film, tmp_path):
        """Each number of shots has its own ranks and gains, by scores of no more examples."""
        run = zoo_with_run.copy_run(tmp_path / "run")
        settings = dataclasses.replace(
            QUICK, shots=(8, None), few_steps=2, rank_by="few-step", seeds=1
        )

        found = select(run, [film], settings=settings, jobs=0)

        starts = open_run(run).table("starts")
        assert set(starts["shots"]) == {8, None}
        assert starts["few_step_loss"].null_count() == 0
        assert {row["shots"] for row in found["gains"]} == {8, None}
        assert all(row["start"] == "base" for row in found["chosen"])

    def test_a_target_that_all_know_is_told(self, zoo_with_run, film, tmp_path):
        """Where every member knows the target nothing is fine-tuned, and that is said."""
        run = zoo_with_run.copy_run(tmp_path / "run")

        found = select(run, [f"film={film}"], settings=QUICK, jobs=0)

        assert found["n_trials"] == 0
        assert any("nothing to compare" in note for note in found["notes"])

    def test_a_plan_changes_nothing(self, zoo_with_run, film, tmp_path):
        """The plan counts fine-tunings, and writes neither starts nor trials."""
        run = zoo_with_run.copy_run(tmp_path / "run")
        plan = plan_selection(run, [film], settings=QUICK, jobs=0)

        assert plan.n_trials == 3 * QUICK.seeds
        assert "films" in str(plan)
        assert not (run / "trials").exists()
        assert not (run / "starts").exists()
