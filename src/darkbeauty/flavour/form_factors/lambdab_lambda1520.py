r"""Form factors of Λ_b → Λ*(1520), a spin-3/2⁻ baryon, in two sets: lattice QCD and the quark model MCN.

Both are given as the helicity form factors of arXiv:1903.00448. With M = m_Λb, m = m_Λ*, s± = (M ± m)² − q².
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.errors import InputError, unknown
from darkbeauty.inputs import SMInputs

TRANSITION = "Lambdab->Lambda(1520)"


class BaryonFormFactors(NamedTuple):
    """f₀, f_⊥, f_g of the vector, axial, tensor and pseudotensor currents, shape (3, …) each, and (f_t^V, f_t^A), shape (2, …).

    Dimensionless but for f_g of the tensor currents [GeV].
    """

    vector: Array
    axial: Array
    tensor: Array
    pseudotensor: Array
    timelike: Array


def lambdab_to_lambda1520(sm: SMInputs, q2: ArrayLike, ff: str = "LatticeQCD") -> BaryonFormFactors:
    """The form factors of one set, "LatticeQCD" or "MCN".

    Args     q2: 0 < q² < (M − m)²   [GeV²]
    Errors   InputError for an unknown set
    """
    if ff not in FORM_FACTOR_SETS:
        raise InputError([unknown("ff", "form-factor set", ff, FORM_FACTOR_SETS)])
    return FORM_FACTOR_SETS[ff](sm, jnp.asarray(q2))


def lattice(sm: SMInputs, q2: Array) -> BaryonFormFactors:
    r"""f(q²) = F + A (w − 1), w = (M² + m² − q²)/(2Mm), of Meinel and Rendon (arXiv:2009.09313, eqs. 73–75, A21–A34).

    Domain   computed for q² ≥ 16 GeV² only. Below, the straight line is an extrapolation that loses all meaning: at q² = 3 GeV² the rate
             is two orders of magnitude above the quark model's
    Omits    the relations between form factors at q²_max (arXiv:2107.13140), which this first fit fulfils within its errors only
    """
    m_b, m = sm.mass["Lambdab"], sm.mass["Lambda(1520)"]
    intercept, slope = jnp.moveaxis(jnp.asarray(sm.form_factor[TRANSITION]).reshape(14, 2), 1, 0)
    w_1 = ((m_b - m) ** 2 - q2) / (2.0 * m_b * m)
    f = intercept.reshape(14, *[1] * w_1.ndim) + slope.reshape(14, *[1] * w_1.ndim) * w_1[None]
    f_plus, f_0, f_perp, f_prime, g_plus, g_0, g_perp, g_prime, h_plus, h_perp, h_prime, t_plus, t_perp, t_prime = f
    over_plus, over_minus = m / ((m_b + m) ** 2 - q2), m / ((m_b - m) ** 2 - q2)
    return BaryonFormFactors(
        vector=jnp.stack([over_minus * f_plus, over_minus * f_perp, f_prime]),
        axial=jnp.stack([over_plus * g_plus, over_plus * g_perp, -g_prime]),
        tensor=jnp.stack([over_minus * h_plus, over_minus * h_perp, (m_b + m) * h_prime]),
        pseudotensor=jnp.stack([over_plus * t_plus, over_plus * t_perp, -(m_b - m) * t_prime]),
        timelike=jnp.stack([over_plus * f_0, over_minus * g_0]),
    )


def quark_model(sm: SMInputs, q2: Array) -> BaryonFormFactors:
    r"""Quark model MCN of Mott and Roberts (arXiv:1108.6129): F_i = (a₀ + a₂p² + a₄p⁴) exp(−3m_q²p²/(2m̃²α²)).

    p = √(s₊s₋)/(2M) is the momentum of Λ* in the Λ_b frame, m̃ = 2m_q + m_s, α² = (α_Λb² + α_Λ*²)/2.
    Domain   all q²; physical instead of model masses. Each helicity form factor carries a factor 1 ± 10 % (f_g: ± 30 %).
    """
    mcn = sm.form_factor_mcn
    m_b, m = sm.mass["Lambdab"], sm.mass["Lambda(1520)"]
    p2 = ((m_b + m) ** 2 - q2) * ((m_b - m) ** 2 - q2) / (4.0 * m_b**2)
    alpha2 = 0.5 * (mcn["alpha_Lambdab"] ** 2 + mcn["alpha_Lambda(1520)"] ** 2)
    damping = jnp.exp(-1.5 * p2 * (mcn["m_q"] / (2.0 * mcn["m_q"] + mcn["m_s"])) ** 2 / alpha2)
    a = jnp.asarray(mcn["coefficients"]).reshape(14, 3, *[1] * p2.ndim)
    c = (a[:, 0] + p2[None] * (a[:, 1] + p2[None] * a[:, 2])) * damping[None]
    f, (g_1, g_2, g_3, g_4), h = c[0:4], c[4:8], c[8:14]
    f_t, f_0, f_perp, f_g = vector_from_covariant(f, q2, m_b, m)
    # γ₅ turns m into −m in the spinor of Λ*
    a_t, a_0, a_perp, a_g = vector_from_covariant(jnp.stack([g_1, -g_2, g_3, -g_4]), q2, m_b, -m)
    tensor, pseudotensor = tensor_from_covariant(h, q2, m_b, m)
    factors = lambda *names: jnp.stack([jnp.asarray(mcn[name]) for name in names]).reshape(-1, *[1] * p2.ndim)
    return BaryonFormFactors(
        vector=factors("fV0", "fVperp", "fVg") * jnp.stack([f_0, f_perp, f_g]),
        axial=factors("fA0", "fAperp", "fAg") * jnp.stack([a_0, a_perp, a_g]),
        tensor=factors("fT0", "fTperp", "fTg") * tensor,
        pseudotensor=factors("fT50", "fT5perp", "fT5g") * pseudotensor,
        timelike=factors("fVt", "fAt") * jnp.stack([f_t, a_t]),
    )


def vector_from_covariant(
    f: Array, q2: Array, m_b: Array | float, m: Array | float
) -> tuple[Array, Array, Array, Array]:
    r"""(f_t, f₀, f_⊥, f_g) of ⟨Λ*|s̄γ^μb|Λ_b⟩ = ū_α [v^α (F₁γ^μ + F₂v^μ + F₃v′^μ) + F₄g^{αμ}] u, v = p/M, v′ = k/m.

    The axial current, with γ₅ behind the bracket and G for F, follows with m → −m and (F₁, F₂, F₃, F₄) → (G₁, −G₂, G₃, −G₄).
    """
    s_plus, s_minus = (m_b + m) ** 2 - q2, (m_b - m) ** 2 - q2
    ahead, back = m_b**2 - m**2 + q2, m_b**2 - m**2 - q2
    f_1, f_2, f_3, f_4 = f
    return (
        f_1 / m_b + f_4 / (m_b - m) + (f_2 * ahead / m_b + f_3 * back / m) / (2.0 * m_b * (m_b - m)),
        f_1 / m_b + s_plus * (f_2 / m_b + f_3 / m) / (2.0 * m_b * (m_b + m)) + f_4 * back / ((m_b + m) * s_minus),
        f_1 / m_b - f_4 * m / s_minus,
        f_4,
    )


def tensor_from_covariant(h: Array, q2: Array, m_b: Array | float, m: Array | float) -> tuple[Array, Array]:
    r"""(f₀, f_⊥, f_g) of the tensor and of the pseudotensor current, shape (3, …) each, from H₁ … H₆ in

    ⟨Λ*|s̄iσ^{μν}b|Λ_b⟩ = ū_α [v^α (H₁iσ^{μν} + H₂(v^μγ^ν − v^νγ^μ) + H₃(v′^μγ^ν − v′^νγ^μ) + H₄(v^μv′^ν − v^νv′^μ))
                            + H₅(g^{αμ}γ^ν − g^{αν}γ^μ) + H₆(g^{αμ}v^ν − g^{αν}v^μ)] u.
    """
    s_plus, s_minus = (m_b + m) ** 2 - q2, (m_b - m) ** 2 - q2
    ahead, back = m_b**2 - m**2 + q2, m_b**2 - m**2 - q2
    h1, h2, h3, h4, h5, h6 = h
    mixed = 2.0 * (h5 + h6) * m / s_minus
    perp = h2 * ahead / m_b**2 + h3 * back / (m * m_b) + 2.0 * h5 - h6 * m / m_b + (m_b - m) * mixed
    perp_5 = s_minus * (h2 / m_b + h3 / m) / m_b + 2.0 * h5 * (m_b**2 + m * m_b - q2) / s_plus + h6 * m / m_b
    tensor = (
        (h1 + h2 - h3 - h6) / m_b - mixed + h4 * s_plus / (2.0 * m * m_b**2),
        h1 / m_b + perp / (2.0 * (m_b + m)),
        -h5 * (m_b - m) - h6 * ahead / (2.0 * m_b),
    )
    pseudotensor = (
        h1 / m_b + 2.0 * h5 * m / s_plus,
        h1 / m_b + perp_5 / (2.0 * (m_b - m)),
        -h5 * (m_b + m) - h6 * s_plus / (2.0 * m_b),
    )
    return jnp.stack(tensor), jnp.stack(pseudotensor)


FORM_FACTOR_SETS = {"LatticeQCD": lattice, "MCN": quark_model}
