r"""Fixed steps for Y′ = −c(t) Y² + b(t), c, b ≥ 0, stable however stiff.

With Y = p/q the equation is linear, (p, q)′ = A (p, q), A = [[0, b], [c, 0]]. One step of the fourth-order Magnus rule from two Gauss points (B, C the mean of
h b, h c; Blanes et al., Phys. Rept. 470 (2009) 151):

    d = −(√3/12) h² (b₁c₂ − b₂c₁),   w² = d² + BC,   τ = tanh(w)/w,   Y ← [(1 + τd) Y + τB]/[τC Y + 1 − τd]

Everything is taken relative to Y at the start of a step, so that nothing overflows while Y falls through many decades. Where a step is stiff the commutator d
means nothing and is held below √(BC): Y then goes to √(B/C), its mean equilibrium, and the next steps forget the difference.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient
from jax.typing import ArrayLike

GAUSS = 0.5 - np.sqrt(3.0) / 6.0
"""First of the two Gauss points of a step of length 1; the other one is 1 minus it."""
TINY = 1e-60
"""Added to BC in a ratio, of which derivatives are taken."""


class March(NamedTuple):
    """ln Y at the ends of all steps, the start first, shape (m+1,), and ∂ln Y(last)/∂ln Y(first)."""

    log_y: Array
    memory: Array


def gauss_points(edges: Array) -> Array:
    """The two points of every step, shape (m, 2)."""
    start, length = edges[:-1, None], (edges[1:] - edges[:-1])[:, None]
    return start + length * np.array([GAUSS, 1.0 - GAUSS])[None]


def march(start: ArrayLike, log_c: Array, log_equilibrium: Array, lengths: Array) -> March:
    """From ln Y = start.

    Args     log_c, log_equilibrium: ln c and ½ ln(b/c) at the Gauss points, shape (m, 2); lengths of the steps, shape (m,), 0 allowed
    """

    def move(carry: tuple[Array, Array], step: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], Array]:
        log_y, log_memory = carry
        new, forgotten = _step(log_y, *step)
        return (new, log_memory + stop_gradient(forgotten)), new

    initial = (jnp.asarray(start, float), jnp.zeros(()))
    (_, log_memory), later = jax.lax.scan(move, initial, (log_c, log_equilibrium, lengths))
    return March(jnp.concatenate([initial[0][None], later]), jnp.exp(log_memory))


def _step(log_y: Array, log_c: Array, log_equilibrium: Array, length: Array) -> tuple[Array, Array]:
    """ln Y after a step, and ln(∂ln Y(after)/∂ln Y(before)) = ln(sech²w) − ln numerator − ln denominator."""
    loss = length * jnp.exp(log_c + log_y)
    gain = length * jnp.exp(log_c + 2.0 * log_equilibrium - log_y)
    b, c = 0.5 * (gain[0] + gain[1]), 0.5 * (loss[0] + loss[1])
    d = -(np.sqrt(3.0) / 12.0) * (gain[0] * loss[1] - gain[1] * loss[0])
    d = d / jnp.sqrt(1.0 + d**2 / (b * c + TINY))
    w2 = d**2 + b * c
    is_small = w2 < 1e-6
    w = jnp.sqrt(jnp.where(is_small, 1.0, w2))
    tau = jnp.where(is_small, 1.0 - w2 * (1.0 / 3.0 - w2 * (2.0 / 15.0)), jnp.tanh(w) / w)
    log_numerator, log_denominator = jnp.log1p(tau * (b + d)), jnp.log1p(tau * (c - d))
    log_sech2 = jnp.where(is_small, -w2, 2.0 * (np.log(2.0) - w - jnp.log1p(jnp.exp(-2.0 * w))))
    return log_y + log_numerator - log_denominator, log_sech2 - log_numerator - log_denominator
