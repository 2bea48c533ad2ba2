"""Widths of a Z′ that couples to leptons, Majorana fermions, scalars and, through kinetic mixing, to hadrons."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs

HADRON_STEPS = (("pi+", 2.0), ("D0", 4.0 / 3.0), ("B0", 1.0 / 3.0))
"""R(s) as a sum of steps: the lightest meson of each threshold 4m² and the rise of R there."""


def squared(coupling: ArrayLike) -> Array:
    """|c|² of a coupling that may be complex."""
    c = jnp.asarray(coupling)
    return c.real**2 + c.imag**2 if jnp.iscomplexobj(c) else c**2


def fermion_width(m: ArrayLike, m_f: ArrayLike, g_v: ArrayLike, g_a: ArrayLike, colours: ArrayLike = 1.0) -> Array:
    r"""Γ(Z′ → f f̄) = N_c m/(12π) √(1−4r) [|g_V|²(1+2r) + g_A²(1−4r)], r = m_f²/m².   [GeV], 0 below threshold"""
    r = (m_f / jnp.asarray(m)) ** 2
    beta, v2 = jnp.sqrt(jnp.where(r < 0.25, 1.0 - 4.0 * r, 1.0)), squared(g_v)
    width = colours * m / (12.0 * jnp.pi) * beta * (v2 * (1.0 + 2.0 * r) + g_a**2 * (1.0 - 4.0 * r))
    return jnp.where(r < 0.25, width, 0.0)


def majorana_width(m: ArrayLike, m_n: ArrayLike, coupling: ArrayLike) -> Array:
    r"""Γ(Z′ → N N) = c² m/(24π) (1−4r)^{3/2} for one Majorana N with L = −½ c N̄γγ₅N Z′.   [GeV], 0 below threshold"""
    return 0.5 * fermion_width(m, m_n, 0.0, coupling)


def scalar_width(m: ArrayLike, m_s: ArrayLike, coupling: ArrayLike) -> Array:
    r"""Γ(Z′ → S S*) = c² m/(48π) (1−4r)^{3/2} for one complex scalar with L = −i c Z′^μ (S*∂_μS − S∂_μS*).   [GeV], 0 below threshold"""
    return 0.25 * fermion_width(m, m_s, 0.0, coupling)


def majorana_pair_width(m: ArrayLike, m_1: ArrayLike, m_2: ArrayLike, coupling: ArrayLike) -> Array:
    r"""Γ(Z′ → N₁N₂) = c² m/(12π) λ^{1/2}(1,r₁,r₂) [1 − (r₁+r₂)/2 − (r₁−r₂)²/2 − 3√(r₁r₂)].   [GeV], 0 below threshold"""
    r_1, r_2 = (m_1 / jnp.asarray(m)) ** 2, (m_2 / jnp.asarray(m)) ** 2
    lam = (1.0 - r_1 - r_2) ** 2 - 4.0 * r_1 * r_2
    is_open = m_1 + jnp.asarray(m_2) < m
    root = jnp.sqrt(jnp.where(is_open, lam, 1.0))
    shape = 1.0 - 0.5 * (r_1 + r_2) - 0.5 * (r_1 - r_2) ** 2 - 3.0 * jnp.sqrt(r_1 * r_2)
    return jnp.where(is_open, coupling**2 * m / (12.0 * jnp.pi) * root * shape, 0.0)


def hadron_width(sm: SMInputs, m: ArrayLike, coupling: ArrayLike) -> Array:
    """R(m²) · Γ(massless unit-charge lepton of this coupling), R = 2, 10/3, 11/3 above the pion, D and B thresholds.   [GeV]"""
    ratio = sum(jnp.where(m > 2.0 * sm.mass[meson], rise, 0.0) for meson, rise in HADRON_STEPS)
    return ratio * fermion_width(m, 0.0, coupling, 0.0)
