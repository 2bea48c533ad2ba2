r"""Scattering of the dark matter off nucleons at rest.

Spin-dependent from leptoquark exchange, L = a_q N̄γ^μγ₅N q̄γ_μγ₅q; spin-independent from the scalar portal, L = a_q N̄N q̄q. Omitted: Z and Z′ exchange (velocity-suppressed
or of order sin²χ), loops, and the twist-2 operators of leptoquark exchange, which are of higher dimension for a Majorana particle.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from darkbeauty.models.portal import Portal
from darkbeauty.units import CM2_PER_INVERSE_GEV2

SPIN_FACTOR = 0.75
"""J(J+1) of a nucleon."""


def sigma_sd(p: Portal) -> tuple[Array, ...]:
    r"""Spin-dependent cross sections on a proton and a neutron.   [cm²]

    σ = (16μ²/π) [Σ_q a_q Δ_q]² J(J+1), a_q = y_q² u_ℓ²/(8(M_LQ² − M²)) for the light quarks that couple to the leptoquark.
    """
    light = {quark: y for quark, y in _couplings(p).items() if quark in "uds"}
    delta = {q: p.sm.nucleon[f"Delta_{q}"] for q in "uds"}
    proton = sum(y**2 * delta[_printed(p, q)] for q, y in light.items())
    neutron = sum(y**2 * delta[{"u": "d", "d": "u"}.get(_printed(p, q), "s")] for q, y in light.items())
    strength = _strength(p) * p.contents[0] ** 2
    return tuple(
        16.0 * _reduced_mass(p, nucleon) ** 2 / jnp.pi * (strength * total) ** 2 * SPIN_FACTOR * CM2_PER_INVERSE_GEV2
        for nucleon, total in (("p", proton), ("n", neutron))
    )


def sigma_si(p: Portal) -> Array:
    r"""Spin-independent cross section on a proton through the scalar portal.   [cm²]

    σ = 4μ²f_p²/π, f_p = m_p a [Σ_uds f_q + (2/9) f_G], f_G = 1 − Σ_uds f_q, with a = a_q/m_q = λ_N sin ζ cos ζ (1/m_h1² − 1/m_h2²)/(2v) and
    λ_N that of `Portal.scalar_couplings`.
    """
    light = sum(p.sm.nucleon[f"f_{q}_p"] for q in "uds")
    form_factor = light + 2.0 / 9.0 * (1.0 - light)
    difference = 1.0 / jnp.asarray(p.m_h1) ** 2 - 1.0 / jnp.asarray(p.m_h2) ** 2
    vacuum = (jnp.sqrt(2.0) * p.sm.coupling["GF"]) ** -0.5
    a = p.scalar_couplings[0, 0] * jnp.asarray(p.sin_zeta) * p.cos_zeta * difference / (2.0 * vacuum)
    f_p = p.sm.mass["p"] * a * form_factor
    return 4.0 * _reduced_mass(p, "p") ** 2 * f_p**2 / jnp.pi * CM2_PER_INVERSE_GEV2


def _couplings(p: Portal) -> dict[str, Array]:
    return {quark: p.quark_couplings["dsb".index(generation)] for quark, generation in p.exchange_quarks}


def _strength(p: Portal) -> Array:
    """a_q/(y_q² u_ℓ²); the slides print 1/4 for 1/8, and in the model with an up quark no m_dm². 0 for m_dm ≥ m_lq, which no model allows."""
    printed = p.convention == "printed"
    gap = jnp.asarray(p.m_lq) ** 2 - (0.0 if printed and _has_up(p) else jnp.asarray(p.m_dm) ** 2)
    return jnp.where(gap > 0.0, 1.0 / ((4.0 if printed else 8.0) * jnp.where(gap > 0.0, gap, 1.0)), 0.0)


def _printed(p: Portal, quark: str) -> str:
    """The quark whose Δ is used: the slides print [Δd + Δd + Δs] where the up quark takes part."""
    return "d" if quark == "u" and p.convention == "printed" else quark


def _has_up(p: Portal) -> bool:
    return "u" in dict(p.exchange_quarks)


def _reduced_mass(p: Portal, nucleon: str) -> Array:
    mass = p.sm.mass[nucleon]
    return p.m_dm * mass / (p.m_dm + mass)
