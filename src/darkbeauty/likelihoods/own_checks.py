"""What is wrong with a term of one's own: kinds that exclude each other, shapes, orders, matrices that are no covariance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from darkbeauty.errors import Problem
from darkbeauty.likelihoods.fit_schema import OwnSection
from darkbeauty.prediction import beyond_standard_model, has_complex_value

MATRIX_TOLERANCE = 1e-9
"""Largest asymmetry of a matrix, relative to its diagonal."""


class Kind(NamedTuple):
    """Entries that a kind of term needs, and others it may have; beside those of every term."""

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()


KINDS = {
    "value": Kind(("value", "error"), ("theory",)),
    "limit": Kind(("limit", "cl")),
    "values": Kind(("values",), ("errors", "correlation", "covariance", "theory")),
    "minus_two_log_l": Kind(("axes", "minus_two_log_l"), ("interpolation",)),
    "function": Kind(("function",), ("data", "simulate", "largest")),
}
"""Kinds by the entry that tells them."""
COMMON = ("name", "observable", "observables", "about", "references", "dataset", "independent_of")
FILES = ("file", "correlation_file", "table_file")


def kind_of(section: OwnSection) -> str:
    """Which kind a term is; "" where it is none or several."""
    kinds = [kind for kind in KINDS if getattr(section, kind) is not None]
    return kinds[0] if len(kinds) == 1 else ""


def labels_of(section: OwnSection) -> tuple[str, ...]:
    """What a term reads."""
    return tuple(section.observables or ()) + ((section.observable,) if section.observable is not None else ())


def problems_of(section: OwnSection, path: str) -> list[Problem]:
    """Everything wrong with a term whose files have been read, but for observables that there are not."""
    kind, labels = kind_of(section), labels_of(section)
    if not kind:
        given = [name for name in KINDS if getattr(section, name) is not None]
        words = f"{' and '.join(given)} exclude each other" if given else "says nothing of what was measured"
        return [Problem(path, words, ", ".join([*KINDS, *FILES]))]
    problems = [Problem(f"{path}.{name}", words) for name, words in _entries(section, kind)]
    if section.observable is not None and section.observables is not None:
        problems.append(Problem(f"{path}.observables", "is given beside observable: one of the two"))
    if len(set(labels)) < len(labels) or not labels:
        problems.append(Problem(f"{path}.observables", "stand twice" if labels else "are missing"))
    problems += [
        Problem(f"{path}.observables", f"{label!r} is complex: real(…), imag(…) or abs(…) of it is a number")
        for label in labels
        if has_complex_value(label)
    ]
    if problems:
        return problems
    return [Problem(f"{path}.{name}" if name else path, words) for name, words in CHECKS[kind](section, len(labels))]


def theory_problems(section: OwnSection, path: str) -> list[Problem]:
    """Predictions whose theory errors nobody has computed."""
    if kind_of(section) not in ("value", "values") or section.theory is not None:
        return []
    words = "theory errors come from hadronic inputs in the Standard Model, which does not predict {!r}"
    beyond = [label for label in labels_of(section) if beyond_standard_model(label)]
    remedy = "a fraction of the measured value, 0 for none"
    return [Problem(f"{path}.theory", words.format(label), remedy) for label in beyond]


def _entries(section: OwnSection, kind: str) -> Iterator[tuple[str, str]]:
    """Entries that are missing, and those that mean nothing in this kind."""
    needs, may = KINDS[kind]
    for name in needs:
        if getattr(section, name) is None:
            yield name, f"is missing beside {kind!r}"
    for name in OwnSection.model_fields:
        if name not in (*needs, *may, *COMMON, *FILES) and getattr(section, name) is not None:
            yield name, f"means nothing beside {kind!r}"


def _of_value(section: OwnSection, size: int) -> Iterator[tuple[str, str]]:
    if size != 1:
        yield "observables", "one value has one observable: values are for several"
    pair = section.error if isinstance(section.error, list | tuple) else [section.error]
    if len(pair) > 2 or not pair or not all(map(_is_positive, pair)):
        yield "error", "is not a positive number or [up, down] of two"


def _of_limit(section: OwnSection, size: int) -> Iterator[tuple[str, str]]:
    if size != 1:
        yield "observables", "one limit has one observable"
    if not _is_positive(section.limit):
        yield "limit", "is not positive"
    if section.cl is not None and not 0.0 < section.cl < 1.0:
        yield "cl", "is not between 0 and 1"


def _of_values(section: OwnSection, size: int) -> Iterator[tuple[str, str]]:
    """Values of several observables, with errors and their correlation or a covariance."""
    if len(section.values or ()) != size:
        yield "values", f"{len(section.values or ())} numbers for {size} observables"
    if (section.errors is None) == (section.covariance is None):
        yield "errors", "errors, with or without a correlation, or a covariance: one of the two"
    if section.errors is not None:
        if len(section.errors) != size:
            yield "errors", f"{len(section.errors)} numbers for {size} observables"
        elif not all(map(_is_positive, section.errors)):
            yield "errors", "are not all positive"
    if section.correlation is not None and section.covariance is not None:
        yield "correlation", "is given beside a covariance"
    for name in ("correlation", "covariance"):
        if (rows := getattr(section, name)) is not None:
            yield from ((name, words) for words in _of_matrix(rows, size, name == "correlation"))


def _of_matrix(rows: Sequence[Sequence[float]], size: int, unit: bool) -> Iterator[str]:
    if [len(row) for row in rows] != [size] * size:
        yield f"is not {size} rows of {size} numbers"
        return
    matrix = np.array(rows)
    scale = np.sqrt(np.abs(np.diag(matrix)))
    if np.any(np.diag(matrix) <= 0.0):
        yield "has a diagonal that is not positive"
    elif unit and np.any(np.abs(np.diag(matrix) - 1.0) > MATRIX_TOLERANCE):
        yield "has a diagonal of other numbers than 1"
    elif np.any(np.abs(matrix - matrix.T) > MATRIX_TOLERANCE * np.outer(scale, scale)):
        yield "is not symmetric"
    elif (least := np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0]) <= 1e-14:
        yield f"is not positive definite: an eigenvalue of its correlation is {least:.2g}"


def _of_scan(section: OwnSection, size: int) -> Iterator[tuple[str, str]]:
    """A table over one axis or two, increasing, without holes."""
    if size not in (1, 2):
        yield "observables", "a table has one or two"
        return
    axes, wrong = axes_of(section.axes, size), False
    for place, axis in enumerate(axes):
        if not all(map(_is_finite, axis)) or len(axis) < 3:
            wrong = True
            yield f"axes.{place}", "is not a list of three numbers or more"
        elif any(b <= a for a, b in pairwise(axis)):
            wrong = True
            yield f"axes.{place}", "does not increase"
    if len(axes) != size:
        yield "axes", f"{len(axes)} of {size} predictions"
    elif not wrong:
        yield from (("minus_two_log_l", words) for words in _of_table(section.minus_two_log_l, axes))


def axes_of(axes: Any, size: int) -> list[list[Any]]:
    """Axes as a list of lists, where one may be given alone."""
    if not isinstance(axes, list | tuple | np.ndarray):
        return []
    axes = list(axes)
    listed = [list(axis) for axis in axes if isinstance(axis, list | tuple | np.ndarray)]
    return [axes] if size == 1 and not listed else listed


def _of_table(table: Any, axes: Sequence[Sequence[float]]) -> Iterator[str]:
    try:
        values = np.array(table, float)
    except (TypeError, ValueError):
        yield "is no table of numbers"
        return
    shape = tuple(len(axis) for axis in axes)
    if values.shape != shape:
        yield f"has shape {values.shape}, axes have {shape}"
        return
    holes = np.argwhere(~np.isfinite(values))
    if len(holes):
        first = ", ".join(f"{axis[i]:g}" for axis, i in zip(axes, holes[0]))
        yield f"has {len(holes)} holes, the first at {first}"


def _of_function(section: OwnSection, size: int) -> Iterator[tuple[str, str]]:
    if section.simulate is not None and section.data is None:
        yield "simulate", "needs data that it simulates"


CHECKS = {
    "value": _of_value,
    "limit": _of_limit,
    "values": _of_values,
    "minus_two_log_l": _of_scan,
    "function": _of_function,
}


def _is_finite(value: Any) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and math.isfinite(value)  # pyright: ignore[reportArgumentType]


def _is_positive(value: Any) -> bool:
    return _is_finite(value) and value > 0.0
