"""An option that takes many names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from typer.core import TyperCommand

from darkbeauty.commands.reading import ASSIGNMENT

NAMES = ("--obs", "--observable")


class ManyObservables(TyperCommand):
    """A command whose --obs takes one or more names: `--obs A B` is `--obs A --obs B`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat --obs before every further name, then parse as usual."""
        return super().parse_args(ctx, list(spread_observables(args)))


def spread_observables(args: Iterable[str]) -> Iterator[str]:
    """Put --obs before every name that follows an --obs; options and name=value end the row."""
    inside = awaiting = False
    for arg in args:
        if awaiting:
            awaiting = False
        elif arg in NAMES:
            inside = awaiting = True
        elif arg.startswith("-") or ASSIGNMENT.match(arg):
            inside = arg.partition("=")[0] in NAMES
        elif inside:
            yield "--obs"
        yield arg
