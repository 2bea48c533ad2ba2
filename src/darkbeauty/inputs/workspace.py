"""A pyhf workspace (HistFactory in JSON) with the joint densities of its signal, read into a `Histogram`.

Of HistFactory's modifiers: normfactor of the signal strength (1; the spectrum takes its place), normsys, histosys (linear, half the difference of its two
sides), staterror. Any other is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from darkbeauty.errors import InputError, Problem, raise_if_any
from darkbeauty.inputs.histogram import Histogram

SHAPES, EMPHASIS = 24, 3.0
"""Shapes that are kept of all histosys, turned to their principal directions, and how much more those of a signal count, which may grow."""
CLOSE = 1e-3
"""How well densities must add up to the signal, relative."""
LEAST = 1e-6
"""Yield of a bin that has none: a shift of it is relative to this."""
KNOWN = ("normfactor", "normsys", "histosys", "staterror")


@dataclass(frozen=True)
class Densities:
    """Events of the signal by bin of a channel and bin of the generated variable.

    edges (J + 1,) and reference (J,) as in `Histogram`; table: channel → (bins, J); fixed: channel → (bins,), what does not follow the spectrum.
    """

    edges: np.ndarray
    reference: np.ndarray
    table: dict[str, np.ndarray]
    fixed: dict[str, np.ndarray]


@dataclass(frozen=True)
class Row:
    """A sample in all of its channels: whether it is signal, its name, its normsys as (name, high, low)."""

    signal: bool
    sample: str
    norms: tuple[tuple[str, float, float], ...]


def read_densities(text: str, path: str) -> Densities:
    """The table of a csv text.

    Header: channel, bin, then low:high of every bin of the generated variable; a bin that ends at the lower end of the next and is called fixed:high
    holds what does not follow the spectrum. First line: reference, empty, and what the signal was generated with. Then a line for each bin of a channel.
    Errors   InputError naming every line that is wrong
    """
    lines = [line for line in csv.reader(io.StringIO(text)) if line and not line[0].startswith("#")]
    if len(lines) < 3 or lines[0][:2] != ["channel", "bin"] or lines[1][0] != "reference":
        raise InputError([Problem(path, "begins with the columns channel, bin, low:high …, then a line `reference`")])
    problems: list[Problem] = []
    bins = [_pair(text, f"{path}: column {text!r}", problems) for text in lines[0][2:]]
    numbers = [_numbers(line, len(bins), f"{path}: line {line[0]!r}, {line[1]!r}", problems) for line in lines[1:]]
    raise_if_any(problems)
    follows = [i for i, (low, _) in enumerate(bins) if np.isfinite(low)]
    edges = np.array([bins[i][0] for i in follows] + [bins[follows[-1]][1]])
    if any(bins[i][1] != bins[j][0] for i, j in pairwise(follows)) or np.any(np.diff(edges) <= 0.0):
        raise InputError([Problem(path, "bins of the generated variable do not increase without gaps")])
    rows: dict[str, list[np.ndarray]] = {}
    for line, row in zip(lines[2:], numbers[1:]):
        rows.setdefault(line[0], []).append(row)
    whole = {channel: np.array(row) for channel, row in rows.items()}
    rest = [i for i in range(len(bins)) if i not in follows]
    return Densities(
        edges,
        numbers[0][follows],
        {channel: table[:, follows] for channel, table in whole.items()},
        {channel: table[:, rest].sum(1) for channel, table in whole.items()},
    )


def _pair(text: str, path: str, problems: list[Problem]) -> tuple[float, float]:
    low, _, high = text.partition(":")
    try:
        return (-np.inf if low == "fixed" else float(low)), float(high or "nan")
    except ValueError:
        problems.append(Problem(path, "is no bin", "low:high or fixed:high"))
        return 0.0, 0.0


def _numbers(line: list[str], size: int, path: str, problems: list[Problem]) -> np.ndarray:
    try:
        row = np.array([float(entry or 0.0) for entry in line[2:]])
    except ValueError:
        row = np.zeros(0)
    if len(row) != size or not np.all(np.isfinite(row)) or np.any(row < 0.0):
        problems.append(Problem(path, f"does not hold {size} finite numbers, none of them negative"))
        return np.zeros(size)
    return row


def histogram_of(workspace: Mapping[str, Any], densities: Densities, path: str, signals: tuple[str, ...]) -> Histogram:
    """The histogram of a workspace.

    Args     path: what problems begin with; signals: names of the samples that the densities describe
    Errors   InputError with every problem: entries that are missing or of the wrong length, modifiers that are not known, a signal that no channel has,
             densities that do not add up to it
    """
    problems = list(_problems(workspace, densities, path, signals))
    raise_if_any(problems)
    reading = _Reading(workspace, signals)
    histogram = reading.histogram(densities)
    raise_if_any(_sums(reading, histogram, path))
    return histogram


def _problems(
    workspace: Mapping[str, Any], densities: Densities, path: str, signals: tuple[str, ...]
) -> Iterator[Problem]:
    if not isinstance(workspace, Mapping) or not workspace.get("channels") or not workspace.get("observations"):
        yield Problem(path, "is no pyhf workspace", "channels, observations, measurements")
        return
    counts = {entry["name"]: entry["data"] for entry in workspace["observations"]}
    samples = {sample["name"] for channel in workspace["channels"] for sample in channel["samples"]}
    for name in signals:
        if name not in samples:
            yield Problem(f"{path}: signal {name!r}", "no channel has this sample", ", ".join(sorted(samples)))
    for channel in workspace["channels"]:
        place, size = f"{path}: channel {channel['name']!r}", len(counts.get(channel["name"], ()))
        if not size:
            yield Problem(place, "has no observation")
            continue
        table = densities.table.get(channel["name"])
        has = any(sample["name"] in signals for sample in channel["samples"])
        if has and (table is None or len(table) != size):
            yield Problem(place, f"the table of densities has not the {size} bins of its signal")
        for sample in channel["samples"]:
            yield from _sample_problems(sample, f"{place}, sample {sample['name']!r}", size, sample["name"] in signals)
    for channel in sorted(set(densities.table) - {channel["name"] for channel in workspace["channels"]}):
        yield Problem(f"{path}: channel {channel!r}", "is in the table of densities alone")


def _sample_problems(sample: Mapping[str, Any], place: str, size: int, signal: bool) -> Iterator[Problem]:
    if len(sample["data"]) != size:
        yield Problem(place, f"has {len(sample['data'])} bins, and the observation {size}")
    for modifier in sample["modifiers"]:
        where, data = f"{place}, modifier {modifier['name']!r}", modifier.get("data")
        if modifier["type"] not in KNOWN:
            yield Problem(where, f"type {modifier['type']!r} is not known here", ", ".join(KNOWN))
        elif modifier["type"] == "normfactor" and not signal:
            yield Problem(where, "a free normalisation of a background is not known here")
        elif modifier["type"] == "normsys" and min(data["hi"], data["lo"]) <= 0.0:
            yield Problem(where, "a factor is not positive")
        lengths = {"histosys": ("hi_data", "lo_data")}.get(modifier["type"], ())
        rows = [data[key] for key in lengths] + ([data] if modifier["type"] == "staterror" else [])
        if any(len(row) != size for row in rows):
            yield Problem(where, f"has not {size} bins")


def _sums(reading: _Reading, histogram: Histogram, path: str) -> list[Problem]:
    """Bins of the signal that the densities do not add up to."""
    total = histogram.fixed + histogram.density.sum(-1)
    nominal = histogram.nominal[-len(total) :]
    off = np.abs(total - nominal) > CLOSE * np.maximum(nominal, LEAST)
    return [
        Problem(
            f"{path}: channel {reading.channel_of(b)[0]!r}, bin {reading.channel_of(b)[1]}",
            f"densities add up to {total[i, b]:.6g}, the signal is {nominal[i, b]:.6g}",
        )
        for i, b in zip(*np.nonzero(off))
    ]


class _Reading:
    """A workspace whose bins stand one after the other, and whose samples are rows, signals last."""

    def __init__(self, workspace: Mapping[str, Any], signals: tuple[str, ...]):
        self.channels = workspace["channels"]
        counts = {entry["name"]: entry["data"] for entry in workspace["observations"]}
        self.observed = np.concatenate([np.array(counts[channel["name"]], float) for channel in self.channels])
        ends = np.cumsum([len(counts[channel["name"]]) for channel in self.channels]).tolist()
        self.spans = dict(zip((channel["name"] for channel in self.channels), zip([0, *ends], ends)))
        rows = dict.fromkeys(row for row, _, _ in self._samples(signals))
        self.rows = tuple(sorted(rows, key=lambda row: row.signal))
        self.placed = [
            (self.rows.index(row), slice(*self.spans[c]), sample) for row, c, sample in self._samples(signals)
        ]
        self.in_channel = [(i, c) for (row, c, _) in self._samples(signals) for i in [self.rows.index(row)]]

    def _samples(self, signals: tuple[str, ...]) -> Iterator[tuple[Row, str, Mapping[str, Any]]]:
        for channel in self.channels:
            for sample in channel["samples"]:
                norms = [m for m in sample["modifiers"] if m["type"] == "normsys"]
                key = tuple(sorted((m["name"], float(m["data"]["hi"]), float(m["data"]["lo"])) for m in norms))
                yield Row(sample["name"] in signals, sample["name"], key), channel["name"], sample

    def channel_of(self, place: int) -> tuple[str, int]:
        """Channel of a bin, and which of its bins that is."""
        return next((name, int(place) - low) for name, (low, high) in self.spans.items() if low <= place < high)

    def histogram(self, densities: Densities) -> Histogram:
        shape = len(self.rows), len(self.observed)
        nominal, statistical, shifts = np.zeros(shape), np.zeros((0, *shape)), {}
        for i, bins, sample in self.placed:
            nominal[i, bins] = np.maximum(sample["data"], LEAST)
        for i, bins, sample in self.placed:
            for modifier in sample["modifiers"]:
                if modifier["type"] == "histosys":
                    up, down = (np.array(modifier["data"][key], float) for key in ("hi_data", "lo_data"))
                    shifts.setdefault(modifier["name"], np.zeros(shape))[i, bins] += 0.5 * (up - down)
        statistical = self._statistical(nominal)
        signal = [i for i, row in enumerate(self.rows) if row.signal]
        density, fixed = np.zeros((len(signal), shape[1], len(densities.reference))), np.zeros((len(signal), shape[1]))
        for i, channel in self.in_channel:
            if i in signal:
                bins = slice(*self.spans[channel])
                density[signal.index(i), bins] = densities.table[channel]
                fixed[signal.index(i), bins] = densities.fixed[channel]
        shapes = _principal(np.array([*shifts.values(), np.zeros(shape)]), nominal, self.observed, signal)
        factors = self._factors()
        return Histogram(
            self.observed, nominal, *factors, shapes, statistical, density, fixed, densities.edges, densities.reference
        )

    def _factors(self) -> tuple[np.ndarray, np.ndarray]:
        names = list(dict.fromkeys(name for row in self.rows for name, _, _ in row.norms))
        high, low = np.ones((2, len(names), len(self.rows)))
        for i, row in enumerate(self.rows):
            for name, up, down in row.norms:
                high[names.index(name), i], low[names.index(name), i] = up, down
        return high, low

    def _statistical(self, nominal: np.ndarray) -> np.ndarray:
        """Relative errors of what shares a staterror of a channel: √Σ error² over Σ yield."""
        groups: dict[tuple[str, str], list[tuple[int, np.ndarray]]] = {}
        for (i, channel), (_, _, sample) in zip(self.in_channel, self.placed):
            for modifier in sample["modifiers"]:
                if modifier["type"] == "staterror":
                    groups.setdefault((channel, modifier["name"]), []).append((i, np.array(modifier["data"], float)))
        count = {channel: sum(c == channel for c, _ in groups) for channel, _ in groups}
        table = np.zeros((max(count.values(), default=0), *nominal.shape))
        place = dict.fromkeys(count, 0)
        for (channel, _), members in groups.items():
            bins = slice(*self.spans[channel])
            rows = [i for i, _ in members]
            error = np.sqrt(sum(error**2 for _, error in members)) / nominal[rows, bins].sum(0)
            table[place[channel], rows, bins] = error
            place[channel] += 1
        return table


def _principal(shifts: np.ndarray, nominal: np.ndarray, observed: np.ndarray, signal: list[int]) -> np.ndarray:
    """Relative shifts turned into their principal directions, the largest SHAPES of them: combinations of unit Gaussians are unit Gaussians."""
    scale = 1.0 / np.sqrt(np.maximum(observed, 1.0)) * np.ones_like(nominal)
    scale[signal] *= EMPHASIS
    _, size, rows = np.linalg.svd((shifts * scale).reshape(len(shifts), -1), full_matrices=False)
    kept = (size[:SHAPES, None] * rows[:SHAPES]).reshape(-1, *nominal.shape) / scale
    return np.divide(kept, nominal, out=np.zeros_like(kept), where=nominal > 0.0)
