r"""A scan of the posterior over (m_zp, r = m_zp/2m_dm, y, g), from which the coordinates of a fit with a relic-density term are made.

At each (m_zp, r) Ωh² is evaluated for a few y and g; the other terms follow where it leaves mass (`darkbeauty.inference.relic_map.survey_terms`). A coarse scan of
the whole prior finds where the posterior is, a second one resolves it. What a narrow Z′ does to a bin or a search starts and stops suddenly, so there is a row on
both sides of every such edge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.dark.freeze_out import freeze_out
from darkbeauty.evaluation import evaluate
from darkbeauty.inference.relic_map.quantile_maps import (
    RESOLUTION,
    RelicMaps,
    RelicNames,
    stretch,
    unstretch,
)
from darkbeauty.inference.relic_map.survey_adapt import adapt
from darkbeauty.inference.relic_map.survey_terms import (
    Grid,
    Posterior,
    Scanned,
    Sheet,
    add_other_terms,
    interpolate,
)
from darkbeauty.inference.sharding import Spread
from darkbeauty.inputs.limits import mass_windows, searches
from darkbeauty.likelihoods import Likelihood
from darkbeauty.likelihoods.priors import Prior
from darkbeauty.observables.observable import BIN

MEDIATORS, RATIOS, QUARKS = (13, 14), (41, 26), (6, 8)
"""Grid points of m_zp, b and y in the coarse and in the fine scan (rows at edges, and an even set of r, come on top)."""
RELIC_QUARKS, COUPLINGS = 4, 11
"""Values of y and of ln g at which Ωh² is evaluated."""
SPACING = 3.0
"""Knots of a linear prior of y are this power of even steps, so that small y is resolved."""
HAS_MASS = np.log(1e-5)
"""Posterior density, relative to the highest, below which the fine scan does not go."""
FLOOR = 1e-4
"""What every density has at least, relative to its highest."""
SIDE = 3e-4
"""Relative distance of rows from the edges they belong to: the tails of a narrow Z′ reach over an edge much further than its width."""
SHARE, MOST_PARTS = 0.04, 8
"""Posterior mass between two rows of m_zp beyond which there are rows between them, and how many parts they make at most."""
CHUNK = 512


def scan_likelihood(lik: Likelihood, fixed: dict[str, float], names: RelicNames, priors: dict[str, Prior]) -> RelicMaps:
    """Scan the likelihood and build the tables.

    Args     lik: with an Omega_h2 term; fixed: values of all other free parameters; priors: of the parameters in `names`
    """
    scanned = _functions(lik, fixed, names, priors)
    low, high = scanned.priors[1].bounds
    coarse = Grid(
        np.geomspace(low, high, MEDIATORS[0]), _whole_range(scanned.priors), _quark_knots(scanned.priors, QUARKS[0])
    )
    found = add_other_terms(scanned, coarse, _sheet(scanned, coarse), _log_measure(scanned, coarse))
    even = _refine(coarse, found, scanned)
    grid = even._replace(mediators=_with_edges(even.mediators, lik))
    even_sheet = _sheet(scanned, even)
    sheet = _along(even.mediators, even_sheet, grid.mediators)
    found = add_other_terms(scanned, grid, sheet, _log_measure(scanned, grid))
    between = grid._replace(mediators=_heavy_parts(grid, found))
    if len(between.mediators):
        sheet = _along(even.mediators, even_sheet, between.mediators)
        grid, found = _merge(
            grid, found, between, add_other_terms(scanned, between, sheet, _log_measure(scanned, between))
        )
    return adapt(scanned, _maps(scanned, grid, found))


def _functions(lik: Likelihood, fixed: dict[str, float], names: RelicNames, priors: dict[str, Prior]) -> Scanned:
    """What is evaluated on the grids, compiled once."""
    chosen = tuple(priors[name] for name in (names.coupling, names.mediator, names.dark, names.quark) if name)
    relic = next(place for term, place in zip(lik.terms, lik.slices) if term.name == "Omega_h2")[0]
    kept = np.delete(np.arange(len(lik.values)), relic)
    requests = tuple(lik.requests[i] for i in kept)

    def at(lik: Likelihood, mass, ratio, quark, log_coupling):
        own = {names.coupling: jnp.exp(log_coupling), names.mediator: mass, names.dark: mass / (2.0 * ratio)}
        return lik.model.at({**fixed, **own} | ({names.quark: chosen[3].quantile(quark)} if names.quark else {}))

    log_omega = _over_grid(lambda lik, *point: jnp.log(freeze_out(at(lik, *point).derive()).omega_h2), lik)
    others = _over_grid(lambda lik, *point: evaluate(at(lik, *point), requests, lik.tables.results).value, lik)
    return Scanned(lik, names, chosen, relic, kept, log_omega, others)


def _maps(scanned: Scanned, grid: Grid, found: Posterior) -> RelicMaps:
    """The nested quantile functions: of r given m_zp, and of m_zp, from the evidence at every grid point."""
    density, marginal = _density(grid, found)
    rows = density / np.maximum(density.max(axis=1, keepdims=True), 1e-300)
    axes = grid.mediators, grid.stretched, found.quarks
    tables = marginal / marginal.max() + FLOOR, rows + FLOOR, found.quark_table, found.coupling_table
    return RelicMaps(scanned.names, scanned.priors, *axes, *tables)


def _density(grid: Grid, found: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """Of (m_zp, b), relative to the highest, and of m_zp."""
    density = np.exp(found.log_density - found.log_density.max())
    return density, np.trapezoid(density, grid.stretched, axis=1)


# -- the grid -----------------------------------------------------------------------------------------------------------------------------


def _whole_range(priors: tuple[Prior, ...]) -> np.ndarray:
    """All r inside the prior, logarithmic in the distance to the resonance."""
    (low, high), (light, heavy) = priors[1].bounds, priors[2].bounds
    return np.linspace(float(stretch(low / (2.0 * heavy))), float(stretch(high / (2.0 * light))), RATIOS[0])


def _quark_knots(priors: tuple[Prior, ...], count: int) -> np.ndarray:
    """Prior fractions of y."""
    if len(priors) < 4:
        return np.zeros(1)
    return np.linspace(0.0, 1.0, count) ** (SPACING if priors[3].flat and not priors[3].logarithmic else 1.0)


def _refine(coarse: Grid, found: Posterior, scanned: Scanned) -> Grid:
    """Dense where there is posterior mass: m_zp even and at its quantiles, r even in itself and in the logarithm of its distance to the resonance."""
    mass = found.log_density > found.log_density.max() + HAS_MASS
    low, high = _range_of(coarse.mediators, mass.any(axis=1))
    marginal = np.exp(found.log_density - found.log_density.max()).sum(axis=1)
    marginal = np.cumsum(marginal * np.gradient(coarse.mediators))
    dense = np.interp(np.linspace(0.1, 0.9, 5), marginal / marginal[-1], coarse.mediators)
    ends = coarse.mediators[[0, -1]]
    mediators = np.unique(np.concatenate([np.geomspace(low, high, MEDIATORS[1]), dense, ends]))
    low, high = _range_of(coarse.stretched, mass.any(axis=0))
    even = np.asarray(stretch(np.linspace(unstretch(low), unstretch(high), RATIOS[1])))
    ends = coarse.stretched[[0, -1]]
    stretched = np.unique(np.concatenate([np.linspace(low, high, RATIOS[1]), even, ends]))
    stretched = stretched[np.concatenate([[True], np.diff(stretched) > 1e-3])]
    return Grid(mediators, stretched, _quark_knots(scanned.priors, QUARKS[1]))


def _range_of(knots: np.ndarray, chosen: np.ndarray) -> tuple[Any, Any]:
    """From the knot before the first chosen one to the knot after the last."""
    places = np.nonzero(chosen)[0]
    return knots[max(places[0] - 1, 0)], knots[min(places[-1] + 1, len(knots) - 1)]


def _with_edges(even: np.ndarray, lik: Likelihood) -> np.ndarray:
    """With a row just below and just above every edge that the Z′ can cross, instead of even rows that are about as close."""
    edges = np.array([edge for edge in resonance_edges(lik) if even[0] < edge < even[-1]])
    if not len(edges):
        return even
    near = 0.25 * np.median(np.diff(even))
    apart = np.abs(even[:, None] - edges).min(axis=1) > near
    apart[[0, -1]] = True
    return np.unique(np.concatenate([even[apart], edges * (1.0 - SIDE), edges * (1.0 + SIDE)]))


def _heavy_parts(grid: Grid, found: Posterior) -> np.ndarray:
    """Rows that divide what holds more than SHARE of the posterior between two rows, e.g. a whole window between two edges."""
    marginal = _density(grid, found)[1]
    share = 0.5 * (marginal[1:] + marginal[:-1]) * np.diff(grid.mediators)
    parts = np.minimum(np.ceil(share / share.sum() / SHARE), MOST_PARTS).astype(int)
    ends = zip(grid.mediators[:-1], grid.mediators[1:], parts)
    return np.concatenate([np.linspace(low, high, count + 1)[1:-1] for low, high, count in ends if count] + [[]])


def _merge(grid: Grid, found: Posterior, other: Grid, more: Posterior) -> tuple[Grid, Posterior]:
    """Rows of two scans in order."""
    mediators = np.concatenate([grid.mediators, other.mediators])
    order = np.argsort(mediators)
    rows = lambda name: np.concatenate([getattr(found, name), getattr(more, name)])[order]
    tables = {name: rows(name) for name in ("log_density", "quark_table", "coupling_table")}
    return grid._replace(mediators=mediators[order]), found._replace(**tables)


def resonance_edges(lik: Likelihood) -> tuple[float, ...]:
    """m_zp at which a narrow Z′ enters or leaves an integrated observable (roots of bin edges, and the kinematic limit of B → KZ′) or a search."""
    mass = lik.model.sm.mass
    bins = {edge**0.5 for request in lik.requests if request.observable.arguments == BIN for edge in request.arguments}
    measured = {term.measurement for term in lik.terms}
    windows = {edge for search in searches() if search.name in measured for edge in mass_windows(search.name)}
    return tuple(sorted(bins | windows | {mass["B+"] - mass["K+"], mass["B0"] - mass["K0"]}))


def _log_measure(scanned: Scanned, grid: Grid) -> np.ndarray:
    """log prior density of (m_zp, b): that of m_zp and of m_dm = m_zp/2r times |∂m_dm/∂b|; hardly anything outside the prior."""
    ratios = unstretch(grid.stretched)
    dark = grid.mediators[:, None] / (2.0 * ratios)
    density = np.exp(np.asarray(jax.vmap(jax.vmap(scanned.priors[2].log_density))(jnp.asarray(dark))))
    mediator = np.asarray(jax.vmap(scanned.priors[1].log_density)(jnp.asarray(grid.mediators)))
    return mediator[:, None] + np.log(density * dark / ratios * np.hypot(ratios - 1.0, RESOLUTION) + 1e-300)


# -- the relic density --------------------------------------------------------------------------------------------------------------------


def _sheet(scanned: Scanned, grid: Grid) -> Sheet:
    """ln Ωh² at every (m_zp, r), for a few y and g."""
    log_g = np.linspace(*cast("tuple[float, float]", np.log(scanned.priors[0].bounds)), COUPLINGS)
    fraction = np.zeros(1)
    if scanned.names.quark:
        low, high = (float(bound) for bound in scanned.priors[3].bounds)
        quarks = np.sqrt(np.linspace(low**2, high**2, RELIC_QUARKS))
        fraction = np.clip(np.asarray(scanned.priors[3].cdf(quarks)), 0.0, 1.0)
    axes = grid.mediators[:, None, None, None], unstretch(grid.stretched)[:, None, None], fraction[:, None]
    return Sheet(fraction, log_g, scanned.log_omega(*axes, log_g))


def _along(knots: np.ndarray, sheet: Sheet, mediators: np.ndarray) -> Sheet:
    """The sheet at other m_zp."""
    return sheet._replace(log_omega=interpolate(np.log(knots), sheet.log_omega, np.log(mediators), axis=0))


def _over_grid(function: Callable[..., Array], lik: Likelihood) -> Callable[..., np.ndarray]:
    """function(lik, *point) on the broadcast shape of the axes of a grid, compiled once for all grids."""
    spread = Spread(lambda lik, point: function(lik, *point), lik, block=CHUNK)

    def over(*axes: np.ndarray) -> np.ndarray:
        shape = np.broadcast_shapes(*(np.shape(axis) for axis in axes))
        values = spread(tuple(np.broadcast_to(axis, shape).ravel() for axis in axes))
        return values.reshape(*shape, *values.shape[1:])

    return over
