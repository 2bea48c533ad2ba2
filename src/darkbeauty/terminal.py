"""What the command line prints: tables, JSON, and problems with the input."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from darkbeauty.errors import InputError

USAGE, UNCONVERGED, INTERRUPTED = 2, 3, 130
_WIDE = 240  # columns of a table that goes to a file or a pipe


def show(
    value: Any, as_json: bool, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()
) -> None:
    """A result on stdout, as one JSON object or as a table."""
    if as_json:
        typer.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False))
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
    for label, words in remarks.items():
        for line in words:
            typer.echo(f"{label}: {line}")


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


@contextmanager
def reporting() -> Iterator[None]:
    """Turn bad input into one readable block and exit code 2, an interrupt into exit code 130."""
    try:
        yield
    except InputError as error:
        print_problems(error)
        raise typer.Exit(USAGE) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def print_problems(error: InputError) -> None:
    """Every problem on stderr: its path, what is wrong, what is allowed."""
    count = len(error.problems)
    text = Text().append(f"error: {count} problem{'s' if count > 1 else ''} with the input", style="bold red")
    for problem in error.problems:
        text.append("\n  ").append(problem.path, style="bold").append(f": {problem.message}")
        if problem.allowed:
            text.append(f"\n    allowed: {problem.allowed}", style="dim")
        if "unknown observable" in problem.message:
            text.append("\n    see: darkbeauty list observables", style="dim")
    console(sys.stderr).print(text, soft_wrap=True)
