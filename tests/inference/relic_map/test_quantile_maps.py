"""The maps from logistic coordinates to a tabulated posterior, and the survey of a posterior that is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid
from scipy.special import expit

import darkbeauty as db
from darkbeauty.inference.relic_map.quantile_maps import (
    LOGITS,
    RelicMaps,
    RelicNames,
    RelicPriors,
    blend,
    bounded_logit,
    monotone_extended,
    neighbours,
    piecewise_quantile,
    quantiles,
    stretch,
    unstretch,
)
from darkbeauty.inference.relic_map.survey import SIDE, _with_edges, resonance_edges
from darkbeauty.inference.relic_map.survey_adapt import _mean_weight, _reweighted
from darkbeauty.inference.relic_map.survey_terms import GAIN, RELIC_LOGITS, TEMPER, _log_likelihood
from darkbeauty.likelihoods.priors import LogUniform, Uniform

KNOTS = np.array([0.0, 0.3, 1.0, 1.4, 4.0])
DENSITY = np.array([0.2, 1.0, 0.1, 3.0, 0.4])


def test_stretching_and_back():
    b = np.linspace(-9.0, 12.0, 400)
    assert np.allclose(stretch(unstretch(b)), b, atol=1e-9)


def test_extended_interpolation_is_monotone():
    knots, values = np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.0, 0.1, 3.0, 3.5])
    assert np.all(np.diff(np.asarray(monotone_extended(jnp.linspace(-3.0, 7.0, 200), knots, values))) > 0.0)


@pytest.mark.parametrize(("low", "high"), [(0.0, 4.0), (0.2, 1.2), (1.1, 1.3), (-1.0, 9.0)])
def test_quantiles_of_a_piecewise_linear_density(low, high):
    """Against a fine numerical integral of the density, cut off at the bounds."""
    x = np.linspace(max(low, 0.0), min(high, 4.0), 200_001)
    cumulative = cumulative_trapezoid(np.interp(x, KNOTS, DENSITY), x, initial=0.0)
    u = np.linspace(0.001, 0.999, 57)
    found = jax.vmap(lambda v: piecewise_quantile(v, KNOTS, jnp.asarray(DENSITY), low, high))(u)
    assert np.allclose(found, np.interp(u, cumulative / cumulative[-1], x), atol=2e-5)


def test_blend_is_multilinear():
    rng = np.random.default_rng(1)
    table, axes = rng.normal(size=(4, 3, 2, 5)), (np.array([0.0, 1.0, 3.0, 4.0]), np.arange(3.0), np.arange(2.0))
    weights = rng.normal(size=(2, 2, 2, 5))
    x, y, z = np.meshgrid(*axes, indexing="ij")
    table = sum(weights[i, j, k] * (x**i * y**j * z**k)[..., None] for i in (0, 1) for j in (0, 1) for k in (0, 1))
    at = (2.2, 0.7, 0.4)
    expected = sum(
        weights[i, j, k] * at[0] ** i * at[1] ** j * at[2] ** k for i in (0, 1) for j in (0, 1) for k in (0, 1)
    )
    found = blend(table, *(neighbours(jnp.asarray(v), knots) for v, knots in zip(at, axes)))
    assert np.allclose(found, expected, rtol=1e-12)


def test_quantiles_of_a_normal_distribution():
    x = np.linspace(-8.0, 8.0, 4001)
    found = quantiles(x, np.exp(-0.5 * x**2), 0.0)
    assert np.allclose(found, np.asarray(jax.scipy.special.ndtri(expit(LOGITS))), atol=2e-3)


def test_likelihood_between_knots_is_that_of_smooth_residuals():
    """Residuals that are polynomials of y and linear in g's logit, like rates: χ² interpolated to 0.3 where it matters."""
    knots, fine = np.linspace(0.0, 1.0, 16), np.linspace(0.0, 1.0, 241)
    direction = np.random.default_rng(2).normal(size=(2, 12))

    def residual(y, s):
        y2 = np.asarray(y)[:, None, None] ** 2
        return direction[0] * (8.0 * y2 - 3.0) + direction[1] * 0.02 * np.asarray(s)[:, None]

    found = _log_likelihood(residual(knots, RELIC_LOGITS), knots, fine)
    exact = -0.5 * TEMPER * np.sum(residual(fine, np.clip(LOGITS, RELIC_LOGITS[0], RELIC_LOGITS[-1])) ** 2, axis=-1)
    near = exact > exact.max() - 8.0
    assert np.max(np.abs(found - exact)[near]) < 0.3


def test_interpolation_of_many_residuals_promises_no_gain():
    """Residuals of 300 terms that all change sign between two values of y need not vanish at the same y."""
    knots, fine, one = np.array([0.0, 1.0]), np.linspace(0.0, 1.0, 241), np.ones((1, len(RELIC_LOGITS), 300))
    found = _log_likelihood(np.concatenate([-one, 2.0 * one]), knots, fine)
    assert found.max() == pytest.approx(-0.5 * TEMPER * (300.0 - GAIN))
    assert found[0] == pytest.approx(-0.5 * TEMPER * 300.0) and found[-1] == pytest.approx(-0.5 * TEMPER * 1200.0)


def maps_of(mass_density: np.ndarray, ratio_density: np.ndarray) -> RelicMaps:
    priors = RelicPriors(
        LogUniform(1e-4, 1e-2),
        Uniform(1.0, 6.0),
        Uniform(0.1, 2.5),
        Uniform(0.0, 2.0),
    )
    masses, stretched, quarks = np.linspace(1.0, 6.0, 6), np.linspace(-7.0, 11.0, 25), np.linspace(0.0, 1.0, 5)
    shape = len(masses), len(stretched)
    lines = np.linspace(-2.0, 2.0, len(quarks))[:, None] + 0.1 * LOGITS
    return RelicMaps(
        RelicNames("g", "m_zp", "m_dm", "y"),
        priors,
        masses,
        stretched,
        quarks,
        mass_density,
        ratio_density,
        np.broadcast_to(LOGITS, (*shape, len(LOGITS))).copy(),
        np.broadcast_to(lines, (*shape, *lines.shape)).copy(),
    )


def test_the_maps_are_triangular_bounded_and_carry_their_jacobian():
    rng = np.random.default_rng(3)
    maps = maps_of(rng.uniform(0.1, 1.0, 6), rng.uniform(0.1, 1.0, (6, 25)))
    names = ("y", "g", "m_zp", "m_dm")
    function = jax.jit(lambda q: maps.to_parameters(dict(zip(names, q))))
    vector = jax.jit(jax.jacfwd(lambda q: jnp.stack([maps.to_parameters(dict(zip(names, q)))[0][n] for n in names])))
    for q in rng.logistic(size=(20, 4)):
        values, log_jacobian = function(jnp.asarray(q))
        assert float(log_jacobian) == pytest.approx(np.linalg.slogdet(np.asarray(vector(q)))[1], abs=1e-7)
        for name, prior in zip(("g", "m_zp", "m_dm", "y"), maps.priors):
            low, high = prior.bounds
            assert low <= float(values[name]) <= high


def test_importance_weights_correct_the_density():
    """Two rounds of exact weights turn a flat density of m_zp into 1 + 3(m_zp − 1), to 3 % but for the end knot,
    which gets the mean of its cell."""
    maps = maps_of(np.ones(6), np.ones((6, 25)))
    target = lambda m: 1.0 + 3.0 * (m - 1.0)
    rng = np.random.default_rng(4)
    quantile = jax.jit(jax.vmap(lambda q, maps: maps.mass_quantile(q), in_axes=(0, None)))
    for _ in range(2):
        q = rng.logistic(size=20_000)
        m = np.asarray(quantile(jnp.asarray(q), maps))
        proposed = np.interp(m, maps.masses, maps.mass_density)
        u = np.stack([expit(q), rng.uniform(size=len(q))], axis=1)
        maps = _reweighted(maps, _mean_weight(u, target(m) / proposed, (16, 1)))
    shape = np.asarray(maps.mass_density) / target(maps.masses)
    assert np.allclose(shape[1:] / shape[1:].mean(), 1.0, atol=0.03)
    assert shape[0] == pytest.approx(shape[1:].mean(), rel=0.4)


def test_logits_of_fractions_are_bounded():
    assert np.all(np.isfinite(bounded_logit(np.array([0.0, 0.5, 1.0]))))


def test_rows_follow_the_windows_of_searches():
    """LHCb leaves out the charmonia: 2.93–3.20 and 3.57–3.87 GeV in B⁺ → K⁺X(→μμ)."""
    lik = db.likelihood("lmu_ltau_s1", None, terms=["limit LHCb B+->KX(mumu)", "R_K"])
    edges = resonance_edges(lik)
    assert {2.9307, 3.1991, 3.5714, 3.8658} <= set(edges)
    assert 1.1**0.5 in edges and 6.0**0.5 in edges
    rows = _with_edges(np.geomspace(1.0, 6.0, 20), lik)
    inside = rows[(rows > 3.5714) & (rows < 3.8658)]
    assert inside[0] == pytest.approx(3.5714 * (1.0 + SIDE)) and inside[-1] == pytest.approx(3.8658 * (1.0 - SIDE))
