"""Pickled weights, only on request: checked as an archive, loaded in a process that may die."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Never

from wsgeo.errors import EntryError
from wsgeo.escapes import shown
from wsgeo.weights.files import open_regular
from wsgeo.zoo.documents import Roots

LOAD_SECONDS = 300
MAX_RECORDS = 50_000
MAX_PROGRAM_BYTES = 25_000_000

_EXTRA_RECORDS = frozenset(
    {"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
)

# Runs as a program of its own: -I keeps the working folder and the zoo off its import path.
_CHILD = """
import os, resource, sys
import torch
from safetensors.torch import save_file
source, target, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open("/proc/self/statm") as file:
    mapped = int(file.read().split()[0]) * resource.getpagesize()
limit = mapped + 4 * size + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
resource.setrlimit(resource.RLIMIT_CPU, (300, 300))
state = torch.load(source, map_location="cpu", weights_only=True)
if isinstance(state, dict) and set(state) == {"state_dict"}:
    state = state["state_dict"]
if not isinstance(state, dict) or not state:
    sys.exit("the file holds no table of tensors")
total, kept = 0, {}
for name, value in state.items():
    if not isinstance(name, str) or type(value) not in (torch.Tensor, torch.nn.Parameter):
        sys.exit(f"entry {name!a:.80} is no named tensor")
    value = value.detach()
    if value.layout != torch.strided or value.device.type != "cpu":
        sys.exit(f"tensor {name!a:.80} is not dense")
    n_bytes = value.numel() * value.element_size()
    if n_bytes > value.untyped_storage().nbytes():
        sys.exit(f"tensor {name!a:.80} claims more than its storage holds")
    total += n_bytes
    if total > 2 * size:
        sys.exit("the tensors claim more than the file holds")
    kept[name] = value.clone(memory_format=torch.contiguous_format)
save_file(kept, target)
"""


def convert_pickle(path: Path, roots: Roots) -> Path:
    """Turn a pickled file of weights into a safetensors file in the cache.

    Parameters
    ----------
    path : Path
        A file that ``torch.save`` wrote.
    roots : Roots
        Where it may lie.

    Returns
    -------
    Path
        The safetensors file, named after the hash of what was converted.

    Raises
    ------
    EntryError
        If the archive is not of the one accepted form, needs more than plain tensors, or takes more
        memory or time than its size allows.
    """
    real = roots.regular_file(path)
    _check_archive(real, path)
    target = _cache_folder() / f"{_sha256(real)}.safetensors"
    if not target.exists():
        _convert(real, target, path)
    return target


def refuse_pickle(path: Path) -> Never:
    """Set an entry aside whose weights are pickled.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    EntryError
        Always.
    """
    raise EntryError(
        "pickled",
        "the weights are pickled",
        where=str(path),
        remedy="Convert them to safetensors, or use --allow-pickle.",
        malformed=False,
    )


def _check_archive(real: Path, path: Path) -> None:
    """Refuse anything but a stored zip with one program and as many bytes as it claims."""
    size = real.stat().st_size
    try:
        with zipfile.ZipFile(real) as archive:
            records = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        _refuse(f"it is not a zip archive as torch.save writes ({shown(str(error))})", path)
    if not 0 < len(records) <= MAX_RECORDS:
        _refuse(f"it holds {len(records)} records", path)
    if sum(record.file_size for record in records) > size:
        _refuse("its records claim more bytes than the file has", path)
    folders = {record.filename.split("/", 1)[0] for record in records}
    names = [record.filename.split("/", 1)[-1] for record in records]
    if len(folders) != 1 or len(set(names)) != len(names) or names.count("data.pkl") != 1:
        _refuse("its records are not those of one saved object", path)
    for name, record in zip(names, records, strict=True):
        if record.compress_type != zipfile.ZIP_STORED or record.flag_bits & 1:
            _refuse(f"record {shown(name)} is compressed or encrypted", path)
        if name == "data.pkl" and record.file_size > MAX_PROGRAM_BYTES:
            _refuse(f"its program has {record.file_size} bytes", path)
        is_storage = name.startswith("data/") and name.removeprefix("data/").isdecimal()
        if not (is_storage or name == "data.pkl" or name in _EXTRA_RECORDS):
            _refuse(f"record {shown(name)} is unknown", path)


def _convert(real: Path, target: Path, path: Path) -> None:
    partial = target.with_suffix(f".{os.getpid()}.part")
    command = [sys.executable, "-I", "-c", _CHILD, str(real), str(partial)]
    try:
        result = subprocess.run(
            [*command, str(real.stat().st_size)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOAD_SECONDS,
            check=False,
        )
        if result.returncode:
            lines = result.stderr.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"the process died with {result.returncode}"
            _refuse(f"it cannot be loaded as weights only ({shown(reason, 160)})", path)
        partial.replace(target)
    except subprocess.TimeoutExpired:
        _refuse(f"loading takes more than {LOAD_SECONDS} s", path)
    finally:
        partial.unlink(missing_ok=True)


def _cache_folder() -> Path:
    """Return a folder that only this user can write; a name in /tmp could be another's."""
    home = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(home) if home else Path.home() / ".cache") / "wsgeo" / "converted"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="wsgeo-"))


def _sha256(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _refuse(why: str, path: Path) -> Never:
    raise EntryError(
        "malformed_pickle",
        f"the pickled file is refused: {why}",
        where=str(path),
        remedy="Convert it to safetensors where it was made.",
    )
