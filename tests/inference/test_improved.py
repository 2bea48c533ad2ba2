"""Better errors: Fisher matrices beside a linear model by hand, reweighting beside the Gaussian that it becomes, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import darkbeauty as db
from darkbeauty.inference.fitting.improved import with_errors

C9, C10 = "real(C9(bsmumu)[4])", "real(C10(bsmumu)[4])"
PRIORS = {"C9_bsmumu": db.Uniform(-3, 3), "C10_bsmumu": db.Uniform(-3, 3)}


@pytest.fixture(scope="module")
def fit():
    """Linear: both coefficients measured, their errors correlated and with theory errors."""
    own = db.own_term(
        "both",
        observables=[C9, C10],
        values=[-0.8, 0.5],
        errors=[0.2, 0.3],
        correlation=[[1, 0.4], [0.4, 1]],
        theory=0.1,
    )
    return db.Fit(model="wet", priors=PRIORS, terms=[own])


def covariance(first: float) -> np.ndarray:
    errors = np.array([first, 0.3])
    return np.outer(errors, errors) * np.array([[1, 0.4], [0.4, 1]]) + np.diag([0.08**2, 0.05**2])


@pytest.mark.parametrize(("change", "first"), [(None, 0.2), ({C9: 0.05}, 0.05)])
def test_fisher_of_a_linear_model(fit, change, first):
    result = db.fisher(fit, {"C9_bsmumu": -0.8, "C10_bsmumu": 0.5}, with_error=change)
    expected = covariance(first)
    errors = np.array(list(result.errors.values()))
    np.testing.assert_allclose(errors, np.sqrt(np.diag(expected)), rtol=1e-9)
    np.testing.assert_allclose(result.correlation[0, 1], expected[0, 1] / np.prod(errors), rtol=1e-9)


def test_a_reweighted_posterior_is_the_other_one(fit):
    """Draws of the Gaussian posterior: weights make them draws of the narrower one."""
    draws = np.random.default_rng(1).multivariate_normal([-0.8, 0.5], covariance(0.2), (4, 5000))
    lik = fit.likelihood()
    posterior = xr.Dataset({name: (("chain", "draw"), draws[..., i]) for i, name in enumerate(fit.parameters)})
    predictions = xr.Dataset({"prediction": (("chain", "draw", "observable"), draws)})
    data = xr.DataTree.from_dict({"posterior": posterior, "predictions": predictions})
    result = db.reweighted(fit, data, {C9: 0.1})
    for i, name in enumerate(fit.parameters):
        assert result.after[name][0] == pytest.approx([-0.8, 0.5][i], abs=0.02)
        assert result.after[name][1] == pytest.approx(covariance(0.1)[i, i] ** 0.5, rel=0.05)
        assert result.before[name][1] == pytest.approx(covariance(0.2)[i, i] ** 0.5, rel=0.05)
    assert np.sum(result.weights) == pytest.approx(1.0) and 2000 < result.effective_draws < 20_000
    assert "of 20000 draws are left" in result.words
    np.testing.assert_allclose(with_errors(lik, {C9: 0.1}).covariance, covariance(0.1), rtol=1e-12)


def test_what_is_wrong_is_said(fit):
    with pytest.raises(db.InputError) as caught:
        db.fisher(fit, {"C9_bsmumu": 0.0, "foo": 1.0})
    assert "point.C10_bsmumu: is missing" in str(caught.value) and "unknown free parameter 'foo'" in str(caught.value)
    with pytest.raises(db.InputError) as caught:
        db.fisher(fit, {"C9_bsmumu": 0.0, "C10_bsmumu": 0.0}, with_error={"R_K": 0.1, C9: -1.0})
    assert "unknown measured number 'R_K'" in str(caught.value) and "-1.0 is no positive number" in str(caught.value)
