r"""Annihilation of two particles with any isotropic distribution of momenta, as a matrix on a grid even in ln p.

In units of M, p = sinh η. Two particles of rapidities η, η′ meet with s = 4M² cosh²(ω/2), ω their relative rapidity, |η − η′| ≤ ω ≤ η + η′. The rate at which a
particle finds a partner is therefore a sum over the spectrum of σ alone,

    Γ(η) = g M³/(4π² pE) Σ_k w_k/sinh(ω_k/2) [F(|η − ω_k|) − F(η + ω_k)],   F(η) = ∫_η^∞ f dE,

with the weights w_k of ⟨σv⟩ on the fixed nodes of `fixed_nodes`: a resonance is resolved however narrow, as in a thermal average. f is a polynomial of degree 5
in ln p between nodes.
"""

from __future__ import annotations

from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient

from darkbeauty.dark.fixed_nodes import excesses
from darkbeauty.numerics.interpolation import lagrange

NEAREST = 6
"""Nodes of a piece of f or F."""
SMALLEST = 1e-6
"""sinh(ω/2) of the node at threshold, where the bracket over it has a limit."""
TINY = 1e-300


def pair_matrix(momentum: Array, weights: Array) -> Array:
    """K of Γ_i = (g M³/4π²) Σ_j K_ij f_j, shape (n, n).

    Args     momentum: p/M, even in ln p, shape (n,), without derivatives; weights: of the spectrum on the fixed nodes [GeV⁻²]
    Accuracy that of F by polynomials: 2e-3 where f falls by e per node, for a line; far better for a sum over many
    """
    momentum = stop_gradient(momentum)
    n, spacing = momentum.size, jnp.log(momentum[1] / momentum[0])
    energy = jnp.hypot(1.0, momentum)
    half = np.maximum(np.sqrt(excesses() * (excesses() + 2.0)), SMALLEST)
    rapidity, omega = jnp.arcsinh(momentum)[:, None], 2.0 * np.arcsinh(half)[None]
    shares = (weights / half)[None, :, None]
    flat = jnp.zeros(n * n)
    for sign, other in ((1.0, jnp.abs(rapidity - omega)), (-1.0, rapidity + omega)):
        place = jnp.log(jnp.maximum(jnp.sinh(other), TINY) / momentum[0]) / spacing
        first = jnp.clip(jnp.floor(place).astype(int) - (NEAREST // 2 - 1), 0, n - NEAREST)
        inside = jnp.where(place < n - 1.0, sign, 0.0)
        near = lagrange(jnp.clip(place, 0.0, n - 1.0) - first.astype(float), NEAREST) * inside[..., None]
        index = (jnp.arange(n)[:, None] * n + first)[..., None] + np.arange(NEAREST)[None, None]
        flat = flat.at[index].add(stop_gradient(near) * shares)
    above = jnp.asarray(_cumulative(n)) * (momentum**2 / energy * spacing)[None]
    return flat.reshape(n, n) @ above / (momentum * energy)[:, None]


@lru_cache(maxsize=4)
def _cumulative(n: int) -> np.ndarray:
    """From values at even nodes to their integral from every node up, for a spacing of 1."""
    node, weight = np.polynomial.legendre.leggauss(8)
    before = NEAREST // 2 - 1
    cell = 0.5 * weight @ lagrange(before + 0.5 * (1.0 + node), NEAREST)
    cells = np.zeros((n, n))
    for offset, share in zip(range(-before, NEAREST - before), cell):
        cells += share * np.eye(n, k=offset)
    return np.cumsum(cells[::-1], axis=0)[::-1]
