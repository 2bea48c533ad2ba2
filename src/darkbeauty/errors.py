"""Problems with what a user gave us, all of them at once; remarks on numbers, grouped."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LONGEST, HEAD, TAIL = 1000, 600, 300
"""Characters of a text that is shown whole, and that are kept of the beginning and of the end of a longer one."""
SHOWN = 100
"""Problems that an error is printed with; it has all of them."""
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def legible(text: str) -> str:
    """A text that may hold anything a user or a file gave: cut in the middle where it is long, what would steer a terminal escaped."""
    if len(text) > LONGEST:
        text = f"{text[:HEAD]} … ({len(text):,} characters) … {text[-TAIL:]}"
    return escaped(text)


def escaped(text: str) -> str:
    """What would steer a terminal, escaped."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def quoted(value: Any) -> str:
    """What a user gave, as Python writes it; its type, where that fails (integers of thousands of digits)."""
    try:
        return repr(value)
    except Exception:  # of any class
        return f"a {type(value).__name__}"


def text_of(name: Any) -> str:
    """A name as it is, and what is none as Python writes it."""
    return name if isinstance(name, str) else quoted(name)


@dataclass(frozen=True)
class Problem:
    """One thing wrong: where (`path`, e.g. `fit.toml: priors.y`), what, and what is allowed (our own words, never cut; of many names, the nearest); `legible` the first two."""

    path: str
    message: str
    allowed: str = ""

    def __post_init__(self):
        for part in ("path", "message"):
            object.__setattr__(self, part, legible(str(getattr(self, part))))
        object.__setattr__(self, "allowed", escaped(str(self.allowed)))

    def __str__(self) -> str:
        tail = f" (allowed: {self.allowed})" if self.allowed else ""
        return f"{self.path}: {self.message}{tail}"


class InputError(ValueError):
    """Raised once per input, before anything compiles, with every problem found in it."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join([*map(str, self.problems[:SHOWN]), *self.more]))

    @property
    def more(self) -> tuple[str, ...]:
        """How many problems there are that are not shown, if any."""
        return (f"and {len(self.problems) - SHOWN} more",) if len(self.problems) > SHOWN else ()


def raise_if_any(problems: Sequence[Problem]) -> None:
    """InputError with all problems, if there are any."""
    if problems:
        raise InputError(problems)


def attempt(make: Callable[[], Any], problems: list[Problem]) -> Any:
    """What `make` returns; None, with its problems added to others, where it raises an InputError."""
    try:
        return make()
    except InputError as error:
        problems += error.problems
        return None


def unknown(path: str, kind: str, name: str, known: Iterable[str]) -> Problem:
    """A name that does not exist, with the nearest existing ones (or all, if there are few)."""
    known, message = sorted(known), f"unknown {kind} {name!r}"
    if len(known) <= 12:
        return Problem(path, message, ", ".join(known))
    return Problem(path, message, ", ".join(difflib.get_close_matches(str(name)[:HEAD], known, n=4, cutoff=0.6)))


FEW = 4
"""Names that a remark on several numbers is shown with."""


def by_remark(remarks: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Every remark, and what it is on: the first few names, and how many more."""
    labels: dict[str, list[str]] = {}
    for label, words in remarks.items():
        for line in words:
            labels.setdefault(line, []).append(label)
    more = lambda names: f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return {line: ", ".join(names[:FEW]) + more(names) for line, names in labels.items()}
