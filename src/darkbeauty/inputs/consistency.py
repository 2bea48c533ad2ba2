"""What types alone do not say about a block: which keys belong together, shapes, orders, correlations that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from darkbeauty.inputs.blocks import (
    COLUMNS,
    CountsBlock,
    LimitBlock,
    Matrix,
    MeasurementBlock,
    Number,
    PresetBlock,
    TermBlock,
)
from darkbeauty.inputs.correlations import full_matrix

PRODUCTIONS = {"g": ("",), "epsilon": ("ee", "pp")}
"""Coupling of a Z′ that a search limits → what may have made it."""

Remark = tuple[str, str]
"""Place in a block, and what is wrong there."""


def inconsistencies(block: MeasurementBlock | LimitBlock | TermBlock | CountsBlock | PresetBlock) -> list[Remark]:
    """Everything wrong with a block that has the right types."""
    if isinstance(block, TermBlock | PresetBlock):
        key = "measurements" if isinstance(block, TermBlock) else "models"
        return [] if getattr(block, key) else [(f".{key}", "is empty")]
    if isinstance(block, LimitBlock):
        return [*_of_dates(block), *_of_limit(block), *_of_columns(block)]
    if isinstance(block, CountsBlock):
        empty = [(f".{key}", "is empty") for key in ("references", "dataset") if not getattr(block, key)]
        return [*_of_dates(block), *empty]
    return [*_of_dates(block), *_of_measurement(block), *_of_correlations(block), *_of_terms(block)]


def _of_dates(block: MeasurementBlock | LimitBlock | CountsBlock) -> Iterator[Remark]:
    if block.checked and block.changed and block.changed > block.checked:
        yield ".checked", f"is before {block.changed}, when it changed"


def _of_measurement(block: MeasurementBlock) -> Iterator[Remark]:
    yield from ((f".{key}", "is empty") for key in ("references", "dataset", "entries") if not getattr(block, key))
    for place, entry in enumerate(block.entries):
        yield from ((f".entries[{place}]", message) for message in _of_number(entry))
    names = Counter(entry.observable for entry in block.entries if not entry.why_not)
    yield from ((".entries", f"{name} is measured more than once") for name, count in names.items() if count > 1)


def _of_number(entry: Number) -> Iterator[str]:
    if entry.error is not None and entry.errors:
        yield "error and errors exclude each other"
    for error in entry.all_errors:
        pair = error if isinstance(error, tuple) else (error, error)
        if len(pair) != 2:
            yield "an asymmetric error is [up, down]"
        elif min(pair) < 0.0:
            yield "an error is negative"
    if not entry.why_not and (entry.value is None or not entry.all_errors):
        yield "a value with its error, a limit, or the reason why it is `excluded` is missing"
    if (entry.limit is None) != (entry.cl is None) or not 0.0 < (0.5 if entry.cl is None else entry.cl) < 1.0:
        yield "a limit has a confidence level cl between 0 and 1"
    if entry.relative_to <= 0.0:
        yield "relative_to must be positive"


def _of_correlations(block: MeasurementBlock) -> Iterator[Remark]:
    size = len(block.entries)
    given = [key for key in ("correlation", "correlations", "correlated") if getattr(block, key)]
    if len(given) > 1:
        yield "", f"{' and '.join(given)} exclude each other"
    if block.correlation is not None:
        yield from ((".correlation", message) for message in _of_matrix(block.correlation, size))
    for place, matrix in enumerate(block.correlations):
        if not isinstance(matrix, str):
            yield from ((f".correlations[{place}]", message) for message in _of_matrix(matrix, size))
    if block.correlations and {len(entry.all_errors) for entry in block.entries} != {len(block.correlations)}:
        yield ".correlations", "there must be one for each of the errors of every entry"
    known = {entry.observable for entry in block.entries}
    for place, group in enumerate(block.correlated):
        yield from _of_names(group.observables, known, f".correlated[{place}]")
        messages = _of_matrix(group.correlation, len(group.observables))
        yield from ((f".correlated[{place}].correlation", message) for message in messages)
    for place, group in enumerate(block.common):
        yield from _of_names(group.observables, known, f".common[{place}]")


def _of_matrix(rows: Matrix, size: int) -> Iterator[str]:
    """A matrix of correlations: complete, or its rows right of the diagonal."""
    lengths = [len(row) for row in rows]
    if lengths not in ([size] * size, list(range(size - 1, 0, -1))):
        yield f"neither {size} rows of {size} numbers nor the {size - 1} rows right of the diagonal"
        return
    matrix = full_matrix(rows, size)
    if not np.array_equal(matrix, matrix.T) or not np.all(np.diag(matrix) == 1.0):
        yield "is not symmetric with a diagonal of ones"
    elif np.linalg.eigvalsh(matrix)[0] <= 0.0:
        yield "is not positive definite"


def _of_names(names: Sequence[str], known: Iterable[str], place: str) -> Iterator[Remark]:
    yield from ((f"{place}.observables", f"{name!r} is not an entry") for name in names if name not in known)
    if len(set(names)) < len(names):
        yield f"{place}.observables", "a name stands twice"


def _of_terms(block: MeasurementBlock) -> Iterator[Remark]:
    if block.term and block.superseded_by:
        yield ".term", f"the measurement is superseded by {block.superseded_by}"
    usable = {entry.observable for entry in block.entries if not entry.why_not}
    for place, term in enumerate(block.term):
        where = f".term[{place}]"
        yield from _of_names(term.observables, usable, where)
        if not term.observables and len(usable) < len(block.entries):
            yield f"{where}.observables", "must say which entries, as not all may be fitted"
        if not set(term.dataset) <= set(block.dataset):
            yield f"{where}.dataset", "is not part of the measurement's"
        if term.theory is not None and term.theory < 0.0:
            yield f"{where}.theory", "is negative"


def _of_limit(block: LimitBlock) -> Iterator[Remark]:
    if (block.use == "fit") == bool(block.why):
        yield ".why", "must say why it is not fitted, and only then"
    if block.use == "fit":
        yield from ((f".{key}", "is needed for a fit") for key in ("references", "dataset") if not getattr(block, key))
        if block.cl is None or block.kind == "none":
            yield "", "a limit to be fitted has a confidence level and numbers"
    elif block.presets or block.independent_of:
        yield ".presets", f"it is not fitted but for use {block.use!r}"
    if block.cl is not None and not 0.0 < block.cl < 1.0:
        yield ".cl", "is not between 0 and 1"
    if block.production and not block.final:
        yield ".final", "must say what the Z′ decays to"
    if block.final and block.production not in PRODUCTIONS.get(block.quantity, (block.production or None,)):
        yield ".production", f"{block.production!r} is not what makes a Z′ in a limit on {block.quantity}"


def _of_columns(block: LimitBlock) -> Iterator[Remark]:
    """Numbers that the kind of the limit needs, and no others."""
    needed = {
        "curve": {"mass", "value"},
        "band": {"mass", "best", "up"},
        "grid": {"mass", "log10_value", "lifetime_ps", "windows"},
        "number": {"value"},
        "none": set(),
    }[block.kind]
    given = {name for name in COLUMNS if getattr(block, name) not in ((), None)}
    optional = {"windows"} if block.kind == "curve" else set()
    if given - optional != needed:
        yield "", f"a limit of kind {block.kind!r} has {', '.join(sorted(needed)) or 'no numbers'}"
        return
    if (block.kind == "curve") != isinstance(block.value, tuple) and block.kind in ("curve", "number"):
        yield ".value", "is a column of a curve, or one number"
        return
    yield from _of_knots(block)


def _of_knots(block: LimitBlock) -> Iterator[Remark]:
    """Masses increase, columns have their length, and what is read in logarithms is positive."""
    if any(b <= a for a, b in pairwise(block.mass)):
        yield ".mass", "does not increase"
    columns = {name: column for name in ("value", "best", "up", "log10_value") if (column := getattr(block, name))}
    for name, column in columns.items():
        if isinstance(column, tuple) and len(column) != len(block.mass):
            yield f".{name}", f"{len(column)} numbers at {len(block.mass)} masses"
        if name in ("value", "up") and min(np.ravel(column)) <= 0.0:
            yield f".{name}", "is not positive"
    if block.kind == "grid" and {len(row) for row in block.log10_value} != {len(block.lifetime_ps)}:
        yield ".log10_value", "does not have one column for each lifetime"
    edges = [edge for window in block.windows for edge in window]
    if {len(window) for window in block.windows} - {2} or any(b <= a for a, b in pairwise(edges)):
        yield ".windows", "are not pairs of increasing masses"
