"""A user's own workspace as a likelihood term: pyhf JSON, the joint densities of its signal, and the process whose spectrum the signal follows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any, unknown
from darkbeauty.inputs.blocks import CountsBlock
from darkbeauty.inputs.workspace import histogram_of, read_densities
from darkbeauty.likelihoods.term import CountsTerm, counts_term
from darkbeauty.observables import BY_NAME

SPECTRUM = "BR_tent({})"
PROCESSES = tuple(name.removeprefix("BR_tent(").removesuffix(")") for name in BY_NAME if name.startswith("BR_tent("))
"""Processes whose spectra there are."""


def histfactory_term(
    name: str,
    *,
    workspace: str | Path,
    densities: str | Path,
    signal: Sequence[str],
    spectrum: str,
    about: str = "",
    references: Sequence[str] = (),
    dataset: Sequence[str] = (),
    path: str = "histfactory",
) -> CountsTerm:
    """A term of counts whose signal follows the predicted spectrum, for `db.likelihood(…, terms=[term, …])`.

    Args     workspace: file of a pyhf workspace; densities: csv file of the signal's events by bin of a channel and bin of q²
             (`darkbeauty.inputs.workspace.read_densities`); signal: names of the samples they describe; spectrum: the process, e.g. "B+->Knunu"; dataset: the
             events, so that terms with the same ones are refused beside it; path: what problems begin with
    Errors   InputError with every problem of both files, each with its channel, sample, modifier or bin
    """
    problems: list[Problem] = []
    if spectrum not in PROCESSES:
        problems.append(unknown(f"{path}.spectrum", "process", spectrum, PROCESSES))
    texts = [attempt(lambda file=file: _text(file, path), problems) for file in (workspace, densities)]
    table = None if texts[1] is None else attempt(lambda: read_densities(str(texts[1]), str(densities)), problems)
    content = None if texts[0] is None else attempt(lambda: _parsed(str(texts[0]), str(workspace)), problems)
    raise_if_any(problems)
    assert table is not None and content is not None
    histogram = histogram_of(content, table, str(workspace), tuple(signal))
    own = {"about": about or f"{name} ({workspace})", "references": tuple(references), "dataset": tuple(dataset)}
    block = CountsBlock(name, found="", table="", spectrum=SPECTRUM.format(spectrum), whole=f"BR({spectrum})", **own)
    return counts_term(block, lambda: histogram)


def _text(file: str | Path, path: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(
            [Problem(f"{path}: {file}", f"cannot be read: {getattr(error, 'strerror', None) or error}")]
        ) from error


def _parsed(text: str, path: str) -> dict:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(path, f"malformed JSON: {error}")]) from error
