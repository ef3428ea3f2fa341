"""Names of members."""

from hypothesis import given
from hypothesis import strategies as st

from wsgeo.training.member_names import member_names


class TestMemberNames:
    """Names are short, safe and distinct."""

    @given(
        st.lists(
            st.fixed_dictionaries({"subset": st.text(min_size=1), "dose": st.floats(0, 1)}),
            min_size=1,
            unique_by=repr,
        )
    )
    def test_never_collide(self, points):
        """Whatever the values are, no two names are one on a file system that ignores case."""
        names = member_names(points)

        assert len({name.casefold() for name in names}) == len(points)
        assert all(len(name) < 120 and not name.startswith(".") for name in names)
        assert not any(character in name for name in names for character in '/\\:*?"<>| \n\0')

    def test_what_the_zoo_needs_is_not_taken(self):
        """A task called data does not hide the folder of data."""
        names = member_names([{"task": "data"}, {"task": "base-x"}, {"task": "film"}])

        assert names[2] == "film"
        assert names[0].startswith("data-")
        assert names[1] != "base-x"
