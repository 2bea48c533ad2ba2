"""b → s, b → d and missing energy: neutrinos, dark matter, both together, and the Z′ on its mass shell, with K, K*, φ, π and ρ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour import b_to_invisible, currents
from darkbeauty.flavour.modes import MODES, VECTORS
from darkbeauty.models.sectors import Theory
from darkbeauty.observables.combiners import Fields, SummedRate, safe_ratio
from darkbeauty.observables.domains import bin_in, tent_in
from darkbeauty.observables.observable import FRACTION, TENT, Observable, Source, source
from darkbeauty.observables.pair_modes import MODE_TEX, Process, mode_of

_SECTORS = {"nunu": ("wilson",), "NN": ("wilson", "z_prime", "dark_matter")}
_INVISIBLE = {
    "nunu": (("nunu",), r"\nu\bar\nu", "νν̄, all flavours"),
    "NN": (("NN",), "NN", "pair of dark-matter particles through the Z′ penguin"),
    "inv": (("nunu", "NN"), r"E_\mathrm{miss}", "missing energy: νν̄ ⊕ NN"),
}
_FORMULAS = {
    "nunu": (currents.neutrino_current, b_to_invisible.neutrino_density),
    "NN": (currents.majorana_current, b_to_invisible.majorana_density),
}


@dataclass(frozen=True)
class Longitudinal:
    """Longitudinal fraction of summed rates that come with their longitudinal parts."""

    reads: tuple[str, ...] = ("rate", "longitudinal")

    def __call__(self, p: Theory, arguments: tuple, *results: Fields) -> Array:
        whole, part = (jnp.asarray(sum(result[name] for result in results)) for name in self.reads)
        return safe_ratio(part, whole)


def _observables(mode: str) -> list[Observable]:
    m, is_vector = mode_of(mode), mode in VECTORS
    form_factors = "arXiv:1503.05534" if is_vector else "arXiv:2102.07233" if m.transition == "B->pi" else ""
    references = ("arXiv:1409.4557", *filter(None, [form_factors]))
    angular = {"FL": ("F_L", "longitudinal polarisation fraction", Longitudinal())} if is_vector else {}
    domain = partial(bin_in, b=m.b, final=m.final)
    observables = []
    for final, (pairs, symbol, about) in _INVISIBLE.items():
        formulas = (b_to_invisible, *(formula for pair in pairs for formula in _FORMULAS[pair]))
        shared = {"references": references, "domain": domain, "formulas": formulas}
        process = Process(f"{mode}{final}", MODE_TEX[mode] + symbol, m, "rate", shared)
        of = lambda function, pairs=pairs: tuple(
            source(function, of=_SECTORS[pair], mode=mode, pair=pair) for pair in pairs
        )
        visible_as = f"BR({mode}inv)" if final == "nunu" else ""
        about = f"{about}, time-integrated" if m.b == "Bs" else about
        observables.append(process.over_all(of(b_to_invisible.total), about, visible_as=visible_as))
        binned, points = of(b_to_invisible.binned), of(b_to_invisible.differential)
        observables += process.in_bins_and_at_points(binned, points, angular)
        observables.append(
            _under_tent(process, of(b_to_invisible.under_tent), partial(tent_in, b=m.b, final=m.final), final)
        )
    shared = {"references": references, "formulas": (b_to_invisible, b_to_invisible.on_shell)}
    on_shell = Process(f"{mode}Zp", MODE_TEX[mode] + "Z'", m, "rate", shared)
    sources = (source(b_to_invisible.on_shell, of=("wilson", "z_prime"), mode=mode),)
    return [*observables, on_shell.over_all(sources, "Z′ on its mass shell")]


def _under_tent(process: Process, sources: tuple[Source, ...], domain: Callable[..., str], final: str) -> Observable:
    """The branching fraction as a histogram with linear interpolation sees it."""
    return Observable(
        f"BR_tent({process.name})",
        sources,
        SummedRate(process.mode.b, process.rate),
        arguments=TENT,
        tex=rf"B_\wedge({process.tex})",
        about=f"{process.average} branching fraction weighted with a tent in q²: 1 at its peak, 0 at both ends",
        range=FRACTION,
        visible_as=f"BR_tent({process.name.removesuffix(final)}inv)" if final == "nunu" else "",
        **{**process.shared, "domain": domain},
    )


OBSERVABLES: tuple[Observable, ...] = tuple(observable for mode in MODES for observable in _observables(mode))
