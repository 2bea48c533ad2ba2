r"""Binned rates at any Standard-Model inputs, fast enough for a sampler: the amplitude code at fixed nodes, the light Z′ integrated analytically.

At fixed q² a rate depends on the propagator P of a Z′ as D(P) = A + Re(BP) + C|P|² with smooth A, B, C. Four values of P give them at the
Gauss–Legendre nodes of the panels of a bin, and their Legendre series meet the exact moments of P and |P|² (`darkbeauty.flavour.quadratic`). What is
tabulated there, at fixed inputs, is evaluated here: form factors and the other inputs may be tracers.
"""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.b_to_invisible import amplitude_code
from darkbeauty.flavour.modes import MODES
from darkbeauty.flavour.panels import Panels, cut, joined
from darkbeauty.flavour.quadratic import lepton_integrand, stacked
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Pole, Theory
from darkbeauty.numerics.quadrature import gauss_legendre

PANEL_NODES = 6
"""Gauss–Legendre nodes per panel."""


class NodalRates(eqx.Module):
    """Rates of b → sℓℓ, one mode and lepton, in several bins.

    owner: the bin of each panel; names: which of the density's rates are asked for.
    """

    panels: Panels
    mode: str = eqx.field(static=True)
    lepton: str = eqx.field(static=True)
    owner: tuple[int, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, p: Theory) -> Array:
        """∫ density dq² of every bin, shape (bins, rates).   [GeV]

        Args     p: its Standard-Model inputs as they may be
        Domain   masses close to those that the panels were made with: these end at their ends of phase space
        Accuracy relative to the rate 3e-5
        """
        code = amplitude_code(self.mode).density
        q2, propagators, weights = self.rule(p.wilson.of(MODES[self.mode].quarks).pole)

        def density(propagator: ArrayLike) -> Array:
            return stacked(code(p, self.mode, self.lepton, q2, propagator), self.names)

        total = jnp.einsum("jrn,jn->rn", jax.vmap(density)(propagators), weights)
        by_panel = total.reshape(len(self.names), -1, PANEL_NODES).sum(-1).T
        return jax.ops.segment_sum(by_panel, np.asarray(self.owner), max(self.owner) + 1)

    def rule(self, pole: Pole | None) -> tuple[Array, Array, Array]:
        """q² at the nodes, values of P to evaluate D at, and the weights of each: ∫ D dq² is their sum; shapes (n,), (j,), (j, n).

        P = 0, s, −s and is give A, B and C of D = A + Re(BP) + C|P|², s = 1/mΓ.
        """
        q2, plain = self.panels.rule(*gauss_legendre(PANEL_NODES))
        if pole is None:
            return q2.ravel(), jnp.zeros(1), plain.reshape(1, -1)
        scale = jax.lax.stop_gradient(1.0 / pole.m_gamma)
        first, second = self.panels.moments(pole)
        linear = (first[:, :PANEL_NODES] / scale) @ _series()
        square = (second[:, :PANEL_NODES] / scale**2) @ _series()
        real, imaginary = linear.real, linear.imag
        up = 0.5 * (real - imaginary + square)
        down = 0.5 * (-real - imaginary + square)
        weights = jnp.stack([plain - square, up, down, imaginary]).reshape(4, -1)
        return q2.ravel(), scale * jnp.array([0.0, 1.0, -1.0, 1.0j]), weights


def nodal_rates(
    sm: SMInputs, mode: str, lepton: str, bins: Sequence[tuple[float, ...]], names: tuple[str, ...]
) -> NodalRates:
    """Rates of a process in these bins, with the panels of the tables."""
    integrand = lepton_integrand(sm, mode, lepton)
    by_bin = [cut(edges[0], edges[1], integrand.ends, integrand.kinks) for edges in bins]
    owner = tuple(i for i, group in enumerate(by_bin) for _ in group)
    return NodalRates(joined([panel for group in by_bin for panel in group]), mode, lepton, owner, names)


def _series() -> np.ndarray:
    """Legendre coefficients of a function from its values at the nodes, shape (degree, node)."""
    t, weight = gauss_legendre(PANEL_NODES)
    return (np.arange(PANEL_NODES) + 0.5)[:, None] * np.polynomial.legendre.legvander(t, PANEL_NODES - 1).T * weight
