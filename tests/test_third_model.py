"""The model of examples/third_model.py: written by nobody of the house, and yet everything works that it has sectors for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import arviz as az
import jax
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.models.base import sectors_of
from darkbeauty.observables import REGISTRY

spec = importlib.util.spec_from_file_location(
    "third_model", Path(__file__).resolve().parents[1] / "examples" / "third_model.py"
)
third_model = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = third_model
spec.loader.exec_module(third_model)
MODEL, POINT = third_model.BMinusL(), third_model.POINT


def test_its_sectors():
    assert sectors_of(MODEL).sectors == ("wilson", "z_prime", "dark_matter")


def test_what_it_predicts_and_what_not():
    """Every observable that needs no other sector, and words for the others."""
    names, missing = third_model.observables()
    able = {o.name for o in REGISTRY if o.of != ("wilson",) and set(o.of) <= {"wilson", "z_prime", "dark_matter"}}
    plain = {name.split("[")[0].replace("(x=20)", "") for name in names}
    assert plain == {name.split("[")[0] for name in able}
    assert missing["V_sb"] == "model 'b_minus_l' has no leptoquark"
    assert missing["sigma_SI(p)"] == "model 'b_minus_l' has no scalars H1 and H2"
    with pytest.raises(db.InputError, match="has no leptoquark"):
        db.predict(MODEL, POINT, ["Gamma_Zp", "V_sb"])


def test_everything_it_predicts_can_be_evaluated_with_slopes():
    """Also where no Wilson coefficient is shifted. Traced, not compiled, which would take minutes."""
    names, _ = third_model.observables()
    function = db.predictor(MODEL, names)
    values, slopes = jax.eval_shape(lambda point: jax.jvp(function, (point,), (point,)), POINT)
    assert values.shape == slopes.shape == (len(names),)


def test_missing_energy_is_the_standard_models():
    """The Z′ couples to quarks of all generations alike: B → Kνν̄ is that of no new physics at all."""
    ours = db.predict(MODEL, POINT, ["BR(B+->Knunu)"])["BR(B+->Knunu)"]
    assert ours == pytest.approx(db.predict("wet", {}, ["BR(B+->Knunu)"])["BR(B+->Knunu)"], rel=1e-12)


def test_widths_are_textbook():
    """Γ(f f̄) = N_c Q² g² m/12π for massless fermions; a Majorana axial coupling gives m g² β³/24π, three left-handed neutrinos 3 g² m/24π."""
    finals = ["ee", "nunu", "NN", "inv"]
    values = db.predict(MODEL, POINT, ["Gamma_Zp", *(f"BR(Zp->{final})" for final in finals)])
    g, m, m_dm = (POINT[name] for name in ("g", "m_zp", "m_dm"))
    unit, beta = g**2 * m / (12.0 * np.pi), np.sqrt(1.0 - 4.0 * (m_dm / m) ** 2)
    expected = {"ee": unit, "nunu": 1.5 * unit, "NN": 0.5 * beta**3 * unit}
    expected["inv"] = expected["nunu"] + expected["NN"]
    for final in finals:
        assert values["Gamma_Zp"] * values[f"BR(Zp->{final})"] == pytest.approx(expected[final], rel=1e-6)
    quarks = 5.0 / 3.0 * unit  # the top is closed
    assert values["Gamma_Zp"] == pytest.approx(3.0 * unit + quarks + expected["inv"], rel=1e-3)


def test_annihilation_below_a_heavy_mediator():
    """σv = g⁴ (Σ N_c Q²) ⟨v²⟩ m²/(12π·…)/m_Z′⁴: p-wave and ∝ g⁴/m_Z′⁴."""
    sigma = jax.jit(jax.vmap(lambda g, m: db.predictor(MODEL, ["sigmav(x=20)"])({"g": g, "m_zp": m, "m_dm": 20.0})[0]))
    low, strong, heavy = sigma(np.array([0.1, 0.2, 0.1]), np.array([3000.0, 3000.0, 6000.0]))
    assert strong / low == pytest.approx(16.0, rel=1e-3)
    assert heavy / low == pytest.approx(1.0 / 16.0, rel=1e-3)


def test_g_minus_2_of_a_heavy_vector():
    value = db.predict(MODEL, POINT, ["a_mu(NP)"])["a_mu(NP)"]
    expected = POINT["g"] ** 2 * (0.1056583755 / POINT["m_zp"]) ** 2 / (12.0 * np.pi**2)
    assert value == pytest.approx(expected, rel=1e-4)


def test_conditions_are_told():
    with pytest.raises(db.InputError, match="N N → Z′Z′, which is left out here, opens"):
        db.predict(MODEL, POINT | {"m_dm": 400.0}, ["Gamma_Zp"])


def test_gradients_are_differences():
    names = ["Gamma_Zp", "BR(Zp->mumu)", "a_mu(NP)", "Omega_h2"]
    slopes = db.gradient(MODEL, POINT, names)
    for name in POINT:
        step = 1e-5 * POINT[name]
        up, down = (db.predict(MODEL, POINT | {name: POINT[name] + s}, names) for s in (step, -step))
        for label in names:
            numeric = (up[label] - down[label]) / (2.0 * step)
            assert slopes[label][name] == pytest.approx(numeric, rel=2e-4, abs=1e-9 * abs(up[label] / POINT[name]))


def test_its_fit_is_valid():
    """A model object in a fit: priors inside of its domain, terms that it predicts, a likelihood with a value and a slope."""
    fit = third_model.fit()
    assert fit.parameters == ("g", "m_zp", "m_dm") and fit.terms == ("Omega_h2", "trident CCFR", "a_mu")
    value, slope = jax.jit(jax.value_and_grad(fit.likelihood().log_prob))(POINT)
    assert np.isfinite(value) and all(np.isfinite(x) and x != 0.0 for x in slope.values())


@pytest.mark.slow
@pytest.mark.optimised
def test_its_fit_converges():
    """R̂, effective sample size, divergences and trees, each read off the draws; the relic density is met and the Z′ is above the resonance."""
    data = db.run_fit(third_model.fit())
    assert data.attrs["converged"], data.attrs["missed_targets"]
    for name in POINT:
        values = data.posterior[name].values
        assert float(az.rhat(values)) <= 1.01
        assert float(az.ess(values)) >= 400.0
        assert float(az.ess(values, method="tail", prob=(0.05, 0.95))) >= 400.0
    assert float(data.sample_stats["diverging"].mean()) <= 0.005
    assert float((data.sample_stats["n_steps"] >= 2**8 - 1).mean()) <= 0.1
    predicted = data.predictions["prediction"].sel(observable="Omega_h2")
    assert float(predicted.mean()) == pytest.approx(0.12, abs=0.006)
    assert float((data.posterior["m_zp"] / (2.0 * data.posterior["m_dm"])).min()) > 1.0
