"""Rows that every b → s mode with a pair has: rate and angular observables in bins and at points, lepton ratios, missing energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import cast

from jax import Array

from darkbeauty.flavour import b_to_invisible
from darkbeauty.flavour.modes import PSEUDOSCALAR, VECTOR, Mode
from darkbeauty.models.base import Model
from darkbeauty.observables.entry import (
    BIN,
    POINT,
    Observable,
    Source,
    bin_in,
    ratio_of_two,
    safe_ratio,
    source,
)

LEPTON_TEX = {"e": "e^+e^-", "mu": r"\mu^+\mu^-", "tau": r"\tau^+\tau^-", "l": r"\ell^+\ell^-"}
MODE_TEX = {
    "B+->K": r"B^+ \to K^+",
    "B0->K": r"B^0 \to K^0",
    "B0->K*": r"B^0 \to K^{*0}",
    "B+->K*": r"B^+ \to K^{*+}",
    "Bs->phi": r"B_s \to \phi ",
}
_INVISIBLE = {
    "nunu": (("nunu",), r"\nu\bar\nu", "νν̄, all flavours", ""),
    "NN": (("NN",), "NN", "pair of dark-matter particles through the Z′ penguin", "dark"),
    "inv": (("nunu", "NN"), r"E_\mathrm{miss}", "missing energy: νν̄ ⊕ NN", "dark"),
}

Symbols = Mapping[str, tuple[str, str, Callable[..., Array]]]
"""Name of an observable → its TeX symbol, what it is, how it combines the results."""


def mode_of(mode: str) -> Mode:
    """Mesons of a mode of any spin."""
    return (PSEUDOSCALAR | VECTOR)[mode]


def summed_rate(p: Model, arguments: tuple, *results: Array, meson: str) -> Array:
    """Lifetime × sum of the rates of several pairs, per width of the bin if there is one."""
    width = arguments[1] - arguments[0] if len(arguments) == 2 else 1.0
    return p.sm.lifetime[meson] * sum(result[0] for result in results) / width


def longitudinal(p: Model, arguments: tuple, *results: Array) -> Array:
    """Longitudinal fraction of summed rates that come with their longitudinal parts."""
    whole, part = cast(Array, sum(results))
    return safe_ratio(part, whole)


def pair_rows(
    process: str,
    tex: str,
    bins: tuple[Source, ...],
    points: tuple[Source, ...],
    meson: str,
    common: dict,
    angular: Symbols,
) -> list[Observable]:
    """Rate and angular observables of one process, in bins and at points."""
    average = "time-integrated, CP-averaged" if meson == "Bs" else "CP-averaged"
    binned, point = (partial(Observable, arguments=arguments, **common) for arguments in (BIN, POINT))
    combine = partial(summed_rate, meson=meson)
    rows = [
        binned(
            f"<dBR/dq2>({process})",
            bins,
            combine,
            unit="GeV^-2",
            tex=rf"\langle dB/dq^2\rangle({tex})",
            about=f"{average} branching fraction in the bin over its width",
        ),
        point(
            f"dBR/dq2({process})",
            points,
            combine,
            unit="GeV^-2",
            tex=rf"dB/dq^2({tex})",
            about=f"{average} differential branching fraction",
        ),
    ]
    for name, (symbol, about, combine) in angular.items():
        rows.append(binned(f"<{name}>({process})", bins, combine, tex=rf"\langle {symbol}\rangle({tex})", about=about))
        rows.append(point(f"{name}({process})", points, combine, tex=rf"{symbol}({tex})", about=about))
    return rows


def lepton_rows(
    code: ModuleType, mode: str, lepton: str, references: tuple[str, ...], angular: Symbols
) -> list[Observable]:
    """ℓ⁺ℓ⁻ of one flavour with the amplitudes of `code`; for τ also over all of phase space."""
    m, process, tex = mode_of(mode), f"{mode}{lepton}{lepton}", MODE_TEX[mode] + LEPTON_TEX[lepton]
    common = {"references": references, "domain": partial(bin_in, b=m.b, final=m.final, lepton=lepton)}
    bins, points = ((source(f, mode=mode, lepton=lepton),) for f in (code.binned, code.differential))
    rows = pair_rows(process, tex, bins, points, m.b, common, angular)
    if lepton == "tau":
        about = "branching fraction over all of phase space, without charmonia"
        whole = (source(code.total, mode=mode, lepton=lepton),)
        rows.append(_total(process, tex, whole, m.b, references, about, ""))
    return rows


def ratio_rows(code: ModuleType, mode: str, first: str, second: str, references: tuple[str, ...]) -> list[Observable]:
    """Ratio of the branching fractions to two leptons, in bins and at points."""
    m, name, tex = mode_of(mode), f"R{first}{second}", MODE_TEX[mode] + LEPTON_TEX["l"]
    make = lambda function: tuple(source(function, mode=mode, lepton=lepton) for lepton in (first, second))
    common = partial(
        Observable,
        combine=ratio_of_two,
        references=references,
        domain=partial(bin_in, b=m.b, final=m.final, lepton=first),
        about="ratio of branching fractions",
    )
    return [
        common(f"<{name}>({mode}ll)", make(code.binned), arguments=BIN, tex=rf"\langle {name}\rangle({tex})"),
        common(f"{name}({mode}ll)", make(code.differential), arguments=POINT, tex=rf"{name}({tex})"),
    ]


def invisible_rows(mode: str) -> list[Observable]:
    """Neutrinos, dark matter, both together, and the Z′ on its mass shell."""
    m, is_vector = mode_of(mode), mode in VECTOR
    references = ("arXiv:1409.4557", "arXiv:1503.05534") if is_vector else ("arXiv:1409.4557",)
    angular = {"FL": ("F_L", "longitudinal polarisation fraction", longitudinal)} if is_vector else {}
    rows = []
    for final, (pairs, symbol, about, needs) in _INVISIBLE.items():
        process, tex = f"{mode}{final}", MODE_TEX[mode] + symbol
        of = lambda function, pairs=pairs: tuple(source(function, mode=mode, pair=pair) for pair in pairs)
        domain = partial(bin_in, b=m.b, final=m.final, lepton=None)
        common = {"references": references, "needs": needs, "domain": domain}
        bins, points = of(b_to_invisible.binned), of(b_to_invisible.differential)
        about = f"{about}, time-integrated" if m.b == "Bs" else about
        rows.append(_total(process, tex, of(b_to_invisible.total), m.b, references, about, needs))
        rows += pair_rows(process, tex, bins, points, m.b, common, angular)
    on_shell = (source(b_to_invisible.on_shell, mode=mode),)
    tex = MODE_TEX[mode] + "Z'"
    return [*rows, _total(f"{mode}Zp", tex, on_shell, m.b, references, "Z′ on its mass shell", "mediator")]


def _total(
    process: str, tex: str, sources: tuple[Source, ...], meson: str, references: tuple[str, ...], about: str, needs: str
) -> Observable:
    """Branching fraction of one process, over all of phase space."""
    combine = partial(summed_rate, meson=meson)
    return Observable(
        f"BR({process})", sources, combine, tex=f"B({tex})", references=references, needs=needs, about=about
    )
