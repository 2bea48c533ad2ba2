r"""B_s → ℓ⁺ℓ⁻."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour.common import abs2, normalisation
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.models.sectors import Theory


def br_bs_ll(p: Theory, lepton: str) -> Array:
    r"""Time-integrated BR(B_s → ℓ⁺ℓ⁻) (arXiv:1204.1737).

    Prompt rate N² f² m³ τ β/(32π) |P|², P = (2m_ℓ/m)(C₁₀ − C₁₀′); times (1 + y A_ΔΓ)/(1 − y²), A_ΔΓ = Re P²/|P|², y = ΔΓ/2Γ.
    Omits    scalar operators
    """
    sm, w, i = p.sm, p.wilson, LEPTON_INDEX[lepton]
    m, m_l, y = sm.mass["Bs"], sm.mass[lepton], 0.5 * sm.lifetime["DeltaGamma/Gamma_Bs"]
    difference = sm.wilson["C10"] + w.lepton("C10", i, w.propagator(m**2)) - w.lepton("C10p", i, w.propagator(m**2))
    amplitude = 2.0 * m_l / m * jnp.asarray(difference, complex)
    with_meson_mixing = abs2(amplitude) + y * (amplitude.real**2 - amplitude.imag**2)
    beta = jnp.sqrt(1.0 - 4.0 * m_l**2 / m**2)
    prefactor = (
        normalisation(p) ** 2 * sm.decay_constant["f_Bs"] ** 2 * m**3 * sm.lifetime["Bs"] * beta / (32.0 * jnp.pi)
    )
    return prefactor * with_meson_mixing / (1.0 - y**2)
