r"""Binned rates at any Standard-Model inputs, fast enough for a sampler: the amplitude code at fixed nodes, the light mediator integrated analytically.

At fixed q² a rate depends on the propagator P of a mediator as D(P) = A + Re(BP) + C|P|² with smooth A, B, C. Four values of P give them at the
Gauss–Legendre nodes of the panels of a bin, and their Legendre series meet the exact moments of P and |P|² (`darkbeauty.flavour.quadratic`). What is
tabulated there, at fixed inputs, is evaluated here: form factors and the other inputs may be tracers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.b_to_invisible import amplitude_code
from darkbeauty.flavour.quadratic import _panels, lepton_integrand, propagator_moments, stacked
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Pole, Theory
from darkbeauty.numerics.quadrature import gauss_legendre

NODES = 6
"""Gauss–Legendre nodes per panel."""


class NodalRates(eqx.Module):
    """Rates of b → sℓℓ, one mode and lepton, in several bins.

    edges: of the panels, shape (panels, 2); owner: the bin of each; names: which of the density's rates are asked for.
    """

    edges: np.ndarray
    mode: str = eqx.field(static=True)
    lepton: str = eqx.field(static=True)
    owner: tuple[int, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, p: Theory) -> Array:
        """∫ density dq² of every bin, shape (bins, rates).   [GeV]

        Args     p: its Standard-Model inputs as they may be
        Domain   masses close to those that the panels were made with: these end at their ends of phase space
        Accuracy relative to the rate 1e-5, as `darkbeauty.flavour.quadratic.tabulate`
        """
        t, weight = gauss_legendre(NODES)
        low, high = self.edges[:, :1], self.edges[:, 1:]
        q2, plain = 0.5 * (low + high + (high - low) * t), 0.5 * (high - low) * weight
        flat = jnp.asarray(q2.ravel())
        code = amplitude_code(self.mode).density

        def density(propagator: ArrayLike) -> Array:
            return stacked(code(p, self.mode, self.lepton, flat, propagator), self.names)

        pole = p.wilson.pole
        if pole is None:
            total = density(0.0) * plain.ravel()
        else:
            scale = jax.lax.stop_gradient(1.0 / pole.m_gamma)
            found = jax.vmap(density)(scale * jnp.array([0.0, 1.0, -1.0, 1.0j]))
            total = jnp.einsum("jrn,jn->rn", found, self._weights(pole, scale, plain))
        by_panel = total.reshape(len(self.names), -1, NODES).sum(-1).T
        return jax.ops.segment_sum(by_panel, np.asarray(self.owner), max(self.owner) + 1)

    def _weights(self, pole: Pole, scale: Array, plain: np.ndarray) -> Array:
        """Weights of D(0), D(s), D(−s) and D(is) at every node, shape (4, nodes), s = `scale`: A, B and C as combinations of them."""
        first, second = jax.vmap(lambda edges: propagator_moments(*cast("tuple[Array, Array]", edges), pole))(
            self.edges
        )
        linear = (first[:, :NODES] / scale) @ _series()
        square = (second[:, :NODES] / scale**2) @ _series()
        real, imaginary = linear.real, linear.imag
        up = 0.5 * (real - imaginary + square)
        down = 0.5 * (-real - imaginary + square)
        return jnp.stack([plain - square, up, down, imaginary]).reshape(4, -1)


def nodal_rates(
    sm: SMInputs, mode: str, lepton: str, bins: Sequence[tuple[float, ...]], names: tuple[str, ...]
) -> NodalRates:
    """Rates of a process in these bins, with the panels of the tables."""
    integrand = lepton_integrand(sm, mode, lepton)
    cut = [_panels(one, integrand) for one in bins]
    owner = tuple(i for i, group in enumerate(cut) for _ in group)
    return NodalRates(np.array([panel for group in cut for panel in group]), mode, lepton, owner, names)


def _series() -> np.ndarray:
    """Legendre coefficients of a function from its values at the nodes, shape (degree, node)."""
    t, weight = gauss_legendre(NODES)
    return (np.arange(NODES) + 0.5)[:, None] * np.polynomial.legendre.legvander(t, NODES - 1).T * weight
