"""A measured number with a predicted error: against scipy's log-normal density, residuals, simulation, and the term that uses it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from darkbeauty.likelihoods.relative import Relative

PART = Relative.of(0.12, 0.001**2, 0.1)
CONSTANT = np.hypot(0.001 / 0.12, 0.1)
POINTS = np.array([[0.12, 0.0], [0.13, 1e-5], [0.3, 0.1], [1.7504, 0.61], [1e-3, 1e-4], [40.0, 55.0]])


def test_log_prob_is_a_log_normal_density():
    sigma = np.hypot(CONSTANT, POINTS[:, 1] / POINTS[:, 0])
    expected = stats.lognorm.logpdf(0.12, s=sigma, scale=POINTS[:, 0])
    np.testing.assert_allclose(PART.log_prob_of(jnp.asarray(POINTS)), expected, rtol=1e-12)
    np.testing.assert_allclose(PART.chi2(POINTS), (np.log(POINTS[:, 0] / 0.12) / sigma) ** 2, rtol=1e-12)


def test_residuals_are_what_log_prob_is():
    """Σ residual² = −2 ln L up to a constant, with finite slopes where the error vanishes."""
    total = np.array([np.sum(PART.residuals(jnp.asarray(point)) ** 2) for point in POINTS])
    log_prob = np.asarray(PART.log_prob_of(jnp.asarray(POINTS)))
    np.testing.assert_allclose(total + 2.0 * log_prob, total[0] + 2.0 * log_prob[0], rtol=1e-10)
    assert np.all(np.isfinite(jax.jacobian(PART.residuals)(jnp.array([0.12, 0.0]))))


def test_what_failed_has_finite_slopes():
    assert np.all(np.isfinite(jax.grad(PART.log_prob_of)(jnp.zeros(2))))


def test_simulated_data_follow_the_model():
    """χ² of data from the prediction itself is that of one number."""
    data = PART.simulate(jax.random.key(1), np.tile([[0.3, 0.1]], (4000, 1)))
    assert data.shape == (4000, 1)
    pulls = np.log(data[:, 0] / 0.3) / np.hypot(CONSTANT, 1.0 / 3.0)
    assert stats.kstest(pulls, "norm").pvalue > 1e-3


def test_row():
    (row,) = PART.rows(["Omega_h2(kinetic)", "Omega_h2_error(kinetic)"], np.array([0.24, 0.048]))
    sigma = np.hypot(CONSTANT, 0.2)
    assert row == ("Omega_h2(kinetic)", 0.24, 0.12, pytest.approx(0.12 * sigma), pytest.approx(np.log(2.0) / sigma))
