"""The card and the recipe of a centroid say where it comes from without being fooled."""

import pytest
import yaml
from card_cases import HOSTILE, origin

from wsgeo.regions.cards import Origin, model_card
from wsgeo.regions.mergekit_recipes import mergekit_recipe
from wsgeo.regions.tables import CentroidPlan, Evidence


class TestCard:
    """Names stay names."""

    def test_the_front_matter_names_only_what_the_hub_knows(self):
        """Hub ids are its base models; folders and hostile names do not appear in it."""
        members = ("a", "b", "c", *HOSTILE)
        sources = {"a": "org/one@main", "b": "/home/me/run-1", "c": "org/two@v1"}
        card = model_card(origin(members, sources=sources), "BertForSequenceClassification", "F32")
        local = model_card(origin(HOSTILE), "BertForSequenceClassification", "F32")

        front, without = (yaml.safe_load(text.split("---\n")[1]) for text in (card, local))
        assert front["base_model"] == ["org/one", "org/two"]
        assert front["base_model_relation"] == "merge"
        assert front["pipeline_tag"] == "text-classification"
        assert set(without) == {"library_name", "pipeline_tag", "tags"}

    def test_paths_read_as_they_are(self):
        """Base, task and data stand in the card without escapes, and the data without its folder."""
        found = origin(base="my_base", task="nli_3", data="/home/me/nli_data/validation.parquet")

        card = model_card(found, "BertForSequenceClassification", "F32")

        assert "The mean of 2 models fine-tuned from `my_base` on the task `nli_3`:" in card
        assert "Measured on `validation.parquet`." in card
        assert "\\" not in card

    def test_without_figures_there_is_no_table_of_them(self):
        """Where nothing was measured the card says why, and has no empty columns."""
        plan = CentroidPlan("region-0", "region", "0", "mean of encoders", ("a", "b"))
        found = Origin(plan, Evidence(missing="Its loss is not measured: it has no head."))

        card = model_card(found, "BertModel", "F32")

        assert "| Member | Share | Content hash |" in card
        assert "## Evidence\n\nIts loss is not measured: it has no head.\n" in card
        assert "mergekit" not in card

    def test_the_body_holds_no_markup_from_names(self):
        """Rendered with tables and links on, hostile names add no tag, link, row or heading."""
        from markdown_it import MarkdownIt

        command = ("wsgeo", "centroid", *HOSTILE)
        hostile = origin(
            HOSTILE, base=HOSTILE[0], task=HOSTILE[3], data=HOSTILE[1], command=command,
            notes=(HOSTILE[4],),
        )  # fmt: skip
        tame = origin([f"m{i}" for i in range(len(HOSTILE))], base="b", task="t", data="d",
                      command=("x",), notes=("n",))  # fmt: skip
        markdown = MarkdownIt("commonmark", {"html": True}).enable("table")

        def kinds(card):
            tokens = markdown.parse(card.split("---\n", 2)[2])
            inner = [t for token in tokens for t in [token, *(token.children or [])]]
            return [t.type for t in inner if t.type not in ("text", "text_special")]

        card = model_card(hostile, "BertForSequenceClassification", "F32")
        assert kinds(card) == kinds(model_card(tame, "BertForSequenceClassification", "F32"))
        assert "\x1b" not in card
        assert "\u202e" not in card

    def test_holds_members_evidence_and_command(self):
        """Members with shares and figures, the centroid beside them, and the command."""
        card = model_card(
            origin(hashes={"seed-0": "abcdef0123456789"}, command=("wsgeo", "centroid", "a b")),
            "BertForMaskedLM",
            "BF16",
        )

        assert "| seed-0 | 0.5000 | 0.0000 | 0.0000 | abcdef012345 |" in card
        assert "| This centroid | 0.2500 | 0.9000 |" in card
        assert "| Best member: seed-0 | 0.0000 | 0.0000 |" in card
        assert "| Medoid: seed-1 | 0.1000 | 0.1000 |" in card
        assert "| Mean of the members | 0.0500 | 0.0500 |" in card
        assert "Largest convexity gap between two members: 0.0200." in card
        assert "wsgeo centroid 'a b'" in card
        assert "bfloat16" in card

    def test_the_mergekit_recipe_is_yaml_whatever_the_names(self):
        """The recipe holds every member's source with its share."""
        sources = {HOSTILE[0]: "org/name@main"}

        recipe = yaml.safe_load(mergekit_recipe(origin(HOSTILE, sources=sources), "BF16"))

        assert recipe["merge_method"] == "linear"
        assert (recipe["dtype"], recipe["out_dtype"]) == ("float32", "bfloat16")
        models = [model["model"] for model in recipe["models"]]
        assert models == ["org/name@main", *HOSTILE[1:]]
        shares = [model["parameters"]["weight"] for model in recipe["models"]]
        assert sum(shares) == pytest.approx(1)
