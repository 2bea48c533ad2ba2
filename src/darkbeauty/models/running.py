r"""Leading-logarithmic running between the leptoquark scale and the B scale.

α_s runs at one loop from M_Z with six flavours above m_t and five below. Anomalous dimensions: ΔF = 2 current–current γ = 4;
dipoles γ₇₇ = 32/3, γ₈₇ = −32/9, γ₈₈ = 28/3 (Buchalla, Buras, Lautenbacher, hep-ph/9512380, eqs. XII.1 and IX.2).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs


def alpha_s_one_loop(sm: SMInputs, mu: ArrayLike) -> Array:
    """α_s(μ) at one loop, six flavours above the top mass, five below."""
    at_top = _evolve(sm.coupling["alpha_s_MZ"], sm.mass["Z"], sm.quark["mt_pole"], 5)
    low = _evolve(sm.coupling["alpha_s_MZ"], sm.mass["Z"], mu, 5)
    return jnp.where(mu > sm.quark["mt_pole"], _evolve(at_top, sm.quark["mt_pole"], mu, 6), low)


def current_current_factor(sm: SMInputs, high: ArrayLike, low: ArrayLike) -> Array:
    """C(low)/C(high) of (q̄γP q′)², high above the top mass, low below it; below m_b with four flavours."""
    bottom = sm.quark["mb_mb"]
    six, five = _ratios(sm, high, jnp.maximum(low, bottom))
    at_bottom = alpha_s_one_loop(sm, bottom)
    four = jnp.where(low < bottom, at_bottom / _evolve(at_bottom, bottom, jnp.minimum(low, bottom), 4), 1.0)
    return six ** (6.0 / 21.0) * five ** (6.0 / 23.0) * four ** (6.0 / 25.0)


def run_dipoles(sm: SMInputs, c7: ArrayLike, c8: ArrayLike, high: ArrayLike, low: ArrayLike) -> tuple[Array, Array]:
    """(C₇, C₈) at `low` from their values at `high`, high above and low below the top mass."""
    six, five = _ratios(sm, high, low)
    return mix_dipoles(*mix_dipoles(c7, c8, six, 6), five, 5)


def mix_dipoles(c7: ArrayLike, c8: ArrayLike, eta: Array, flavours: int) -> tuple[Array, Array]:
    """(C₇, C₈) after α_s has grown by 1/η at a fixed number of flavours."""
    beta0 = 11.0 - 2.0 * flavours / 3.0
    seven, eight = eta ** (16.0 / 3.0 / beta0), eta ** (14.0 / 3.0 / beta0)
    return seven * c7 + 8.0 / 3.0 * (eight - seven) * c8, eight * c8


def _ratios(sm: SMInputs, high: ArrayLike, low: ArrayLike) -> tuple[Array, Array]:
    top = sm.quark["mt_pole"]
    a_high, a_top, a_low = (alpha_s_one_loop(sm, mu) for mu in (high, top, low))
    return a_high / a_top, a_top / a_low


def _evolve(alpha: Array, mu0: ArrayLike, mu: ArrayLike, flavours: int) -> Array:
    beta0 = 11.0 - 2.0 * flavours / 3.0
    return alpha / (1.0 + alpha * beta0 / (2.0 * jnp.pi) * jnp.log(jnp.asarray(mu) / mu0))
