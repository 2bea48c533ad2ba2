"""`[likelihood] relic`: which relic density the term Omega_h2 takes."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import darkbeauty as db

A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0, "m_lq": 1e5}
"""With a leptoquark so heavy that scattering is on leptons alone, as for the check values."""
MODEL = "lmu_ltau_s1"
PRIORS = {"g": db.Uniform(1e-4, 1e-2)}
REST = {name: value for name, value in A_I.items() if name != "g"}


def fit(**choices) -> db.Fit:
    return db.Fit(model=MODEL, priors=PRIORS, fixed=REST, **{"terms": ["Omega_h2"], **choices})


@pytest.mark.parametrize(("method", "omega"), [("freeze_out", 0.41130), ("boltzmann", 0.361411), ("phase_space", 5.94)])
def test_term_takes_the_method(method, omega):
    """The Gaussian of that Ωh² around 0.12 with 0.001 and 10 % in quadrature."""
    sigma = np.hypot(0.001, 0.012)
    value = jax.jit(fit(relic=method).likelihood().log_prob)(A_I)
    expected = -0.5 * ((omega - 0.12) / sigma) ** 2
    assert float(value) - expected == pytest.approx(
        -np.log(sigma * np.sqrt(2.0 * np.pi)), rel=0.0, abs=4e-3 * abs(expected)
    )
    assert db.likelihood(MODEL, None, terms=["Omega_h2"], relic=method).requests[0].label.startswith("Omega_h2")


def test_kinetic_decoupling_brings_its_error():
    """Gaussian in ln Ωh², with half the distance of Ωh² for γ/2 and 2γ in quadrature with 10 % (check values of the median)."""
    lik = db.likelihood(MODEL, None, terms=["Omega_h2", "R_K"], relic="kinetic")
    median = {"y": 0.326, "g": 0.00168, "m_zp": 3.69, "m_dm": 1.62, "chi": 0.0}
    values = np.asarray(jax.jit(lik.predictions)(median))
    row = next(row for row in lik.report(values) if row.term == "Omega_h2")
    sigma = np.sqrt((0.001 / 0.12) ** 2 + 0.1**2 + (0.5 * (2.31 - 1.09) / 1.7504) ** 2)
    assert (row.prediction, row.measured) == (pytest.approx(1.7504, rel=3e-3), pytest.approx(0.12))
    assert row.sigma == pytest.approx(0.12 * sigma, rel=0.01)
    assert row.pull == pytest.approx(np.log(1.7504 / 0.12) / sigma, rel=0.01)
    expected = -0.5 * row.pull**2 - np.log(row.sigma * np.sqrt(2.0 * np.pi))
    assert row.log_prob == pytest.approx(expected, rel=1e-6)
    assert set(lik.as_measured().values()) == {0.12, 0.0}
    assert np.isfinite(float(lik.log_prob_of(np.where(np.isfinite(values), values, 0.0))))


@pytest.mark.parametrize(("preset", "method"), [("paper", ""), ("quick", "(kinetic)"), ("global", "(kinetic)")])
def test_the_slides_keep_freeze_out(preset, method):
    labels = [request.label for request in db.likelihood(MODEL, preset).requests]
    assert [label for label in labels if label.startswith("Omega_h2(") or label == "Omega_h2"] == [f"Omega_h2{method}"]


def test_what_a_fit_takes_where_it_does_not_say():
    """Kinetic decoupling, whether its terms are chosen by preset or by name; nothing to choose where there is no relic density."""
    assert fit().relic == "kinetic"
    assert [fit(terms=None, preset=preset).relic for preset in ("paper", "quick")] == ["freeze_out", "kinetic"]
    assert fit(terms=["R_K"]).relic == "freeze_out" and "relic" not in fit(terms=["R_K"]).text


@pytest.mark.parametrize("choice", [{}, {"relic": "freeze_out"}, {"terms": None, "preset": "paper"}])
def test_written_and_read_again(tmp_path, choice):
    """The preset is not in the text: the method is."""
    (tmp_path / "fit.toml").write_text(fit(**choice).text)
    assert db.load_fit(tmp_path / "fit.toml").relic == fit(**choice).relic


def test_refused():
    with pytest.raises(db.InputError, match=r"likelihood.relic"):
        fit(relic="exact")
    with pytest.raises(db.InputError, match=r"likelihood.relic.*not among the terms"):
        fit(terms=["R_K"], relic="kinetic")
    with pytest.raises(db.InputError, match=r"likelihood.relic"):
        db.likelihood(MODEL, "global", relic="exact")
