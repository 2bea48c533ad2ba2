r"""Direct searches for the Z′ and the leptoquark as strengths s = signal/limit (see numerics/limit_curves.py)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.sectors import BOTTOM, LIGHT, MU, Theory
from darkbeauty.models.z_prime import fermion_width, squared
from darkbeauty.numerics.limit_curves import coupling_strength, excess, grid_strength
from darkbeauty.units import GEV_PER_INVERSE_PS

CROSS_SECTION_POWER = 8.0
"""−dlnσ/dlnm of scalar-leptoquark pairs at 13 TeV near 1.2 TeV, from the fall of the parton luminosities."""


def minimal_branching(p: Theory, final: str) -> Array:
    r"""Branching fraction of the minimal Lμ−Lτ Z′, which searches assume: final = "mumu" or "inv" (= νν̄).

    Only μμ, ττ and two flavours of left-handed neutrinos, equal couplings, no kinetic mixing.
    """
    m, mass = p.z_prime.mass, p.sm.mass
    widths = {"mumu": fermion_width(m, mass["mu"], 1.0, 0.0), "inv": 2.0 * fermion_width(m, 0.0, 0.5, 0.5)}
    return widths[final] / (widths["mumu"] + widths["inv"] + fermion_width(m, mass["tau"], 1.0, 0.0))


def radiated_z_prime(p: Theory, search: str, final: str) -> Array:
    r"""Strength of a search for μ⁺μ⁻Z′(→ final) that quotes a limit on the coupling g′ of the minimal Lμ−Lτ model.   [1]

    s = (c_μ²/g′²) · B(Z′ → final)/B_minimal(Z′ → final): production off a muon line goes with the muon's coupling squared.
    Args     search: "BaBar 4mu", "CMS Z->4mu" (final "mumu") or "Belle II invisible 2019" (final "inv")
    Domain   0 outside the search's masses. Omits production off other lines (c_e² of kinetic mixing) and interference
    """
    minimal = minimal_branching(p, final)
    known = minimal > 0.0
    rescaling = jnp.where(known, p.z_prime.branching(final) / jnp.where(known, minimal, 1.0), 0.0)
    return coupling_strength(p.sm.limits[search], p.z_prime.mass, squared(p.z_prime.lepton[MU]) * rescaling)


def lifetime_ps(p: Theory) -> Array:
    """Lifetime of the Z′.   [ps]"""
    return GEV_PER_INVERSE_PS / jnp.maximum(p.z_prime.width, 1e-30)


def visible_decay(p: Theory, search: str, production: ArrayLike) -> Array:
    r"""Strength of LHCb's B → K(*)X(→ μμ) at the Z′ mass and lifetime, for a production B(B → K(*)Z′).   [1]

    Args     search: "LHCb B+->KX(mumu)" or "LHCb B0->K*X(mumu)"
    Domain   0 in the vetoes around resonances and outside the search's masses. The efficiency for a vector differs from that for the
             scalar of the published limit by tens of per cent
    """
    signal = production * p.z_prime.branching("mumu")
    return grid_strength(p.sm.limits[search], p.z_prime.mass, lifetime_ps(p), signal)


def invisible_decay(p: Theory, search: str, production: ArrayLike) -> Array:
    r"""Standard deviations by which B(B → K(*)Z′) B(Z′ → inv) exceeds what B → K(*) and missing energy allows for a narrow X.   [1]

    Args     search: "Belle II B+->KX(inv)", "BaBar B->KX(inv)" or "BaBar B->K*X(inv)"
    """
    return excess(p.sm.limits[search], p.z_prime.mass, production * p.z_prime.branching("inv"))


def leptoquark_pairs(p: Theory) -> Array:
    r"""Strength of the search for LQ LQ̄ → b b̄ + missing momentum: s = (m_limit/m_lq)⁸ B(LQ → bN_ℓ)².   [1]

    B = r_b²/(r_d² + r_s² + r_b²) · u_ℓ²w_ℓ/(u_ℓ²w_ℓ + u_h²w_h) with u the contents of the light and the heavy N and w = (1 − M²/m_lq²)², 0 where
    closed; quark masses neglected. Decays to lighter quarks or the heavier N, which other searches would see, count nothing: the only such limits at
    hand are remembered ones.
    Domain   m_dm well below m_lq (the limit is for a massless neutrino)
    """
    lq = p.leptoquark
    r2, to_n = lq.ratios**2, lq.contents**2 * jnp.maximum(1.0 - lq.mass_ratios, 0.0) ** 2
    fraction = share(r2[BOTTOM], jnp.sum(r2)) * share(to_n[LIGHT], jnp.sum(to_n))
    return (p.sm.limits["ATLAS LQ->bnu"] / lq.mass) ** CROSS_SECTION_POWER * fraction**2


def share(part: Array, total: Array) -> Array:
    """part/total, 0 of nothing."""
    return jnp.where(total > 0.0, part / jnp.where(total > 0.0, total, 1.0), 0.0)
