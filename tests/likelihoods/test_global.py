"""The global likelihoods at vanishing couplings: the sum of parts that are computed apart."""

import jax
import numpy as np
import pytest
from scipy import stats

import darkbeauty as db
from darkbeauty.likelihoods.terms import PRESETS, TERMS

pytestmark = pytest.mark.slow

POINTS = {
    "lmu_ltau_s1": {"y": 1e-7, "g": 1e-7, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0},
    "le_lmu_r2": {"y": 1e-7, "g": 1e-7, "m_zp": 671.0, "m_dm": 286.0},
}
FLAVOUR = PRESETS["wet", "global"]


@pytest.fixture(scope="module")
def standard_model():
    """log L of the flavour terms with all Wilson coefficients zero, from the model without particles."""
    lik = db.likelihood("wet", "global")
    return float(jax.jit(lambda lik: lik.log_prob({}))(lik))


@pytest.mark.parametrize("model", POINTS)
def test_no_couplings_is_the_standard_model(model, standard_model):
    """Flavour as in `wet`; everything else from its own prediction and scipy's normal distribution; Ωh² aside, which has no limit."""
    lik = db.likelihood(model, "global", drop=["Omega_h2"])
    point = POINTS[model]
    total = float(jax.jit(lambda lik: lik.log_prob(point))(lik))
    apart, chi_squared = standard_model, {}
    others = [name for name in PRESETS[model, "global"] if name not in (*FLAVOUR, "Omega_h2")]
    labels = [label for name in others for label in TERMS[name].observables]
    predicted = db.predict(model, point, labels)
    for name in others:
        data = TERMS[name].data()
        residual = np.array([predicted[label] for label in TERMS[name].observables]) - data.values
        apart += stats.multivariate_normal.logpdf(residual, cov=data.covariance)
        chi_squared[name] = float(residual @ np.linalg.solve(data.covariance, residual))
    print(f"{model}: {len(lik.terms)} terms, {len(lik.values)} numbers, log L = {total:.4f}; χ²: {chi_squared}")
    assert total == pytest.approx(apart, abs=2e-3)
    limits = [name for name in others if name.startswith("limit") and "LQ" not in name]
    assert all(chi_squared[name] < 1e-6 for name in limits)


def test_every_global_fit_is_looked_at():
    assert set(POINTS) == {model for model, preset in PRESETS if preset == "global"} - {"wet"}


def test_everything_has_a_form_for_a_gpu():
    """The gradient lowers for CUDA, on a machine without it: no call into a library of the CPU, none back into Python."""
    lik = db.likelihood("lmu_ltau_s1", "global")
    gradient = jax.jit(jax.value_and_grad(lik.log_prob))
    text = gradient.trace(POINTS["lmu_ltau_s1"]).lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.exponential" in text and "custom_call" not in text
