"""Relic density, annihilation, and scattering off nucleons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import Array

from darkbeauty.dark import boltzmann, direct_detection, freeze_out, thermal_average, today
from darkbeauty.models.base import Model
from darkbeauty.observables.entry import Observable, at_least_one, field, item, itself, source
from darkbeauty.units import CM3_S_PER_INVERSE_GEV2

GONDOLO = ("Nucl.Phys.B360(1991)145",)
DECK = ("arXiv:2106.03735", "arXiv:2409.16961")
FINALS = {
    "ee": "e⁺e⁻",
    "mumu": "μ⁺μ⁻",
    "tautau": "τ⁺τ⁻",
    "nunu": "neutrinos",
    "hadrons": "hadrons through kinetic mixing",
    **{q + q: f"{q}{q}̄" for q in "udscbt"},
    **{a + b: f"{a}{b}̄ and {b}{a}̄ (flavour_violating)" for a, b in ("ds", "db", "sb", "uc", "ut", "ct")},
    **{"emu": "e±μ∓ (flavour_violating)", "mutau": "μ±τ∓ (flavour_violating)"},
    **{"WW": "W⁺W⁻ (higgs)", "ZZ": "ZZ (higgs)"},
}


def _sigma_v(p: Model, x: Array) -> Array:
    return thermal_average.sigma_v(p.dark_sector(), x)


def _sigma_v_and_error(p: Model, x: Array) -> tuple[Array, Array]:
    return thermal_average.sigma_v_with_error(p.dark_sector(), x)


def _sigma_v_by_final(p: Model, x: Array) -> dict[str, Array]:
    return thermal_average.channel_averages(p.dark_sector(), x)


def _at_rest(p: Model) -> Array:
    return today.sigma_v_at_rest(p)


def _final(p: Model, arguments: tuple, result: dict[str, Array], final: str, factor: float = 1.0) -> Array:
    """One final state of a mapping; 0 where the model does not have it."""
    return factor * result.get(final, jnp.zeros(()))


def _row(name: str, function: Callable, combine: Callable, unit: str, tex: str, about: str, **more: Any) -> Observable:
    references = more.pop("references", GONDOLO)
    return Observable(
        name, (source(function),), combine, unit=unit, tex=tex, references=references, needs="dark", about=about, **more
    )


def _in_both_units(
    name: str, function: Callable, combine: Callable, tex: str, about: str, **more: Any
) -> tuple[Observable, ...]:
    """The same quantity in GeV⁻² and, under name[cm3/s], in cm³/s."""
    converted = lambda *given: CM3_S_PER_INVERSE_GEV2 * combine(*given)
    return (
        _row(name, function, combine, "GeV^-2", tex, about, **more),
        _row(f"{name}[cm3/s]", function, converted, "cm3/s", tex, about, **more),
    )


def relic() -> tuple[Observable, ...]:
    """The relic density and what it is made of."""
    shares = freeze_out.annihilation_fractions
    return (
        _row(
            "Omega_h2",
            freeze_out.freeze_out,
            partial(field, field="omega_h2"),
            "",
            r"\Omega h^2",
            "relic density by freeze-out",
        ),
        _row(
            "Omega_h2(boltzmann)",
            boltzmann.boltzmann,
            partial(field, field="omega_h2"),
            "",
            r"\Omega h^2",
            "relic density by the Boltzmann equation",
        ),
        _row("x_f", freeze_out.freeze_out, partial(field, field="x_f"), "", "x_f", "m_dm/T at freeze-out"),
        *(
            _row(
                f"BR(NN->{final})",
                shares,
                partial(_final, final=final),
                "",
                rf"f_{{{final}}}",
                f"share of {about} in annihilation at freeze-out",
            )
            for final, about in FINALS.items()
        ),
    )


def annihilation() -> tuple[Observable, ...]:
    """Thermal averages and the cross section at rest."""
    at_x = {"arguments": ("x",), "domain": at_least_one}
    tex = r"\langle\sigma v\rangle"
    rows = [
        *_in_both_units("sigmav", _sigma_v, itself, tex, "thermally averaged annihilation cross section", **at_x),
        *_in_both_units(
            "sigmav_error",
            _sigma_v_and_error,
            partial(item, index=1),
            rf"\delta{tex}",
            "bound on the numerical error of sigmav",
            **at_x,
        ),
    ]
    for final, about in FINALS.items():
        rows += _in_both_units(
            f"sigmav(NN->{final})",
            _sigma_v_by_final,
            partial(_final, final=final),
            tex,
            f"thermally averaged cross section to {about}",
            **at_x,
        )
    rows += _in_both_units(
        "sigmav_0", _at_rest, itself, r"\langle\sigma v\rangle_0", "annihilation cross section at rest (s wave)"
    )
    rows.append(
        _row(
            "p_ann",
            today.p_ann,
            itself,
            "cm3/s/GeV",
            r"p_{\rm ann}",
            "energy injection around recombination",
            references=("arXiv:1506.03811", "arXiv:1807.06209"),
        )
    )
    return tuple(rows)


def scattering() -> tuple[Observable, ...]:
    """Cross sections on nucleons at rest."""
    spin = direct_detection.sigma_sd
    return (
        _row(
            "sigma_SD(p)",
            spin,
            partial(item, index=0),
            "cm2",
            r"\sigma_{\rm SD}^p",
            "spin-dependent cross section on protons",
            references=DECK,
        ),
        _row(
            "sigma_SD(n)",
            spin,
            partial(item, index=1),
            "cm2",
            r"\sigma_{\rm SD}^n",
            "spin-dependent cross section on neutrons",
            references=DECK,
        ),
        _row(
            "sigma_SI(p)",
            direct_detection.sigma_si,
            itself,
            "cm2",
            r"\sigma_{\rm SI}^p",
            "spin-independent cross section on protons",
            references=DECK,
        ),
    )


ROWS: tuple[Observable, ...] = (*relic(), *annihilation(), *scattering())
