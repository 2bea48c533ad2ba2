r"""H1 and H2, the mixed states of the Higgs boson h and of the scalar φ₂ that breaks U(1)′: φ₂ = −sin ζ H1 + cos ζ H2, h = cos ζ H1 + sin ζ H2.

L = −½ λ_ij N̄_iN_j φ₂ − (m_f/v) f̄f h + (2m_W² W⁺W⁻ + m_Z² Z²)(h/v), and φ₂ couples to Z′Z′ as h/v → φ₂/v₂ to ZZ. Omitted: H2 → H1H1 (its coupling is no
parameter of the models), gg and γγ, off-shell W and Z below threshold.
"""

from __future__ import annotations

from typing import cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.sectors import HEAVY, LEPTONS, LIGHT, ScalarChannels, Scalars
from darkbeauty.models.u1_couplings import U1Couplings

QUARKS = "udscbt"
PAIRS = ((LIGHT, LIGHT, 1.0), (LIGHT, HEAVY, 2.0), (HEAVY, HEAVY, 1.0))
"""N_i N_j and how much wider than for a Majorana pair: identical particles count half."""


def scalars(p: U1Couplings) -> Scalars:
    """Masses of H1 and H2, and what they make of the dark matter's coupling to φ₂."""
    coupling = p.scalar_couplings[LIGHT, LIGHT] * jnp.asarray(p.sin_zeta) * p.cos_zeta / vacuum(p)
    return Scalars(jnp.stack([jnp.asarray(m, float) for m in (p.m_h1, p.m_h2)]), coupling)


def vacuum(p: U1Couplings) -> Array:
    """v = (√2 G_F)^(−1/2).   [GeV]"""
    return (jnp.sqrt(2.0) * p.sm.coupling["GF"]) ** -0.5


def scalar_channels(p: U1Couplings) -> ScalarChannels:
    """N N → H1, H2 → all fermions, WW and ZZ, with the widths of H1 and H2 in their propagators."""
    both, sin2 = scalars(p), jnp.asarray(p.sin_zeta) ** 2
    mass, *polynomial = (jnp.stack([jnp.asarray(x, float) for x in column]) for column in zip(*_rows(p)))
    standard = 1.0 / p.sm.lifetime["h"], jnp.sum(higgs_widths(both.mass[1], vacuum(p), mass, *polynomial))
    width = jnp.stack(
        [
            visible * like_h + (1.0 - visible) * singlet_width(p, m)
            for visible, like_h, m in zip((1.0 - sin2, sin2), standard, both.mass)
        ]
    )
    finals = (*(2 * lepton for lepton in LEPTONS), *(2 * quark for quark in QUARKS), "WW", "ZZ")
    c0, c1, c2 = cast("tuple[Array, Array, Array]", polynomial)
    return ScalarChannels(both, both.mass * jnp.maximum(width, 1e-30), mass, c0, c1, c2, finals)


def higgs_widths(m: ArrayLike, vacuum: ArrayLike, m_f: Array, c0: Array, c1: Array, c2: Array | float) -> Array:
    r"""Γ(h → X) of a Higgs boson of mass m: √(1−4m_f²/m²) (c₀ + c₁m² + c₂m⁴)/(32π v² m).   [GeV], 0 below threshold

    Tree level with fixed quark masses: c c̄ and b b̄ come out about twice too wide at m = 125 GeV, WW and ZZ right to some per cent.
    """
    m2 = jnp.asarray(m) ** 2
    is_open = 4.0 * m_f**2 < m2
    beta = jnp.sqrt(jnp.where(is_open, 1.0 - 4.0 * m_f**2 / m2, 1.0))
    return jnp.where(is_open, beta * (c0 + (c1 + c2 * m2) * m2) / (32.0 * jnp.pi * vacuum**2 * m), 0.0)


def singlet_width(p: U1Couplings, m: Array) -> Array:
    r"""Width of a pure φ₂ of mass m, into N_iN_j and Z′Z′.   [GeV], 0 below threshold

    Γ(NN) = λ² m/(16π) (1−4r)^{3/2}, Γ(N_ℓN_h) = λ² m/(8π) λ^{1/2}(1,r₁,r₂)(1−(√r₁+√r₂)²), Γ(Z′Z′) = m³/(32π v₂²) √(1−4r)(1−4r+12r²).
    """
    states = p.masses
    width = 0.0
    for i, j, factor in PAIRS:
        sum2, gap2 = (((states[i] + sign * states[j]) / m) ** 2 for sign in (1.0, -1.0))
        is_open = sum2 < 1.0
        flux = jnp.sqrt(jnp.where(is_open, (1.0 - sum2) * (1.0 - gap2), 1.0)) * (1.0 - sum2)
        width = width + jnp.where(is_open, factor * p.scalar_couplings[i, j] ** 2 * m / (16.0 * jnp.pi) * flux, 0.0)
    zp2, vacuum = jnp.asarray(p.m_zp) ** 2, p.m_zp / (2.0 * jnp.where(p.g == 0.0, 1e-30, p.g))
    return width + higgs_widths(m, vacuum, jnp.sqrt(zp2), *_vector_pair(zp2, 1.0))


def _rows(p: U1Couplings) -> list[tuple[ArrayLike, ...]]:
    """mass, c₀, c₁, c₂ of √s Γ(h → X) = β (c₀ + c₁s + c₂s²)/(32π v²)."""
    fermions = [(p.sm.mass[lepton], 1.0) for lepton in LEPTONS]
    fermions += [(p.sm.quark[f"dark_{quark}"], 3.0) for quark in QUARKS]
    rows = [(m, -16.0 * colours * m**4, 4.0 * colours * m**2, 0.0) for m, colours in fermions]
    vectors = (p.sm.mass["W"], 2.0), (p.sm.mass["Z"], 1.0)
    return rows + [(m, *_vector_pair(m**2, count)) for m, count in vectors]


def _vector_pair(m2: Array, count: float) -> tuple[Array, Array, float]:
    """c₀, c₁, c₂ of W⁺W⁻ (count 2) or two identical vectors (1)."""
    return 12.0 * count * m2**2, -4.0 * count * m2, count
