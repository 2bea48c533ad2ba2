r"""Non-local contributions to b → sℓℓ: what four-quark operators and O₈ add to C₇ and C₉.

One-loop functions Y and Y_u in closed form, two-loop matrix elements δC₇, δC₉ from a table (functions of q² alone).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs

SCALE = 4.8


class Effective(NamedTuple):
    """SM values of the effective coefficients at q²."""

    c7: Array
    c9: Array


def effective_coefficients(sm: SMInputs, q2: ArrayLike, ratio_u: ArrayLike) -> Effective:
    r"""c₇ = C₇eff + δC₇ and c₉ = C₉ + Y + (ξ_u/ξ_t) Y_u + δC₉ of the Standard Model at μ = 4.8 GeV.

    Args     q2: > 0 [GeV²]; ratio_u: ξ_u/ξ_t (conjugated for the CP-conjugate decay)
    """
    delta_7, delta_9 = two_loop(sm, q2, ratio_u)
    c9 = sm.wilson["C9"] + y_quark(sm, q2) + ratio_u * y_up(sm, q2) + delta_9
    return Effective(sm.wilson["C7eff"] + delta_7, c9)


def h(s: ArrayLike, m: ArrayLike, mu: float = SCALE) -> Array:
    r"""Fermion loop function h(s, m), m > 0 (Beneke, Feldmann, Seidel, hep-ph/0106067, eq. 11)."""
    z = 4.0 * m**2 / jnp.asarray(s)
    below = z > 1.0
    root_below = jnp.sqrt(jnp.where(below, z - 1.0, 1.0))
    root_above = jnp.sqrt(jnp.where(below, 0.5, 1.0 - z))
    above_part = jnp.log((1.0 + root_above) / jnp.sqrt(z)) - 0.5j * jnp.pi
    part = jnp.where(below, root_below * jnp.arctan(1.0 / root_below) + 0j, root_above * above_part)
    return -4.0 / 9.0 * jnp.log(m**2 / mu**2) + 8.0 / 27.0 + 4.0 / 9.0 * z - 4.0 / 9.0 * (2.0 + z) * part


def h_massless(s: ArrayLike, mu: float = SCALE) -> Array:
    """h(s, 0), hep-ph/0106067, eq. 11."""
    return 8.0 / 27.0 + 4j * jnp.pi / 9.0 + 8.0 / 9.0 * jnp.log(mu) - 4.0 / 9.0 * jnp.log(s)


def y_quark(sm: SMInputs, q2: ArrayLike) -> Array:
    """Y(q²) of arXiv:0811.1214, eq. 10, with pole masses."""
    c = sm.wilson
    charm = 4.0 / 3.0 * c["C1"] + c["C2"] + 6.0 * c["C3"] + 60.0 * c["C5"]
    bottom = 7.0 * c["C3"] + 4.0 / 3.0 * c["C4"] + 76.0 * c["C5"] + 64.0 / 3.0 * c["C6"]
    light = c["C3"] + 4.0 / 3.0 * c["C4"] + 16.0 * c["C5"] + 64.0 / 3.0 * c["C6"]
    constant = 4.0 / 3.0 * c["C3"] + 64.0 / 9.0 * c["C5"] + 64.0 / 27.0 * c["C6"]
    loops = (
        h(q2, sm.quark["mc_pole"]) * charm - 0.5 * h(q2, sm.quark["mb_pole"]) * bottom - 0.5 * h_massless(q2) * light
    )
    return loops + constant


def y_up(sm: SMInputs, q2: ArrayLike) -> Array:
    """Y_u(q²), multiplies ξ_u/ξ_t (Beneke, Feldmann, Seidel, hep-ph/0412400, eq. 43)."""
    return (4.0 / 3.0 * sm.wilson["C1"] + sm.wilson["C2"]) * (h(q2, sm.quark["mc_pole"]) - h_massless(q2))


def two_loop(sm: SMInputs, q2: ArrayLike, ratio_u: ArrayLike) -> tuple[Array, Array]:
    """(δC₇, δC₉), linear between the knots of the table; constant outside (1e-6 … 22.9 GeV²)."""
    table = sm.non_local
    c7_t, c7_u, c9_t, c9_u = interpolate(q2, table.q2, (table.c7_t, table.c7_u, table.c9_t, table.c9_u))
    return c7_t - ratio_u * c7_u, c9_t - ratio_u * c9_u


def interpolate(x: ArrayLike, knots: ArrayLike, columns: tuple[ArrayLike, ...]) -> list[Array]:
    """Linear interpolation of several (complex) columns at once; one search for all."""
    knots = jnp.asarray(knots)
    i = jnp.clip(jnp.searchsorted(knots, x), 1, knots.size - 1)
    t = jnp.clip((x - knots[i - 1]) / (knots[i] - knots[i - 1]), 0.0, 1.0)
    return [(1.0 - t) * column[i - 1] + t * column[i] for column in map(jnp.asarray, columns)]
