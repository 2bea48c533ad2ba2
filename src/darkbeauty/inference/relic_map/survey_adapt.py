"""Correction of a survey density of (m_zp, r) by the weights of a few thousand draws of it."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit, log_expit

from darkbeauty.inference.relic_map.quantile_maps import RelicMaps
from darkbeauty.inference.relic_map.survey_terms import TEMPER, Survey
from darkbeauty.numerics.compiled import compiled

DRAWS, BINS = 2048, ((16, 1), (6, 8), (16, 1), (8, 6))
"""Draws of a round, and into how many cells of equal mass of m_zp and of r they go, round by round."""
PSEUDO = 8.0
"""Draws of mean weight that are added to every cell, against chance."""


def adapt(survey: Survey, maps: RelicMaps) -> RelicMaps:
    """The maps with the density of (m_zp, r) multiplied, cell by cell, by the mean importance weight of its draws."""
    names = maps.names
    free = tuple(name for name in (names.coupling, names.z_prime, names.dark, names.quark) if name)
    at = [free.index(name) for name in (names.z_prime, names.dark)]
    transform = compiled(jax.vmap(lambda q, maps: maps.to_parameters(dict(zip(free, q))), in_axes=(0, None)))
    rng = np.random.default_rng(0)
    for bins in BINS:
        q = rng.logistic(size=(DRAWS, len(free)))
        values, log_jacobian = transform(jnp.asarray(q), maps)
        values = {name: np.asarray(value) for name, value in values.items()}
        log_weight = (
            _log_likelihood(survey, values) + np.asarray(log_jacobian) - np.sum(log_expit(q) + log_expit(-q), axis=1)
        )
        for name, prior in zip(free, survey.priors):
            log_weight += np.asarray(prior.log_density(values[name]))
        fine = np.isfinite(log_weight)
        weight = np.where(fine, np.exp(TEMPER * (np.where(fine, log_weight, 0.0) - log_weight[fine].max())), 0.0)
        maps = _reweighted(maps, _mean_weight(expit(q[:, at]), weight, bins))
    return maps


def _log_likelihood(survey: Survey, values: dict[str, np.ndarray]) -> np.ndarray:
    """log-likelihood of points, up to a constant, with the functions of the survey."""
    names, target = survey.names, survey.target
    mass, ratio = values[names.z_prime], values[names.z_prime] / (2.0 * values[names.dark])
    quark = np.asarray(survey.priors.quark.cdf(values[names.quark])) if names.quark else np.zeros(len(mass))
    point = mass, ratio, quark, np.log(values[names.coupling])
    omega = np.exp(survey.log_omega(*point))
    total = -0.5 * ((omega - target.measured) / target.sigma) ** 2
    if len(survey.kept):
        total = total - 0.5 * np.sum(survey.residual(*point) ** 2, axis=1)
    return total


def _mean_weight(u: np.ndarray, weight: np.ndarray, bins: tuple[int, int]) -> np.ndarray:
    """Mean weight relative to all, in cells of equal mass."""
    edges = [np.linspace(0.0, 1.0, n + 1) for n in bins]
    total, count = (np.histogram2d(*u.T, bins=edges, weights=w)[0] for w in (weight / weight.mean(), None))
    return (total + PSEUDO) / (count + PSEUDO)


def _reweighted(maps: RelicMaps, factor: np.ndarray) -> RelicMaps:
    """The density of (m_zp, b) times a factor that is given in cells of equal mass."""
    inside = _fractions(maps.masses, maps.mass_density)
    along = np.stack([_fractions(maps.stretched, row) for row in maps.ratio_density])
    place = lambda u, n: np.clip((u * n).astype(int), 0, n - 1)
    change = factor[place(inside, factor.shape[0])[:, None], place(along, factor.shape[1])]
    rows = maps.ratio_density * change
    mass, before = (np.trapezoid(density, maps.stretched, axis=1) for density in (rows, maps.ratio_density))
    new = (maps.mass_density * mass / before, rows / rows.max(axis=1, keepdims=True))
    return eqx.tree_at(lambda m: (m.mass_density, m.ratio_density), maps, new)


def _fractions(knots: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Fraction of a density, linear between knots, below each of them."""
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(knots)
    return np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
