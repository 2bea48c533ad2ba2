r"""A survey of the posterior over (m_zp, r = m_zp/2m_dm, y, g), from which the coordinates of a fit with a relic-density term are made.

At each (m_zp, r) Ωh² is evaluated for a few y and g; the other terms follow where it leaves mass (`darkbeauty.inference.relic_map.survey_terms`). A coarse survey of
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

from darkbeauty.evaluation import evaluate
from darkbeauty.inference.relic_map.quantile_maps import (
    RESOLUTION,
    RelicMaps,
    RelicNames,
    RelicPriors,
    stretch,
    unstretch,
)
from darkbeauty.inference.relic_map.survey_adapt import adapt
from darkbeauty.inference.relic_map.survey_terms import (
    Grid,
    PosteriorTables,
    Sheet,
    Survey,
    add_other_terms,
    interpolate,
)
from darkbeauty.inference.sharding import Spread
from darkbeauty.inputs.limits import mass_windows, searches
from darkbeauty.likelihoods import Likelihood
from darkbeauty.likelihoods.priors import Prior
from darkbeauty.observables.observable import BIN, elementary

MASSES, RATIOS, QUARKS = (13, 14), (41, 26), (6, 8)
"""Grid points of m_zp, b and y in the coarse and in the fine survey (rows at edges, and an even set of r, come on top)."""
RELIC_QUARKS, COUPLINGS = 4, 11
"""Values of y and of ln g at which Ωh² is evaluated."""
SPACING = 3.0
"""Knots of a linear prior of y are this power of even steps, so that small y is resolved."""
HAS_MASS = np.log(1e-5)
"""Posterior density, relative to the highest, below which the fine survey does not go."""
FLOOR = 1e-4
"""What every density has at least, relative to its highest."""
SIDE = 3e-4
"""Relative distance of rows from the edges they belong to: the tails of a narrow Z′ reach over an edge much further than its width."""
SHARE, MOST_PARTS = 0.04, 8
"""Posterior mass between two rows of m_zp beyond which there are rows between them, and how many parts they make at most."""
CHUNK = 512


def survey_likelihood(
    lik: Likelihood, fixed: dict[str, float], names: RelicNames, priors: dict[str, Prior]
) -> RelicMaps:
    """Survey the likelihood and build the tables.

    Args     lik: with an Omega_h2 term; fixed: values of all other free parameters; priors: of the parameters in `names`
    """
    survey = _functions(lik, fixed, names, priors)
    low, high = survey.priors.z_prime.bounds
    coarse = Grid(
        np.geomspace(low, high, MASSES[0]), _whole_range(survey.priors), _quark_knots(survey.priors, QUARKS[0])
    )
    posterior = add_other_terms(survey, coarse, _sheet(survey, coarse), _log_measure(survey, coarse))
    even = _refine(coarse, posterior, survey)
    grid = even._replace(masses=_with_edges(even.masses, lik))
    even_sheet = _sheet(survey, even)
    sheet = _along(even.masses, even_sheet, grid.masses)
    posterior = add_other_terms(survey, grid, sheet, _log_measure(survey, grid))
    between = grid._replace(masses=_heavy_parts(grid, posterior))
    if len(between.masses):
        sheet = _along(even.masses, even_sheet, between.masses)
        grid, posterior = _merge(
            grid, posterior, between, add_other_terms(survey, between, sheet, _log_measure(survey, between))
        )
    return adapt(survey, _maps(survey, grid, posterior))


def _functions(lik: Likelihood, fixed: dict[str, float], names: RelicNames, priors: dict[str, Prior]) -> Survey:
    """What is evaluated on the grids, compiled once."""
    quark_prior = priors[names.quark] if names.quark else None
    own = RelicPriors(priors[names.coupling], priors[names.z_prime], priors[names.dark], quark_prior)
    span = next(place for term, place in zip(lik.terms, lik.slices) if term.name == "Omega_h2")
    places, as_measured = list(range(*span)), lik.as_measured()
    target = lik.alone(span).rows(["Omega_h2", ""], np.array([as_measured[i] for i in places]))[0]
    method = lik.requests[places[0]].observable.sources[0]
    kept = np.delete(np.arange(len(lik.requests)), places)
    requests = tuple(lik.requests[i] for i in kept)

    def at(lik: Likelihood, mass, ratio, quark, log_coupling):
        values = {names.coupling: jnp.exp(log_coupling), names.z_prime: mass, names.dark: mass / (2.0 * ratio)}
        return lik.model.at({**fixed, **values} | ({names.quark: own.quark.quantile(quark)} if names.quark else {}))

    log_omega = _over_grid(lambda lik, *point: jnp.log(method(at(lik, *point).derive()).omega_h2), lik)

    def residuals(lik: Likelihood, *point: Any) -> Array:
        """Of all terms but Ωh², which is as measured."""
        values = evaluate(at(lik, *point), requests, lik.tables.results).value
        predictions = jnp.zeros(len(lik.requests)).at[kept].set(values)
        return lik.residuals(predictions.at[np.array(places)].set(jnp.array([as_measured[i] for i in places])))

    others = _over_grid(residuals, lik)
    return Survey(lik, names, own, target, kept, log_omega, others)


def _maps(survey: Survey, grid: Grid, posterior: PosteriorTables) -> RelicMaps:
    """The nested quantile functions: of r given m_zp, and of m_zp, from the evidence at every grid point."""
    density, marginal = _density(grid, posterior)
    rows = density / np.maximum(density.max(axis=1, keepdims=True), 1e-300)
    axes = grid.masses, grid.stretched, posterior.quarks
    tables = marginal / marginal.max() + FLOOR, rows + FLOOR, posterior.quark_table, posterior.coupling_table
    return RelicMaps(survey.names, survey.priors, *axes, *tables)


def _density(grid: Grid, posterior: PosteriorTables) -> tuple[np.ndarray, np.ndarray]:
    """Of (m_zp, b), relative to the highest, and of m_zp."""
    density = np.exp(posterior.log_density - posterior.log_density.max())
    return density, np.trapezoid(density, grid.stretched, axis=1)


# -- the grid -----------------------------------------------------------------------------------------------------------------------------


def _whole_range(priors: RelicPriors) -> np.ndarray:
    """All r inside the prior, logarithmic in the distance to the resonance."""
    (low, high), (light, heavy) = priors.z_prime.bounds, priors.dark.bounds
    return np.linspace(float(stretch(low / (2.0 * heavy))), float(stretch(high / (2.0 * light))), RATIOS[0])


def _quark_knots(priors: RelicPriors, count: int) -> np.ndarray:
    """Prior fractions of y."""
    if priors.quark is None:
        return np.zeros(1)
    return np.linspace(0.0, 1.0, count) ** (SPACING if priors.quark.flat and not priors.quark.logarithmic else 1.0)


def _refine(coarse: Grid, posterior: PosteriorTables, survey: Survey) -> Grid:
    """Dense where there is posterior mass: m_zp even and at its quantiles, r even in itself and in the logarithm of its distance to the resonance."""
    heavy = posterior.log_density > posterior.log_density.max() + HAS_MASS
    low, high = _range_of(coarse.masses, heavy.any(axis=1))
    marginal = np.exp(posterior.log_density - posterior.log_density.max()).sum(axis=1)
    marginal = np.cumsum(marginal * np.gradient(coarse.masses))
    dense = np.interp(np.linspace(0.1, 0.9, 5), marginal / marginal[-1], coarse.masses)
    ends = coarse.masses[[0, -1]]
    masses = np.unique(np.concatenate([np.geomspace(low, high, MASSES[1]), dense, ends]))
    low, high = _range_of(coarse.stretched, heavy.any(axis=0))
    even = np.asarray(stretch(np.linspace(unstretch(low), unstretch(high), RATIOS[1])))
    ends = coarse.stretched[[0, -1]]
    stretched = np.unique(np.concatenate([np.linspace(low, high, RATIOS[1]), even, ends]))
    stretched = stretched[np.concatenate([[True], np.diff(stretched) > 1e-3])]
    return Grid(masses, stretched, _quark_knots(survey.priors, QUARKS[1]))


def _range_of(knots: np.ndarray, inside: np.ndarray) -> tuple[Any, Any]:
    """From the knot before the first one inside to the knot after the last."""
    places = np.nonzero(inside)[0]
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


def _heavy_parts(grid: Grid, posterior: PosteriorTables) -> np.ndarray:
    """Rows that divide what holds more than SHARE of the posterior between two rows, e.g. a whole window between two edges."""
    marginal = _density(grid, posterior)[1]
    share = 0.5 * (marginal[1:] + marginal[:-1]) * np.diff(grid.masses)
    parts = np.minimum(np.ceil(share / share.sum() / SHARE), MOST_PARTS).astype(int)
    ends = zip(grid.masses[:-1], grid.masses[1:], parts)
    return np.concatenate([np.linspace(low, high, count + 1)[1:-1] for low, high, count in ends if count] + [[]])


def _merge(grid: Grid, posterior: PosteriorTables, other: Grid, more: PosteriorTables) -> tuple[Grid, PosteriorTables]:
    """Rows of two surveys in order."""
    masses = np.concatenate([grid.masses, other.masses])
    order = np.argsort(masses)
    rows = lambda name: np.concatenate([getattr(posterior, name), getattr(more, name)])[order]
    tables = {name: rows(name) for name in ("log_density", "quark_table", "coupling_table")}
    return grid._replace(masses=masses[order]), posterior._replace(**tables)


def resonance_edges(lik: Likelihood) -> tuple[float, ...]:
    """m_zp at which a narrow Z′ enters or leaves an integrated observable (roots of bin edges, and the kinematic limit of B → KZ′) or a search."""
    mass = lik.model.sm.mass
    requests = elementary(lik.requests)
    bins = {edge**0.5 for request in requests if request.observable.arguments == BIN for edge in request.arguments}
    measured = {term.measurement for term in lik.terms}
    windows = {edge for search in searches() if search.name in measured for edge in mass_windows(search.name)}
    return tuple(sorted(bins | windows | {mass["B+"] - mass["K+"], mass["B0"] - mass["K0"]}))


def _log_measure(survey: Survey, grid: Grid) -> np.ndarray:
    """log prior density of (m_zp, b): that of m_zp and of m_dm = m_zp/2r times |∂m_dm/∂b|; hardly anything outside the prior."""
    ratios = unstretch(grid.stretched)
    dark = grid.masses[:, None] / (2.0 * ratios)
    density = np.exp(np.asarray(jax.vmap(jax.vmap(survey.priors.dark.log_density))(jnp.asarray(dark))))
    log_prior = np.asarray(jax.vmap(survey.priors.z_prime.log_density)(jnp.asarray(grid.masses)))
    return log_prior[:, None] + np.log(density * dark / ratios * np.hypot(ratios - 1.0, RESOLUTION) + 1e-300)


# -- the relic density --------------------------------------------------------------------------------------------------------------------


def _sheet(survey: Survey, grid: Grid) -> Sheet:
    """ln Ωh² at every (m_zp, r), for a few y and g."""
    log_g = np.linspace(*cast("tuple[float, float]", np.log(survey.priors.coupling.bounds)), COUPLINGS)
    fraction = np.zeros(1)
    if survey.names.quark:
        low, high = (float(bound) for bound in survey.priors.quark.bounds)
        quarks = np.sqrt(np.linspace(low**2, high**2, RELIC_QUARKS))
        fraction = np.clip(np.asarray(survey.priors.quark.cdf(quarks)), 0.0, 1.0)
    axes = grid.masses[:, None, None, None], unstretch(grid.stretched)[:, None, None], fraction[:, None]
    return Sheet(fraction, log_g, survey.log_omega(*axes, log_g))


def _along(knots: np.ndarray, sheet: Sheet, masses: np.ndarray) -> Sheet:
    """The sheet at other m_zp."""
    return sheet._replace(log_omega=interpolate(np.log(knots), sheet.log_omega, np.log(masses), axis=0))


def _over_grid(function: Callable[..., Array], lik: Likelihood) -> Callable[..., np.ndarray]:
    """function(lik, *point) on the broadcast shape of the axes of a grid, compiled once for all grids."""
    spread = Spread(lambda lik, point: function(lik, *point), lik, block=CHUNK)

    def over(*axes: np.ndarray) -> np.ndarray:
        shape = np.broadcast_shapes(*(np.shape(axis) for axis in axes))
        values = spread(tuple(np.broadcast_to(axis, shape).ravel() for axis in axes))
        return values.reshape(*shape, *values.shape[1:])

    return over
