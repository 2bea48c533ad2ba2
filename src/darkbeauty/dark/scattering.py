r"""How fast the plasma passes momentum to dark matter: elastic scattering N f → N f on its light particles by exchange of a Z′.

The momentum transfer rate of N (mass M) in a plasma of temperature T (arXiv:1706.07433, eq. 5, with exact kinematics),

    γ = (3MT)⁻¹ Σ_{f, f̄} ∫ k²dk/(2π²) f(1−f)/(64π M² k ω) ∫_0^{4k_cm²} dτ τ ½Σ|M|²,   k_cm² = M²k²/(M² + m_f² + 2Mω),  τ = −t,
    Σ|M|² = 16 (c_N c_f)²/(τ + m²)² [4M²k² − (2Mω − M² + m_f²)τ + ½τ²],

half of that for a left-handed neutrino. Massless and T → 0: 25.4 (c_N c_f/m²)² T⁶/M per neutrino flavour.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.models.sectors import LEPTONS, Theory
from darkbeauty.models.z_prime import squared

MOMENTA = 16
"""Gauss–Laguerre nodes in (ω − m_f)/T."""
SMALL, TERMS = 0.05, 7
"""Below this argument so many terms of a series."""


def momentum_transfer(p: Theory, temperature: Array) -> Array:
    """γ at temperatures, shape (n,).   [GeV]

    Args     p: its dark matter and the Z′ of that; temperature [GeV], shape (n,)
    Accuracy relative 1e-5
    Omits    quarks, hadrons, photons: what scatters on e, μ, τ and neutrinos through a Z′ is in
    """
    dark, zp = p.dark_matter, p.dark_matter.z_prime
    mass = jnp.concatenate([jnp.stack([jnp.asarray(p.sm.mass[name], float) for name in LEPTONS]), jnp.zeros(1)])
    couplings2 = jnp.concatenate([squared(zp.lepton), 0.5 * jnp.sum(zp.neutrino**2)[None]])
    momenta = jnp.stack([_rate(dark.mass, zp.mass, m, temperature) for m in mass], axis=-1)
    return dark.coupling**2 * (momenta @ couplings2) / (3.0 * dark.mass * temperature)


def _rate(m_dm: Array, m_zp: Array, m_f: Array, temperature: Array) -> Array:
    """3MTγ of a Dirac fermion f and its antiparticle, over the couplings, shape (n,)."""
    node, weight = np.polynomial.laguerre.laggauss(MOMENTA)
    kinetic = temperature[:, None] * node[None]
    omega, k2 = m_f + kinetic, kinetic * (kinetic + 2.0 * m_f)
    softened = jnp.exp(-m_f / temperature)[:, None] / (1.0 + jnp.exp(-omega / temperature[:, None])) ** 2
    cm2 = m_dm**2 * k2 / (m_dm**2 + m_f**2 + 2.0 * m_dm * omega)
    j1, j2, j3 = _moments(4.0 * cm2 / m_zp**2)
    linear = (2.0 * m_dm * omega - m_dm**2 + m_f**2) * m_zp**2
    inner = 8.0 * (4.0 * m_dm**2 * k2 * j1 - linear * j2 + 0.5 * m_zp**4 * j3)
    return 2.0 * temperature * ((softened * inner) @ weight) / (128.0 * jnp.pi**3 * m_dm**2)


def _moments(r: Array) -> tuple[Array, Array, Array]:
    """∫_0^r vⁿ/(1+v)² dv for n = 1, 2, 3."""
    is_small = r < SMALL
    large, small = jnp.where(is_small, 1.0, r), jnp.where(is_small, r, 0.0)
    log, part = jnp.log1p(large), large / (1.0 + large)
    closed = (log - part, large - 2.0 * log + part, 0.5 * large**2 - 2.0 * large + 3.0 * log - part)
    k = range(TERMS)
    series = (sum((-1.0) ** i * (i + 1.0) / (n + 1.0 + i) * small ** (n + 1 + i) for i in k) for n in (1, 2, 3))
    j1, j2, j3 = (jnp.where(is_small, s, c) for s, c in zip(series, closed))
    return j1, j2, j3
