"""Errors that a user can act on: one line that says what, where, and what to do."""

from __future__ import annotations

from typing import ClassVar


class WsgeoError(Exception):
    """A failure with a cause that the user can mend.

    Parameters
    ----------
    what : str
        What is wrong, with the offending value.
    where : str, optional
        The file, checkpoint or key at fault.
    remedy : str, optional
        What to do next, as an imperative sentence.

    Examples
    --------
    >>> str(WsgeoError("the header is 9 bytes long", where="a/model.safetensors",
    ...                remedy="Download the file again."))
    'a/model.safetensors: the header is 9 bytes long. Download the file again.'
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        """Return the one line that the user sees."""
        place = f"{self.where}: " if self.where else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{place}{self.what.rstrip('.')}.{remedy}"

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword arguments when the error crosses from a worker process."""
        return _rebuild, (type(self), self.what, self.where, self.remedy)


def _rebuild(
    kind: type[WsgeoError], what: str, where: str | None, remedy: str | None
) -> WsgeoError:
    return kind(what, where=where, remedy=remedy)


class DataError(WsgeoError):
    """A data set cannot be read as the task asks."""


class StoreError(WsgeoError):
    """A run folder is in use, full, corrupt, or of another version."""


class ZooError(WsgeoError):
    """A zoo holds nothing that can be compared."""

    exit_code = 3


class MissingAssetError(WsgeoError):
    """An optional package or an uncached hub asset is needed."""

    exit_code = 6


class EntryError(WsgeoError):
    """One entry of a zoo is refused; the rest of the zoo goes on.

    Raised while one entry is read and turned into a row of the exclusion table by
    `wsgeo.zoo.read_zoo`; ``code`` is stable and documented in ``docs/formats.md``.

    Parameters
    ----------
    code : str
        Stable name of the finding, in snake case.
    what, where, remedy : str
        As in `WsgeoError`.
    malformed : bool, default True
        Whether the entry is rejected (malformed or hostile); otherwise it is set aside (sound, but
        unsupported or not comparable).
    """

    exit_code = 4

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        malformed: bool = True,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code, self.malformed = code, malformed

    def __reduce__(self) -> tuple[object, ...]:
        """Keep every field when the error crosses from a worker process."""
        return _rebuild_entry, (self.code, self.what, self.where, self.remedy, self.malformed)


def _rebuild_entry(
    code: str, what: str, where: str | None, remedy: str | None, malformed: bool
) -> EntryError:
    return EntryError(code, what, where=where, remedy=remedy, malformed=malformed)
