"""Which results of a list of requests come from tables of quadratic forms instead of the amplitude code, and the tables."""

from __future__ import annotations

import warnings
from collections import ChainMap
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax import Array

from darkbeauty.flavour import b_to_invisible, b_to_p_ll, b_to_v_ll, invisible_totals, missing_energy_table
from darkbeauty.flavour.invisible_totals import InvisibleTotals
from darkbeauty.flavour.missing_energy_table import MissingEnergyTable
from darkbeauty.flavour.modes import LEPTON_INDEX, MODES
from darkbeauty.flavour.quadratic import SLOTS, Channel, QuadraticRates, lepton_integrand, names_of, tabulate
from darkbeauty.flavour.verification import TOLERANCE, table_deviations
from darkbeauty.models.base import Model, sectors_of
from darkbeauty.models.sectors import Theory, Wilson
from darkbeauty.observables import Request, Results, Source, elementary

TABULATED = (b_to_p_ll.binned, b_to_v_ll.binned)
"""Functions with tables."""


class Tabulated(NamedTuple):
    """A source with its bins, and which of its rates are tabulated, by name."""

    source: Source
    bins: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]

    @property
    def quarks(self) -> str:
        """The transition of its mode, "bs" or "bd"."""
        return MODES[dict(self.source.options)["mode"]].quarks

    def results(self, table: Array) -> Results:
        """What the source gives in its bins, from a table of shape (bins, rates)."""
        return Results(self.bins, {name: table[:, i] for i, name in enumerate(self.names)})


class Spectrum(eqx.Module):
    """A spectrum of missing energy under tents: its table, and the source that it stands for."""

    table: MissingEnergyTable
    source: Source = eqx.field(static=True)
    tents: tuple[tuple[float, ...], ...] = eqx.field(static=True)

    def results(self, p: Theory) -> Results:
        """What the source gives."""
        of_pair = {"nunu": self.table.neutrinos, "NN": self.table.dark_matter}
        return Results(self.tents, {"rate": of_pair[dict(self.source.options)["pair"]](p.only(self.source.of))})


class Totals(eqx.Module):
    """Whole rates of missing energy by modes with one pair of quarks, and the sources that each mode stands for."""

    table: InvisibleTotals
    sources: tuple[tuple[Source, int], ...] = eqx.field(static=True)

    def results(self, p: Theory) -> dict[Source, Results]:
        """What the sources give; of the pairs that somebody asks for."""
        of_pair = {"nunu": self.table.neutrinos, "NN": self.table.dark_matter}
        pair_of = lambda source: dict(source.options)["pair"]
        rates = {pair: of_pair[pair](p.only(of)) for pair, of in {pair_of(s): s.of for s, _ in self.sources}.items()}
        at = lambda source, mode: rates[pair_of(source)][mode : mode + 1]
        return {source: Results(((),), {"rate": at(source, mode)}) for source, mode in self.sources}


class RateTables(eqx.Module):
    """Binned b → sℓℓ and b → dℓℓ rates of a likelihood, in groups with one transition and lepton flavour, equally many rates, with or without B_s mixing, and
    what each group holds; spectra of missing energy, and whole rates."""

    groups: tuple[QuadraticRates, ...]
    spectra: tuple[Spectrum, ...]
    totals: tuple[Totals, ...]
    contents: tuple[tuple[Tabulated, ...], ...] = eqx.field(static=True)

    def results(self, p: Theory) -> dict[Source, Results]:
        """Results as the sources themselves would give, of the rates that somebody reads; none of a group that lacks a coefficient that `p` has."""
        by_source = self.missing_energy(p)
        phase = b_to_v_ll.meson_mixing_phase(p) if any(group.meson_mixing for group in self.groups) else 1.0
        for group, contents in zip(self.groups, self.contents):
            w = p.wilson.of(contents[0].quarks)
            if not group.covers(w):
                continue
            table, stop = group(w, phase), 0
            for tabulated in contents:
                start, stop = stop, stop + len(tabulated.bins)
                by_source[tabulated.source] = tabulated.results(table[start:stop])
        return by_source

    def missing_energy(self, p: Theory) -> dict[Source, Results]:
        """Spectra and whole rates with missing energy alone."""
        spectra = {spectrum.source: spectrum.results(p) for spectrum in self.spectra}
        return dict(ChainMap(spectra, *(totals.results(p) for totals in self.totals)))


def tabulated_sources(requests: tuple[Request, ...]) -> tuple[Tabulated, ...]:
    """Every source of binned b → sℓℓ among the requests, with its bins and what is read of it."""
    bins: dict[Source, dict[tuple[float, ...], None]] = {}
    names: dict[Source, set[str]] = {}
    for request in requests:
        for source in request.observable.sources:
            if source.function in TABULATED:
                bins.setdefault(source, {})[request.arguments] = None
                names.setdefault(source, set()).update(request.observable.reads)
    in_order = lambda source: tuple(name for name in names_of(dict(source.options)["mode"]) if name in names[source])
    return tuple(Tabulated(source, tuple(bins[source]), in_order(source)) for source in bins)


@jax.numpy_dtype_promotion("standard")
def make_tables(model: Model, requests: tuple[Request, ...]) -> RateTables:
    """Tables for every binned rate among the requests, at the model's Standard-Model inputs, but for bins where they are not accurate."""
    requests = elementary(requests)
    grouped: dict[tuple[str, bool, int, int], list[tuple[Channel, Tabulated]]] = {}
    for tabulated in tabulated_sources(requests):
        channel = channel_of(model, tabulated)
        kind = tabulated.quarks, channel.integrand.meson_mixing, len(tabulated.names), channel.flavour
        grouped.setdefault(kind, []).append((channel, tabulated))
    made = [_verified(model, group) for group in grouped.values()]
    kept = [(table, contents) for table, contents in made if table is not None]
    spectra = _spectra(model, requests)
    contents = tuple(contents for _, contents in kept)
    return RateTables(tuple(table for table, _ in kept), spectra, _totals(model, requests), contents)


def _spectra(model: Model, requests: tuple[Request, ...]) -> tuple[Spectrum, ...]:
    """Spectra of missing energy under the tents among the requests, but for those of B_s, and of formulas as slides print them."""
    tents: dict[Source, dict[tuple[float, ...], None]] = {}
    for request in requests:
        for source in request.observable.sources:
            if source.function is b_to_invisible.under_tent:
                tents.setdefault(source, {})[request.arguments] = None
    canonical = sectors_of(model).convention == "canonical"
    spectra = []
    for source, peaks in tents.items():
        mode = dict(source.options)["mode"]
        if canonical and mode in missing_energy_table.MODES:
            table = missing_energy_table.tabulate(model.sm, mode, tuple(peaks))
            spectra.append(Spectrum(table, source, tuple(peaks)))
    return tuple(spectra)


def _totals(model: Model, requests: tuple[Request, ...]) -> tuple[Totals, ...]:
    """Whole rates with missing energy among the requests, but for those of B_s, and of formulas as slides print them."""
    if sectors_of(model).convention != "canonical":
        return ()
    by_quarks: dict[str, dict[Source, str]] = {}
    for request in requests:
        for source in request.observable.sources:
            mode = dict(source.options).get("mode", "")
            if source.function is b_to_invisible.total and MODES[mode].b != "Bs":
                by_quarks.setdefault(MODES[mode].quarks, {})[source] = mode
    totals = []
    for sources in by_quarks.values():
        modes = list(dict.fromkeys(sources.values()))
        table = invisible_totals.tabulate(model.sm, modes)
        totals.append(Totals(table, tuple((source, modes.index(mode)) for source, mode in sources.items())))
    return tuple(totals)


def channel_of(model: Model, tabulated: Tabulated) -> Channel:
    """A source with its bins as the tables take it."""
    options = dict(tabulated.source.options)
    integrand = lepton_integrand(model.sm, options["mode"], options["lepton"])
    return Channel(integrand, LEPTON_INDEX[options["lepton"]], tabulated.names, tabulated.bins)


def _verified(
    model: Model, group: Sequence[tuple[Channel, Tabulated]]
) -> tuple[QuadraticRates | None, tuple[Tabulated, ...]]:
    """The tables of a group and what they hold, without the bins in which they miss their promise: those stay with the amplitude code, and a warning says so."""
    channels = tuple(channel for channel, _ in group)
    table = tabulate(model.sm, channels, *slots_of(sectors_of(model).wilson.of(group[0][1].quarks)))
    good = [deviation <= TOLERANCE for deviation in table_deviations(model.sm, channels, table)]
    if all(np.all(of_bins) for of_bins in good):
        return table, tuple(tabulated for _, tabulated in group)
    left = []
    for (channel, tabulated), of_bins in zip(group, good):
        bins = accurate(channel, of_bins, TOLERANCE)
        if bins:
            left.append((channel._replace(bins=bins), tabulated._replace(bins=bins)))
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


def slots_of(w: Wilson) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Coefficients of b → sℓℓ (or b → dℓℓ) that a model fills, and those of them that its Z′ puts on its pole."""
    resonant = tuple(name for name in SLOTS if name in w.residue)
    return tuple(name for name in SLOTS if name in w.contact or name in resonant), resonant
