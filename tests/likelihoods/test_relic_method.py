"""`[likelihood] relic`: which relic density the term Omega_h2 takes."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import darkbeauty as db

A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
MODEL = "lmu_ltau_s1"
PRIORS = {"g": db.Uniform(1e-4, 1e-2)}
REST = {name: value for name, value in A_I.items() if name != "g"}


def fit(**choices) -> db.Fit:
    return db.Fit(model=MODEL, priors=PRIORS, fixed=REST, **{"terms": ["Omega_h2"], **choices})


@pytest.mark.parametrize(
    ("method", "omega"), [("freeze_out", 0.41130), ("boltzmann", 0.361411), ("kinetic", 3.6272), ("phase_space", 5.94)]
)
def test_term_takes_the_method(method, omega):
    """The Gaussian of that Ωh² around 0.12 with 0.001 and 10 % in quadrature."""
    sigma = np.hypot(0.001, 0.012)
    value = jax.jit(fit(relic=method).likelihood().log_prob)(A_I)
    expected = -0.5 * ((omega - 0.12) / sigma) ** 2
    assert float(value) - expected == pytest.approx(
        -np.log(sigma * np.sqrt(2.0 * np.pi)), rel=0.0, abs=4e-3 * abs(expected)
    )
    assert db.likelihood(MODEL, None, terms=["Omega_h2"], relic=method).requests[0].label.startswith("Omega_h2")


def test_presets_keep_freeze_out():
    for preset in ("paper", "quick", "global"):
        labels = [request.label for request in db.likelihood(MODEL, preset).requests]
        assert "Omega_h2" in labels and "Omega_h2(kinetic)" not in labels


def test_written_and_read_again(tmp_path):
    (tmp_path / "fit.toml").write_text(fit(relic="kinetic").text)
    assert db.load_fit(tmp_path / "fit.toml").relic == "kinetic"
    assert "relic" not in fit().text


def test_refused():
    with pytest.raises(db.InputError, match=r"likelihood.relic"):
        fit(relic="exact")
    with pytest.raises(db.InputError, match=r"likelihood.relic.*not among the terms"):
        fit(terms=["R_K"], relic="kinetic")
    with pytest.raises(db.InputError, match=r"likelihood.relic"):
        db.likelihood(MODEL, "global", relic="exact")
