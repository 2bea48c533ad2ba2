"""`export`: what darkbeauty has, in the formats of other programs. A format is a function and a line of FORMATS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from darkbeauty.commands.setting import prepare
from darkbeauty.errors import Problem, attempt, raise_if_any, unknown
from darkbeauty.files import check_folder
from darkbeauty.terminal import reporting, show, written

commands = typer.Typer()


def draws(ending: str) -> Callable[[Path, Path], list[Path]]:
    """How the draws of the run in a folder are written in a format of `report.export`."""

    def write(source: Path, out: Path) -> list[Path]:
        from darkbeauty.report.export import WRITERS
        from darkbeauty.report.result import read_result

        return WRITERS[ending](read_result(source), out)

    return write


def tables(ending: str) -> Callable[[Path, Path], list[Path]]:
    """How predictions or measurements of a fit file are written in a format of `report.popxf`."""

    def write(source: Path, out: Path) -> list[Path]:
        from darkbeauty.report.popxf import WRITERS

        return WRITERS[ending](source, out)

    return write


FORMATS: Mapping[str, Callable[[Path, Path], list[Path]]] = {
    "getdist": draws("getdist"),
    "parquet": draws("parquet"),
    "csv": draws("csv"),
    "popxf": tables("popxf"),
    "pdfxf": tables("pdfxf"),
}
"""By name: function(source, out), which writes what is in the source into the folder out and returns the files; nothing heavy is imported before it is called."""


@commands.command()
def export(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="Output folder of a fit; for popxf and pdfxf a fit file.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help=f"{', '.join(FORMATS)}.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Output folder; default: export, in DIR or beside FILE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """The draws of a run for other programs: GetDist chains, one Parquet or one CSV table, with predictions and log-likelihoods; or predictions and measurements of a
    fit of Wilson coefficients, for jelli."""
    with reporting():
        folder = out or (source.parent if source.is_file() else source) / "export"
        problems: list[Problem] = [] if to in FORMATS else [unknown("--to", "format", to, FORMATS)]
        attempt(prepare, problems)
        raise_if_any([*problems, *check_folder(folder)])
        files = [str(path) for path in FORMATS[to](source, folder)]
        if as_json:
            show({"files": files}, True, (), ())
        else:
            typer.echo(written(files).lstrip())
