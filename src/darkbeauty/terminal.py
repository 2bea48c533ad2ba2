"""What the command line prints: tables, JSON, and problems with the input."""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from darkbeauty.errors import SHOWN, InputError, Problem, by_remark

USAGE, UNCONVERGED, INTERRUPTED, CLOSED_PIPE = 2, 3, 130, 141
_WIDE = 280  # columns of a table that goes to a file or a pipe


def show(
    value: Any, as_json: bool, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()
) -> None:
    """A result on stdout, as one JSON object or as a table."""
    if as_json:
        text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
        typer.echo(text if _printable(text) else json.dumps(plain(value), indent=2, allow_nan=False))
    else:
        print_table(columns, rows, right)


def written(files: Sequence[str]) -> str:
    """What was written, one file a line, after an empty one."""
    return "\n".join(["\nwritten:", *(f"  {file}" for file in files)])


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    """A plain table on stdout; long cells fold on a terminal and stay whole in a pipe."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(entry) for entry in row))
    out = console(sys.stdout)
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_remarks(remarks: Mapping[str, Sequence[str]]) -> None:
    """What is to be said of numbers in a table, a line each."""
    for line, labels in by_remark(remarks).items():
        typer.echo(f"{labels}: {line}")


def plain(value: Any) -> Any:
    """What JSON can hold: complex numbers as {re, im}, tuples and arrays as lists, null for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, complex):
        return {"re": plain(value.real), "im": plain(value.imag)}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def number(value: float | complex) -> str:
    """Eight significant digits."""
    if isinstance(value, complex):
        return f"{value.real:.8g} {'-' if math.copysign(1.0, value.imag) < 0.0 else '+'} {abs(value.imag):.8g}j"
    return f"{value:.8g}"


def flat(entry: Any) -> str:
    """A cell of a listing as text."""
    if isinstance(entry, list | tuple):
        return ", ".join(entry)
    return number(entry) if isinstance(entry, float) else str(entry)


def console(stream: TextIO) -> Console:
    """Colours and the terminal's width on a terminal; neither elsewhere."""
    return Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False)


def _printable(text: str) -> bool:
    """Whether stdout's encoding has every character."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def reporting() -> Iterator[None]:
    """Turn bad input, and what the system refuses, into one readable block and exit code 2, an interrupt into exit code 130."""
    try:
        yield
    except InputError as error:
        print_problems(error)
        raise typer.Exit(USAGE) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (OSError, MemoryError, RuntimeError) as error:
        if (problem := _refused(error)) is None:
            raise
        print_problems(InputError([problem]), "the system")
        raise typer.Exit(USAGE) from None


def _refused(error: BaseException) -> Problem | None:
    """What the system refused, in words; None for a mistake of the program, and for stdout, which is for `safe_streams`."""
    if isinstance(error, OSError):
        return Problem(str(error.filename), error.strerror or str(error)) if error.filename else None
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return Problem("memory", "there is not enough for this", "fewer points, chains or particles at once")
    if "Unable to initialize backend" in str(error):
        return Problem("JAX_PLATFORMS", str(error).splitlines()[0])
    return None


@contextmanager
def safe_streams() -> Iterator[None]:
    """Streams that can be written: what their encoding lacks is escaped, a closed one is refused (stderr: left out), a full one is a problem in words.

    Errors   SystemExit
    """
    sys.stderr = sys.stderr or _nowhere()
    if sys.stdout is None:
        sys.stdout = _nowhere()
        _refuse("standard output", "is closed", "/dev/null, where nobody reads it")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python would try again at its end
        if isinstance(error, BrokenPipeError):
            raise SystemExit(CLOSED_PIPE) from None
        _refuse("standard output", error.strerror or str(error))


def _refuse(path: str, message: str, allowed: str = "") -> NoReturn:
    print_problems(InputError([Problem(path, message, allowed)]), "the system")
    raise SystemExit(USAGE) from None


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def print_problems(error: InputError, source: str = "the input") -> None:
    """Every problem on stderr: its path, what is wrong, what is allowed."""
    count = len(error.problems)
    text = Text().append(f"error: {count} problem{'s' if count > 1 else ''} with {source}", style="bold red")
    for problem in error.problems[:SHOWN]:
        text.append("\n  ").append(problem.path, style="bold").append(f": {problem.message}")
        if problem.allowed:
            text.append(f"\n    allowed: {problem.allowed}", style="dim")
        if "unknown observable" in problem.message:
            text.append("\n    see: darkbeauty list observables", style="dim")
    text.append("".join(f"\n  {words}" for words in error.more))
    console(sys.stderr).print(text, soft_wrap=True)
