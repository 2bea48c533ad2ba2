"""The strength s = signal/limit of every limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jax import Array

from darkbeauty.inputs.limits import Search, limit_observable, limit_records, searches
from darkbeauty.leptonic import collider_limits, dark_photon
from darkbeauty.models.sectors import Theory
from darkbeauty.numerics.limit_curves import strength
from darkbeauty.observables import b_to_invisible, b_to_p_ll, b_to_v_ll, higgs, kaons, meson_mixing, relic
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.direct_detection import SPIN_DEPENDENT, SPIN_INDEPENDENT
from darkbeauty.observables.observable import Observable, Source, source

DECAYS: dict[str, Callable[..., Array]] = {
    "mumu": collider_limits.visible_decay,
    "inv": collider_limits.invisible_decay,
}
"""What a Z′ that a B meson made does after, by its final state."""

QUANTITIES = (b_to_invisible, b_to_p_ll, b_to_v_ll, higgs, kaons, meson_mixing, relic)
"""Rooms of the observables that a limit is set on themselves."""

SCATTERING: dict[str, tuple[Source, str]] = {
    "sigma_SD(p)": (SPIN_DEPENDENT, "proton"),
    "sigma_SD(n)": (SPIN_DEPENDENT, "neutron"),
    "sigma_SI": (SPIN_INDEPENDENT, ""),
}
"""Quantity of a direct search → what computes it, and the field of the result."""


@dataclass(frozen=True)
class AfterProduction:
    """A search for a Z′ that a B meson decays to: its production, then what it does."""

    production: Observable
    search: str
    decay: Callable[..., Array]

    @property
    def reads(self) -> tuple[str, ...]:
        return self.production.reads

    def __call__(self, p: Theory, arguments: tuple, *results: Any) -> Array:
        return self.decay(p, self.search, self.production.combine(p, arguments, *results))


@dataclass(frozen=True)
class AtDarkMass:
    """A cross section over its limit at the mass of the dark matter."""

    name: str
    field: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.field,) if self.field else ()

    def __call__(self, p: Theory, arguments: tuple, result: Any) -> Array:
        return strength(p.sm.limits[self.name], p.dark_matter.mass, result[self.field] if self.field else result)


@dataclass(frozen=True)
class OverNumber:
    """An observable over a limit that is a number."""

    observable: Observable
    name: str

    @property
    def reads(self) -> tuple[str, ...]:
        return self.observable.reads

    def __call__(self, p: Theory, arguments: tuple, *results: Any) -> Array:
        return self.observable.combine(p, arguments, *results) / p.sm.limits[self.name]


def _limit(
    name: str, sources: tuple[Source, ...], combine: Any, *formulas: Any, called: str = "", visible_as: str = ""
) -> Observable:
    """The observable of one limit; what it is and where from stands with its data. called: where it is not by the limit's own name."""
    record = limit_records()[name]
    level = "in upward standard deviations" if record["kind"] == "band" else f"1 at {100 * record['cl']:g} % CL"
    return Observable(
        called or limit_observable(name),
        sources,
        combine,
        tex=rf"s(\mathrm{{{_in_tex(name)}}})",
        references=tuple(record["references"]),
        about=f"signal over limit of {name} on {record['quantity']}, {level}",
        formulas=formulas,
        visible_as=visible_as,
    )


def _in_tex(name: str) -> str:
    for words, symbol in (("->", r"\to "), (" ", r"\ "), ("mumu", r"\mu\mu"), ("nunu", r"\nu\nu")):
        name = name.replace(words, symbol)
    return name


def _collider() -> tuple[Observable, ...]:
    rates = {observable.name: observable for observable in b_to_invisible.OBSERVABLES}
    limits = []
    for search in searches():
        if search.quantity == "BR":
            made, decay = rates[search.production], DECAYS[search.final]
            after = AfterProduction(made, search.name, decay)
            limits.append(_limit(search.name, made.sources, after, *made.formulas, decay))
        else:
            limits.append(_limit(search.name, (_direct(search),), itself))
    pairs = source(collider_limits.leptoquark_pairs, of=("leptoquark",))
    return (*limits, _limit("ATLAS LQ->bnu", (pairs,), itself))


def _direct(search: Search) -> Source:
    """What computes the strength of a search for a Z′ that charged particles radiate."""
    if search.quantity == "g":
        return source(collider_limits.radiated_z_prime, of=("z_prime",), search=search.name, final=search.final)
    options = {"search": search.name, "production": search.production, "final": search.final}
    return source(dark_photon.mixed_z_prime, of=("z_prime",), **options)


def _dark() -> tuple[Observable, ...]:
    limits = []
    for name, record in limit_records().items():
        if record["use"] == "fit" and record["quantity"] in SCATTERING:
            computed, field = SCATTERING[record["quantity"]]
            limits.append(_limit(name, (computed,), AtDarkMass(name, field)))
    return tuple(limits)


def _numbers() -> tuple[Observable, ...]:
    """Limits on what is an observable itself; of one that is seen together with dark matter, on that, too."""
    known = {o.name: o for room in QUANTITIES for o in room.OBSERVABLES}
    over = lambda name, of, **more: _limit(name, of.sources, OverNumber(of, name), *of.formulas, **more)
    limits = []
    for name, record in limit_records().items():
        quantity = known.get(record["quantity"]) if record["use"] == "fit" else None
        if quantity is not None and quantity.visible_as:
            called = limit_observable(name.replace("nunu", "inv"))
            limits += [over(name, quantity, visible_as=called), over(name, known[quantity.visible_as], called=called)]
        elif quantity is not None:
            limits.append(over(name, quantity))
    return tuple(limits)


OBSERVABLES: tuple[Observable, ...] = (*_collider(), *_dark(), *_numbers())
