"""A run on disk while it runs: its identity, the sampler's state after the last block, and the draws of every block.

NumPy's .npz is documented, needs no further library and will be readable as long as arrays are. Every file is written beside its place and moved
there when complete, so that a run killed at any moment leaves the state of its last block. The part of a block is written before the state that
counts it; a part without its state is overwritten by the resumed run with the same numbers.
"""

from __future__ import annotations

import difflib
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from darkbeauty.errors import InputError, Problem
from darkbeauty.inference.sharding import agreed, is_first_process
from darkbeauty.inference.storage.interruption import Interruption

Arrays = dict[str, np.ndarray]
ROOMS = (
    "inputs",
    "numerics",
    "models",
    "flavour",
    "dark",
    "leptonic",
    "observables",
    "likelihood",
    "inference",
    "predict.py",
    "tables.py",
)


class Checkpoint:
    """Blocks 1 … `count` of a run, in a folder.

    Args     identity: everything the numbers depend on, as text by name; resume: go on from what is there (from nothing, if nothing is)
    Errors   InputError naming every difference between the run in the folder and this one, or a damaged file
    """

    def __init__(self, folder: Path, identity: dict[str, str], resume: bool):
        self.folder, self.count = folder, 0
        self._arrays: Arrays = {}
        if resume and (folder / "state.npz").exists():
            compare(json.loads(_read_text(folder / "run.json")), identity)
            self._arrays = _read(folder / "state.npz")
            self.count = int(self._arrays.pop("count"))
            return
        if is_first_process():
            _move_aside(folder)
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / "run.json", json.dumps(identity, indent=1, ensure_ascii=False).encode())

    def arrays(self) -> list[np.ndarray]:
        """The state after block `count`."""
        return [self._arrays[f"leaf_{i}"] for i in range(len(self._arrays))]

    def part(self, number: int) -> Arrays:
        """The draws of a block."""
        return _read(self._part(number))

    def save(self, state: Sequence[np.ndarray], part: Arrays | None) -> None:
        """Store the next block: its draws, if it has any, and the state after it; where several processes run, the first one writes.

        Errors   OSError, with the blocks before it intact
        """
        number = self.count + 1
        arrays = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(state)}
        if is_first_process():
            if part is not None:
                write_atomically(self._part(number), _npz(part))
            write_atomically(self.folder / "state.npz", _npz({"count": np.asarray(number), **arrays}))
        self.count, self._arrays = number, arrays

    def _part(self, number: int) -> Path:
        return self.folder / f"block-{number:06d}.npz"


class Journal:
    """What a sampler needs to know of the world: the blocks that are there, where to store the next one, and whether to go on.

    failure: why the last block could not be stored; interruption: the context in which signals stop the sampler between blocks. Without a store,
    nothing is kept.
    """

    def __init__(self, store: Checkpoint | None = None):
        self.store, self.interruption = store, Interruption()
        self.failure: OSError | None = None

    @property
    def count(self) -> int:
        """Number of stored blocks."""
        return self.store.count if self.store else 0

    def arrays(self) -> list[np.ndarray]:
        """The state after the last stored block."""
        return self.store.arrays() if self.store else []

    def parts(self, after: int, last: int) -> list[Arrays]:
        """The draws of the blocks after `after` up to `last`."""
        return [self.store.part(number) for number in range(after + 1, last + 1)] if self.store else []

    @property
    def stop(self) -> bool:
        """Whether the sampler must stop before the next block: in every process, if in one."""
        return agreed(self.failure is not None or self.interruption.signal != 0)

    def save(self, state: Sequence[np.ndarray], part: Arrays | None = None) -> None:
        """Store the next block, or note why that failed."""
        try:
            if self.store:
                self.store.save(state, part)
        except OSError as error:
            self.failure = error


def compare(stored: dict[str, str], identity: dict[str, str]) -> None:
    """InputError with every difference between the run to be resumed and the one asked for."""
    problems = []
    for name in sorted({*stored, *identity}):
        old, new = stored.get(name, "nothing"), identity.get(name, "nothing")
        if old == new:
            continue
        if "\n" in old + new:
            lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
            changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
            problems.append(Problem(f"--resume: {name}", "has changed:\n    " + "\n    ".join(changed)))
        else:
            problems.append(Problem(f"--resume: {name}", f"{old} in the run to be resumed, {new} now"))
    if problems:
        raise InputError(problems)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that at any moment its old or its new content is there, whole.

    Errors   OSError, with the old content in place
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@lru_cache(maxsize=1)
def package_hash() -> str:
    """SHA-256 of the code and data that the numbers of a fit come from: what a version does not see."""
    root, digest = Path(__file__).parents[2], hashlib.sha256()
    for path in sorted(path for room in ROOMS for path in (root / room, *(root / room).rglob("*"))):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _move_aside(folder: Path) -> None:
    """Keep the run that is there as NAME.old, in place of an older one."""
    if not folder.exists():
        return
    old = folder.with_name(folder.name + ".old")
    if old.exists():
        for path in old.iterdir():
            path.unlink()
        old.rmdir()
    folder.rename(old)


def _npz(arrays: Arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def _read(path: Path) -> Arrays:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError([Problem(str(path), f"cannot be read, the run cannot be resumed: {error}")]) from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
