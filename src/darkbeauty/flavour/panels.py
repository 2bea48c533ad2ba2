r"""Panels of q² bins on which rates are polynomials, each in its own variable v, and the exact moments of a propagator on them.

Rates of b → sℓℓ begin like √(q² − 4m²), end like a power of √((m_B − m_M)² − q²), and go like 1/q² where a photon makes the pair. So panels shrink
with their distance from an end of phase space, until the square root is all that varies: there v is the root itself, q² = end ± v².
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.models.sectors import Pole
from darkbeauty.numerics.quadrature import gauss_legendre

DEGREES, FAR_NODES, NEAR = 10, 24, 1.178
"""Legendre polynomials per panel; a pole counts as near inside the ellipse of half axis NEAR, where upward recurrences lose few digits."""
RATIO = 3.0
"""Panels shrink by this ratio towards the ends of phase space."""
REACH = 1.0
"""The first panel reaches no farther from the threshold than this times 4m²: β and a photon see q² = 0 from there."""
LAST = 2
"""How many times panels shrink towards the upper end, where nothing but the root is singular."""


class Panel(NamedTuple):
    """A part of a bin, from low to high in v, where q² = v (sign 0) or q² = origin + sign v²."""

    low: float
    high: float
    origin: float = 0.0
    sign: int = 0


class Panels(eqx.Module):
    """Panels one after the other: edges in v, shape (n, 2), origins, shape (n,), and signs. t, from −1 to 1, is linear in v."""

    edges: np.ndarray
    origin: np.ndarray
    signs: tuple[int, ...] = eqx.field(static=True)

    def rule(self, t: np.ndarray, weight: np.ndarray) -> tuple[Array, Array]:
        """q² at t and the weights of ∫ dq², given those of ∫ dt, shape (n, len(t))."""
        low, high = self.edges[:, :1], self.edges[:, 1:]
        v, sign = 0.5 * (low + high + (high - low) * t), np.array(self.signs)[:, None]
        q2 = jnp.where(sign == 0, v, self.origin[:, None] + sign * v**2)
        return q2, jnp.asarray(0.5 * (high - low) * weight) * jnp.where(sign == 0, 1.0, 2.0 * v)

    def moments(self, pole: Pole) -> tuple[Array, Array]:
        """∫ P_n(t) P(q²) dq² and ∫ P_n(t) |P(q²)|² dq² of a propagator P, n < DEGREES; shape (n panels, DEGREES) each.

        |P|² = −Im P/mΓ.
        Accuracy relative 1e-9, however narrow the pole and wherever it is, but for 1e-16 v²/mΓ where it lies outside of phase space next to a root's panel
        """
        signs = np.array(self.signs)
        first = jax.vmap(lambda edges: _straight(edges, pole))(self.edges)
        if signs.any():
            roots = np.flatnonzero(signs)
            panels = self.edges[roots], self.origin[roots], signs[roots].astype(float)
            first = first.at[roots].set(
                jax.vmap(lambda edges, origin, sign: _curved(edges, origin, sign, pole))(*panels)
            )
        return first, -first.imag / pole.m_gamma

    def integrals(self) -> np.ndarray:
        """∫ P_n(t) dq², n < DEGREES, shape (n panels, DEGREES)."""
        t, weight = gauss_legendre(DEGREES)
        return np.asarray(self.rule(t, weight)[1]) @ np.polynomial.legendre.legvander(t, DEGREES - 1)


def joined(panels: Sequence[Panel]) -> Panels:
    """Panels as arrays."""
    edges, origin = np.array([panel[:2] for panel in panels]), np.array([panel.origin for panel in panels])
    return Panels(edges, origin, tuple(panel.sign for panel in panels))


def cut(q2min: float, q2max: float, ends: tuple[float, float], kinks: Sequence[float] = ()) -> list[Panel]:
    """Panels of the part of a bin inside phase space, `ends` = (4m², (m_B − m_M)²), for rates that are smooth but for kinks."""
    start, end = ends
    low, high = (float(np.clip(edge, start, end)) for edge in (q2min, q2max))
    away = (end - start) * RATIO ** -np.arange(1.0, 40.0)
    below = away[: 1 + int(np.argmax(away <= REACH * start))]
    above = away[:LAST]
    middle = 0.5 * (start + end)
    ladder = [*(start + below)[start + below < middle], *(end - above)[end - above > middle]]
    edges = [low, *sorted(q2 for q2 in [*kinks, *ladder] if low < q2 < high), high]
    return [_panel(*edge, start, end) for edge in pairwise(edges)]


def _panel(low: float, high: float, start: float, end: float) -> Panel:
    """A panel over which the distance from an end of phase space grows by more than RATIO has its root for variable."""
    most = RATIO * (1.0 + 1e-6)
    if high - start > most * (low - start):
        return Panel(float(np.sqrt(low - start)), float(np.sqrt(high - start)), start, 1)
    if end - low > most * (end - high):
        return Panel(float(np.sqrt(end - high)), float(np.sqrt(end - low)), end, -1)
    return Panel(low, high)


def _straight(edges: Array, pole: Pole) -> Array:
    """∫ P_n(t) P(v) dv."""
    half, middle = 0.5 * (edges[1] - edges[0]), 0.5 * (edges[1] + edges[0])
    return over_pole((pole.m2 - middle - 1j * pole.m_gamma) / half)


def _curved(edges: Array, origin: Array, sign: Array, pole: Pole) -> Array:
    """± ∫ P_n(t) [1/(v − w) + 1/(v + w)] dv: q² − m² + imΓ = ±(v² − w²). Both poles far: the sum itself, which may be much smaller than its two terms."""
    half, middle = 0.5 * (edges[1] - edges[0]), 0.5 * (edges[1] + edges[0])
    w2 = sign * (pole.m2 - origin - 1j * pole.m_gamma)
    w = jnp.sqrt(w2)
    tau = jnp.stack([w - middle, -w - middle]) / half
    t, weight = gauss_legendre(FAR_NODES)
    v = jnp.asarray(middle + half * t)
    far = ~jnp.any(_is_near(tau))
    gap = jnp.where(far, v**2 - w2.real, v[-1] ** 2)
    inverse = _inverse(gap, jnp.where(far, w2.imag, 0.0))
    both = (inverse * (2.0 * half * v)[None]) @ (np.polynomial.legendre.legvander(t, DEGREES - 1) * weight[:, None])
    return sign * jnp.where(far, both[0] + 1j * both[1], jax.vmap(over_pole)(tau).sum(0))


def over_pole(tau: Array) -> Array:
    """∫ P_n(t)/(t − τ) dt = −2Q_n(τ), shape (DEGREES,).

    By the recurrence of Legendre functions, from ln((1−τ)/(−1−τ)) up; far from [−1, 1], where that loses its digits, Gauss–Legendre quadrature.
    """
    near = _is_near(tau)
    inside = jnp.where(near, tau, 0.3 - 0.1j)
    logarithm = jnp.log((1.0 - inside) / (-1.0 - inside))
    close = [logarithm, inside * logarithm + 2.0]
    for n in range(1, DEGREES - 1):
        close.append(((2 * n + 1) * inside * close[n] - n * close[n - 1]) / (n + 1))
    t, weight = gauss_legendre(FAR_NODES)
    away = jnp.where(near, 9.0 + 0.0j, tau)
    far = _inverse(jnp.asarray(t - away.real), away.imag) @ (
        np.polynomial.legendre.legvander(t, DEGREES - 1) * weight[:, None]
    )
    return jnp.where(near, jnp.stack(close), far[0] + 1j * far[1])


def _is_near(tau: Array) -> Array:
    return jnp.abs(tau - 1.0) + jnp.abs(tau + 1.0) < 2.0 * NEAR


def _inverse(gap: Array, imaginary: Array) -> Array:
    """1/(gap − i imaginary), its real and imaginary part."""
    return jnp.stack([gap, jnp.broadcast_to(imaginary, gap.shape)]) / (gap**2 + imaginary**2)[None]
