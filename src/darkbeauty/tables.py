"""Which results of a list of requests come from tables of quadratic forms instead of the amplitude code, and the tables."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
from jax import Array

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.flavour.quadratic import SLOTS, Channel, QuadraticRates, lepton_integrand, tabulate
from darkbeauty.models.base import Model, sectors_of
from darkbeauty.models.sectors import Theory, Wilson
from darkbeauty.observables import Request, Results, Source

TABULATED = (b_to_p_ll.binned, b_to_v_ll.binned)
"""Functions with tables."""


class Tabulated(NamedTuple):
    """A source with its bins, and which of its rates are tabulated, by name."""

    source: Source
    bins: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]

    def results(self, table: Array) -> Results:
        """What the source gives in its bins, from a table of shape (bins, rates)."""
        return Results(self.bins, {name: table[:, i] for i, name in enumerate(self.names)})


class RateTables(eqx.Module):
    """Binned b → sℓℓ rates of a likelihood, in groups with one lepton flavour, equally many rates, with or without B_s mixing, and what each group holds."""

    groups: tuple[QuadraticRates, ...]
    contents: tuple[tuple[Tabulated, ...], ...] = eqx.field(static=True)

    def results(self, p: Theory) -> dict[Source, Results]:
        """Results as the sources themselves would give, of the rates that somebody reads."""
        by_source: dict[Source, Results] = {}
        phase = b_to_v_ll.mixing_phase(p) if any(group.mixing for group in self.groups) else 1.0
        for group, contents in zip(self.groups, self.contents):
            table, stop = group(p.wilson, phase), 0
            for tabulated in contents:
                start, stop = stop, stop + len(tabulated.bins)
                by_source[tabulated.source] = tabulated.results(table[start:stop])
        return by_source


def tabulated_sources(requests: tuple[Request, ...]) -> tuple[Tabulated, ...]:
    """Every source among the requests that has tables, with its bins and what is read of it."""
    bins: dict[Source, dict[tuple[float, ...], None]] = {}
    names: dict[Source, set[str]] = {}
    for request in requests:
        for source in request.observable.sources:
            if source.function in TABULATED:
                bins.setdefault(source, {})[request.arguments] = None
                names.setdefault(source, set()).update(request.observable.reads)
    return tuple(Tabulated(source, tuple(bins[source]), tuple(sorted(names[source]))) for source in bins)


def make_tables(model: Model, requests: tuple[Request, ...]) -> RateTables:
    """Tables for every binned rate among the requests, at the model's Standard-Model inputs."""
    grouped: dict[tuple[bool, int, int], list[tuple[Channel, Tabulated]]] = {}
    for tabulated in tabulated_sources(requests):
        options = dict(tabulated.source.options)
        integrand = lepton_integrand(model.sm, options["mode"], options["lepton"])
        channel = Channel(integrand, LEPTON_INDEX[options["lepton"]], tabulated.names, tabulated.bins)
        kind = integrand.mixing, len(tabulated.names), channel.flavour
        grouped.setdefault(kind, []).append((channel, tabulated))
    members = [tuple(zip(*group)) for group in grouped.values()]
    slots, resonant = slots_of(sectors_of(model).wilson)
    tables = (tabulate(model.sm, channels, slots, resonant) for channels, _ in members)
    return RateTables(tuple(tables), tuple(contents for _, contents in members))


def slots_of(w: Wilson) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Coefficients of b → sℓℓ that a model fills, and those of them that its Z′ puts on its pole."""
    resonant = tuple(name for name in SLOTS if name in w.residue)
    return tuple(name for name in SLOTS if name in w.contact or name in resonant), resonant
