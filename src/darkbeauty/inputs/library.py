"""The folder of data: blocks known by their first lines, parsed and checked when they are asked for.

A TOML file is a sequence of blocks, `[[measurement]]`, `[[limit]]`, `[[term]]`, `[[counts]]` or `[[preset]]`, and each of them is TOML by itself: whoever needs one reads no other.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from darkbeauty.errors import Problem, raise_if_any, unknown
from darkbeauty.inputs.blocks import KINDS, LimitBlock, MeasurementBlock, TermBlock
from darkbeauty.inputs.consistency import inconsistencies
from darkbeauty.inputs.schema import checked

_HEADER = re.compile(r"^\[\[(\w+)\]\][ \t]*(?:#.*)?$", re.MULTILINE)
_NAME = re.compile(r'\n(?:id|name) = "([^"\n]*)"')


class Piece(NamedTuple):
    """A block before it is parsed: its kind and name, the file and line where it starts, its text."""

    kind: str
    name: str
    file: str
    line: int
    text: str

    @property
    def path(self) -> str:
        return f"{self.file}: {self.kind} {self.name!r}"


class Library:
    """The data of a folder: every *.toml in the order of names, and the tables they name.

    Errors   InputError with every problem of what was asked for, each with its file and block
    """

    def __init__(self, folder: Any):
        self.folder = folder
        self._blocks: dict[tuple[str, str], Any] = {}

    @cached_property
    def pieces(self) -> dict[tuple[str, str], Piece]:
        """(kind, name) → text of every block, in order."""
        pieces: dict[tuple[str, str], Piece] = {}
        problems: list[Problem] = []
        for file in sorted(
            (file for file in self.folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name
        ):
            for piece in _split(file.name, file.read_text(encoding="utf-8"), problems):
                if (piece.kind, piece.name) in pieces:
                    problems.append(Problem(piece.path, f"is already in {pieces[piece.kind, piece.name].file}"))
                pieces[piece.kind, piece.name] = piece
        raise_if_any(problems)
        return pieces

    def names(self, kind: str, containing: str = "") -> tuple[str, ...]:
        """Names of all blocks of a kind, or of those whose text contains something."""
        return tuple(name for (k, name), piece in self.pieces.items() if k == kind and containing in piece.text)

    def measurement(self, name: str) -> MeasurementBlock:
        """A block by its id."""
        return self._block("measurement", name)

    def limit(self, name: str) -> LimitBlock:
        """A block by its name."""
        return self._block("limit", name)

    def term(self, name: str) -> TermBlock:
        """A block by its name."""
        return self._block("term", name)

    def text(self, name: str) -> str:
        """The text of a file of the folder."""
        return self.folder.joinpath(*name.split("/")).read_text(encoding="utf-8")

    def every(self, kind: str, containing: str = "") -> dict[str, Any]:
        """All blocks of a kind, or those whose text contains something, by name."""
        problems: list[Problem] = []
        blocks = {name: self._parsed(kind, name, problems) for name in self.names(kind, containing)}
        raise_if_any(problems)
        return blocks

    def check(self) -> None:
        """Parse everything; InputError with every problem of every block."""
        problems: list[Problem] = []
        for kind, name in self.pieces:
            self._parsed(kind, name, problems)
        raise_if_any(problems)

    def _block(self, kind: str, name: str) -> Any:
        problems: list[Problem] = []
        block = self._parsed(kind, name, problems)
        raise_if_any(problems)
        return block

    def _parsed(self, kind: str, name: str, problems: list[Problem]) -> Any:
        """The block, or None with its problems."""
        if (kind, name) not in self.pieces:
            problems.append(unknown(f"{kind}s", kind, name, self.names(kind)))
            return None
        if (kind, name) not in self._blocks:
            own: list[Problem] = []
            block = self._read(self.pieces[kind, name], own)
            problems += own
            if own:
                return None
            self._blocks[kind, name] = block
        return self._blocks[kind, name]

    def _read(self, piece: Piece, problems: list[Problem]) -> Any:
        try:
            raw = tomllib.loads(piece.text)
        except tomllib.TOMLDecodeError:
            problems.append(Problem(piece.path, f"malformed TOML: {_complaint(piece)}"))
            return None
        problems += [unknown(f"{piece.file}: {key}", "table", key, KINDS) for key in raw if key != piece.kind]
        if len(raw[piece.kind]) > 1:
            problems.append(
                Problem(piece.path, f"[[{piece.kind}]] must stand at the beginning of a line, without blanks")
            )
        block = checked(KINDS[piece.kind], raw[piece.kind][0], piece.path, problems)
        if block is None or problems:
            return None
        try:
            block = self._with_table(block)
        except (OSError, ValueError) as error:
            problems.append(Problem(piece.path, f"cannot read its table: {error}"))
            return None
        problems += [Problem(f"{piece.path}{place}", message) for place, message in inconsistencies(block)]
        return block

    def _with_table(self, block: Any) -> Any:
        """The block with the columns or rows of the file it names."""
        if isinstance(block, MeasurementBlock) and block.correlation_table:
            return dataclasses.replace(block, correlation=self._rows(block.correlation_table))
        if not isinstance(block, LimitBlock) or not block.table:
            return block
        header, *rows = self._rows(block.table, header=True)
        wanted = {"curve": ("mass", "value"), "band": ("mass", "best", "up")}.get(block.kind)
        if wanted and tuple(header) != wanted:
            raise ValueError(f"{block.table} has the columns {', '.join(map(str, header))}, not {', '.join(wanted)}")
        if wanted:
            return dataclasses.replace(block, **dict(zip(wanted, zip(*rows, strict=True))))
        return dataclasses.replace(
            block, mass=tuple(row[0] for row in rows), log10_value=tuple(row[1:] for row in rows)
        )

    def _rows(self, name: str, header: bool = False) -> tuple[tuple[Any, ...], ...]:
        """Rows of numbers of a csv file, the first one of words if it has a header; lines that start with # are comments."""
        lines = [line.split(",") for line in self.text(name).splitlines() if line and not line.startswith("#")]
        start = int(header)
        return (*(tuple(line) for line in lines[:start]), *(tuple(map(float, line)) for line in lines[start:]))


@lru_cache(maxsize=1)
def library() -> Library:
    """The package's own data."""
    return Library(files("darkbeauty.inputs").joinpath("data"))


def _complaint(piece: Piece) -> str:
    """What is wrong with a block that is no TOML, with the line of its file."""
    try:
        tomllib.loads("\n" * (piece.line - 1) + piece.text)
    except tomllib.TOMLDecodeError as error:
        return str(error)
    return ""


def _split(file: str, text: str, problems: list[Problem]) -> Iterator[Piece]:
    """The blocks of a file."""
    headers = list(_HEADER.finditer(text))
    ends = [*(header.start() for header in headers[1:]), len(text)]
    preface = text[: headers[0].start()] if headers else text
    if any(line.strip() and not line.startswith("#") for line in preface.splitlines()):
        problems.append(
            Problem(file, "something stands before the first block", ", ".join(f"[[{kind}]]" for kind in KINDS))
        )
    for header, end in zip(headers, ends):
        line, name = text.count("\n", 0, header.start()) + 1, _NAME.match(text, header.end())
        if header[1] not in KINDS:
            problems.append(unknown(f"{file}: line {line}", "block", header[1], KINDS))
        elif name is None:
            problems.append(Problem(f"{file}: line {line}", f"the first line of a {header[1]} must be its id or name"))
        else:
            yield Piece(header[1], name[1], file, line, text[header.start() : end])
