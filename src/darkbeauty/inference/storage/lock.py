"""One run at a time in a folder."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darkbeauty.errors import InputError, Problem
from darkbeauty.inference.sharding import agreed, is_first_process

FILE = ".lock"


@contextmanager
def held(folder: Path | None) -> Iterator[None]:
    """Nobody else writes into the folder meanwhile: the first process holds its lock for all that share the run (None: there is no folder).

    The system lets go of the lock when its process ends, however that ends; the file that a killed process leaves is taken over.
    Errors   InputError, in every process, that names who holds it
    """
    descriptor, problem = None, None
    if folder is not None and is_first_process():
        descriptor, problem = _take(folder / FILE)
    if agreed(problem is not None):
        allowed = "wait for it, or another folder"
        raise InputError(
            [problem or Problem(f"output folder {folder}", "cannot be used by the first process", allowed)]
        )
    try:
        yield
    finally:
        if descriptor is not None and folder is not None:
            (folder / FILE).unlink(missing_ok=True)
            os.close(descriptor)


def _take(path: Path) -> tuple[int | None, Problem | None]:
    """An open file that holds the lock, or who holds it instead; nothing of both on a file system without locks."""
    try:
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            taken = _lock(descriptor)
            if taken and not _is_at(descriptor, path):  # it was removed by whoever held it before
                os.close(descriptor)
                continue
            if taken:
                text = f"process {os.getpid()} on {socket.gethostname()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
                os.truncate(descriptor, 0)
                os.write(descriptor, text.encode())
                return descriptor, None
            holder = os.read(descriptor, 200).decode(errors="replace") or "another process"
            os.close(descriptor)
            return None, Problem(
                f"output folder {path.parent}", f"is in use by {holder}", "wait for it, or another one"
            )
    except OSError as error:
        return None, Problem(f"output folder {path.parent}", f"cannot be locked: {error.strerror}")


def _lock(descriptor: int) -> bool:
    """Whether the lock is ours; also where the system or the file system has none."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return True
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
