"""What a command says while it computes: since when, and how long it will take."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from darkbeauty.environment import cache_folder
from darkbeauty.errors import InputError
from darkbeauty.files import read_record, write_record
from darkbeauty.terminal import console

SILENT, AGAIN = 2.0, 60.0
"""Seconds that pass before a word is said, and between two words that are not on a terminal."""
KEPT = 500
"""How many times are remembered."""


class Waiting:
    """A computation under way: its name, the stage it is in, and how much of it is done."""

    def __init__(self, what: str, total: int | None, expected: float | None):
        self.what, self.total, self.expected = what, total, expected
        self.stage_name, self.count = "compiling and computing", 0
        self.began, self.over = time.monotonic(), threading.Event()

    def stage(self, name: str, done: int = 0, *_: int) -> None:
        """What is being done now, and how much of it."""
        self.stage_name, self.count = name, done

    def done(self, count: int) -> None:
        """How much of the total is done."""
        self.count = count

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self.began

    @property
    def words(self) -> str:
        """Name, stage, elapsed and expected time: from the share that is done, otherwise from the last time."""
        parts = [f"{self.what}: {self.stage_name}", duration(self.seconds)]
        if self.total and self.count:
            parts.append(f"{self.count} of {self.total}")
            parts.append(f"about {duration(self.seconds * (self.total / self.count - 1.0))} left")
        elif self.expected:
            parts.append(f"{duration(self.expected)} the last time")
        return ", ".join(parts)

    def tell(self, to: Console) -> None:
        """Say so until it is over: on a terminal in one line that changes, elsewhere at every stage and every minute."""
        if self.over.wait(SILENT):
            return
        if to.is_terminal:
            with to.status(self.words) as line:
                while not self.over.wait(1.0):
                    line.update(self.words)
            return
        said, when = "", 0.0
        while True:
            if self.stage_name != said or self.seconds > when + AGAIN:
                to.print(self.words, soft_wrap=True, markup=False)
                said, when = self.stage_name, self.seconds
            if self.over.wait(1.0):
                return


@contextmanager
def waiting(what: str, total: int | None = None) -> Iterator[Waiting]:
    """Tell of a computation on stderr once it has taken two seconds; its time is remembered for the next time.

    Args     what: the command and what it is about; total: how many steps it has, if it counts them
    """
    work = Waiting(what, total, _seconds().get(what))
    teller = threading.Thread(target=work.tell, args=(console(sys.stderr),), daemon=True)
    teller.start()
    try:
        yield work
    finally:
        work.over.set()
        teller.join()
    if work.seconds > SILENT:
        _remember(what, work.seconds)


def duration(seconds: float) -> str:
    """12 s, 3 min, 1.5 h."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.1f} h"


def _record() -> Path | None:
    """Where times are remembered."""
    folder, _ = cache_folder()
    return folder / "seconds.json" if folder else None


def _seconds() -> dict[str, float]:
    """How long commands took the last time; nothing where that cannot be read."""
    path = _record()
    if path is None or not path.is_file():
        return {}
    try:
        return {what: float(seconds) for what, seconds in read_record(path).items()}
    except (InputError, ValueError):
        return {}


def _remember(what: str, seconds: float) -> None:
    """A time, if it can be written: it is a service, no result."""
    path = _record()
    if path is None:
        return
    known = {name: time for name, time in _seconds().items() if name != what}
    kept = dict([*known.items(), (what, seconds)][-KEPT:])
    try:
        write_record(path, {name: f"{value:.1f}" for name, value in kept.items()})
    except InputError:
        return
