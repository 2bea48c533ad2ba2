"""What the terms of a fit say at every (m_zp, r) of a survey: Ωh² of g for each y, the others of y and of what Ωh² leaves of g."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import expit, log_expit

from darkbeauty.inference.relic_map.quantile_maps import (
    LOGITS,
    RelicNames,
    RelicPriors,
    bounded_logit,
    quantiles,
    unstretch,
)
from darkbeauty.likelihoods import Likelihood
from darkbeauty.likelihoods.part import Row

RELIC_LOGITS = (-6.0, -1.5, 1.5, 6.0)
"""Quantiles of g, given Ωh², at which the other terms are evaluated."""
NEW_KNOTS = ((0.08, 0.3, 0.5, 0.7, 0.92),)
"""Quantiles of y, given the terms so far, at which they are evaluated next."""
TEMPER = 0.85
"""The tables are made of the likelihood to this power: their tails are wider than the posterior's."""
NEGLIGIBLE = 1e-9
FINE, EVERY, FINE_COUPLINGS = 241, 8, 600
"""Points of y between the evaluated ones, which of them are in the table, and points of ln g."""
GAIN = 8.0
"""How much lower than at its neighbours χ² may be between evaluated points: an interpolation of many residuals can promise any gain."""
HOPELESS = 1e3
"""Residual of a prediction that failed."""


class Grid(NamedTuple):
    """m_zp, b and the prior fraction of y (one of them where y is not free)."""

    masses: np.ndarray
    stretched: np.ndarray
    quarks: np.ndarray


class Sheet(NamedTuple):
    """ln Ωh² at prior fractions of y (y² even) and ln g: shape (m_zp, r, y, g)."""

    quarks: np.ndarray
    log_g: np.ndarray
    log_omega: np.ndarray


class Allowed(NamedTuple):
    """What Ωh² allows at some y: log of its likelihood integrated over g, and g as logits of its prior fraction at the LOGITS."""

    log_weight: np.ndarray
    coupling: np.ndarray


class PosteriorTables(NamedTuple):
    """log density of (m_zp, b), and tables of y and of g given what comes before, the latter at the prior fractions `quarks` of y."""

    log_density: np.ndarray
    quarks: np.ndarray
    quark_table: np.ndarray
    coupling_table: np.ndarray


class Survey(NamedTuple):
    """A likelihood and its functions of (m_zp, r, prior fraction of y, ln g); target: Ωh² as measured; kept: places of the rest among the predictions."""

    lik: Likelihood
    names: RelicNames
    priors: RelicPriors
    target: Row
    kept: np.ndarray
    log_omega: Callable
    others: Callable

    def residual(self, *point: np.ndarray) -> np.ndarray:
        """Residuals of all terms but Ωh²."""
        return self.others(*point)


def add_other_terms(survey: Survey, grid: Grid, sheet: Sheet, measure: np.ndarray) -> PosteriorTables:
    """The posterior of y and g wherever Ωh² leaves mass, shape (m_zp, r) first."""
    shape = measure.shape
    fine = grid.quarks if len(grid.quarks) == 1 else np.linspace(0.0, 1.0, FINE) ** _power(grid.quarks)
    quarks = fine[::EVERY]
    allowed = {at: _allowed(survey, sheet, at, quarks) for at in np.ndindex(shape)}
    log_mass = np.array([cell.log_weight.max() for cell in allowed.values()]).reshape(shape) + measure
    rows, columns = np.nonzero(_dilate(log_mass > log_mass.max() + np.log(1e-6)))
    log_density = np.full(shape, -np.inf)
    quark_table = np.broadcast_to(LOGITS, (*shape, len(LOGITS))).copy()
    coupling_table = np.array([cell.coupling for cell in allowed.values()]).reshape(*shape, len(quarks), len(LOGITS))
    cells = [allowed[row, column] for row, column in zip(rows, columns)]
    for row, column, cell, residual, knots in zip(
        rows, columns, cells, *_residuals(survey, grid, rows, columns, cells, fine)
    ):
        line, density = _posterior_of_y(residual, knots, fine, cell)
        for table, distribution in zip(coupling_table[row, column], density[::EVERY]):
            table[:] = np.interp(quantiles(LOGITS, distribution, NEGLIGIBLE), LOGITS, table)
        over_y = np.exp(line - line.max())
        log_density[row, column] = line.max() + measure[row, column]
        if len(fine) > 1:
            log_density[row, column] += np.log(np.trapezoid(over_y, fine))
            quark_table[row, column] = bounded_logit(quantiles(fine, over_y, NEGLIGIBLE))
    known = np.isfinite(log_density)
    return PosteriorTables(log_density, quarks, _extend(quark_table, known), _extend(coupling_table, known))


def _allowed(survey: Survey, sheet: Sheet, at: tuple[int, ...], quarks: np.ndarray) -> Allowed:
    """What Ωh² alone allows at prior fractions of y: 1/Ωh² is nearly a polynomial of y², and ln Ωh² is smooth in ln g."""
    prior, target, sigma = survey.priors.coupling, survey.target.measured, survey.target.sigma
    rate = np.exp(-sheet.log_omega[at])
    if len(sheet.quarks) > 1:
        squared = lambda u: np.asarray(survey.priors.quark.quantile(u)) ** 2
        rate = np.maximum(CubicSpline(squared(sheet.quarks), rate)(squared(quarks)), 0.3 * rate.min(axis=0))
    log_g = np.linspace(sheet.log_g[0], sheet.log_g[-1], FINE_COUPLINGS)
    log_omega = PchipInterpolator(sheet.log_g, -np.log(rate), axis=1)(log_g)
    fraction = np.asarray(prior.cdf(np.exp(log_g)))
    log_l = -0.5 * TEMPER * ((np.exp(np.clip(log_omega, -50.0, 50.0)) - target) / sigma) ** 2
    top = log_l.max(axis=1)
    density = np.exp(log_l - top[:, None])
    coupling = np.stack([bounded_logit(quantiles(fraction, row, NEGLIGIBLE)) for row in density])
    return Allowed(top + np.log(np.trapezoid(density, fraction, axis=1)), coupling)


def _power(knots: np.ndarray) -> float:
    """p of knots that are even steps to the power p."""
    return float(np.log(knots[1]) / np.log(1.0 / (len(knots) - 1)))


def _residuals(
    survey: Survey, grid: Grid, rows: np.ndarray, columns: np.ndarray, cells: list[Allowed], fine: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Whitened residuals (cells, y, quantiles of g, n) and the prior fractions of y (cells, y) where they were taken.

    First at the knots of the grid, then where the posterior of y turns out to be.
    """
    knots = np.broadcast_to(grid.quarks, (len(rows), len(grid.quarks)))
    residual = _evaluate(survey, grid, rows, columns, cells, knots, fine)
    for levels in NEW_KNOTS if len(fine) > 1 and len(survey.kept) else ():
        new = np.empty((len(rows), len(levels)))
        for i, cell in enumerate(cells):
            line = _posterior_of_y(residual[i], knots[i], fine, cell)[0]
            at_logits = quantiles(fine, np.exp(0.5 * (line - line.max())), NEGLIGIBLE)
            new[i] = _apart(np.interp(levels, expit(LOGITS), at_logits), knots[i])
        joined = np.concatenate([knots, new], axis=1)
        order = np.argsort(joined, axis=1)
        knots = np.take_along_axis(joined, order, 1)
        added = _evaluate(survey, grid, rows, columns, cells, new, fine)
        residual = np.take_along_axis(np.concatenate([residual, added], axis=1), order[:, :, None, None], 1)
    return residual, knots


def _apart(new: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """New knots inside (0, 1), a little off each other and off the existing ones: an interpolation wants them to increase."""
    new = np.clip(np.sort(new), 1e-7, 1.0 - 1e-7) + 1e-9 * (1.0 + np.arange(len(new)))
    return np.where(np.abs(new[:, None] - knots).min(axis=1) < 1e-9, new + 5e-8, new)


def _evaluate(
    survey: Survey,
    grid: Grid,
    rows: np.ndarray,
    columns: np.ndarray,
    cells: list[Allowed],
    quarks: np.ndarray,
    fine: np.ndarray,
) -> np.ndarray:
    """Whitened residuals of all terms but Ωh² at prior fractions of y (cells, y) and the RELIC_LOGITS of g."""
    if not len(survey.kept):
        return np.zeros((*quarks.shape, len(RELIC_LOGITS), 0))
    coupling = np.stack([interpolate(fine[::EVERY], cell.coupling, y, axis=0) for cell, y in zip(cells, quarks)])
    logit = interpolate(LOGITS, coupling, np.array(RELIC_LOGITS), axis=2)
    log_g = np.log(np.asarray(survey.priors.coupling.quantile(expit(logit))))
    mass, ratio = grid.masses[rows][:, None, None], unstretch(grid.stretched[columns])[:, None, None]
    residual = survey.residual(mass, ratio, quarks[:, :, None], log_g)
    return np.where(np.isfinite(residual), residual, HOPELESS)


def _posterior_of_y(
    residual: np.ndarray, knots: np.ndarray, fine: np.ndarray, cell: Allowed
) -> tuple[np.ndarray, np.ndarray]:
    """log density of y on the fine grid, and the density of g's logit (given Ωh²) for each."""
    log_likelihood = _log_likelihood(residual, knots, fine) + log_expit(LOGITS) + log_expit(-LOGITS)
    top = log_likelihood.max(axis=1)
    density = np.exp(log_likelihood - top[:, None])
    log_weight = np.interp(fine, fine[::EVERY], cell.log_weight)
    return top + np.log(np.trapezoid(density, LOGITS, axis=1)) + log_weight, density


def _log_likelihood(residual: np.ndarray, knots: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Tempered log-likelihood on a fine grid of y and the LOGITS of g, from residuals at a few of both.

    The residuals are turned into their principal directions, few, and the logarithm of large ones is interpolated: rates are powers of the couplings.
    """
    if not residual.shape[-1]:
        return np.zeros((len(fine), len(LOGITS)))
    flat = residual.reshape(-1, residual.shape[-1])
    squared, directions = np.linalg.eigh(flat @ flat.T)
    kept = squared > 1e-6
    smooth = np.arcsinh(directions[:, kept] * np.sqrt(squared[kept])).reshape(*residual.shape[:2], -1)
    if len(knots) > 1:
        smooth = PchipInterpolator(knots, smooth, axis=0)(fine)
    inside = np.clip(LOGITS, RELIC_LOGITS[0], RELIC_LOGITS[-1])
    smooth = PchipInterpolator(RELIC_LOGITS, smooth, axis=1)(inside)
    chi2 = np.sum(np.sinh(smooth) ** 2, axis=-1)
    along_y = _best_neighbour(knots, np.sum(residual**2, axis=-1), fine)
    nearby = _best_neighbour(np.array(RELIC_LOGITS), along_y.T, inside).T
    return -0.5 * TEMPER * np.maximum(chi2, nearby - GAIN)


def _best_neighbour(knots: np.ndarray, values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The lower one of the values, along the first axis, at the knots on both sides of x."""
    if len(knots) == 1:
        return np.repeat(values, len(x), axis=0)
    i = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    return np.minimum(values[i], values[i + 1])


def interpolate(knots: np.ndarray, values: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along an axis; a single knot is repeated."""
    if len(knots) == 1:
        return np.repeat(values, len(x), axis=axis)
    i = np.clip(np.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    t = ((x - knots[i]) / (knots[i + 1] - knots[i])).reshape(-1, *[1] * (values.ndim - axis - 1))
    low, high = np.take(values, i, axis), np.take(values, i + 1, axis)
    return low + t * (high - low)


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
