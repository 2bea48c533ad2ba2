"""Errors and evidence from the curvature, against the exact ones of a Gaussian."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.inference.fitting.forecast import forecast
from darkbeauty.likelihoods.part import Gaussian, SumOfParts
from darkbeauty.likelihoods.priors import Normal, Uniform

DESIGN = np.array([[1.0, 0.5, 0.0], [0.2, -1.0, 0.0], [0.3, 0.3, 0.0], [1.0, 0.0, 0.0]])
SIGMA = np.array([0.02, 0.05, 0.03, 0.04])


class Linear(SumOfParts):
    """Predictions DESIGN · (a, b, c), measured at a = 0.1, b = 0.2 exactly."""

    def __init__(self):
        self.parts = (Gaussian.of(DESIGN[:, :2] @ np.array([0.1, 0.2]), np.diag(SIGMA**2)),)
        self.spans = ((0, 4),)

    def predictions(self, values):
        return jnp.asarray(DESIGN) @ jnp.stack([values.get(name, 0.0) for name in "abc"])

    def log_prob_of(self, predictions):
        residual = (predictions - DESIGN[:, :2] @ np.array([0.1, 0.2])) / SIGMA
        return -0.5 * jnp.sum(residual**2)


BEST = {"a": 0.1, "b": 0.2}
PRIORS = {"a": Uniform(-2.0, 3.0), "b": Normal(0.0, 0.5)}
FISHER = (DESIGN[:, :2] / SIGMA[:, None] ** 2).T @ DESIGN[:, :2] + np.diag([0.0, 4.0])


def test_errors_and_correlation():
    found = forecast(Linear(), PRIORS, BEST)
    covariance = np.linalg.inv(FISHER)
    assert found.errors == pytest.approx(dict(zip("ab", np.sqrt(np.diag(covariance)))), rel=1e-6)
    expected = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found.correlation[0, 1] == pytest.approx(expected, rel=1e-6)


def test_laplace_evidence_against_a_grid():
    a, b = np.meshgrid(np.linspace(-0.4, 0.6, 801), np.linspace(-0.6, 1.0, 801), indexing="ij")
    residual = (np.stack([a - 0.1, b - 0.2], -1) @ DESIGN[:, :2].T) / SIGMA
    log_f = -0.5 * np.sum(residual**2, -1) - np.log(5.0) - 0.5 * (b / 0.5) ** 2 - np.log(0.5 * np.sqrt(2.0 * np.pi))
    log_z = np.log(np.sum(np.exp(log_f)) * (1.0 / 800) * (1.6 / 800))
    # the maximum of the likelihood is not that of the posterior: the Gaussian prior moves it by less than a fifth of its error
    assert forecast(Linear(), PRIORS, BEST).log_evidence == pytest.approx(log_z, abs=0.02)


def test_a_parameter_without_effect_has_no_error_and_there_is_no_evidence():
    found = forecast(Linear(), {**PRIORS, "c": Uniform(-1.0, 1.0)}, {**BEST, "c": 0.0})
    assert found.errors["c"] == np.inf
    assert np.isfinite(found.errors["a"])
    assert found.log_evidence is None


def test_no_evidence_at_a_bound():
    assert forecast(Linear(), {**PRIORS, "a": Uniform(0.0999, 3.0)}, BEST).log_evidence is None


def test_reasons_of_parameters_without_error():
    """c does nothing; a and its copy make up for each other; a parameter at its end says so; what is constrained has no reason."""
    free = {**PRIORS, "c": Uniform(-1.0, 1.0)}
    assert forecast(Linear(), free, {**BEST, "c": 0.0}).reasons == {"c": "no prediction changes with it at this point"}
    reason = forecast(Linear(), free, {**BEST, "c": 1.0}).reasons["c"]
    assert reason == "no prediction changes with it at this point; the best value is at an end of its prior"
    assert forecast(Linear(), PRIORS, BEST).reasons == {}


class Sum(SumOfParts):
    """Predictions of a + b and of c/1000, measured to 0.01."""

    def __init__(self):
        self.parts, self.spans = (Gaussian.of(np.zeros(2), 1e-4 * np.eye(2)),), ((0, 2),)

    def predictions(self, values):
        return jnp.stack([values["a"] + values["b"], 1e-3 * values["c"]])


class Failing(Sum):
    def predictions(self, values):
        return super().predictions(values) * jnp.nan


FLAT = {name: Uniform(-1.0, 1.0) for name in "abc"}


def test_flat_directions_are_named():
    found = forecast(Sum(), FLAT, dict.fromkeys("abc", 0.0))
    assert all(np.isinf(error) for error in found.errors.values())
    assert found.reasons["a"] == "flat direction: changes of b make up for it"
    assert found.reasons["b"] == "flat direction: changes of a make up for it"
    assert found.reasons["c"] == "the data change by less than their errors over its whole prior"


def test_a_point_without_predictions_has_no_curvature():
    found = forecast(Failing(), FLAT, dict.fromkeys("abc", 0.0))
    assert set(found.reasons.values()) == {"a prediction or its slope has no value at this point"}
    assert found.log_evidence is None and all(np.isinf(error) for error in found.errors.values())
