"""A run on disk while it runs: its identity, the sampler's state after the last block, and the draws of every block.

NumPy's .npz is documented, needs no further library and will be readable as long as arrays are. Every file is written beside its place and moved
there when complete, so that a run killed at any moment leaves the state of its last block. The part of a block is written before the state that
counts it; a part without its state is overwritten by the resumed run with the same numbers. Every file is signed with the identity of its run, so that
a part of another run, or a damaged one, is never taken.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any
from darkbeauty.files import (
    check_places,
    content_hash,
    read_record,
    read_signed,
    signed,
    write_atomically,
    write_record,
)
from darkbeauty.inference.sharding import agreed, is_first_process
from darkbeauty.inference.storage.interruption import Interruption
from darkbeauty.numerics.stored import ROOMS

Arrays = dict[str, np.ndarray]
RECORD, STATE = "run.json", "state.npz"
HOW = {
    "devices": "as many as then: XLA_FLAGS=--xla_force_host_platform_device_count={} on a CPU, as many processes elsewhere"
}
"""How a difference is overcome, where it is not plain."""
MOST_DEVICES = 4096
WAYS_OUT = "another folder, or move this one away"


class Checkpoint:
    """Blocks 1 … `count` of a run, in a folder.

    Args     identity: everything the numbers depend on, as text by name; resume: go on from what is there (from nothing, if nothing is)
    Errors   InputError naming every difference between the run in the folder and this one, a damaged file, or a run that would be lost
    """

    def __init__(self, folder: Path, identity: dict[str, str], resume: bool):
        self.folder, self.count = folder, 0
        self._arrays: Arrays = {}
        self._owner = hashlib.sha256(repr(sorted(identity.items())).encode()).hexdigest()
        _check_folder(folder)
        if resume and (folder / STATE).exists():
            compare(read_record(folder / RECORD), identity)
            self._arrays = self._read(folder / STATE)
            self.count = int(self._arrays.pop("count"))
            self._check_parts()
            return
        keep_what_is_there(folder, resume)
        if is_first_process():
            write_record(folder / RECORD, identity)

    def arrays(self) -> list[np.ndarray]:
        """The state after block `count`."""
        return [self._arrays[f"leaf_{i}"] for i in range(len(self._arrays))]

    def part(self, number: int) -> Arrays:
        """The draws of a block."""
        return self._read(self._part(number))

    def save(self, state: Sequence[np.ndarray], part: Arrays | None) -> None:
        """Store the next block: its draws, if it has any, and the state after it; where several processes run, the first one writes.

        Errors   OSError, with the blocks before it intact
        """
        number = self.count + 1
        arrays = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(state)}
        if is_first_process():
            if part is not None:
                self._write(self._part(number), part)
            self._write(self.folder / STATE, {"count": np.asarray(number), **arrays})
        self.count, self._arrays = number, arrays

    def _part(self, number: int) -> Path:
        return self.folder / f"block-{number:06d}.npz"

    def _check_parts(self) -> None:
        """InputError naming every block that is missing, damaged or of another run, before anything is computed."""
        there = [number for number in range(1, self.count + 1) if self._part(number).exists()]
        problems: list[Problem] = []
        for number in range(there[0] if there else self.count + 1, self.count + 1):
            attempt(lambda number=number: self.part(number), problems)
        raise_if_any(problems)

    def _write(self, path: Path, arrays: Arrays) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # pyright: ignore[reportArgumentType]
        write_atomically(path, signed(buffer.getvalue(), f"{self._owner} {path.name}"))

    def _read(self, path: Path) -> Arrays:
        """What `_write` wrote for this run under this name."""
        with np.load(io.BytesIO(read_signed(path, f"{self._owner} {path.name}")), allow_pickle=False) as archive:
            return dict(archive)


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
            problems.append(
                Problem(
                    f"--resume: {name}", f"{old} in the run to be resumed, {new} now", HOW.get(name, "").format(old)
                )
            )
    if problems:
        problems[-1] = dataclasses.replace(problems[-1], allowed=problems[-1].allowed or f"the same run; {WAYS_OUT}")
    raise_if_any(problems)


def keep_what_is_there(folder: Path, resume: bool) -> None:
    """InputError where a new run would take the place of one that is there, in the folder of its checkpoint or beside it."""
    out = folder.parent
    result = out / "posterior.nc"
    if resume and (result.exists() or any(folder.glob("block-*.npz"))):
        raise InputError(
            [Problem(str(folder / STATE), f"is missing, so that the run in {out} cannot be resumed", WAYS_OUT)]
        )
    if result.exists() or (folder / STATE).exists():
        raise InputError([Problem("--out", f"{out} holds a run, which would be lost", f"--resume, {WAYS_OUT}")])


def recorded_devices(out: Path) -> int | None:
    """With how many devices the run in an output folder was begun; None where nothing says so."""
    try:
        number = int(read_record(out / "checkpoint" / RECORD)["devices"])
    except (InputError, KeyError, ValueError):
        return None
    return number if 0 < number <= MOST_DEVICES else None


def package_hash() -> str:
    """`content_hash` of all that the numbers of a fit come from."""
    return content_hash((*ROOMS, "likelihoods", "inference"))


def _check_folder(folder: Path) -> None:
    """InputError where a file takes a folder's place, or a folder a file's."""
    if folder.exists() and not folder.is_dir():
        raise InputError([Problem(str(folder), "is a file, and a folder is to be there")])
    raise_if_any(check_places([folder / RECORD, folder / STATE, folder.parent / "posterior.nc"]))
