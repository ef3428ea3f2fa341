"""The command `scan`, run as a reader would."""

from click.testing import CliRunner
from scan_cases import OPTIONS

from wsgeo.cli import main


def run(case, zoo, out, *more):
    """Scan a zoo of a case into a folder."""
    arguments = [zoo, "-o", out, "--data", case.data, *OPTIONS, *more]
    return CliRunner().invoke(main, ["scan", *map(str, arguments)])


def ends_with_one_line(result, code):
    """Return the error's line, after checking that it is the only one and the code."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    errors = [line for line in result.stderr.splitlines() if line.startswith("wsgeo: ")]
    assert len(errors) == 1
    assert result.stderr.splitlines()[-1] == errors[0]
    return errors[0]
