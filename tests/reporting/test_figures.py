"""Figures for the eye, and commands to copy."""

import shlex

import pytest

from wsgeo.reporting.figures import centroid_command, number


class TestFigures:
    """Figures for the eye."""

    @pytest.mark.parametrize(
        ("value", "text"),
        [(0, "0"), (-0.25, "-0.25"), (12345.6, "12,346"), (True, "yes"), ([1, 2.5], "1, 2.5")],
    )
    def test_number(self, value, text):
        """Figures have four digits, thousands apart."""
        assert number(value) == text

    @pytest.mark.parametrize(
        ("name", "level", "choices"),
        [
            ("basin-1-g0.l1", "basin", "--group g0.l1 "),
            ("basin-1-factors", "basin", "--variant factors "),
            ("basin-1-g0.l1-mean", "basin", "--group g0.l1 --variant mean "),
            ("basin-1-rank-8", "basin", "--rank 8 "),
            ("region-1-g1", "region", "--group g1 "),
            ("basin-1-greedy", "basin", "--method greedy "),
            ("basin-1-factors-median", "basin", "--variant factors --method median "),
            (
                "basin-1-g1-dare-density-0.5-seed-3",
                "basin",
                "--group g1 --method dare --density 0.5 --seed 3 ",
            ),
            ("basin-1-stock-per-tensor", "basin", "--method stock --per tensor "),
            ("basin-1-ties-scale-1e-05", "basin", "--method ties --scale 1e-05 "),
        ],
    )
    def test_a_command_makes_the_same_centroid(self, name, level, choices):
        """Group, variant and rank are in the command where they are not the default."""
        command = centroid_command({"name": name, "level": level, "group": "1"}, "a run")

        assert command == f"wsgeo centroid 'a run' --{level} 1 {choices}-o {name}"

    @pytest.mark.parametrize(
        ("level", "group", "name"),
        [
            ("dataset", "snli", "dataset-snli-ties"),
            ("basin", "g0.l0 basin 1", "basin-g0.l0-basin-1-321031-ties"),
        ],
    )
    def test_a_region_by_name_is_asked_for_by_name(self, level, group, name):
        """The command names the region and its level, and the method after it."""
        command = centroid_command({"name": name, "level": level, "group": group})

        assert (
            command
            == f"wsgeo centroid RUN --region {shlex.quote(group)} --level {level} --method ties -o {name}"
        )

    def test_a_weighted_mean_is_asked_for_with_its_weights(self):
        """The shares of the members stand in the command."""
        row = {"name": "basin-1-weighted", "level": "basin", "group": "1", "weights": [0.9, 0.1]}

        assert "--method weighted --weights 0.9,0.1 " in centroid_command(row)

    def test_a_command_quotes_what_a_shell_would_read(self):
        """A centroid's name is one word of its command, whatever it holds."""
        command = centroid_command({"name": "a; rm -rf ~", "level": "region", "group": "$(id)"})

        assert command == "wsgeo centroid RUN --region '$(id)' -o 'a; rm -rf ~'"
