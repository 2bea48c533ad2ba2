"""Decays of the Higgs boson H1 into the new particles, and how strong the couplings behind them are."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from darkbeauty.models import scalars
from darkbeauty.models.sectors import Theory
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import FRACTION, POSITIVE, Observable, source


def br_h(p: Theory, final: str) -> Array:
    """BR(h → final) of a state that φ₂ couples to, "NN" being every open pair of Majorana states."""
    return p.scalars.partial[final] / p.scalars.width[0]


def br_h_inv(p: Theory) -> Array:
    """BR(h → N_ℓN_ℓ) + BR(h → Z′Z′) BR(Z′ → inv)²; without ZZ* → 4ν (0.1 %)."""
    return br_h(p, "NNlight") + br_h(p, "ZpZp") * p.z_prime.branching("inv") ** 2


def br_h_4mu(p: Theory) -> Array:
    """BR(h → Z′Z′) BR(Z′ → μμ)², narrow Z′; without ZZ* → 4μ (3e-5)."""
    return br_h(p, "ZpZp") * p.z_prime.branching("mumu") ** 2


def yukawa(p: Theory) -> Array:
    """f = √2 M_ff/v₂, the largest of the two flavours of N: perturbative up to √(4π) = 3.54."""
    return p.scalars.yukawa


def yukawa_alpha(p: Theory) -> Array:
    """α_N = f²/(4π): perturbative up to 1."""
    return p.scalars.yukawa**2 / (4.0 * jnp.pi)


def self_coupling(p: Theory) -> Array:
    """λ_φ = m_h2²/(2v₂²): perturbative up to 4π = 12.6."""
    return p.scalars.self_coupling


_OF_BOTH = ("z_prime", "scalars")
_SHARED = {"references": ("arXiv:2106.03735",), "formulas": (scalars, scalars.singlet_widths)}

OBSERVABLES: tuple[Observable, ...] = tuple(
    Observable(name, (computed,), itself, tex=tex, about=about, range=values, **_SHARED)
    for name, computed, tex, about, values in (
        (
            "BR(h->ZpZp)",
            source(br_h, of=("scalars",), final="ZpZp"),
            r"B(h\to Z'Z')",
            "branching fraction of the Higgs boson into Z′Z′",
            FRACTION,
        ),
        (
            "BR(h->NN)",
            source(br_h, of=("scalars",), final="NN"),
            r"B(h\to NN)",
            "branching fraction of the Higgs boson into pairs of Majorana states",
            FRACTION,
        ),
        (
            "BR(h->inv)",
            source(br_h_inv, of=_OF_BOTH),
            r"B(h\to{\rm inv})",
            "branching fraction of the Higgs boson into dark matter and neutrinos by new physics",
            FRACTION,
        ),
        (
            "BR(h->4mu)",
            source(br_h_4mu, of=_OF_BOTH),
            r"B(h\to Z'Z'\to4\mu)",
            "branching fraction of the Higgs boson into four muons by Z′Z′",
            FRACTION,
        ),
        (
            "f_N",
            source(yukawa, of=("scalars",)),
            "f_N",
            "largest Yukawa coupling of N to φ₂, perturbative up to 3.54",
            POSITIVE,
        ),
        (
            "alpha_N",
            source(yukawa_alpha, of=("scalars",)),
            r"\alpha_N",
            "largest Yukawa coupling of N to φ₂ as f²/(4π), perturbative up to 1",
            POSITIVE,
        ),
        (
            "lambda_phi",
            source(self_coupling, of=("scalars",)),
            r"\lambda_\phi",
            "self-coupling of φ₂, perturbative up to 12.6",
            POSITIVE,
        ),
    )
)
