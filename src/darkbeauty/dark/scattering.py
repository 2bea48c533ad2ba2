r"""How fast the plasma passes momentum to dark matter: elastic scattering N f → N f on its light particles by exchange of a Z′ or a leptoquark.

The momentum transfer rate of N (mass M) in a plasma of temperature T (arXiv:1706.07433, eq. 5, with exact kinematics),

    γ = (3MT)⁻¹ Σ_{f, f̄} ∫ k²dk/(2π²) f(1∓f)/(64π M² k ω) ∫_0^{4k_cm²} dτ τ ½Σ|M|²,   k_cm² = M²k²/s,  s = M² + m_f² + 2Mω,  τ = −t,
    Σ|M|² = 16 (c_N c_f)²/(τ + m²)² [4M²k² − (2Mω − M² + m_f²)τ + ½τ²]   by a Z′, half of that for a left-handed neutrino,
    Σ|M|² = 6 G_ij² [4M²k² − (2Mω − M²)τ + ½τ²]                          quarks q_i → q_j of no mass, of three colours,
    Σ|M|² = ½ G_M² [4M²k² − sτ]/(1 + τ/m_V²)²                            mesons, by the vector current of their quarks.

A leptoquark of mass M_LQ ≫ √s is a contact interaction ¼ G_ij N̄γ^μγ₅N q̄_iγ_μPq_j, G_ij = y_iy_ju_ℓ²/(M_LQ² − M²), of strange and lighter quarks, and of π, K
below the transition of QCD: G_π = G_uu − G_dd, G_K± = G_uu − G_ss, G_K0 = G_dd − G_ss; the π, K, η that d ↔ s turns into each other have 6 G_ds² in all (SU(3)).
Massless and T → 0: 25.4 (c_N c_f/m²)² T⁶/M per neutrino flavour, and three times that of c_N c_f/m² = ½G per flavour of quark.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import LEPTONS, DarkMatter, Theory
from darkbeauty.models.z_prime import squared

MOMENTA = 16
"""Gauss–Laguerre nodes in (ω − m_f)/T."""
SMALL, TERMS = 0.05, 7
"""Below this argument so many terms of a series."""
TRANSITION_WIDTH = 0.01
"""ΔT [GeV] of ½ + ½ tanh((T − T_QCD)/ΔT), the part of the strongly interacting plasma that counts as quarks."""
FERMI, BOSE = 1.0, -1.0
Transfer = Callable[[Array, Array, Array], Array]


def momentum_transfer(p: Theory, temperature: Array) -> Array:
    """γ at temperatures, shape (n,).   [GeV]

    Args     p: its dark matter and what that couples to; temperature [GeV], shape (n,)
    Accuracy relative 1e-5 of leptons; 2 % of quarks at 160 MeV for the mass of the strange one; of what is between quarks and mesons, 100 to 170 MeV, the order of magnitude
    Omits    c and b quarks, baryons and heavier mesons, the axial current of mesons (one pion cannot be absorbed, more are inelastic), hadrons through kinetic mixing
    """
    columns = parts(p, temperature)
    return jnp.sum(columns * jnp.exp(_log_shares(p.sm, temperature)[:, : columns.shape[1]]), axis=-1)


def parts(p: Theory, temperature: Array) -> Array:
    """γ of leptons, and of all quarks, and of π and K, as if there were no transition; shape (n, 3), (n, 1) without a leptoquark.   [GeV]"""
    dark = p.dark_matter
    columns = [_on_leptons(p, temperature)]
    if dark.exchange is not None:
        columns += [_on_quarks(dark, temperature), _on_mesons(p, temperature)]
    return jnp.stack(columns, axis=-1) / (3.0 * dark.mass * temperature[:, None])


def log_total(sm: SMInputs, log_parts: Array, temperature: Array) -> Array:
    """ln γ from the logarithms of its parts, quarks above the transition and mesons below."""
    shares = _log_shares(sm, temperature)[..., : log_parts.shape[-1]]
    return jax.nn.logsumexp(log_parts + shares, axis=-1)


def _log_shares(sm: SMInputs, temperature: Array) -> Array:
    """ln of how much of each part there is, shape (..., 3)."""
    phase = 2.0 * (temperature - sm.cosmology["T_QCD"]) / TRANSITION_WIDTH
    shares = (jnp.zeros_like(phase), jax.nn.log_sigmoid(phase), jax.nn.log_sigmoid(-phase))
    return jnp.stack(shares, axis=-1)


def _on_leptons(p: Theory, temperature: Array) -> Array:
    dark, zp = p.dark_matter, p.dark_matter.z_prime
    mass = jnp.concatenate([jnp.stack([jnp.asarray(p.sm.mass[name], float) for name in LEPTONS]), jnp.zeros(1)])
    couplings2 = jnp.concatenate([squared(zp.lepton), 0.5 * jnp.sum(zp.neutrino**2)[None]])
    rates = jnp.stack([_rate(dark.mass, zp.mass, m, temperature) for m in mass], axis=-1)
    return dark.coupling**2 * (rates @ couplings2)


def _on_quarks(dark: DarkMatter, temperature: Array) -> Array:
    up, down, strange = (_contact(dark, quark) for quark in "uds")
    return (up**2 + (down + strange) ** 2) * _quark_rate(dark.mass, temperature)


def _on_mesons(p: Theory, temperature: Array) -> Array:
    dark, mass = p.dark_matter, p.sm.mass
    up, down, strange = (_contact(dark, quark) for quark in "uds")
    pions = (up - down) ** 2 * _meson_rate(dark.mass, mass["pi+"], mass["rho0"], temperature)
    kaons = (up - strange) ** 2 + (down - strange) ** 2 + 6.0 * down * strange
    return pions + kaons * _meson_rate(dark.mass, mass["K+"], mass["K*0"], temperature)


def _contact(dark: DarkMatter, quark: str) -> Array:
    """G_qq = y²u²/(M_LQ² − M²), 0 of a quark that does not couple.   [GeV⁻²]"""
    exchange = dark.exchange
    if exchange is None or 2 * quark not in exchange.finals:
        return jnp.zeros(())
    row = exchange.finals.index(2 * quark)
    return exchange.coupling2[row] / (exchange.scalar_mass[row] ** 2 - dark.mass**2)


def _rate(m_dm: Array, m_zp: Array, m_f: Array, temperature: Array) -> Array:
    """3MTγ of a Dirac fermion f and its antiparticle by a Z′, over the couplings, shape (n,)."""

    def transfer(omega: Array, k2: Array, largest: Array) -> Array:
        j1, j2, j3 = _moments(largest / m_zp**2)
        linear = (2.0 * m_dm * omega - m_dm**2 + m_f**2) * m_zp**2
        return 8.0 * (4.0 * m_dm**2 * k2 * j1 - linear * j2 + 0.5 * m_zp**4 * j3)

    return _thermal(m_dm, m_f, temperature, transfer, FERMI)


def _quark_rate(m_dm: Array, temperature: Array) -> Array:
    """3MTγ of a massless quark and its antiparticle, over G², shape (n,)."""

    def transfer(omega: Array, k2: Array, largest: Array) -> Array:
        linear = 2.0 * m_dm * omega - m_dm**2
        return 3.0 * largest**2 * (2.0 * m_dm**2 * k2 - linear * largest / 3.0 + largest**2 / 8.0)

    return _thermal(m_dm, jnp.zeros(()), temperature, transfer, FERMI)


def _meson_rate(m_dm: Array, mass: Array, m_vector: Array, temperature: Array) -> Array:
    """3MTγ of a meson and its antiparticle, over G², shape (n,)."""

    def transfer(omega: Array, k2: Array, largest: Array) -> Array:
        j1, j2, _ = _moments(largest / m_vector**2)
        s = m_dm**2 + mass**2 + 2.0 * m_dm * omega
        return 0.25 * m_vector**4 * (4.0 * m_dm**2 * k2 * j1 - s * m_vector**2 * j2)

    return _thermal(m_dm, mass, temperature, transfer, BOSE)


def _thermal(m_dm: Array, m_f: Array, temperature: Array, transfer: Transfer, statistics: float) -> Array:
    """3MTγ of a particle and its antiparticle from transfer(ω, k², 4k_cm²) = ∫ dτ τ ½Σ|M|², shape (n,)."""
    node, weight = np.polynomial.laguerre.laggauss(MOMENTA)
    kinetic = temperature[:, None] * node[None]
    omega, k2 = m_f + kinetic, kinetic * (kinetic + 2.0 * m_f)
    softened = jnp.exp(-m_f / temperature)[:, None] / (1.0 + statistics * jnp.exp(-omega / temperature[:, None])) ** 2
    cm2 = m_dm**2 * k2 / (m_dm**2 + m_f**2 + 2.0 * m_dm * omega)
    inner = transfer(omega, k2, 4.0 * cm2)
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
