"""Recipes are checked to the last key."""

import pytest

from wsgeo.errors import MissingAssetError, WsgeoError
from wsgeo.training.recipe_files import Places, check_recipe, read_document

SOUND = """\
base = "base"

[task]
name = "film"
train = "train.csv"
validation = "validation.csv"

[training]
learning_rate = 3e-4
steps = 10

[grid]
seed = [0, 1]
"""


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a recipe and returns its path."""

    def write(text):
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write


def checked(path, *overrides):
    return check_recipe(read_document(path, overrides), path)


class TestCheckRecipe:
    """What a recipe may say."""

    def test_a_sound_recipe(self, write):
        """A table alone is a list of one, and what is not said has a default."""
        recipe = checked(write(SOUND))

        assert [task.name for task in recipe.task] == ["film"]
        assert recipe.task[0].train == ["train.csv"]
        assert recipe.base[0].path == "base"
        assert recipe.training.batch_size == 32

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("steps = 10", "step = 10", "unknown key 'training.step'. Did you mean 'steps'?"),
            ("[grid]", "[grids]", "unknown key 'grids'. Did you mean 'grid'?"),
            ("seed =", "sed =", "unknown key 'grid.sed'. Did you mean 'seed'?"),
            ("name =", "nam =", "unknown key 'task.nam'. Did you mean 'name'?"),
            ("steps = 10", "steps = 0", "training.steps: input should be greater than or equal"),
            ("steps = 10", "steps = 10\nepochs = 1", "training: give steps or epochs, not both"),
            ("steps = 10", "steps = true", "training.steps: input should be a valid integer"),
            ("3e-4", "inf", "training.learning_rate: input should be a finite number"),
            ("[0, 1]", "[0, -1]", "grid.seed: -1: input should be greater than or equal to 0"),
            ("[0, 1]", "[0, 0]", "grid.seed: a value stands twice"),
            ("[0, 1]", "[]", "grid.seed: list should have at least 1 item"),
            ("[0, 1]", '["a"]', "grid.seed: 'a': input should be a valid integer"),
            ('base = "base"', "", "give either base or [scratch]"),
            ('base = "base"', 'base = "base"\nsource = "qin"', "no paper has the key 'qin'"),
            ('train = "train.csv"\n', "", "task.train is missing"),
            ("[training]", "[training.lora]\nrnk = 3\n[training]", "'training.lora.rnk'"),
            (
                "steps = 10",
                "steps = 10\nsubset = 1.5",
                "training.subset: it is neither a word, a file",
            ),
            ("[0, 1]", "[0, 1]\nsubset = [0.5, 0.0]", "grid.subset: 0.0: it is neither a word"),
            (
                'name = "film"',
                'name = "film"\nfacts = { a = true }',
                "task.facts.a: input should be",
            ),
            *(
                (
                    'name = "film"',
                    f'name = "film"\nfacts = {{ "{name}" = "x" }}',
                    f"task.facts.{name}: '{name}' is a name of a setting or a result",
                )
                for name in ("device", "status", "train_loss", "subset", "versions")
            ),
            (
                'base = "base"',
                'base = [{ path = "b", facts = { data = "x" } }]',
                "base.1.facts.data: 'data' is a name of a setting or a result",
            ),
            ('base = "base"', 'base = ""', "base: string should have at least 1 character"),
            ("train.csv", "", "task.train: string should have at least 1 character"),
            ('name = "film"', 'name = "a/b"', "task.name: string should match pattern"),
            ("steps = 10", "steps = 10\nsave_at = [2, 4, 2]", "training.save_at: 2 stands twice"),
            (
                'name = "film"',
                'name = "film"\nlabels = ["bad", "2"]',
                "task.labels.2: '2' is a number; give a name with a letter, such as 'class 2'",
            ),
            (
                'name = "film"',
                'name = "film"\nmerge = { bad = "LABEL_0" }',
                "task.merge.bad: 'LABEL_0' is a number",
            ),
            ('"train.csv"', '["a", "b", "a"]', "task.train: 'a' stands twice"),
            (
                'base = "base"',
                'scratch = { config = "c", tokenizer = "t", seeds = [1, 1] }',
                "scratch.seeds: 1 stands twice",
            ),
        ],
    )
    def test_a_slip_is_one_line(self, write, old, new, said):
        """Each slip is one line with file, key and remedy."""
        path = write(SOUND.replace(old, new, 1))

        with pytest.raises(WsgeoError) as caught:
            checked(path)
        assert said in str(caught.value)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            (
                '[{ method = "full" }, { metod = "lora" }]',
                "'grid.together.metod'. Did you mean 'method'",
            ),
            ('[{ method = "full" }, { method = "lor" }]', "grid.together.2.method: 'lor': input"),
            (
                '[{ method = "full" }, { steps = 3 }]',
                "grid.together: not every row has method, steps",
            ),
            ("[{ steps = 3 }, { steps = 3 }]", "grid.together: a row stands twice"),
            ("[{ seed = 3 }, { seed = 4 }]", "grid.together.seed: it is an axis too"),
            ("[3]", "grid.together: an entry is no row of settings"),
            ("[{}]", "grid.together: an entry is no row of settings"),
            ("[]", "grid.together: list should have at least 1 item"),
            ("[{ lora = { rank = 0 } }]", "grid.together.1.lora.rank: 0: input should be greater"),
            ("[{ lora = { rnk = 2 } }]", "'grid.together.lora.rnk'. Did you mean 'lora.rank'"),
            ("[{ save_at = [2] }]", "unknown key 'grid.together.save_at'"),
        ],
    )
    def test_a_slip_in_a_row_is_one_line(self, write, rows, said):
        """Rows that go together are checked as axes are, and say which row it is."""
        path = write(f"{SOUND}together = {rows}\n")

        with pytest.raises(WsgeoError) as caught:
            checked(path)
        assert said in str(caught.value)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)

    def test_a_key_of_several_tasks_is_counted(self, write):
        """Where there are several tables, the message says which."""
        text = SOUND.replace(
            "[task]", '[[task]]\nname = "a"\ntrain = "t"\nvalidation = "v"\n[[task]]'
        )

        with pytest.raises(WsgeoError, match=r"task\.2\.validation is missing"):
            checked(write(text.replace('validation = "validation.csv"\n', "")))

    def test_what_is_no_toml(self, write, tmp_path):
        """A file that is no TOML, or is not there, is one line."""
        for path in (write("seed = "), tmp_path / "none.toml"):
            with pytest.raises(WsgeoError, match=path.name):
                read_document(path)


class TestOverrides:
    """Values set from outside."""

    def test_are_read_as_toml_else_as_text(self, write):
        """Numbers and lists keep their kind, a text needs no quotes, new tables are made."""
        recipe = checked(
            write(SOUND), "training.steps=5", "training.method=lora", "grid.seed=[3]",
            "training.lora.rank=2",
        )  # fmt: skip

        assert (recipe.training.steps, recipe.training.method) == (5, "lora")
        assert (recipe.grid, recipe.training.lora.rank) == ({"seed": [3]}, 2)

    def test_reach_every_task(self, write):
        """In an array of tables the value is set in each."""
        tasks = "".join(f'[[task]]\nname = "{n}"\ntrain = "t"\nvalidation = "v"\n' for n in "ab")
        recipe = checked(write(f'base = "base"\n{tasks}'), "task.n_examples=7")

        assert [task.n_examples for task in recipe.task] == [7, 7]

    def test_reach_every_row(self, write):
        """In rows that go together the value is set in each, in either way of writing them."""
        tables = '[[grid.together]]\nmethod = "full"\n[[grid.together]]\nmethod = "lora"\n'
        inline = 'together = [{ method = "full" }, { method = "lora" }]\n'
        found = [
            checked(write(SOUND + rows), "grid.together.steps=7").grid["together"]
            for rows in (tables, inline)
        ]

        assert found[0] == found[1] == [{"method": m, "steps": 7} for m in ("full", "lora")]

    @pytest.mark.parametrize("text", ["training.steps", "=3", "training..steps=3", "base.path=3"])
    def test_that_are_none(self, write, text):
        """What is no ``key=value``, or goes below a value, is refused."""
        with pytest.raises(WsgeoError, match="--set"):
            read_document(write(SOUND), [text])


class TestPlaces:
    """Where files are looked for."""

    def test_beside_the_recipe_first(self, tmp_path):
        """A file beside the recipe comes before one below the root."""
        for folder in ("here", "root"):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "a.csv").write_text(folder)
        (tmp_path / "root" / "b.csv").write_text("root")
        places = Places(tmp_path / "here" / "recipe.toml", tmp_path / "root")

        assert places.data("a.csv").read_text() == "here"
        assert places.data("b.csv").read_text() == "root"

    def test_what_is_missing_names_the_option(self, tmp_path):
        """Without a root the message names the option; a hub id that is not cached has its own."""
        places = Places(tmp_path / "recipe.toml")

        with pytest.raises(WsgeoError, match="--data-root"):
            places.data("none.csv")
        with pytest.raises(WsgeoError, match="--weights-root"):
            places.model("none")
        with pytest.raises(MissingAssetError, match="hf download"):
            places.model("org/name@main")
