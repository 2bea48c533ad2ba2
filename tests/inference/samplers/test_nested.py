"""Nested sampling: evidence and posterior of densities whose integral is known, what it says where it cannot, and interrupted runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logsumexp
from jax.scipy.stats import logistic, norm

import darkbeauty as db
from darkbeauty.inference.checking.diagnostics import judge, summarise
from darkbeauty.inference.samplers.nautilus_run import NautilusRun
from darkbeauty.inference.samplers.nested import SAMPLER, evidence
from darkbeauty.inference.storage.checkpoint import Checkpoint, Journal
from darkbeauty.likelihoods.fit_schema import SamplerSection, TargetSection

NEVER = lambda *_: None


def over_cube(log_likelihood, size) -> Any:
    """The posterior of a likelihood of u, uniform in the cube, in coordinates q = ln[u/(1−u)]."""

    def log_density(q):
        return log_likelihood(1.0 / (1.0 + jnp.exp(-q))) + jnp.sum(logistic.logpdf(q))

    return SimpleNamespace(log_density=log_density, size=size, follows=False)


def sample(log_likelihood, size, journal=None, **settings):
    settings = SamplerSection(method="nested", **{"chains": 2, "draws": 500, "live": 200, **settings})
    return SAMPLER.draw(over_cube(log_likelihood, size), settings, 5, NEVER, journal or Journal())


def cube(draws):
    return 1.0 / (1.0 + np.exp(-draws.q))


# -- evidence and posterior -----------------------------------------------------------------------------------------------------------------


def test_a_gaussian_of_eight_dimensions():
    """Widths of a twentieth of the cube: the integral is 1, but for 1e-22."""
    drawn = sample(lambda u: jnp.sum(norm.logpdf(u, 0.5, 0.05)), 8, chains=1)
    assert drawn.evidence["log_evidence"] == pytest.approx(0.0, abs=0.1)
    assert drawn.evidence["log_evidence_error"] < 0.05
    assert drawn.ess >= 500.0
    u = cube(drawn)[0]
    assert np.allclose(u.mean(axis=0), 0.5, atol=0.01)
    assert np.allclose(u.std(axis=0), 0.05, rtol=0.15)


def test_two_modes_far_apart():
    """Shares of 0.3 and 0.7, forty widths between them, an integral of e³."""
    near, far = jnp.array([0.2, 0.3, 0.5]), jnp.array([0.75, 0.8, 0.4])

    def modes(u):
        parts = [jnp.log(s) + jnp.sum(norm.logpdf(u, c, 0.015)) for s, c in ((0.3, near), (0.7, far))]
        return 3.0 + logsumexp(jnp.stack(parts))

    drawn = sample(modes, 3)
    assert drawn.evidence["log_evidence"] == pytest.approx(3.0, abs=0.1)
    assert np.mean(cube(drawn)[..., 0] > 0.5) == pytest.approx(0.7, abs=0.06)
    verdict = judge(summarise({"x": cube(drawn)[..., 0]}), drawn, TargetSection())
    assert not [text for text in verdict.missed if not text.startswith("R̂")]
    assert len(drawn.evidence["log_evidence_runs"]) == 2


def test_a_funnel():
    """Neal's: v normal with width 3, two coordinates normal with width e^{v/2}, in a box that holds all but 3e-3 of it."""
    v_of, x_of = lambda u: -9.0 + 18.0 * u, lambda u: -60.0 + 120.0 * u

    def funnel(u):
        v = v_of(u[0])
        return (
            jnp.log(18.0 * 120.0**2)
            + norm.logpdf(v, 0.0, 3.0)
            + jnp.sum(norm.logpdf(x_of(u[1:]), 0.0, jnp.exp(v / 2.0)))
        )

    drawn = sample(funnel, 3, chains=1, live=500)
    grid = np.linspace(-9.0, 9.0, 20001)
    inside = norm.pdf(grid, 0.0, 3.0) * (1.0 - 2.0 * norm.cdf(-60.0 * np.exp(-grid / 2.0))) ** 2
    assert drawn.evidence["log_evidence"] == pytest.approx(float(np.log(np.trapezoid(inside, grid))), abs=0.1)
    v = v_of(cube(drawn)[..., 0])
    assert np.mean(v) == pytest.approx(0.0, abs=0.4)
    assert np.std(v) == pytest.approx(3.0, rel=0.12)


def test_one_parameter():
    drawn = sample(lambda u: norm.logpdf(u[0], 0.3, 0.01), 1, chains=1)
    assert drawn.q.shape == (1, 500, 1)
    assert drawn.evidence["log_evidence"] == pytest.approx(0.0, abs=0.1)
    assert np.mean(cube(drawn)) == pytest.approx(0.3, abs=0.002)


# -- what it says -----------------------------------------------------------------------------------------------------------------------------


def test_a_density_that_is_zero_in_most_places():
    """One part in a hundred of the cube has a likelihood, flat there: a plateau. The points without are kept, for their causes."""
    drawn = sample(lambda u: jnp.where(jnp.all(u < 0.1), 0.0, -jnp.inf), 2, chains=1, live=200)
    assert drawn.evidence["log_evidence"] == pytest.approx(np.log(0.01), abs=0.1)
    assert np.all(cube(drawn) < 0.1)
    assert drawn.attrs["without_likelihood"] > 0.9
    assert np.all(np.any(1.0 / (1.0 + np.exp(-drawn.failed)) >= 0.1, axis=-1))


def test_a_prior_without_any_likelihood(monkeypatch):
    monkeypatch.setattr("darkbeauty.inference.samplers.nautilus_run.BARREN", 2000)
    drawn = sample(lambda u: -jnp.inf * u[0], 2)
    assert drawn.evidence["log_evidence"] == -np.inf
    missed = judge(summarise({"x": cube(drawn)[..., 0]}), drawn, TargetSection()).missed
    assert any("points of the prior, of which 0 have a likelihood" in text for text in missed)
    assert any(text.startswith("ESS") for text in missed)


def test_the_error_is_the_larger_of_two():
    """Of four runs with as many effective points; of their spread."""
    assert evidence(np.zeros(4), np.full(4, 400.0)).error == pytest.approx(0.025)
    assert evidence(np.array([0.0, 0.2]), np.full(2, 1e6)).error == pytest.approx(0.1, rel=0.02)
    assert np.isnan(evidence(np.full(2, -np.inf), np.zeros(2)).error)


def test_a_mode_that_exploration_missed_is_a_surprise():
    """A narrow mode that appears when exploration is over, as one would that it did not meet: half of the integral afterwards."""
    seen = []

    def log_density(u):
        inside = np.all((u > 0.8) & (u < 0.9), axis=1) & bool(seen)
        return np.where(inside, 2.0 * np.log(10.0), norm.logpdf(u, 0.3, 0.02).sum(axis=1))

    run = NautilusRun(lambda u: np.asarray(log_density(u)), 2, 200, 1)
    while not run.done(500.0):
        run.advance(500.0)
        if run.explored:
            seen.append(True)
    assert run.surprise() > 0.2
    assert run.log_z == pytest.approx(np.log(2.0), abs=0.3)


# -- on disk --------------------------------------------------------------------------------------------------------------------------------


class StopAfter(Journal):
    """A journal that stops after a number of blocks."""

    def __init__(self, store, blocks):
        super().__init__(store)
        self.last = self.count + blocks

    @property
    def stop(self):
        return self.count >= self.last


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    """Stopped twice, in the first run and in the second."""
    density = lambda u: norm.logpdf(u[0], 0.5, 0.05) + norm.logpdf(u[1], 0.3, 0.1)
    whole = sample(density, 2, live=100, draws=100)
    for resume, blocks in ((False, 3), (True, 12)):
        part = sample(density, 2, StopAfter(Checkpoint(tmp_path / "run", {}, resume), blocks), live=100, draws=100)
        assert part.q.shape[1] == 0
        assert part.unfinished.startswith("interrupted after ") and "of 2, before the first draw" in part.unfinished
    again = sample(density, 2, Journal(Checkpoint(tmp_path / "run", {}, True)), live=100, draws=100)
    assert np.array_equal(again.q, whole.q)
    assert again.attrs == whole.attrs
    done = sample(density, 2, Journal(Checkpoint(tmp_path / "run", {}, True)), live=100, draws=100)
    assert np.array_equal(done.q, whole.q)


# -- a fit ----------------------------------------------------------------------------------------------------------------------------------


def test_a_fit_of_one_coefficient(tmp_path):
    """File, evidence and posterior against the likelihood on a grid; resumed when it is done, it is the same."""
    fit = db.Fit(
        model="wet",
        priors={"C10_bsmumu": db.Uniform(-2.0, 2.0)},
        terms=["BR(Bs->mumu)"],
        sampler={"method": "nested", "chains": 2, "draws": 500, "live": 200},
    )
    data = db.run_fit(fit, tmp_path / "out")
    assert (tmp_path / "out" / "posterior.nc").exists()
    lik, grid = fit.likelihood(), np.linspace(-2.0, 2.0, 21)
    values = [float(lik.log_prob_of(lik.predictions({"C10_bsmumu": x}))) for x in grid]
    fine = np.linspace(-2.0, 2.0, 2001)
    density = np.exp(np.polynomial.Polynomial.fit(grid, values, 8)(fine)) / 4.0
    z = np.trapezoid(density, fine)
    mean = np.trapezoid(density * fine, fine) / z
    sd = np.sqrt(np.trapezoid(density * (fine - mean) ** 2, fine) / z)
    draws, attrs = np.asarray(data["posterior"]["C10_bsmumu"]), data["posterior"].attrs
    assert draws.shape == (2, 500)
    assert np.mean(draws) == pytest.approx(mean, abs=0.15 * sd)
    assert np.std(draws) == pytest.approx(sd, rel=0.1)
    assert attrs["log_evidence"] == pytest.approx(np.log(z), abs=0.1)
    assert (attrs["method"], attrs["converged"]) == ("nested", 1)
    again = db.run_fit(fit, tmp_path / "out", resume=True)
    assert np.array_equal(np.asarray(again["posterior"]["C10_bsmumu"]), draws)
