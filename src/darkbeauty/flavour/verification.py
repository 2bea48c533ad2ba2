r"""How far binned rates from panels are from those of the amplitude code, bin by bin, found when they are made.

They are compared at Standard-Model and at random coefficients with a mediator's pole inside of the bin and at both of its edges, so strong that it makes
about as much of the rate as all the rest: what panels resolve badly (threshold, photon, end point, kinks) then shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.flavour import bs_mixing
from darkbeauty.flavour.quadratic import Channel, Probe
from darkbeauty.inputs import SMInputs
from darkbeauty.models.base import Pole
from darkbeauty.numerics.stored import stored

PLACES, WIDTHS = (0.5, 0.37, 1e-3, 1.0 - 1e-3), (1e-3, 1e-6, 1e-6, 1e-6)
"""Of the pole in each comparison: m², as a fraction of the bin, and Γ/m. In the first one the pole has no residue."""


class Trials(NamedTuple):
    """Coefficients u, ū at P = i (`Probe`), phases of B_s mixing and poles of every bin and comparison, shape (bins, comparisons, …)."""

    u: np.ndarray
    u_bar: np.ndarray
    phase: np.ndarray
    pole: Pole


def deviations(
    sm: SMInputs,
    channel: Channel,
    slots: tuple[str, ...],
    with_residue: tuple[str, ...],
    rates: Any,
    evaluate: Callable[[Any, Probe], Array],
) -> np.ndarray:
    """Largest difference of any row, relative to the rate, shape (bins,); NaN or infinite where there is nothing to compare.

    Args     rates: a pytree; evaluate(rates, p): the rows of every bin, shape (bins, rows)
    """
    trials = _trials(channel, slots, with_residue)
    rows, edges = np.asarray(channel.rows), np.array(channel.bins)

    @eqx.filter_jit
    def both(sm, rates, edges, trials):
        def of_bin(bin_):
            def compare(trial):
                shift = bs_mixing.sm_coefficient(Probe(sm)) * (trial.phase - 1.0)
                p = Probe(sm, None, trial.u, trial.u_bar, shift, slots, trial.pole)
                return evaluate(rates, p)[number], channel.integrand.binned(p, *edges)

            number, edges, trials = bin_
            return jax.lax.map(compare, trials)

        found, exact = jax.lax.map(of_bin, (jnp.arange(len(edges)), edges, trials))
        return jnp.max(jnp.abs(found - exact[..., rows]) / exact[..., :1], axis=(1, 2))

    key = sm, channel.integrand.name, channel.rows, slots, with_residue, edges, trials, rates
    return stored("deviations", key, lambda: np.asarray(both(sm, rates, jnp.asarray(edges), trials)))


def _trials(channel: Channel, slots: tuple[str, ...], with_residue: tuple[str, ...]) -> Trials:
    """Random coefficients of the size of those of the Standard Model, after that itself."""
    random = np.random.default_rng(20261127)
    low, high = np.clip(np.array(channel.bins), *channel.integrand.ends).T[:, :, None]
    m2 = low + np.array(PLACES) * (high - low)
    m_gamma = np.array(WIDTHS) * m2
    shape = (*m2.shape, len(slots))
    draw = lambda: random.normal(size=shape) + 1j * random.normal(size=shape)
    dipole, resonant = np.isin(slots, ("c7", "c7p")), np.isin(slots, with_residue) & ~np.isin(slots, ("c7", "c7p"))
    contact, residue = draw() * np.where(dipole, 0.1, 1.0), draw() * resonant
    residue *= np.sqrt((high - low) * m_gamma / np.pi)[..., None]
    contact[:, 0] = residue[:, 0] = 0.0
    phase = np.exp(1j * random.uniform(-1.0, 1.0, m2.shape)) if channel.integrand.mixing else np.ones(m2.shape, complex)
    phase[:, 0] = 1.0
    u, u_bar = contact + 1j * residue, np.conj(contact - 1j * residue)
    return jax.tree.map(jnp.asarray, Trials(u, u_bar, phase, Pole(m2, m_gamma)))
