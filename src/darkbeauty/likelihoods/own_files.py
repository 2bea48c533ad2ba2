"""Numbers of one's own terms from files: CSV with a header, HEPData's YAML, matrices, tables of −2 ln L; a table becomes entries as if they had been written in the fit."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from darkbeauty.errors import InputError, Problem, raise_if_any

VALUE = "minus_two_log_l"
_BRACKETS = re.compile(r"\[[^\]]*\]$")


def numbers_of(path: Path, observable: str | None, place: str) -> dict[str, Any]:
    """observables, values and errors of a file.

    CSV: columns observable, value, error. HEPData's YAML: one row a bin, of which the edges are put into the brackets of `observable`,
    errors in quadrature, asymmetric ones as √(up·down).
    Errors   InputError naming what is missing, with its row
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        return _of_hepdata(_yaml(path, place), observable, place)
    rows, problems = _csv(path, place), []
    missing = [name for name in ("observable", "value", "error") if name not in rows[0]]
    raise_if_any([Problem(place, f"has no column {name!r}", "observable, value, error") for name in missing])
    at = lambda name: [_number(row[name], f"{place}: row {i + 1}: {name}", problems) for i, row in enumerate(rows)]
    entries = {"observables": [row["observable"] for row in rows], "values": at("value"), "errors": at("error")}
    raise_if_any(problems)
    return entries


def matrix_of(path: Path, place: str) -> list[list[float]]:
    """A matrix: CSV of numbers alone, or HEPData's YAML with one value for every pair.

    Errors   InputError
    """
    problems: list[Problem] = []
    if path.suffix.lower() in (".yaml", ".yml"):
        values = _dependent(_yaml(path, place), place)
        flat = [_number(v.get("value"), f"{place}: value {i + 1}", problems) for i, v in enumerate(values)]
        size = math.isqrt(len(flat))
        if size * size != len(flat):
            problems.append(Problem(place, f"{len(flat)} values are no square matrix"))
        raise_if_any(problems)
        return [flat[i * size : (i + 1) * size] for i in range(size)]
    lines = [line for line in csv.reader(_text(path, place).splitlines()) if line]
    rows = [
        [_number(text, f"{place}: row {i + 1}, column {j + 1}", problems) for j, text in enumerate(line)]
        for i, line in enumerate(lines)
    ]
    raise_if_any(problems)
    return rows


def table_of(path: Path, place: str) -> dict[str, Any]:
    """axes and minus_two_log_l of a CSV: a column of each prediction, in the order of the term's observables, and one of −2 ln L; rows in any order.

    Errors   InputError naming every place of the grid that has no value, or has two
    """
    rows, problems = _csv(path, place), []
    names = [name for name in rows[0] if name != VALUE]
    if VALUE not in rows[0] or len(names) not in (1, 2):
        raise InputError([Problem(place, "is no table of it", f"a column {VALUE!r} and one or two of predictions")])
    read = lambda name: [_number(row[name], f"{place}: row {i + 1}: {name}", problems) for i, row in enumerate(rows)]
    columns, values = [read(name) for name in names], read(VALUE)
    raise_if_any(problems)
    axes = [sorted(set(column)) for column in columns]
    table = np.full([len(axis) for axis in axes], np.nan)
    for *point, value in zip(*columns, values):
        cell = tuple(axis.index(x) for axis, x in zip(axes, point))
        if not np.isnan(table[cell]):
            problems.append(Problem(place, f"stands twice at {', '.join(f'{x:g}' for x in point)}"))
        table[cell] = value
    raise_if_any(problems)
    return {"axes": axes, VALUE: table.tolist()}


def _of_hepdata(document: Any, observable: str | None, place: str) -> dict[str, Any]:
    if observable is None:
        raise InputError([Problem(place, "which observable the rows are of", 'observable = "…[q2min,q2max]"')])
    problems: list[Problem] = []
    values = _dependent(document, place)
    bins = [axis.get("values", []) for axis in document.get("independent_variables", [])][:1]
    labels, numbers, errors = [], [], []
    for i, row in enumerate(values):
        where = f"{place}: row {i + 1}"
        bin_of = bins[0][i] if bins and i < len(bins[0]) else {}
        edges = [bin_of[key] for key in ("low", "high", "value") if key in bin_of]
        edges = edges[:2] if "low" in bin_of else edges
        labels.append(_BRACKETS.sub(f"[{','.join(map(str, edges))}]", observable))
        number = _number(row.get("value"), f"{where}: value", problems)
        numbers.append(number)
        errors.append(math.sqrt(sum(_squared(error, number, where, problems) for error in row.get("errors", []))))
    raise_if_any(problems)
    return {"observables": labels, "values": numbers, "errors": errors}


def _squared(error: Any, value: float, where: str, problems: list[Problem]) -> float:
    """Square of one error of HEPData."""
    part = lambda text: _share(text, value, f"{where}: error", problems)
    if "symerror" in error:
        return part(error["symerror"]) ** 2
    sides = error.get("asymerror", {})
    return abs(part(sides.get("plus")) * part(sides.get("minus")))


def _share(text: Any, value: float, where: str, problems: list[Problem]) -> float:
    """A number, or a percentage of the value."""
    if isinstance(text, str) and text.strip().endswith("%"):
        return 0.01 * _number(text.strip()[:-1], where, problems) * value
    return _number(text, where, problems)


def _dependent(document: Any, place: str) -> Sequence[Any]:
    """The values of the first dependent variable."""
    try:
        return document["dependent_variables"][0]["values"]
    except (KeyError, IndexError, TypeError):
        raise InputError([Problem(place, "is no table of HEPData", "dependent_variables, …")]) from None


def _csv(path: Path, place: str) -> list[dict[str, Any]]:
    """Rows by the names of the header."""
    lines = [line for line in _text(path, place).splitlines() if line.strip() and not line.startswith("#")]
    rows = [
        {(k or "").strip(): (v or "") for k, v in row.items() if k}
        for row in csv.DictReader(lines, skipinitialspace=True)
    ]
    if not rows:
        raise InputError([Problem(place, "has no rows", "a header, and rows")])
    return rows


def _yaml(path: Path, place: str) -> Any:
    try:
        document = yaml.safe_load(_text(path, place))
    except yaml.YAMLError as error:
        raise InputError([Problem(place, f"malformed YAML: {error}")]) from error
    return document if isinstance(document, dict) else {}


def _text(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError([Problem(place, f"cannot be read: {reason}")]) from error


def _number(text: Any, where: str, problems: list[Problem]) -> float:
    """A finite number; NaN, with a problem, where it is none."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        problems.append(Problem(where, f"{text!r} is no finite number"))
    return number
