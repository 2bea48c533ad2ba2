"""Best fit and Laplace evidence with a Gaussian prior, against a grid; a resumed run of another size."""

from __future__ import annotations

import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inference.fitting.profile import profile
from darkbeauty.likelihoods.fit_file import parse_fit

FIT = """
name = "toy"
model = "wet"
[priors]
C10_bsmumu = { kind = "normal", mean = 1.0, sigma = 0.2 }
[likelihood]
terms = ["BR(Bs->mumu)"]
[sampler]
method = "smc"
chains = 2
draws = 50
"""


@pytest.fixture(scope="module")
def fit():
    return parse_fit(FIT, "toy.toml")


def test_a_gaussian_prior_counts_as_a_measurement(fit):
    """One parameter, correlated by nothing: posterior mode, its curvature and ln Z from a fine grid."""
    lik, values = fit.likelihood(), np.linspace(-0.5, 2.0, 501)
    log_l = np.array([lik.log_prob_of(lik.predictions({"C10_bsmumu": x})) for x in values[::10]])
    fine = np.polynomial.Polynomial.fit(values[::10], log_l, 8)(values)
    log_f = fine - 0.5 * ((values - 1.0) / 0.2) ** 2 - np.log(0.2 * np.sqrt(2.0 * np.pi))
    found = db.optimise(fit)
    assert found.parameters["C10_bsmumu"] == pytest.approx(values[np.argmax(log_f)], abs=0.01)
    weight = np.exp(log_f - log_f.max())
    log_z = log_f.max() + np.log(weight.sum() * (values[1] - values[0]))
    assert found.log_evidence_laplace == pytest.approx(log_z, abs=0.1)
    assert profile(fit, ["C10_bsmumu"], 9).best == pytest.approx(found.parameters, abs=0.005)


def test_a_run_of_particles_is_not_resumed_with_another_number(fit, tmp_path):
    db.run_fit(fit, tmp_path / "run")
    with pytest.raises(InputError, match="particles"):
        db.run_fit(fit, tmp_path / "run", draws=60, resume=True)
