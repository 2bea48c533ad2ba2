r"""The spectrum of a point, laid on nodes that are the same for all points, so that a thermal average is a product with a constant matrix.

⟨σv⟩(x) = Σ weight · kernel(x, excess) is linear in the weights, and the kernel is smooth in excess = √s/2M − 1. A weight between nodes is therefore shared
out among the ten nearest by Lagrange's polynomials: exact for a kernel that is a polynomial of degree nine there, however narrow the resonance the weights
describe. Nodes are even in

    u(ε) = A arcsinh(ε/ε₀) + B arctan(ε),

logarithmic in the excess, but with a spacing of at most 1/B below ε = 1, because kernels fall as e^{−2xε} and x at freeze-out is up to 40. Two sets: for
x up to 10⁶, and up to 10¹².
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.numerics.interpolation import lagrange

EVEN, LARGEST = 150.0, 32.0
"""B; a larger excess is that of the last node: kernels have died, e^{−2xε} < 1e-27 for x ≥ 1."""
NEAREST = 10


class Nodes(NamedTuple):
    """A and ε₀ of a set of nodes."""

    logarithmic: float
    smallest: float

    def place(self, excess: Any) -> Any:
        """u(ε), of numbers or arrays of either kind."""
        module = jnp if isinstance(excess, Array) else np
        return self.logarithmic * module.arcsinh(excess / self.smallest) + EVEN * module.arctan(excess)


WARM, COLD = Nodes(12.0, 1e-8), Nodes(15.0, 1e-13)


@lru_cache(maxsize=2)
def excesses(nodes: Nodes = WARM) -> np.ndarray:
    """ε at the nodes, from 0 up."""
    count = int(np.ceil(nodes.place(LARGEST))) + 1
    fine = np.concatenate([[0.0], np.geomspace(1e-3 * nodes.smallest, 1.2 * LARGEST, 8000)])
    value = np.interp(np.arange(count), nodes.place(fine), fine)
    for _ in range(6):
        slope = nodes.logarithmic / np.hypot(value, nodes.smallest) + EVEN / (1.0 + value**2)
        value = np.maximum(value - (nodes.place(value) - np.arange(count)) / slope, 0.0)
    return value


def laid_on_nodes(excess: Array, weights: Array, nodes: Nodes = WARM) -> Array:
    """Weights at the nodes, shape (k, nodes), of k sets of weights, shape (k, n), at an excess, shape (n,).

    Accuracy of a sum over kernels e^{−2xε}: relative 1e-6 for x ≤ 40 and 2xε ≤ 40, 1e-6 for 2xε ≤ 10 beyond
    """
    place, count = nodes.place(jnp.minimum(excess, LARGEST)), excesses(nodes).size
    first = jnp.floor(jax.lax.stop_gradient(place)).astype(int) - (NEAREST // 2 - 1)
    first = jnp.clip(first, 0, count - NEAREST)
    shares = lagrange(place - first.astype(float), NEAREST)
    index = first[:, None] + np.arange(NEAREST)[None]
    empty = jnp.zeros((count, weights.shape[0]))
    return empty.at[index].add(shares[:, :, None] * weights.T[:, None, :]).T
