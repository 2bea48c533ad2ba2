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
    """H1 and H2: masses, widths, couplings, and what they make of the dark matter's coupling to φ₂."""
    coupling = p.scalar_couplings[LIGHT, LIGHT] * jnp.asarray(p.sin_zeta) * p.cos_zeta / vacuum(p)
    mass = jnp.stack([jnp.asarray(m, float) for m in (p.m_h1, p.m_h2)])
    singlet, sin2 = [singlet_widths(p, m) for m in mass], jnp.asarray(p.sin_zeta, float) ** 2
    standard = 1.0 / p.sm.lifetime["h"], jnp.sum(higgs_widths(mass[1], vacuum(p), *_columns(p)))
    width = jnp.stack(
        [
            visible * like_h + (1.0 - visible) * (parts["NN"] + parts["ZpZp"])
            for visible, like_h, parts in zip((1.0 - sin2, sin2), standard, singlet)
        ]
    )
    partial = {final: sin2 * part for final, part in singlet[0].items()}
    return Scalars(mass, coupling, width, partial, p.yukawa, p.self_coupling)


def vacuum(p: U1Couplings) -> Array:
    """v = (√2 G_F)^(−1/2).   [GeV]"""
    return (jnp.sqrt(2.0) * p.sm.coupling["GF"]) ** -0.5


def scalar_channels(p: U1Couplings) -> ScalarChannels:
    """N N → H1, H2 → all fermions, WW and ZZ, with the widths of H1 and H2 in their propagators."""
    finals = (*(2 * lepton for lepton in LEPTONS), *(2 * quark for quark in QUARKS), "WW", "ZZ")
    return ScalarChannels(scalars(p), *_columns(p), finals)


def higgs_widths(m: ArrayLike, vacuum: ArrayLike, m_f: Array, c0: Array, c1: Array, c2: Array | float) -> Array:
    r"""Γ(h → X) of a Higgs boson of mass m: √(1−4m_f²/m²) (c₀ + c₁m² + c₂m⁴)/(32π v² m).   [GeV], 0 below threshold

    Tree level with fixed quark masses: c c̄ and b b̄ come out about twice too wide at m = 125 GeV, WW and ZZ right to some per cent.
    """
    m2 = jnp.asarray(m) ** 2
    is_open = 4.0 * m_f**2 < m2
    beta = jnp.sqrt(jnp.where(is_open, 1.0 - 4.0 * m_f**2 / m2, 1.0))
    return jnp.where(is_open, beta * (c0 + (c1 + c2 * m2) * m2) / (32.0 * jnp.pi * vacuum**2 * m), 0.0)


def singlet_widths(p: U1Couplings, m: Array) -> dict[str, Array]:
    r"""Partial widths of a pure φ₂ of mass m, into N_iN_j (all of them: "NN", the light ones: "NNlight") and Z′Z′.   [GeV], 0 below threshold

    Γ(NN) = λ² m/(16π) (1−4r)^{3/2}, Γ(N_ℓN_h) = λ² m/(8π) λ^{1/2}(1,r₁,r₂)(1−(√r₁+√r₂)²), Γ(Z′Z′) = m³/(32π v₂²) √(1−4r)(1−4r+12r²).
    """
    states, pairs = p.masses, []
    for i, j, factor in PAIRS:
        sum2, gap2 = (((states[i] + sign * states[j]) / m) ** 2 for sign in (1.0, -1.0))
        is_open = sum2 < 1.0
        flux = jnp.sqrt(jnp.where(is_open, (1.0 - sum2) * (1.0 - gap2), 1.0)) * (1.0 - sum2)
        pairs.append(jnp.where(is_open, factor * p.scalar_couplings[i, j] ** 2 * m / (16.0 * jnp.pi) * flux, 0.0))
    zp2, vacuum = jnp.asarray(p.m_zp) ** 2, 1.0 / jnp.where(p.g == 0.0, 1e-30 / p.m_zp, p.inverse_vacuum)
    vectors = higgs_widths(m, vacuum, jnp.sqrt(zp2), *_vector_pair(zp2, 1.0))
    return {"NN": jnp.asarray(sum(pairs)), "NNlight": pairs[0], "ZpZp": vectors}


def _columns(p: U1Couplings) -> tuple[Array, Array, Array, Array]:
    """mass, c₀, c₁ and c₂ of every final state."""
    columns = (jnp.stack([jnp.asarray(x, float) for x in column]) for column in zip(*_rows(p)))
    return cast("tuple[Array, Array, Array, Array]", tuple(columns))


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
