r"""Inclusive B → X_sγ with E_γ > 1.6 GeV, normalised to the semileptonic rate (Misiak et al., hep-ph/0609241, arXiv:1503.01789)."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.flavour.common import abs2
from darkbeauty.models.running import mix_dipoles
from darkbeauty.models.sectors import Theory

# K_ij^(1) and K_ij^(2) of hep-ph/0609241, eq. 3.1, at E_γ = 1.6 GeV (real parts), by M. Misiak as used in flavio 2.7.1;
# upper triangles, operators 1…8.
_NLO = (
    (0.00289054, -0.0173432, -0.000837297, 0.00013955, -0.0158512, -0.101529, 0.0913267, -0.00166875),
    (0.104059, 0.00502378, -0.000837297, 0.0951075, 0.609174, -0.54796, 0.0100125),
    (0.028828, -0.00480467, 0.318696, -0.0282896, 8.32249, -0.0187533),
    (0.000800779, -0.053116, 0.00471493, -1.61065, 0.00312556),
    (3.54919, -0.0840081, 122.732, -0.258893),
    (1.80697, 19.5562, 0.108369),
    (5.61819, -0.50728),
    (0.452362,),
)
_NNLO = (
    (0.114381, -0.686288, 0.0, 0.0, 0.0, 0.0, 9.11217, 0.215745),
    (4.11773, 0.0, 0.0, 0.0, 0.0, -8.85918, -1.29447),
    (0.0,) * 6,
    (0.0,) * 5,
    (0.0,) * 4,
    (0.0,) * 3,
    (-37.3173, -13.4112),
    (22.3184,),
)
_UP_INTERFERENCE, _UP_SQUARE = -0.0296854, 0.123411
_NLO_PERTURBATIVE = 0.1249
_C7 = 6
"""Place of C₇ among C₁ … C₈."""


def br_xs_gamma(p: Theory) -> Array:
    r"""CP-averaged BR(B → X_sγ), E_γ > 1.6 GeV.

    BR = BR(X_cℓν) |V_tbV_ts*/V_cb|² 6α/(πC) [P(E₀) + N(E₀)], P from |C₇eff|² + |C₇′eff|², the K_ij and V_ub terms at μ = 2 GeV.
    Accuracy agrees with flavio to 1e-3; overall theory error in the nuisance xsgamma.delta
    """
    sm, inputs = p.sm, p.sm.xsgamma
    xi_t, xi_u = sm.ckm.xi("t"), sm.ckm.xi("u")
    ratio = xi_u / xi_t
    left, right = _coefficients(p)
    at = sm.coupling["alpha_s_2.0"] / (4.0 * jnp.pi)
    kernel = at * _symmetric(_NLO) + at**2 * _symmetric(_NNLO)
    quadratic = sum(jnp.real(jnp.conj(c) @ kernel @ c) for c in (left, right))
    perturbative = (
        abs2(left[_C7]) + abs2(right[_C7]) + quadratic + _UP_INTERFERENCE * ratio.real + _UP_SQUARE * abs2(ratio)
    )
    total = perturbative + inputs["nonperturbative"] + _NLO_PERTURBATIVE * inputs["delta"]
    ckm = abs2(xi_t) / abs2(sm.ckm.matrix()[1, 2])
    return inputs["BR_Xcenu"] * ckm * 6.0 * sm.coupling["alpha_e_0"] / (jnp.pi * inputs["C_BXlnu"]) * total


def _coefficients(p: Theory) -> tuple[Array, ...]:
    """(C₁…C₆, C₇eff, C₈eff) and primes at 2 GeV: SM plus the new-physics dipoles run down from 4.8 GeV (leading log)."""
    sm, w, c = p.sm, p.wilson, p.sm.wilson_2
    eta = sm.coupling["alpha_s_4.8"] / sm.coupling["alpha_s_2.0"]
    c7, c8 = mix_dipoles(w.dipole("C7"), w.dipole("C8"), eta, 5)
    c7p, c8p = mix_dipoles(w.dipole("C7p"), w.dipole("C8p"), eta, 5)
    left = [c[f"C{i}"] for i in range(1, 7)] + [c["C7eff"] + c7, c["C8eff"] + c8]
    right = [0.0] * 6 + [c["C7effp"] + c7p, c["C8effp"] + c8p]
    return tuple(jnp.stack([jnp.asarray(x, complex) for x in side]) for side in (left, right))


def _symmetric(upper: tuple[tuple[float, ...], ...]) -> np.ndarray:
    matrix = np.zeros((8, 8))
    for i, row in enumerate(upper):
        matrix[i, i:] = row
    return matrix + np.triu(matrix, 1).T
