"""The term b->smumu: Standard-Model predictions against flavio, every observable, and what the data say about the Standard Model and C₉."""

from __future__ import annotations

import json
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db

FLAVIO = json.loads((Path(__file__).parents[1] / "reference" / "smumu_sm.json").read_text("utf-8"))["observables"]


@pytest.fixture(scope="module")
def fit():
    """The likelihood, and its compiled predictions as a function of C₉."""
    likelihood = db.likelihood("wet", None, terms=["b->smumu"])
    predict = eqx.filter_jit(lambda lik, c9: lik.predictions({"C9_bsmumu": c9}))
    return likelihood, lambda c9: np.asarray(predict(likelihood, jnp.asarray(c9)))


def chi2(likelihood, predictions) -> float:
    residual = predictions - likelihood.values
    return float(residual @ np.linalg.solve(likelihood.covariance, residual))


@pytest.mark.slow
def test_the_standard_model_agrees_with_flavio(fit):
    likelihood, predict = fit
    labels = [request.label for request in likelihood.requests]
    assert set(labels) == set(FLAVIO)
    expected, found = np.array([FLAVIO[label] for label in labels]), predict(0.0)
    rates = np.array(["dBR" in label for label in labels])
    np.testing.assert_allclose(found[rates], expected[rates], rtol=1e-3)
    np.testing.assert_allclose(found[~rates], expected[~rates], atol=2e-4)
    assert abs(chi2(likelihood, found) - chi2(likelihood, expected)) < 0.1


@pytest.mark.slow
def test_the_data_disfavour_the_standard_model_and_want_a_negative_c9(fit):
    """As in every global fit, e.g. arXiv:2212.10497, arXiv:2304.07330: C₉ between −1.3 and −0.5, at more than four standard deviations."""
    likelihood, predict = fit
    values = {c9: chi2(likelihood, predict(c9)) for c9 in (-1.5, -0.9, 0.0, 0.5)}
    assert values[0.0] > len(likelihood.values) + 3.0 * np.sqrt(2.0 * len(likelihood.values))
    assert values[-0.9] < values[0.0] - 16.0
    assert values[-0.9] < values[-1.5] and values[0.0] < values[0.5]


@pytest.mark.slow
def test_the_theory_covariance_is_joint(fit):
    """Common form factors and CKM factors correlate bins and modes; the charm-loop nuisances of B⁺ and B⁰ are 99 % correlated, as in flavio."""
    likelihood, _ = fit
    theory = likelihood.covariance - likelihood.terms[0].data().covariance
    sigma = np.sqrt(np.diag(theory))
    correlation = theory / np.outer(sigma, sigma)
    labels = [request.label for request in likelihood.requests]
    at = lambda label: labels.index(label)
    assert correlation[at("<dBR/dq2>(B+->Kmumu)[2,3]"), at("<dBR/dq2>(B+->Kmumu)[4,5]")] > 0.95
    assert correlation[at("<dBR/dq2>(B+->Kmumu)[2,3]"), at("<dBR/dq2>(B0->Kmumu)[2,4]")] > 0.6
    assert np.linalg.eigvalsh(correlation).min() > -1e-9
