r"""Branching fractions to missing energy at fixed Standard-Model inputs: what form factors do, once for all modes, as Chebyshev series in q².

The rates of `missing_energy_table` with a, x, a_A and t as series times √λ, over all of phase space by the rule that follows thresholds and pole; modes
that share a pair of quarks are one batch: the same numbers as the amplitude code, at the cost of one mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.flavour.common import abs2, integrate_pair, kallen, normalisation
from darkbeauty.flavour.missing_energy_table import dark_matter_braces, known_functions, neutrino_products
from darkbeauty.flavour.modes import MODES
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Pole, Theory

DEGREES = 40
"""Chebyshev polynomials of a function between q² = 0 and the end: the pole of B → π's form factors is near, and gains a factor of 1.7 by each."""
INSIDE = 1.0 - 1e-15
"""Where the slope of the angle of a Chebyshev polynomial is still finite."""
SAME, CROSS, AXIAL, TIMELIKE = range(4)


class InvisibleTotals(eqx.Module):
    """Modes with the same pair of quarks: masses of the mesons, shape (modes,); series of a, x, a_A and t over √λ, shape (modes, DEGREES, 4)."""

    m_b: np.ndarray
    m_m: np.ndarray
    series: np.ndarray
    quarks: str = eqx.field(static=True)

    def neutrinos(self, p: Theory) -> Array:
        """Γ(νν̄) of every mode.   [GeV]"""
        products = neutrino_products(p, self.quarks)

        def density(_: Array, known: Array, propagator: Array) -> Array:
            of = lambda by: by.same * known[SAME] + by.cross * known[CROSS]
            first, second = propagator.real, abs2(propagator)
            return of(products.constant) + of(products.linear) * first + of(products.square) * second

        return normalisation(p, self.quarks) ** 2 * self._integral(products.pole, 0.0, density)

    def dark_matter(self, p: Theory) -> Array:
        """Γ(NN) of every mode; 0 with zero gradient where it is closed.   [GeV]"""
        zp, dark = p.z_prime, p.dark_matter

        def density(q2: Array, known: Array, propagator: Array) -> Array:
            return dark_matter_braces(p, q2, known[AXIAL], known[TIMELIKE]) * abs2(propagator)

        coupling = abs2(zp.quark_vertex(self.quarks) * dark.coupling * zp.pair_factor)
        return 0.5 * coupling * self._integral(zp.pole, 4.0 * jnp.asarray(dark.mass) ** 2, density)

    def _integral(self, pole: Pole | None, start: Array | float, density: Callable[..., Array]) -> Array:
        """∫ density(q², a x a_A t, P) dq² of every mode."""

        def of_mode(m_b: Array, m_m: Array, series: Array) -> Array:
            end = (m_b - m_m) ** 2

            def at(q2: Array, propagator: Array) -> Array:
                inside = (q2 > start) & (q2 < end)
                size = kallen(m_b**2, m_m**2, jnp.where(inside, q2, 0.0))
                root = jnp.where(inside & (size > 0.0), jnp.sqrt(jnp.where(size > 0.0, size, 1.0)), 0.0)
                known = _chebyshev(2.0 * q2 / end - 1.0) @ series
                return root * density(q2, known.T, propagator + jnp.zeros_like(q2))

            return integrate_pair(pole, at, (start, end), (start, end), photon=False)

        return jax.vmap(of_mode)(*map(jnp.asarray, (self.m_b, self.m_m, self.series)))


def tabulate(sm: SMInputs, modes: Sequence[str]) -> InvisibleTotals:
    """The series of modes with one pair of quarks, none of them of B_s, which mixes."""
    (quarks,) = {MODES[mode].quarks for mode in modes}
    mass = lambda name: np.array([float(sm.mass[getattr(MODES[mode], name)]) for mode in modes])
    m_b, m_m = mass("b"), mass("final")
    nodes = np.cos(np.pi * (np.arange(DEGREES) + 0.5) / DEGREES)
    inverse = np.linalg.inv(np.polynomial.chebyshev.chebvander(nodes, DEGREES - 1))
    series = []
    for mode, b, m in zip(modes, m_b, m_m):
        q2 = 0.5 * (1.0 + nodes) * (b - m) ** 2
        root = np.sqrt(np.asarray(kallen(b**2, m**2, q2)))
        series.append(inverse @ (known_functions(sm, mode, q2) / root).T)
    return InvisibleTotals(m_b, m_m, np.stack(series), quarks)


def _chebyshev(t: Array) -> Array:
    """T_n(t), n < DEGREES, shape (len(t), DEGREES)."""
    return jnp.cos(jnp.arange(DEGREES)[None] * jnp.arccos(jnp.clip(t, -INSIDE, INSIDE))[:, None])
