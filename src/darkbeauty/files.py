"""Files of ours: written whole or not at all, read with a check; whatever is wrong with one is a problem that names it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from darkbeauty.errors import InputError, Problem

SIGNATURE = 16 + 32
"""Bytes at the end of a signed file: whose it is, and SHA-256 of what is before."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that at any moment its old or its new content is there, whole.

    Errors   OSError, with the old content in place
    """
    beside = path.with_name(f".{path.name[:200]}.new")
    try:
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write(path: Path, data: bytes | str) -> Path:
    """`write_atomically`, also of text, into a folder that is made where it is missing.

    Errors   InputError if it cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise InputError([unwritable(path, error)]) from error
    return path


def unwritable(path: str | Path, error: OSError) -> Problem:
    """Why something cannot be written."""
    return Problem(str(path), f"cannot be written: {error.strerror or error}")


def check_folder(folder: Path) -> list[Problem]:
    """What keeps a folder from being made or written: found by writing, which leaves nothing behind."""
    try:
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
        if not there.is_dir():
            return [Problem("--out", f"{there} is a file, not a folder")]
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(bytes(4096))
    except (OSError, ValueError) as error:
        return [Problem("--out", f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}")]
    return []


def check_places(paths: list[Path]) -> list[Problem]:
    """Folders where files are to be."""
    return [Problem(str(path), "is a folder, and a file is to be written there") for path in paths if path.is_dir()]


def read_bytes(path: Path) -> bytes:
    """A whole file.

    Errors   InputError if it cannot be read
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror or error}")]) from error


def read_record(path: Path) -> dict[str, str]:
    """A JSON object of texts by name, as `write_record` writes it.

    Errors   InputError if it cannot be read or is none
    """
    try:
        record = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise InputError([Problem(str(path), f"cannot be read, it is damaged: {error}")]) from error
    if not isinstance(record, dict) or not all(isinstance(value, str) for value in record.values()):
        raise InputError([Problem(str(path), "cannot be read, it is damaged: not an object of texts by name")])
    return record


def write_record(path: Path, record: dict[str, str]) -> None:
    """Texts by name as JSON.

    Errors   InputError if they cannot be written
    """
    write(path, json.dumps(record, indent=1, ensure_ascii=False))


@lru_cache
def content_hash(rooms: tuple[str, ...]) -> str:
    """SHA-256 of files of the package and of all that is in folders of it: code and data that numbers come from, what a version does not see."""
    root, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted({path for room in rooms for path in (root / room, *(root / room).rglob("*"))}):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def signed(content: bytes, owner: str) -> bytes:
    """Content with a signature: of whom it is, and that it is whole. NumPy reads .npy and .npz files that have one as those without."""
    return content + _mark(owner) + hashlib.sha256(content).digest()


def read_signed(path: Path, owner: str) -> bytes:
    """The content of a signed file.

    Errors   InputError if it cannot be read, is damaged or is somebody else's
    """
    data = read_bytes(path)
    content, mark, digest = data[:-SIGNATURE], data[-SIGNATURE:-32], data[-32:]
    if len(data) < SIGNATURE or digest != hashlib.sha256(content).digest():
        raise InputError([Problem(str(path), "cannot be read: it is damaged, or of another version of darkbeauty")])
    if mark != _mark(owner):
        raise InputError([Problem(str(path), "is of another run")])
    return content


def _mark(owner: str) -> bytes:
    return hashlib.sha256(owner.encode()).digest()[:16]
