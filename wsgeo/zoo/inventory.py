"""Reading a zoo: every entry becomes a member or a row that says why not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from wsgeo.errors import EntryError, MissingAssetError, ZooError
from wsgeo.progress import Progress
from wsgeo.weights.headers import Header
from wsgeo.zoo.assembly import assemble
from wsgeo.zoo.bases import BaseFinder
from wsgeo.zoo.candidates import Candidate, files_to_scan, measure
from wsgeo.zoo.checkpoints import Exclusion, Zoo
from wsgeo.zoo.discovery import Found, find_entries
from wsgeo.zoo.documents import Roots
from wsgeo.zoo.drafts import Draft
from wsgeo.zoo.entries import EntryReader
from wsgeo.zoo.hashing import FileScan, scan_file
from wsgeo.zoo.manifest import read_manifest
from wsgeo.zoo.named_entries import entry_from_file, entry_from_user
from wsgeo.zoo.tokenizer_files import probe_tokenizer


def read_zoo(
    root: Path | str | None,
    *,
    ids: Sequence[str] = (),
    base: str | Path | None = None,
    all_steps: bool = False,
    allow_pickle: bool = False,
    progress: Progress | None = None,
) -> Zoo:
    """Read what is in a zoo; weights are read once, to hash and check them, and not kept.

    Every entry that is refused becomes an `Exclusion`, and the rest goes on.

    Parameters
    ----------
    root : Path, str or None
        Folder of the zoo; None where ``ids`` name all there is.
    ids : sequence of str
        More entries: paths, hub ids ``org/name@revision``, or ``base+adapter``. Only these and
        ``base`` may cause a request, and only if the hub is not set offline.
    base : str or Path, optional
        Folder or hub id of the pre-trained model, for every entry.
    all_steps : bool, default False
        Whether every ``checkpoint-N`` of a trainer's output is an entry, not only the last.
    allow_pickle : bool, default False
        Whether pickled weights are converted, in a process of their own.
    progress : callable, optional
        Is told of entries and files read.

    Returns
    -------
    Zoo
        Members and exclusions by id; nothing comparable is for the caller to judge.

    Raises
    ------
    ZooError
        If ``root`` is no folder.
    WsgeoError
        If ``zoo.toml`` or the named base is refused.
    MissingAssetError
        If a hub id is neither cached nor to be fetched.
    """
    named = [entry_from_user(text) for text in ids]
    folder = _folder(root, named)
    roots = Roots.of(folder, *(entry.folder for entry in named))
    finder = BaseFinder(folder, roots, str(base) if base is not None else None, allow_pickle)
    reader = EntryReader(roots, finder, read_manifest(folder, roots))
    if finder.from_user:
        finder.named_by_user(finder.from_user)
    found, excluded = (
        find_entries(folder, roots, all_steps=all_steps) if root is not None else ([], [])
    )
    kept, lost = _listed(found, reader, folder)
    excluded += lost
    drafts = _read_entries(_unique([*kept, *named]), reader, excluded, progress)
    drafts = _with_sound_tokenizers(drafts, excluded, folder)
    candidates = _measure_all(drafts, excluded, folder, progress)
    return assemble(folder, candidates, excluded, reader.alerts)


def _folder(root: Path | str | None, named: Sequence[Found]) -> Path:
    # An empty text is a mistake, such as an unset variable, and not the current folder.
    folder = Path(root) if root else (named[0].folder if named and root is None else None)
    if folder is None or not folder.is_dir():
        raise ZooError(
            "there is no such folder", where=str(root), remedy="Give the folder of your models."
        )
    return folder


def _listed(
    found: list[Found], reader: EntryReader, root: Path
) -> tuple[list[Found], list[Exclusion]]:
    """Return the entries that ``zoo.toml`` leaves in, and rows for those it names in vain."""
    manifest = reader.manifest
    kept = [
        entry
        for entry in found
        if entry.id not in manifest.exclude
        and not (manifest.only_listed and manifest.member_named(entry.id) is None)
    ]
    left_out = [entry.id for entry in found if entry.id in manifest.exclude]
    remedy = "Remove it from `exclude` in zoo.toml to have it back."
    lost = [
        Exclusion(name, "set aside", "excluded", "zoo.toml", "zoo.toml leaves it out", remedy)
        for name in left_out
    ]
    present = {entry.id for entry in found} | set(manifest.exclude)
    for path in sorted({member.path for member in manifest.members} - present):
        try:
            kept.append(entry_from_file(path, root))
        except EntryError as error:
            lost.append(exclusion(path, error, root))
    return kept, lost


def _unique(entries: Sequence[Found]) -> list[Found]:
    """Drop an entry that is named again, and tell equal names apart."""
    kept: dict[tuple[Path, str | None], Found] = {}
    for entry in entries:
        kept.setdefault((entry.folder.resolve(), entry.base), entry)
    counts: dict[str, int] = {}
    result = []
    for entry in kept.values():
        count = counts[entry.id] = counts.get(entry.id, 0) + 1
        result.append(entry if count == 1 else replace(entry, id=f"{entry.id}#{count}"))
    return sorted(result, key=lambda entry: entry.id)


def exclusion(entry_id: str, error: Exception, root: Path) -> Exclusion:
    """Return the row of an entry that was refused.

    Parameters
    ----------
    entry_id : str
        The entry.
    error : Exception
        Why; one that is no `EntryError` comes from a library that choked on the entry.
    root : Path
        The zoo; files below it are shown without it.

    Returns
    -------
    Exclusion
        With file, cause and remedy.
    """
    if not isinstance(error, EntryError):
        cause = f"reading it fails with {type(error).__name__} ({str(error)[:200]})"
        remedy = "Save the model again."
        return Exclusion(entry_id, "rejected", "unexpected", "", cause, remedy)
    file = error.where or ""
    for folder in (root, root.resolve()):
        if Path(file).is_relative_to(folder):
            file = str(Path(file).relative_to(folder))
    fate = "rejected" if error.malformed else "set aside"
    return Exclusion(entry_id, fate, error.code, file, error.what, error.remedy or "")


def _read_entries(
    entries: list[Found],
    reader: EntryReader,
    excluded: list[Exclusion],
    progress: Progress | None,
) -> list[Draft]:
    drafts = []
    for i, entry in enumerate(entries):
        try:
            drafts.append(reader.read(entry))
        except MissingAssetError:
            raise
        except Exception as error:
            excluded.append(exclusion(entry.id, error, reader.finder.root))
        if progress is not None:
            progress(i + 1, len(entries), "reading configs and headers")
    return drafts


def _with_sound_tokenizers(
    drafts: list[Draft], excluded: list[Exclusion], root: Path
) -> list[Draft]:
    """Build each distinct tokenizer once, elsewhere, and leave out those of one that fails."""
    failures: dict[str, EntryError | None] = {}
    sound = []
    for draft in drafts:
        assert draft.tokenizer is not None
        key = draft.tokenizer.sha256
        if key not in failures:
            try:
                probe_tokenizer(draft.tokenizer)
                failures[key] = None
            except EntryError as error:
                failures[key] = error
        failure = failures[key]
        if failure is None:
            sound.append(draft)
        else:
            excluded.append(exclusion(draft.id, failure, root))
    return sound


def _measure_all(
    drafts: list[Draft], excluded: list[Exclusion], root: Path, progress: Progress | None
) -> list[Candidate]:
    scans = _scan_files(drafts, progress)
    candidates = []
    for draft in drafts:
        try:
            candidates.append(measure(draft, scans))
        except EntryError as error:
            excluded.append(exclusion(draft.id, error, root))
    return candidates


def _scan_files(
    drafts: list[Draft], progress: Progress | None
) -> dict[Path, FileScan | EntryError]:
    """Read every file once; hashing and reading release the interpreter, so threads help."""
    headers: dict[Path, Header] = {}
    for draft in drafts:
        headers.update(draft.headers)
        if draft.base is not None:
            headers.update(draft.base.files.headers)
    wanted = files_to_scan(drafts)
    scans: dict[Path, FileScan | EntryError] = {}
    with ThreadPoolExecutor(max(1, min(8, os.cpu_count() or 1))) as threads:
        jobs = {threads.submit(scan_file, headers[p], names): p for p, names in wanted.items()}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                scans[jobs[job]] = _found(job)
                if progress is not None:
                    progress(done, len(jobs), "reading weights")
        except BaseException:
            # Else an interruption would wait until every file that is left has been read.
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return scans


def _found(job: Future[FileScan]) -> FileScan | EntryError:
    try:
        return job.result()
    except EntryError as error:
        return error
