"""Choosing measurements for a fit: what may be used together, joined into one vector with one covariance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from darkbeauty.errors import Problem, raise_if_any, unknown
from darkbeauty.inputs.blocks import Bins, TermBlock
from darkbeauty.inputs.measurements import Measurement, load_measurements

_LABEL = re.compile(r"^<?(?P<name>[^>(]*)>?(?:\((?P<process>[^)]*)\))?(?:\[(?P<low>[^,\]]*),(?P<high>[^,\]]*)\])?$")


class Entry(NamedTuple):
    """One measured number: its block and the place in it, observable's name, process, bin (None: no bin)."""

    block: Measurement
    place: int
    name: str
    process: str
    bin: tuple[float, float] | None

    @property
    def label(self) -> str:
        return self.block.observables[self.place]

    @property
    def path(self) -> str:
        return f"measurements.{self.block.id}.{self.label}"

    @property
    def basis(self) -> str:
        """ "S" or "P" for an angular observable of that basis, else ""."""
        if self.name == "AFB" or re.fullmatch(r"S\d", self.name):
            return "S"
        return "P" if re.fullmatch(r"P\dp?", self.name) else ""

    @property
    def why_not(self) -> str:
        """Why it must not be fitted, or ""."""
        return self.block.why_not_fitted(self.place)


def entries(block: Measurement) -> Iterator[Entry]:
    """The entries of a block, their labels taken apart."""
    for place, label in enumerate(block.observables):
        match = _LABEL.match(label)
        name, process, low, high = match.groups() if match else (label, None, None, None)
        yield Entry(block, place, name, process or "", (float(low), float(high)) if low and high else None)


def select_measurements(
    ids: Sequence[str],
    keep: Callable[[Entry], bool] | None = None,
    name: str = "selection",
    known: Mapping[str, Measurement] | None = None,
) -> Measurement:
    """The chosen entries of several blocks as one: block-diagonal covariance, in the order of `ids`.

    Args     ids: names of blocks; keep(entry) → whether to use it (default: all); name: id of the result; known: where the blocks are (default:
             load_measurements())
    Errors   InputError listing every unknown block, every superseded, suspect, remembered or non-Gaussian entry, and every pair that tells
             the same data twice: S and P bases, several configurations or overlapping bins of one analysis
    """
    known = load_measurements() if known is None else known
    problems = [unknown("measurements", "measurement", id, known) for id in ids if id not in known]
    kept = [[e for e in entries(known[id]) if keep is None or keep(e)] for id in ids if id in known]
    flat = [entry for rows in kept for entry in rows]
    problems += [Problem(entry.path, f"must not be fitted: {entry.why_not}") for entry in flat if entry.why_not]
    problems += clashes(flat)
    if not flat and not problems:
        problems.append(Problem("measurements", "nothing is selected"))
    raise_if_any(problems)
    return _join([rows[0].block.take([entry.place for entry in rows]) for rows in kept if rows], name)


def joined(block: TermBlock, known: Mapping[str, Measurement]) -> Measurement:
    """What may be fitted together of the measurements of a `[[term]]`: of each analysis and process, the bins it asks for.

    Errors   as select_measurements
    """
    bins: dict[tuple[str, str], set[tuple[float, float]]] = {}
    for id in block.measurements:
        for entry in entries(known[id]) if id in known else ():
            if entry.bin and not entry.why_not:
                bins.setdefault((entry.block.analysis, entry.process), set()).add(entry.bin)
    preferred = {key: preferred_bins(group, block.bins) for key, group in bins.items()}

    def keep(entry: Entry) -> bool:
        return not entry.why_not and (block.bins is None or entry.bin in preferred[entry.block.analysis, entry.process])

    return select_measurements(block.measurements, keep, block.name, known)


def preferred_bins(bins: set[tuple[float, float]], rule: Bins | None) -> set[tuple[float, float]]:
    """Bins below one value that contain no other, and bins above another that are contained in no other."""
    if rule is None:
        return bins
    inside = lambda a, b: a != b and b[0] <= a[0] and a[1] <= b[1]
    low = {b for b in bins if b[1] <= rule.narrow_below and not any(inside(a, b) for a in bins)}
    return low | {b for b in bins if b[0] >= rule.wide_above and not any(inside(b, a) for a in bins)}


def clashes(selected: Sequence[Entry]) -> list[Problem]:
    """Every pair of entries, or analysis, that would use the same data twice."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in selected:
        groups.setdefault((entry.block.analysis, entry.process), []).append(entry)
    problems = []
    for (analysis, process), group in groups.items():
        where = f"measurements.{analysis}.{process}" if process else f"measurements.{analysis}"
        if {"S", "P"} <= {entry.basis for entry in group}:
            problems.append(Problem(where, "S and P bases of one analysis", "one of the two"))
        configs = sorted({entry.block.config for entry in group})
        if len(configs) > 1:
            problems.append(Problem(where, f"several fits to the same data ({', '.join(configs)})", "one of them"))
        problems += _overlaps(group, where)
    return problems


def _overlaps(group: Sequence[Entry], where: str) -> list[Problem]:
    """Bins of one analysis that overlap, and entries given twice."""
    bins = sorted({entry.bin for entry in group if entry.bin})
    overlapping = [
        Problem(where, f"bins [{a[0]:g},{a[1]:g}] and [{b[0]:g},{b[1]:g}] of one analysis overlap", "one of the two")
        for a, b in combinations(bins, 2)
        if max(a[0], b[0]) < min(a[1], b[1])
    ]
    labels = [entry.label for entry in group]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    return overlapping + [Problem(where, f"{label} is selected more than once") for label in twice]


def _join(blocks: Sequence[Measurement], name: str) -> Measurement:
    size = sum(len(block.values) for block in blocks)
    covariance, start = np.zeros((size, size)), 0
    for block in blocks:
        stop = start + len(block.values)
        covariance[start:stop, start:stop] = block.covariance
        start = stop
    return Measurement(
        name,
        tuple(dict.fromkeys(reference for block in blocks for reference in block.references)),
        "; ".join(dict.fromkeys(block.found for block in blocks)),
        "current",
        tuple(label for block in blocks for label in block.observables),
        np.concatenate([block.values for block in blocks]),
        covariance,
        excluded=("",) * size,
        limits=(None,) * size,
        dataset=tuple(dict.fromkeys(events for block in blocks for events in block.dataset)),
    )
