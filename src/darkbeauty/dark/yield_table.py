r"""ln⟨σv⟩ as a function of ln x from x = 1 to 10⁶, tabulated once per point so that a solver can ask for it at any x.

28 panels, even in ln x (a factor of 1.6 each), with a `Spectrum` made for that x and a Chebyshev polynomial of degree 13 each. Where a resonance above
threshold dies out like e^{−2xε}, ε = m_Z′/2M − 1, the logarithm of the sum has a kink, which a polynomial does not follow: what lies below half-way to the
resonance and the rest are therefore two sums with two smooth logarithms.
"""

from __future__ import annotations

from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.dark.thermal_average import X_REFERENCE, Spectrum, average, spectrum
from darkbeauty.models.sectors import DarkMatter

X_END = 1e6
LOG_X_END = float(np.log(X_END))
PANELS, DEGREE = 28, 13
WIDTH = LOG_X_END / PANELS
SPECTRUM_AT = 1.1
"""x for which the spectrum of a panel is made, in units of the lowest x of the panel: a spectrum loses its tail below, nothing above."""
TINY = 1e-250


def rate_table(dark: DarkMatter) -> Array:
    """Chebyshev coefficients of the two logarithms, shape (28, 14, 2), for `log_rate`. Recomputed, not stored, in reverse mode."""
    angle = np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1)
    to_coefficients = np.linalg.inv(np.polynomial.chebyshev.chebvander(np.cos(angle), DEGREE))
    inside = 0.5 * WIDTH * (1.0 + np.cos(angle))

    @jax.checkpoint
    def panel(start: Array) -> Array:
        nodes = spectrum(dark, jnp.sqrt(X_REFERENCE / (SPECTRUM_AT * jnp.exp(start))))
        return cast(Array, to_coefficients @ jnp.log(_two_sums(dark, nodes, jnp.exp(start + inside)) + TINY))

    return jax.lax.map(panel, WIDTH * jnp.arange(PANELS, dtype=float))


def log_rate(table: Array, log_x: Array) -> Array:
    """ln(⟨σv⟩ GeV²) at ln x, elementwise.

    Domain   1 ≤ x ≤ 10⁶, constant beyond
    Accuracy 1e-6 at any width (3e-6 where a resonance far above threshold dies out, 2e-5 where one of the scalars H1 and H2 does)
    """
    position = jnp.clip(log_x / WIDTH, 0.0, PANELS)
    index = jnp.clip(jnp.floor(jax.lax.stop_gradient(position)).astype(int), 0, PANELS - 1)
    u = 2.0 * (position - index.astype(float)) - 1.0
    c = table[index]
    last, before = jnp.zeros_like(c[..., 0, :]), jnp.zeros_like(c[..., 0, :])
    for k in range(DEGREE, 0, -1):
        last, before = c[..., k, :] + 2.0 * u[..., None] * last - before, last
    both = c[..., 0, :] + u[..., None] * last - before
    return jnp.logaddexp(both[..., 0], both[..., 1])


def _two_sums(dark: DarkMatter, nodes: Spectrum, x: Array) -> Array:
    """⟨σv⟩ of the nodes below and above half-way to the resonance, shape (n, 2)."""
    half_way = 0.5 * jnp.maximum(0.5 * dark.z_prime.mass / dark.mass - 1.0, 0.0)
    near = nodes.excess < half_way
    weights = jnp.stack([jnp.where(near, nodes.weight, 0.0), jnp.where(near, 0.0, nodes.weight)])
    sums = jax.vmap(lambda weight, x: average(nodes._replace(weight=weight), x), in_axes=(0, None))
    return jax.vmap(sums, in_axes=(None, 0))(weights, x)
