"""The relic density and what it is made of; thermal averages of the annihilation cross section; annihilation today."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from jax import Array

from darkbeauty.dark import (
    annihilation,
    boltzmann,
    freeze_out,
    kinetic,
    phase_space,
    scattering,
    thermal_average,
    today,
    z_prime_pairs,
)
from darkbeauty.models import symbols
from darkbeauty.models.sectors import Theory
from darkbeauty.observables.combiners import Field, Final
from darkbeauty.observables.domains import at_least_one
from darkbeauty.observables.observable import POSITIVE, Observable, source
from darkbeauty.units import CM3_S_PER_INVERSE_GEV2

GONDOLO = ("Nucl.Phys.B360(1991)145",)
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
    **{"ZpZp": "Z′Z′", "ZpH1": "Z′H1", "ZpH2": "Z′H2"},
}


_AVERAGE = (
    thermal_average,
    thermal_average.sigma_v,
    annihilation.vector_channel,
    annihilation.exchange_channel,
    annihilation.interference,
    z_prime_pairs.z_prime_pair,
    z_prime_pairs.z_prime_and_scalar,
)
_AT_REST = (today.s_wave,)


class ByFinal(NamedTuple):
    """A cross section by final state.   [GeV⁻²]"""

    by_final: dict[str, Array]


def sigma_v(p: Theory, x: Array) -> thermal_average.ThermalAverage:
    """⟨σv⟩ at x = m/T, with a bound on its numerical error.   [GeV⁻²]"""
    return thermal_average.sigma_v_with_error(p.dark_matter, x)


def plain_sigma_v(p: Theory, x: Array) -> Array:
    """⟨σv⟩ at x = m/T.   [GeV⁻²]"""
    return thermal_average.sigma_v(p.dark_matter, x)


def sigma_v_by_final(p: Theory, x: Array) -> ByFinal:
    """⟨σv⟩ at x = m/T by final state.   [GeV⁻²]"""
    return ByFinal(thermal_average.channel_averages(p.dark_matter, x))


def scaled(p: Theory, arguments: tuple, result: Array, factor: float = 1.0) -> Array:
    """The result times a number."""
    return factor * result


def _observable(
    name: str, function: Callable, combine: Callable, unit: str, tex: str, about: str, **more: Any
) -> Observable:
    shared = {"references": GONDOLO, "range": POSITIVE, **more}
    return Observable(
        name, (source(function, of=("dark_matter",)),), combine, unit=unit, tex=tex, about=about, **shared
    )


def _in_both_units(
    name: str, function: Callable, combine: Callable[..., Callable], tex: str, about: str, **more: Any
) -> tuple[Observable, ...]:
    """The same quantity in GeV⁻² and, under name[cm3/s], in cm³/s; combine takes the factor between the two."""
    in_cm3 = combine(factor=CM3_S_PER_INVERSE_GEV2)
    return (
        _observable(name, function, combine(factor=1.0), "GeV^-2", tex, about, **more),
        _observable(f"{name}[cm3/s]", function, in_cm3, "cm3/s", tex, about, **more),
    )


def _relic() -> tuple[Observable, ...]:
    omega, shares = r"\Omega h^2", (freeze_out, freeze_out.annihilation_shares, *_AVERAGE)
    frozen, solved = (freeze_out, freeze_out.freeze_out, *_AVERAGE), (boltzmann, boltzmann.relic_yield, *_AVERAGE)
    field = Field("omega_h2")
    return (
        _observable(
            "Omega_h2", freeze_out.freeze_out, field, "", omega, "relic density by freeze-out", formulas=frozen
        ),
        _observable(
            "Omega_h2(boltzmann)",
            boltzmann.boltzmann,
            field,
            "",
            omega,
            "relic density by the Boltzmann equation",
            formulas=solved,
        ),
        _observable("x_f", freeze_out.freeze_out, Field("x_f"), "", "x_f", "m_dm/T at freeze-out", formulas=frozen),
        *(
            _observable(
                f"BR(NN->{final})",
                freeze_out.annihilation_shares,
                Final(final),
                "",
                rf"f(NN\to {symbols.particles(final)})",
                f"share of {about} in annihilation at freeze-out",
                formulas=shares,
            )
            for final, about in FINALS.items()
        ),
    )


def _annihilation() -> tuple[Observable, ...]:
    at_x = {"arguments": ("x",), "domain": at_least_one, "formulas": _AVERAGE}
    tex = r"\langle\sigma v\rangle"
    about = "thermally averaged annihilation cross section"
    error = partial(Field, "error")
    observables = [
        *_in_both_units("sigmav", plain_sigma_v, partial(partial, scaled), tex, about, **at_x),
        *_in_both_units(
            "sigmav_error", sigma_v, error, rf"\delta{tex}", "bound on the numerical error of sigmav", **at_x
        ),
    ]
    of_pair = lambda final: rf"_{{{symbols.particles(final)}}}"
    for final, words in FINALS.items():
        name, about = f"sigmav(NN->{final})", f"thermally averaged cross section to {words}"
        observables += _in_both_units(
            name, sigma_v_by_final, partial(Final, final), tex + of_pair(final), about, **at_x
        )
    at_rest = r"\langle\sigma v\rangle_0", "annihilation cross section at rest (s wave)"
    observables += _in_both_units(
        "sigmav_0", today.sigma_v_at_rest, partial(partial, scaled), *at_rest, formulas=_AT_REST
    )
    observables.append(
        _observable(
            "p_ann",
            today.p_ann,
            scaled,
            "cm3/s/GeV",
            r"p_{\rm ann}",
            "energy injection around recombination",
            references=("arXiv:1506.03811", "arXiv:1807.06209"),
            formulas=_AT_REST,
        )
    )
    return tuple(observables)


def _kinetic() -> tuple[Observable, ...]:
    """With a temperature of its own."""
    formulas = (kinetic, kinetic.kinetic, scattering, *_AVERAGE)
    shared = {"references": ("arXiv:1706.07433", "arXiv:2103.01944"), "formulas": formulas}
    omega, decoupled = r"\Omega h^2", kinetic.decoupling
    error = Field("error", ended="error_status")
    rows = (
        ("Omega_h2(kinetic)", kinetic.kinetic, Field("omega_h2"), "", omega, "relic density with kinetic decoupling"),
        (
            "Omega_h2_error(kinetic)",
            kinetic.kinetic,
            error,
            "",
            rf"\delta {omega}",
            "what a factor two in the scattering rate makes of it",
        ),
        ("x_kd", decoupled, Field("x_kd"), "", r"x_{\rm kd}", "m_dm/T where the scattering rate falls below H"),
        ("T_kd", decoupled, Field("t_kd"), "GeV", r"T_{\rm kd}", "temperature where the scattering rate falls below H"),
    )
    return tuple(_observable(name, function, field, *words, **shared) for name, function, field, *words in rows)


def _phase_space() -> Observable:
    """With the whole distribution of momenta."""
    return _observable(
        "Omega_h2(phase_space)",
        phase_space.phase_space,
        Field("omega_h2"),
        "",
        r"\Omega h^2",
        "relic density from the momentum distribution",
        references=("arXiv:1706.07433", "arXiv:2103.01944"),
        formulas=(phase_space, phase_space.phase_space, scattering, *_AVERAGE),
    )


OBSERVABLES: tuple[Observable, ...] = (*_relic(), *_kinetic(), _phase_space(), *_annihilation())
