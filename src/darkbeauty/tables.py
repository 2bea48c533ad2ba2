"""Which results of a list of requests come from tables of quadratic forms instead of the amplitude code, and the tables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.flavour.quadratic import Channel, QuadraticRates, lepton_integrand, tabulate
from darkbeauty.flavour.verification import TOLERANCE, table_deviations
from darkbeauty.models import Model
from darkbeauty.observables import Request, Results, Source

ROWS = {b_to_p_ll.binned: 3, b_to_v_ll.binned: 20}
"""Functions with tables, and how many rows their results have."""


class Entry(NamedTuple):
    """A source with its bins, and which rows of its results are tabulated."""

    source: Source
    bins: tuple[tuple[float, ...], ...]
    rows: tuple[int, ...]


class RateTables(eqx.Module):
    """Binned b → sℓℓ rates of a likelihood, in groups with one lepton flavour, equally many rows, with or without B_s mixing, and what each group holds."""

    groups: tuple[QuadraticRates, ...]
    entries: tuple[tuple[Entry, ...], ...] = eqx.field(static=True)

    def results(self, p: Model) -> dict[Source, Results]:
        """Results as the sources themselves would give; rows that nobody asked for are 0."""
        found: dict[Source, Results] = {}
        phase = b_to_v_ll.mixing_phase(p) if any(group.mixing for group in self.groups) else 1.0
        for group, entries in zip(self.groups, self.entries):
            table = group(p.wilson(), phase)
            stop = 0
            for source, bins, rows in entries:
                start, stop = stop, stop + len(bins)
                full = jnp.zeros((len(bins), ROWS[source.function])).at[:, np.asarray(rows)].set(table[start:stop])
                found[source] = Results(bins, full)
        return found


def make_tables(model: Model, requests: tuple[Request, ...]) -> RateTables:
    """Tables for every binned rate among the requests, at the model's Standard-Model inputs, but for bins where they are not accurate."""
    wanted: dict[Source, dict[tuple[float, ...], None]] = {}
    rows: dict[Source, set[int]] = {}
    one_of_each = {request.observable: request for request in requests}
    for request in requests:
        for source in request.observable.sources:
            if source.function in ROWS:
                wanted.setdefault(source, {})[request.arguments] = None
    for request in one_of_each.values():
        for i, source in enumerate(request.observable.sources):
            if source.function in ROWS:
                rows.setdefault(source, set()).update(_rows_used(model, request, i))
    grouped: dict[tuple[bool, int, int], list[tuple[Channel, Entry]]] = {}
    for source, bins in wanted.items():
        options = dict(source.options)
        integrand = lepton_integrand(model.sm, options["mode"], options["lepton"])
        entry = Entry(source, tuple(bins), tuple(sorted(rows[source])))
        channel = Channel(integrand, LEPTON_INDEX[options["lepton"]], entry.rows, entry.bins)
        grouped.setdefault((integrand.mixing, len(entry.rows), channel.flavour), []).append((channel, entry))
    made = [_verified(model, group) for group in grouped.values()]
    kept = [(table, entries) for table, entries in made if table is not None]
    return RateTables(tuple(table for table, _ in kept), tuple(entries for _, entries in kept))


def _verified(model: Model, group: Sequence[tuple[Channel, Entry]]) -> tuple[QuadraticRates | None, tuple[Entry, ...]]:
    """The tables of a group and its entries, without the bins in which they miss their promise: those stay with the amplitude code, and a warning says so."""
    channels = tuple(channel for channel, _ in group)
    table = tabulate(model.sm, channels, model.wilson_slots, model.resonant_slots)
    good = [deviation <= TOLERANCE for deviation in table_deviations(model.sm, channels, table)]
    if all(np.all(of_bins) for of_bins in good):
        return table, tuple(entry for _, entry in group)
    left = []
    for (channel, entry), of_bins in zip(group, good):
        bins = accurate(channel, of_bins, TOLERANCE)
        if bins:
            left.append((channel._replace(bins=bins), entry._replace(bins=bins)))
    return _verified(model, left) if left else (None, ())


def accurate(channel: Channel, good: np.ndarray, tolerance: float) -> tuple[tuple[float, ...], ...]:
    """The good bins of a process; a warning names the others."""
    missed = ", ".join(f"[{low:.12g}, {high:.12g}]" for (low, high), ok in zip(channel.bins, good) if not ok)
    if missed:
        process = f"{channel.integrand.mode} {channel.integrand.lepton}{channel.integrand.lepton}"
        text = (
            f"{process} in {missed}: tables miss {tolerance:g} of the rate, the amplitude code is used, which is slower"
        )
        warnings.warn(text, stacklevel=4)
    return tuple(edges for edges, ok in zip(channel.bins, good) if ok)


def _rows_used(model: Model, request: Request, index: int) -> set[int]:
    """Rows of one source that change an observable, by trying."""
    observable = request.observable
    random = np.random.default_rng(1)
    results: list[Any] = [jnp.asarray(random.uniform(0.5, 1.5, ROWS.get(s.function, 1))) for s in observable.sources]
    with jax.ensure_compile_time_eval():
        value = lambda: complex(observable.combine(model, request.arguments, *results))
        results[index] = signed = results[index] * _signs(len(results[index]))
        base, used = value(), set()
        for row in range(len(signed)):
            results[index] = signed.at[row].multiply(1.1)
            if value() != base:
                used.add(row)
        return used


def _signs(rows: int) -> np.ndarray:
    """All positive, but for J₂c of vector modes, which is negative."""
    signs = np.ones(rows)
    if rows == ROWS[b_to_v_ll.binned]:
        signs[b_to_v_ll.COEFFICIENTS.index("2c")] = -1.0
    return signs
