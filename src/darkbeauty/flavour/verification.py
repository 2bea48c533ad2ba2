r"""How far rates from panels are from those of the amplitude code, bin by bin, tabulated when tables are made.

They are compared at Standard-Model and at random coefficients with a Z′ pole inside of the bin and next to its edges, so strong that it makes
about as much of the rate as all the rest: what panels resolve badly (threshold, photon, end point, kinks) then shows.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax import Array

from darkbeauty.flavour.common import CLOSE, PHOTON_NODES, of_narrow_bin
from darkbeauty.flavour.nodal_rates import NodalRates
from darkbeauty.flavour.quadratic import Channel, QuadraticRates, densities, in_calls, probe
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import DIPOLES, Pole
from darkbeauty.numerics.compiled import compiled
from darkbeauty.numerics.pair_map import pair_map
from darkbeauty.numerics.stored import stored

TOLERANCE, NODAL_TOLERANCE = 1e-5, 3e-5
"""What tables, and rates at few nodes, promise: relative to the rate."""
PLACES, WIDTHS = (0.5, 0.37, 1e-3, 1.0 - 1e-3), (1e-3, 1e-6, 1e-6, 1e-6)
"""Of the pole in each comparison: m², as a fraction of the bin, and Γ/m. In the first one the pole has no residue."""
PARTS = 8
"""Of a bin, integrated apart: the amplitude code is then much more accurate than what it checks."""


class Trials(NamedTuple):
    """Coefficients at P = i (`probe`), phases of B_s mixing and poles of every bin and comparison, shape (bins, comparisons, …)."""

    u: Any
    u_bar: Any
    phase: Any
    m2: Any
    m_gamma: Any

    def flat(self) -> Trials:
        """Bins and comparisons in one axis."""
        return Trials(*(x.reshape(-1, *x.shape[2:]) for x in self))


def table_deviations(sm: SMInputs, channels: tuple[Channel, ...], rates: QuadraticRates) -> list[np.ndarray]:
    """Largest difference of any rate, relative to the rate, of the bins of every channel."""

    @compiled
    def values(sm, rates, trials):
        def of(trial):
            w = probe(sm, rates.slots, trial.u, trial.u_bar).wilson
            return rates(eqx.tree_at(lambda w: w.pole, w, Pole(trial.m2, trial.m_gamma)), trial.phase)

        return jax.lax.map(of, trials)

    def compute() -> np.ndarray:
        trials = [_trials(channel, rates.slots, rates.with_residue) for channel in channels]
        every = Trials(*(np.concatenate(x) for x in zip(*trials)))
        tabulated = np.asarray(values(sm, rates, every.flat())).reshape(*every.m2.shape, len(every.m2), -1)
        own = tabulated[np.arange(len(tabulated)), :, np.arange(len(tabulated))]
        exact = [_exact(sm, channel, rates.slots, trial) for channel, trial in zip(channels, trials)]
        return _largest(own, np.concatenate(exact))

    key = sm, channels, rates
    counts = [len(channel.bins) for channel in channels]
    return np.split(stored("deviations", key, compute), np.cumsum(counts)[:-1])


def nodal_deviations(
    sm: SMInputs, channel: Channel, rates: NodalRates, slots: tuple[str, ...], with_residue: tuple[str, ...]
) -> np.ndarray:
    """The same of rates that are evaluated at nodes."""

    def compute() -> np.ndarray:
        trials = _trials(channel, slots, with_residue)
        flat = trials.flat()
        q2, propagators, weights = map(np.asarray, _nodal_rule(rates, flat.m2, flat.m_gamma))
        n, values = weights.shape[:2]
        nodes = np.broadcast_to(q2, (n * values, q2.size))
        u, u_bar, phase = (np.repeat(x, values, axis=0) for x in flat[:3])
        at = np.repeat(propagators.reshape(-1, 1), q2.size, axis=1)
        density = densities(sm, channel, slots, (u, u_bar, phase), nodes, at).reshape(
            n, values, len(channel.names), q2.size
        )
        at_nodes = np.einsum("jvrn,jvn->jrn", density, weights)
        by_panel = at_nodes.reshape(*trials.m2.shape, len(channel.names), len(rates.owner), -1).sum(-1)
        mine = np.array(rates.owner) == np.arange(len(channel.bins))[:, None]
        return _largest(np.einsum("bcrp,bp->bcr", by_panel, mine), _exact(sm, channel, slots, trials))

    return stored("deviations", (sm, channel, rates, slots, with_residue), compute)


@eqx.filter_jit
def _nodal_rule(rates: NodalRates, m2: Array, m_gamma: Array) -> tuple[Array, Array, Array]:
    return rates.rule(None)[0], *jax.lax.map(lambda pole: rates.rule(Pole(*pole))[1:], (m2, m_gamma))


def _largest(approximate: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Of all rates and comparisons, relative to the first one, which is the rate or one as large; NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.max(np.abs(approximate - exact) / exact[..., :1], axis=(1, 2))


def _exact(sm: SMInputs, channel: Channel, slots: tuple[str, ...], trials: Trials) -> np.ndarray:
    """Rates of every bin and comparison by quadrature of the density, shape (bins, comparisons, rates)."""
    low, high = np.clip(np.array(channel.bins), *channel.integrand.ends).T
    edges = np.linspace(low, high, PARTS + 1).T
    parts = np.repeat(np.stack([edges[:, :-1], edges[:, 1:]], axis=-1), trials.m2.shape[1], axis=0)
    flat = trials.flat()
    jobs = [parts.reshape(-1, 2), np.repeat(flat.m2, PARTS), np.repeat(flat.m_gamma, PARTS)]
    of_part = partial(_part_rule, np.array(channel.integrand.ends), np.array(channel.integrand.kinks))
    rule = in_calls(of_part, jobs)
    q2, propagator, weight = (x.reshape(len(flat.m2), -1) for x in rule)
    values = densities(sm, channel, slots, flat[:3], q2, propagator)
    return np.einsum("jrn,jn->jr", values, weight).reshape(*trials.m2.shape, -1)


@jax.jit
def _part_rule(ends: Array, kinks: Array, parts: Array, m2: Array, m_gamma: Array) -> tuple[Array, Array, Array]:
    """Nodes, propagators and weights of parts of bins, as `common.integrate_pair` has them, shape (parts, nodes)."""

    def of(part: Array, m2: Array, m_gamma: Array) -> Any:
        variable = pair_map(ends[0], ends[1], (m2, m_gamma), photon=True)
        rule = variable.rule((part[0], *kinks, part[1]), PHOTON_NODES, CLOSE)
        return tuple(of_narrow_bin(rule, part[0], part[1], (ends[0], ends[1]), Pole(m2, m_gamma)))

    return jax.vmap(of)(parts, m2, m_gamma)


def _trials(channel: Channel, slots: tuple[str, ...], with_residue: tuple[str, ...]) -> Trials:
    """The Standard Model, then random coefficients of its size."""
    random = np.random.default_rng(20261127)
    low, high = np.clip(np.array(channel.bins), *channel.integrand.ends).T[:, :, None]
    m2 = low + np.array(PLACES) * (high - low)
    m_gamma = np.array(WIDTHS) * m2
    shape = (*m2.shape, len(slots))
    draw = lambda: random.normal(size=shape) + 1j * random.normal(size=shape)
    dipole = np.isin(slots, DIPOLES)
    contact = draw() * np.where(dipole, 0.1, 1.0)
    residue = draw() * (np.isin(slots, with_residue) & ~dipole) * np.sqrt((high - low) * m_gamma / np.pi)[..., None]
    contact[:, 0] = residue[:, 0] = 0.0
    phase = np.exp(1j * random.uniform(-1.0, 1.0, m2.shape) * channel.integrand.meson_mixing)
    phase[:, 0] = 1.0
    return Trials(contact + 1j * residue, np.conj(contact - 1j * residue), phase, m2, m_gamma)
