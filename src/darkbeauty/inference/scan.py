r"""A quick scan of the posterior over (m_zp, r = m_zp/2m_dm, quark coupling), and the quantile functions made from it.

At each (m_zp, r) the coupling g that gives the measured Ωh² is found from a few values of g; there, the other likelihood terms are evaluated
on a line of the quark coupling y. What a narrow Z′ does to a bin starts and stops within its width, so the scan has a row on both sides of
every such edge and never interpolates across one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr

from darkbeauty.dark.freeze_out import freeze_out
from darkbeauty.likelihood import Likelihood
from darkbeauty.likelihood.priors import Prior
from darkbeauty.numerics.interpolation import monotone
from darkbeauty.predict import evaluate

RESOLUTION = 3e-4
"""Distance to the resonance, in r, down to which the scan is logarithmic."""
MEDIATORS, COARSE, RATIOS, COUPLINGS, FINE = 17, 41, 30, 4, 600
LINE = 20
LOGITS = np.linspace(-9.0, 9.0, 37)
SOFTNESS = 0.25
TEMPER = 0.85
"""The tables are made of the likelihood to this power: their tails are wider than the posterior's."""
NEGLIGIBLE = 1e-9
CHUNK = 512
LOGISTIC_SCALE, FAR, TINY = 0.65, 10.0, 1e-13
"""A logistic distribution of this scale covers a unit Gaussian."""


@dataclass(frozen=True)
class RelicNames:
    """Which parameters play the coupling g, the mediator mass, the dark-matter mass and (if it is free) the quark coupling."""

    coupling: str
    mediator: str
    dark: str
    quark: str | None


class RelicScan(eqx.Module):
    """Tables over m_zp and b = asinh((r−1)/RESOLUTION), and the maps from coordinates q to m_zp, r, g, y that they define.

    Each map is a conditional quantile function: q distributed logistically gives (about) the posterior.
    """

    names: RelicNames = eqx.field(static=True)
    priors: tuple[Prior, ...] = eqx.field(static=True)
    mediators: np.ndarray
    stretched: np.ndarray
    log_g: np.ndarray
    width: np.ndarray
    mediator_table: np.ndarray
    ratio_table: np.ndarray
    quark_table: np.ndarray

    def mediator_quantile(self, q: Array) -> Array:
        """m_zp of a coordinate q."""
        return self.priors[1].quantile(jax.nn.sigmoid(monotone_extended(q, LOGITS, self.mediator_table)))

    def ratio_quantile(self, mediator: Array, q: Array) -> Array:
        """r given m_zp, inside the prior of the dark-matter mass."""
        b = monotone_extended(q, LOGITS, self._row(mediator, self.ratio_table))
        low, high = (stretch(mediator / (2.0 * mass)) for mass in self.priors[2].bounds[::-1])
        return 1.0 + RESOLUTION * jnp.sinh(soft_clip(b, low, high))

    def coupling_quantile(self, mediator: Array, ratio: Array, q: Array) -> Array:
        """g given m_zp and r: a logistic distribution in ln g around the sheet, truncated to the prior."""
        b = stretch(ratio)
        width = monotone_extended(b, self.stretched, self._row(mediator, self.width)) * LOGISTIC_SCALE
        centre = monotone_extended(b, self.stretched, self._row(mediator, self.log_g))
        low, high = (float(np.log(edge)) for edge in self.priors[0].bounds)
        centre = jnp.clip(centre, low - FAR * width, high + FAR * width)
        below, above = jax.nn.sigmoid((low - centre) / width), jax.nn.sigmoid((high - centre) / width)
        u = jnp.clip(below + jax.nn.sigmoid(q) * (above - below), TINY, 1.0 - TINY)
        return jnp.exp(jnp.clip(centre + width * (jnp.log(u) - jnp.log1p(-u)), low, high))

    def quark_quantile(self, mediator: Array, ratio: Array, q: Array) -> Array:
        """y given m_zp and r."""
        plane = self._row(mediator, self.quark_table)
        table = _linear(stretch(ratio), self.stretched, plane)
        return self.priors[3].quantile(jax.nn.sigmoid(monotone_extended(q, LOGITS, table)))

    def _row(self, mediator: Array, table: np.ndarray) -> Array:
        return _linear(mediator, self.mediators, jnp.asarray(table))


def scan_likelihood(
    lik: Likelihood, fixed: dict[str, float], middle: dict[str, float], names: RelicNames, priors: dict[str, Prior]
) -> RelicScan:
    """Scan the likelihood on the grid and build the tables.

    Args     lik: with an Omega_h2 term; fixed: values of all other free parameters; middle: the quark coupling at which Ωh² is scanned;
             priors: of the parameters in `names`
    """
    index = next(i for i, term in enumerate(lik.terms) if term.name == "Omega_h2")
    start = lik.slices[index][0]
    target, sigma = float(lik.values[start]), float(np.sqrt(lik.covariance[start, start]))
    chosen = tuple(priors[name] for name in (names.coupling, names.mediator, names.dark, names.quark) if name)
    mediators, stretched = _mediator_grid(chosen[1], lik), _whole_range(chosen)
    relic_density = _relic_density({**fixed, **middle}, names)
    rows = mediators[np.linspace(0, len(mediators) - 1, 9).astype(int)]

    def on_sheet(mediators: np.ndarray, stretched: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ratios = unstretch(stretched)
        grid = mediators[:, None, None], ratios[:, None]
        log_g, slope = _sheet(lambda log_g: relic_density(lik.model, *grid, log_g), chosen[0], np.log(target))
        width = sigma / target / slope
        weight = _mass_on_sheet(log_g, width, chosen[0]) * _prior_measure(mediators, ratios, chosen[2])
        return log_g, width, weight

    stretched = _refine(stretched, on_sheet(rows, stretched)[2])
    ratios = unstretch(stretched)
    log_g, width, weight = on_sheet(mediators, stretched)
    quark_table, evidence = _quark_line(lik, index, fixed, names, chosen, mediators, ratios, log_g, weight)
    density = weight * evidence
    ratio_table = np.stack([_quantiles(stretched, row) for row in _fill(density)])
    marginal = np.trapezoid(density, stretched, axis=1)
    mediator_table = _logit(np.asarray(chosen[1].cdf(_quantiles(mediators, marginal))))
    return RelicScan(names, chosen, mediators, stretched, log_g, width, mediator_table, ratio_table, quark_table)


def _mediator_grid(prior: Prior, lik: Likelihood) -> np.ndarray:
    """Even in m_zp, with a row just below and just above every edge that the Z′ can cross."""
    low, high = prior.bounds
    edges = [edge for edge in resonance_edges(lik) if low < edge < high]
    sides = [edge * (1.0 + side) for edge in edges for side in (-1e-6, 1e-6)]
    return np.unique(np.concatenate([np.linspace(low, high, MEDIATORS), sides]))


def resonance_edges(lik: Likelihood) -> tuple[float, ...]:
    """m_zp at which a narrow Z′ enters or leaves an integrated observable: roots of bin edges, and the kinematic limit of B → KZ′."""
    mass = lik.model.sm.mass
    bins = {edge**0.5 for request in lik.requests if len(request.arguments) == 2 for edge in request.arguments}
    return tuple(sorted(bins | {mass["B+"] - mass["K+"], mass["B0"] - mass["K0"]}))


def _whole_range(priors: tuple[Prior, ...]) -> np.ndarray:
    """All r inside the prior, logarithmic in the distance to the resonance."""
    (low, high), (light, heavy) = priors[1].bounds, priors[2].bounds
    return np.linspace(float(stretch(low / (2.0 * heavy))), float(stretch(high / (2.0 * light))), COARSE)


def _refine(stretched: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The range of r with posterior mass, resolved both in r and in the logarithm of the distance to the resonance."""
    mass = weight.max(axis=0)
    columns = np.nonzero(mass > 1e-4 * mass.max())[0]
    low, high = stretched[max(columns[0] - 1, 0)], stretched[min(columns[-1] + 1, len(stretched) - 1)]
    even = np.asarray(stretch(np.linspace(unstretch(low), unstretch(high), RATIOS)))
    grid = np.unique(np.concatenate([np.linspace(low, high, RATIOS), even]))
    return grid[np.concatenate([[True], np.diff(grid) > 1e-3])]


def _relic_density(fixed: dict, names: RelicNames) -> _GridFunction:
    """ln Ωh² as a function of (model; m_zp, r, ln g)."""

    def one(model, mass, ratio, log_coupling):
        point = {**fixed, names.coupling: jnp.exp(log_coupling), names.mediator: mass, names.dark: mass / (2.0 * ratio)}
        return jnp.log(freeze_out(model.at(point)).omega_h2)

    return _GridFunction(one)


def _sheet(log_omega: Callable[..., np.ndarray], prior: Prior, target: float) -> tuple[np.ndarray, np.ndarray]:
    """ln g where ln Ωh² crosses the target (extrapolated beyond the prior), and |d ln Ωh²/d ln g| there; log_omega(ln g) → (…, n)."""
    grid = np.linspace(*np.log(prior.bounds), COUPLINGS)
    values = log_omega(grid)
    slopes = np.maximum(-np.diff(values, axis=-1) / np.diff(grid), 0.2)
    cell = np.clip(np.sum(values > target, axis=-1) - 1, 0, COUPLINGS - 2)[..., None]
    slope = np.take_along_axis(slopes, cell, -1)[..., 0]
    log_g = grid[cell[..., 0]] + (np.take_along_axis(values, cell, -1)[..., 0] - target) / slope
    span = grid[-1] - grid[0]
    return np.clip(log_g, grid[0] - span, grid[-1] + span), slope


def _mass_on_sheet(log_g: np.ndarray, width: np.ndarray, prior: Prior) -> np.ndarray:
    """Likelihood of Ωh² integrated over ln g inside the prior, up to a constant, with exponential tails outside."""
    low, high = np.log(prior.bounds)
    inside = ndtr((high - log_g) / width) - ndtr((low - log_g) / width) + 1e-12
    outside = np.maximum(np.maximum(low - log_g, log_g - high), 0.0) / width
    return width * np.maximum(inside, np.exp(-np.minimum(2.0 * outside + 2.0, 60.0)))


def _prior_measure(mediators: np.ndarray, ratios: np.ndarray, prior: Prior) -> np.ndarray:
    """Prior density of (m_zp, b): that of m_dm = m_zp/2r times |∂m_dm/∂b|."""
    dark = mediators[:, None] / (2.0 * ratios)
    density = np.exp(np.asarray(jax.vmap(jax.vmap(prior.log_density))(jnp.asarray(dark))))
    return density * dark / ratios * np.hypot(ratios - 1.0, RESOLUTION)


def _quark_line(
    lik: Likelihood,
    relic: int,
    fixed: dict,
    names: RelicNames,
    priors: tuple[Prior, ...],
    mediators: np.ndarray,
    ratios: np.ndarray,
    log_g: np.ndarray,
    weight: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Quantile tables of y over the grid, shape (mediators, ratios, logits), and the evidence of the other terms."""
    table = np.broadcast_to(LOGITS, (*weight.shape, len(LOGITS))).copy()
    evidence = np.zeros_like(weight)
    others = tuple(i for i in range(len(lik.terms)) if i != relic)
    if names.quark is None or not others:
        return table, np.ones_like(weight)
    rows, columns = np.nonzero(_dilate(weight > NEGLIGIBLE * np.max(weight)))
    nodes, u = np.linspace(0.0, 1.0, LINE), np.linspace(0.0, 1.0, FINE)
    kept = np.concatenate([np.arange(*lik.slices[i]) for i in others])
    requests = tuple(lik.requests[i] for i in kept)

    def one(model, mass, ratio, log_coupling, quark):
        point = {**fixed, names.coupling: jnp.exp(log_coupling), names.mediator: mass, names.dark: mass / (2.0 * ratio)}
        return evaluate(model.at({**point, names.quark: quark}), requests)

    points = (mediators[rows], ratios[columns], np.clip(log_g[rows, columns], *np.log(priors[0].bounds)))
    values = _GridFunction(one)(lik.model, *(p[:, None] for p in points), np.asarray(priors[3].quantile(nodes)))
    residual = (values - lik.values[kept]) @ lik.whitening[np.ix_(kept, kept)].T
    # rates are powers of y, so the logarithm of a large residual is smooth where the residual is not
    residual = np.sinh(PchipInterpolator(nodes, np.arcsinh(residual), axis=1)(u))
    log_l = -0.5 * TEMPER * np.sum(residual**2, axis=-1)
    density = np.exp(log_l - log_l.max())
    evidence[rows, columns] = np.trapezoid(density, u, axis=-1)
    for row, column, line in zip(rows, columns, density):
        table[row, column] = _logit(_quantiles(u, line))
    return _extend(table, evidence > 0.0), evidence


class _GridFunction:
    """function(tree, *point) over the points of a grid, compiled once for all grids."""

    def __init__(self, function: Callable):
        mapped = lambda tree, points: jax.lax.map(lambda point: function(tree, *point), points, batch_size=16)
        self.run = eqx.filter_jit(mapped)

    def __call__(self, tree: Any, *grid: np.ndarray) -> np.ndarray:
        """Values on the broadcast shape of the grid, computed CHUNK points at a time."""
        shape = np.broadcast_shapes(*(np.shape(axis) for axis in grid))
        flat = np.stack([np.broadcast_to(axis, shape).ravel() for axis in grid])
        size = flat.shape[1]
        padded = np.concatenate([flat, np.repeat(flat[:, -1:], -size % CHUNK, axis=1)], axis=1)
        parts = [
            np.asarray(self.run(tree, tuple(jnp.asarray(part))))
            for part in np.split(padded, padded.shape[1] // CHUNK, axis=1)
        ]
        values = np.concatenate(parts)[:size]
        return values.reshape(*shape, *values.shape[1:])


def _dilate(mask: np.ndarray) -> np.ndarray:
    """The mask and its neighbours, so that interpolation at its rim has both sides."""
    grown = np.pad(mask, 1)
    return np.any([np.roll(grown, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)[1:-1, 1:-1]


def _extend(table: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fill unknown grid points of each row from the nearest known ones, and empty rows from the nearest row."""
    for i in range(len(table)):
        columns = np.nonzero(known[i])[0]
        if len(columns):
            nearest = columns[np.argmin(np.abs(np.arange(table.shape[1])[:, None] - columns), axis=1)]
            table[i] = table[i, nearest]
    full = np.nonzero(known.any(axis=1))[0]
    return table[full[np.argmin(np.abs(np.arange(len(table))[:, None] - full), axis=1)]]


def _fill(density: np.ndarray) -> np.ndarray:
    """Rows without mass borrow the shape of the nearest row that has some."""
    mass = density.sum(axis=1)
    full = np.nonzero(mass > NEGLIGIBLE * mass.max())[0]
    return density[full[np.argmin(np.abs(np.arange(len(density))[:, None] - full), axis=1)]]


def _quantiles(x: np.ndarray, density: np.ndarray) -> np.ndarray:
    """x at the LOGITS of the cumulative distribution of a tabulated density (with a floor, so that it is strictly increasing)."""
    steps = np.diff(x) * (0.5 * (density[1:] + density[:-1]) + NEGLIGIBLE * density.max() + 1e-300)
    cumulative = np.concatenate([[0.0], np.cumsum(steps)])
    return np.interp(1.0 / (1.0 + np.exp(-LOGITS)), cumulative / cumulative[-1], x)


def _logit(u: np.ndarray) -> np.ndarray:
    u = np.clip(u, 1e-7, 1.0 - 1e-7)
    return np.log(u) - np.log1p(-u)


def _linear(x: Array, knots: np.ndarray, table: Array) -> Array:
    """Row of a table at x, linear between the rows at the knots, constant outside."""
    i = jnp.clip(jnp.searchsorted(jnp.asarray(knots), x), 1, len(knots) - 1)
    low, high = jnp.asarray(knots)[i - 1], jnp.asarray(knots)[i]
    t = jnp.clip((x - low) / (high - low), 0.0, 1.0)
    return (1.0 - t) * table[i - 1] + t * table[i]


def stretch(ratio: Array) -> Array:
    """b(r) = asinh((r − 1)/RESOLUTION): logarithmic in the distance to the resonance on both sides."""
    return jnp.arcsinh((ratio - 1.0) / RESOLUTION)


def unstretch(b: np.ndarray) -> np.ndarray:
    """r(b), the inverse of `stretch`."""
    return 1.0 + RESOLUTION * np.sinh(b)


def soft_clip(x: Array, low: Array, high: Array) -> Array:
    """x inside [low, high], smoothly bent at the ends so that the image is the open interval."""
    lifted = low + SOFTNESS * jax.nn.softplus((x - low) / SOFTNESS)
    return high - SOFTNESS * jax.nn.softplus((high - lifted) / SOFTNESS)


def monotone_extended(x: Array, knots: np.ndarray, values: Array) -> Array:
    """Monotone interpolation, continued with the slope of the outermost intervals."""
    values = jnp.asarray(values)
    inner = monotone(x, knots, values)
    below = (x - knots[0]) * (values[1] - values[0]) / (knots[1] - knots[0])
    above = (x - knots[-1]) * (values[-1] - values[-2]) / (knots[-1] - knots[-2])
    return inner + jnp.where(x < knots[0], below, 0.0) + jnp.where(x > knots[-1], above, 0.0)
