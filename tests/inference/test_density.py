"""The one posterior: density, parameters and observations of q, with and without nuisances."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.inference import Posterior
from darkbeauty.inference.posterior import NoNuisances, SampledNuisances
from darkbeauty.likelihoods.fit_file import parse_fit

FIT = """
name = "toy"
model = "wet"
[priors]
C10_bsmumu = { kind = "uniform", lower = -1.5, upper = 1.5 }
C7_bs = { kind = "normal", mean = 0.0, sigma = 0.05 }
[likelihood]
terms = ["BR(Bs->mumu)", "DeltaM_s"]
theory = "THEORY"
"""
Q = np.array([0.4, -0.7])


@pytest.fixture(scope="module")
def fits():
    return {theory: parse_fit(FIT.replace("THEORY", theory), "toy.toml") for theory in ("correlated", "sampled")}


@pytest.fixture(scope="module")
def alone(fits):
    return Posterior.of(fits["correlated"])


@pytest.fixture(scope="module")
def joint(fits):
    return Posterior.of(fits["sampled"])


def test_the_density_is_likelihood_prior_and_jacobian(fits, alone):
    u = 1.0 / (1.0 + np.exp(-Q))
    values = alone.to_parameters(jnp.asarray(Q))
    assert float(values["C10_bsmumu"]) == pytest.approx(-1.5 + 3.0 * u[0], rel=1e-12)
    expected = float(alone.likelihood.log_prob(values)) + np.sum(np.log(u * (1.0 - u)))
    assert float(jax.jit(alone.log_density)(jnp.asarray(Q))) == pytest.approx(expected, rel=1e-12)
    assert (alone.names, alone.size, alone.nuisances.size) == (("C10_bsmumu", "C7_bs"), 2, 0)
    assert isinstance(alone.nuisances, NoNuisances) and not alone.follows


def test_observations_are_predictions(alone):
    observed = alone.observe(jnp.asarray(Q))
    point = {name: float(value) for name, value in alone.to_parameters(jnp.asarray(Q)).items()}
    expected = list(db.predict("wet", point, ["BR(Bs->mumu)", "DeltaM_s"]).values())
    assert np.allclose(observed.predictions, expected, rtol=1e-9)
    assert observed.pulls.shape == (0,) and np.all(observed.status == 0)
    draws = alone.parameter_draws(np.stack([[Q, 2.0 * Q], [-Q, Q], [Q, Q]]))
    assert draws["C7_bs"].shape == (3, 2) and draws["C7_bs"][2, 1] == pytest.approx(point["C7_bs"], rel=1e-12)


def test_other_data_move_the_likelihood_alone(alone):
    data = alone.likelihood.values * 1.1
    there = alone.with_data((data,))
    predictions = np.asarray(alone.observe(jnp.asarray(Q)).predictions)
    log_l = [float(of.likelihood.log_prob_of(predictions)) for of in (alone, there)]
    change = float(there.log_density(jnp.asarray(Q))) - float(alone.log_density(jnp.asarray(Q)))
    assert change == pytest.approx(log_l[1] - log_l[0], abs=1e-9)
    assert np.array_equal(there.likelihood.values, data) and not np.array_equal(alone.likelihood.values, data)


def test_nuisances_come_after_the_parameters(alone, joint):
    size = joint.nuisances.size
    assert isinstance(joint.nuisances, SampledNuisances)
    assert size > 0 and joint.size == 2 + size and joint.names == alone.names
    q = np.concatenate([Q, 0.1 * np.arange(size)])
    values, frame = joint.to_parameters(jnp.asarray(q)), joint.frame(jnp.asarray(Q))
    for name, value in alone.to_parameters(jnp.asarray(Q)).items():
        assert float(values[name]) == float(value)
    whole = float(joint.log_density(jnp.asarray(q)))
    assert float(joint.log_density_in(frame, jnp.asarray(q[2:]))) == pytest.approx(whole, rel=1e-12)
    observed = joint.observe(jnp.asarray(q))
    assert observed.pulls.shape == (len(joint.nuisances.names),)
    ratio = np.asarray(observed.predictions) / np.asarray(alone.observe(jnp.asarray(Q)).predictions)
    assert np.all(np.abs(ratio - 1.0) > 1e-3)  # the inputs are not at their central values


def test_the_marginal_posterior_of_sampled_theory_errors_has_them_in_its_covariance(fits, alone):
    marginal = Posterior.of(fits["sampled"], marginal=True)
    assert marginal.nuisances.size == 0
    assert np.array_equal(marginal.likelihood.covariance, alone.likelihood.covariance)
