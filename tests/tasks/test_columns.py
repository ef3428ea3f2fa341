"""Which column is which field."""

import pytest

from wsgeo.errors import DataError
from wsgeo.tasks.columns import find_columns


class TestHalfAPair:
    """One text of two is not a task."""

    @pytest.mark.parametrize("second", ["text_b", "hypothesis", "sentence2"])
    def test_is_refused(self, second):
        """A second text without its first is refused, though another column could be the text."""
        with pytest.raises(DataError, match=f"{second} is there without its first text"):
            find_columns(["review", second, "label"])

    def test_a_single_text_is_read(self):
        """One text column alone is the text."""
        assert find_columns(["review", "label"]).text_a == "review"
