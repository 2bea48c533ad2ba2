"""Coordinates that are wide at the resonance: exact, whatever the priors, and made where a model says where it is resonant."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.inference.coordinates import BoxCoordinates, box_of
from darkbeauty.inference.posterior import in_box
from darkbeauty.inference.resonance import DELTA, ResonanceCoordinates, resonance_coordinates, stretch
from darkbeauty.inference.run import coordinates_of
from darkbeauty.inference.samplers.table import SAMPLERS
from darkbeauty.likelihoods.fit_schema import SamplerSection

PRIORS = {
    "g": db.LogUniform(1e-4, 1e-2),
    "m_zp": db.Uniform(1.0, 6.0),
    "m_dm": db.Uniform(0.1, 2.5),
}


def fit(**changes):
    given = {"model": "lmu_ltau_s1", "priors": PRIORS, "fixed": {"y": 0.3}, "terms": ["Omega_h2"]} | changes
    return db.Fit(**given)


def coordinates(**changes):
    asked = fit(**changes)
    return resonance_coordinates(asked, asked.likelihood())


CASES = {
    "both free": {},
    "logarithmic": {"priors": PRIORS | {"m_dm": db.LogUniform(0.1, 2.5)}},
    "mediator fixed": {"priors": {n: PRIORS[n] for n in ("g", "m_dm")}, "fixed": {"y": 0.3, "m_zp": 3.0}},
    "dark matter fixed": {"priors": {n: PRIORS[n] for n in ("g", "m_zp")}, "fixed": {"y": 0.3, "m_dm": 1.2}},
    "resonance outside": {"priors": PRIORS | {"m_dm": db.Uniform(0.1, 0.4)}},
}


@pytest.mark.parametrize("case", CASES)
def test_the_density_is_prior_times_jacobian(case):
    made = coordinates(**CASES[case])
    assert isinstance(made, ResonanceCoordinates)
    priors = dict(zip(made.names, made.box.priors))
    stacked = lambda q: jnp.stack([made.to_parameters(q)[0][name] for name in made.names])
    for q in np.random.default_rng(3).logistic(size=(10, len(made.names))):
        values, log_density = made.to_parameters(jnp.asarray(q))
        log_prior = sum(float(priors[name].log_density(values[name])) for name in made.names)
        log_jacobian = float(jnp.linalg.slogdet(jax.jacfwd(stacked)(jnp.asarray(q)))[1])
        assert float(log_density) == pytest.approx(log_prior + log_jacobian, abs=1e-7)


def test_the_fraction_near_the_resonance():
    """Within δ of it t is asinh 1 long, on either side; all of it as long as both ends are away."""
    u = jnp.linspace(0.0, 1.0, 100_001)
    v, log_slope = stretch(u, jnp.asarray(0.3))
    assert float(v[0]) == pytest.approx(0.0, abs=1e-12) and float(v[-1]) == pytest.approx(1.0, abs=1e-12)
    assert np.all(np.diff(v) > 0.0)
    assert np.mean(np.abs(v - 0.3) < DELTA) == pytest.approx(
        2.0 * np.arcsinh(1.0) / (np.arcsinh(0.3 / DELTA) + np.arcsinh(0.7 / DELTA)), abs=1e-4
    )
    assert np.trapezoid(np.exp(log_slope), u) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("centre", [0.0, 1.0])
def test_a_resonance_at_the_end_of_the_prior(centre):
    v, log_slope = stretch(jnp.linspace(0.0, 1.0, 1001), jnp.asarray(centre))
    assert np.all((v >= 0.0) & (v <= 1.0)) and np.all(np.isfinite(log_slope))


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": ["DeltaM_s"]},
        {"priors": {"g": PRIORS["g"]}, "fixed": {"y": 0.3, "m_zp": 3.0, "m_dm": 1.2}},
    ],
    ids=["no relic density", "masses fixed"],
)
def test_the_box_where_nothing_is_resonant(changes):
    assert isinstance(coordinates(**changes), BoxCoordinates)


def test_the_box_of_a_model_that_does_not_say():
    asked = db.Fit(model="wet", priors={"C10_bsmumu": db.Uniform(-1.0, 1.0)}, terms=["BR(Bs->mumu)"])
    assert resonance_coordinates(asked, asked.likelihood()) == box_of(asked.priors)


@pytest.mark.parametrize(("asked", "made"), [("auto", in_box), ("box", in_box), ("resonance", resonance_coordinates)])
def test_nested_sampling_takes_them_where_a_fit_asks(asked, made):
    assert coordinates_of(SamplerSection(coordinates=asked), SAMPLERS["nested"]) is made
