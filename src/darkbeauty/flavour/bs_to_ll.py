r"""B_s → ℓ⁺ℓ⁻ and its dependence on the decay time (arXiv:1204.1737)."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour.b_to_v_ll import meson_mixing_phase
from darkbeauty.flavour.common import abs2, normalisation
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Theory


class LeptonicDecay(NamedTuple):
    """|P|² + |S|² of the prompt rate, and A_ΔΓ times that."""

    prompt: Array
    cosine: Array


def br_bs_ll(p: Theory, lepton: str) -> Array:
    r"""Time-integrated BR(B_s → ℓ⁺ℓ⁻) (arXiv:1204.1737).

    Prompt rate N² f² m³ τ β/(32π) (|P|² + |S|²), P = (2m_ℓ/m)(C₁₀ − C₁₀′) + m r (C_P − C_P′), S = β m r (C_S − C_S′), r = m_b/(m_b + m_s); times
    (1 + y A_ΔΓ)/(1 − y²), y = ΔΓ/2Γ, A_ΔΓ as of `a_delta_gamma`.
    Omits    Γ₁₂ in the phase of mixing (3·10⁻⁴)
    """
    decay, y = leptonic_decay(p, lepton), _y(p)
    return prefactor(p) * _beta(p, lepton) * (decay.prompt + y * decay.cosine) / (1.0 - y**2)


def a_delta_gamma(p: Theory, lepton: str) -> Array:
    r"""A_ΔΓ = Re[(P² − S²) e^{−iφ}]/(|P|² + |S|²), φ the phase that new physics gives to B_s mixing (arXiv:1204.1737, eq. 17); 1 in the Standard Model.

    flavio 2.7.1 leaves φ out.
    """
    decay = leptonic_decay(p, lepton)
    return decay.cosine / decay.prompt


def effective_lifetime(p: Theory, lepton: str) -> Array:
    r"""τ (1 + 2yA_ΔΓ + y²)/((1 − y²)(1 + yA_ΔΓ)) (arXiv:1204.1737, eq. 26).   [GeV⁻¹]"""
    y, a = _y(p), a_delta_gamma(p, lepton)
    return p.sm.lifetime["Bs"] * (1.0 + 2.0 * y * a + y**2) / ((1.0 - y**2) * (1.0 + y * a))


def leptonic_decay(p: Theory, lepton: str) -> LeptonicDecay:
    """P and S of `br_bs_ll` squared, quark masses at 4.8 GeV."""
    sm, w, i = p.sm, p.wilson, LEPTON_INDEX[lepton]
    m = sm.mass["Bs"]
    odd = lambda name: w.lepton(name, i, w.propagator(m**2)) - w.lepton(f"{name}p", i, w.propagator(m**2))
    chiral = spin_0_factor(sm)
    amplitude = jnp.asarray(2.0 * sm.mass[lepton] / m * (sm.wilson["C10"] + odd("C10")), complex)
    if w.fills("CP", "CPp"):
        amplitude = amplitude + chiral * odd("CP")
    prompt, square = abs2(amplitude), amplitude**2
    if w.fills("CS", "CSp"):
        scalar = jnp.asarray(_beta(p, lepton) * chiral * odd("CS"), complex)
        prompt, square = prompt + abs2(scalar), square - scalar**2
    phase = meson_mixing_phase(p) if "bs" in w.meson_mixing else 1.0
    return LeptonicDecay(prompt, (square * jnp.conj(phase)).real)


def prefactor(p: Theory) -> Array:
    """N² f² m³ τ/(32π): branching fraction of B_s to two leptons over squared amplitudes and phase space."""
    sm = p.sm
    decay_constant = normalisation(p) ** 2 * sm.decay_constant["f_Bs"] ** 2
    return decay_constant * sm.mass["Bs"] ** 3 * sm.lifetime["Bs"] / (32.0 * jnp.pi)


def spin_0_factor(sm: SMInputs) -> Array | float:
    """m m_b/(m_b + m_s), quark masses at 4.8 GeV, which goes with (pseudo)scalar operators.   [GeV]"""
    return sm.mass["Bs"] * sm.quark["mb_4.8"] / (sm.quark["mb_4.8"] + sm.quark["ms_4.8"])


def _y(p: Theory) -> Array:
    return 0.5 * p.sm.lifetime["DeltaGamma/Gamma_Bs"]


def _beta(p: Theory, lepton: str) -> Array:
    return jnp.sqrt(1.0 - 4.0 * p.sm.mass[lepton] ** 2 / p.sm.mass["Bs"] ** 2)
