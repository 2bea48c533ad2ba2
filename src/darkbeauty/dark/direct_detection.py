r"""Scattering of the dark matter off nucleons at rest.

Spin-dependent from leptoquark exchange, L = a_q N̄γ^μγ₅N q̄γ_μγ₅q; spin-independent from the scalars H1 and H2, L = a_q N̄N q̄q. Omitted: Z and Z′ exchange (velocity-suppressed
or of order sin²χ), loops, and the twist-2 operators of leptoquark exchange, which are of higher dimension for a Majorana particle.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from darkbeauty.models.sectors import LIGHT, Theory
from darkbeauty.units import CM2_PER_INVERSE_GEV2

SPIN_FACTOR = 0.75
"""J(J+1) of a nucleon."""


class Nucleons(NamedTuple):
    """A cross section on a proton and on a neutron.   [cm²]"""

    proton: Array
    neutron: Array


def sigma_sd(p: Theory) -> Nucleons:
    r"""Spin-dependent cross sections from leptoquark exchange.   [cm²]

    σ = (16μ²/π) [Σ_q a_q Δ_q]² J(J+1), a_q = y_q² u_ℓ²/(8(M_LQ² − M²)) for the light quarks that couple to the leptoquark.
    """
    lq = p.leptoquark
    light = {quark: lq.couplings["dsb".index(generation)] for quark, generation in lq.quarks if quark in "uds"}
    delta = {q: p.sm.nucleon[f"Delta_{q}"] for q in "uds"}
    proton = sum(y**2 * delta[_printed(p, q)] for q, y in light.items())
    neutron = sum(y**2 * delta[{"u": "d", "d": "u"}.get(_printed(p, q), "s")] for q, y in light.items())
    strength = _strength(p) * lq.contents[LIGHT] ** 2
    on_nucleon = lambda nucleon, total: (
        16.0 * _reduced_mass(p, nucleon) ** 2 / jnp.pi * (strength * total) ** 2 * SPIN_FACTOR * CM2_PER_INVERSE_GEV2
    )
    return Nucleons(on_nucleon("p", proton), on_nucleon("n", neutron))


def sigma_si(p: Theory) -> Array:
    r"""Spin-independent cross section on a proton through the scalars H1 and H2.   [cm²]

    σ = 4μ²f_p²/π, f_p = m_p a [Σ_uds f_q + (2/9) f_G], f_G = 1 − Σ_uds f_q, with a = a_q/m_q = κ (1/m_h1² − 1/m_h2²)/2 and κ = λ_N sin ζ cos ζ/v.
    """
    light = sum(p.sm.nucleon[f"f_{q}_p"] for q in "uds")
    form_factor = light + 2.0 / 9.0 * (1.0 - light)
    m_h1, m_h2 = p.scalars.mass
    a = p.scalars.coupling * (1.0 / m_h1**2 - 1.0 / m_h2**2) / 2.0
    f_p = p.sm.mass["p"] * a * form_factor
    return 4.0 * _reduced_mass(p, "p") ** 2 * f_p**2 / jnp.pi * CM2_PER_INVERSE_GEV2


def _strength(p: Theory) -> Array:
    """a_q/(y_q² u_ℓ²); the slides print 1/4 for 1/8, and in the model with an up quark no m_dm². 0 for m_dm ≥ m_lq, which no model allows."""
    printed = p.convention == "printed"
    gap = p.leptoquark.mass**2 - (0.0 if printed and _has_up(p) else p.dark_matter.mass**2)
    return jnp.where(gap > 0.0, 1.0 / ((4.0 if printed else 8.0) * jnp.where(gap > 0.0, gap, 1.0)), 0.0)


def _printed(p: Theory, quark: str) -> str:
    """The quark whose Δ is used: the slides print [Δd + Δd + Δs] where the up quark takes part."""
    return "d" if quark == "u" and p.convention == "printed" else quark


def _has_up(p: Theory) -> bool:
    return "u" in dict(p.leptoquark.quarks)


def _reduced_mass(p: Theory, nucleon: str) -> Array:
    mass = p.sm.mass[nucleon]
    return p.dark_matter.mass * mass / (p.dark_matter.mass + mass)
