"""Every block of docs/other_packages.md runs, and what it finds is the posterior that a grid has."""

from __future__ import annotations

import os
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "other_packages.md").read_text(encoding="utf-8")
FIRST, *BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
BY_PACKAGE = {re.search(r"^(?:import|from) (\w+)", block, flags=re.MULTILINE)[1]: block for block in BLOCKS}


@pytest.fixture(scope="module")
def prepared():
    names: dict = {}
    exec(FIRST, names)
    return names


@pytest.fixture(scope="module")
def grid(prepared):
    """Mean and standard deviation of both parameters and ln Z, by a dense grid."""
    axis = np.linspace(-3, 3, 241)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    log_l = prepared["lik"].log_likelihood(points)
    cell = (axis[1] - axis[0]) ** 2 / 36.0
    weight = np.exp(log_l - log_l.max())
    mean = np.einsum("xy,xyi->i", weight, points) / weight.sum()
    spread = np.sqrt(np.einsum("xy,xyi->i", weight, (points - mean) ** 2) / weight.sum())
    return mean, spread, float(log_l.max() + np.log(weight.sum() * cell))


def run(package: str, prepared: dict, **more) -> dict:
    pytest.importorskip(package)
    names = {**prepared, **more}
    exec(BY_PACKAGE[package], names)
    return names


@pytest.mark.parametrize("package", ["emcee", "dynesty", "blackjax"])
def test_draws_are_those_of_the_grid(package, prepared, grid):
    mean, spread, _ = grid
    draws = run(package, prepared)["draws"]
    np.testing.assert_allclose((draws.mean(axis=0) - mean) / spread, 0.0, atol=0.35)
    np.testing.assert_allclose(draws.std(axis=0), spread, rtol=0.35)


@pytest.mark.parametrize("package", ["dynesty", "nautilus", "ultranest"])
def test_evidence_is_that_of_the_grid(package, prepared, grid):
    assert run(package, prepared)["log_z"] == pytest.approx(grid[2], abs=0.6)


def test_numpyro_has_it_beside_its_own(prepared, grid):
    draws = run("numpyro", prepared)["draws"]
    spread = np.hypot(grid[1], 0.1)  # the bias is added to each
    np.testing.assert_allclose((draws.mean(axis=0) - grid[0]) / spread, 0.0, atol=0.5)
    np.testing.assert_allclose(draws.std(axis=0), spread, rtol=0.35)


def test_minimisers_agree(prepared, grid):
    best = run("scipy", prepared)
    np.testing.assert_allclose(best["best"].x, run("optax", prepared)["optimum"], atol=5e-3)
    np.testing.assert_allclose(np.sqrt(np.diag(best["covariance"])), grid[1], rtol=0.1)
    minuit = run("iminuit", prepared)["minuit"]
    assert minuit.valid and minuit.merrors["C9_bsmumu"].is_valid
    np.testing.assert_allclose(minuit.values, best["best"].x, atol=5e-3)
    np.testing.assert_allclose(minuit.errors, np.sqrt(np.diag(best["covariance"])), rtol=0.02)


@pytest.mark.parametrize("package", ["getdist", "corner", "arviz", "pandas"])
def test_draws_go_into_other_packages(package, prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(1).normal([-0.8, 0.2], 0.2, (500, 2))
    names = run(package, prepared, draws=draws)
    if package == "pandas":
        again = names["pd"].read_parquet("draws.parquet")
        assert list(again) == ["C9_bsmumu", "C10_bsmumu"] and os.listdir() == ["draws.parquet"]
    if package == "getdist":
        np.testing.assert_allclose(names["samples"].getMeans(), draws.mean(axis=0))
    if package == "arviz":
        np.testing.assert_allclose(names["data"].posterior["C9_bsmumu"].values[0], draws[:, 0])


def test_as_it_is_given_so_it_comes_back(prepared):
    lik, x = prepared["lik"], np.array([-0.5, 0.3])
    assert isinstance(lik.log_prob(x), float) and isinstance(lik.log_prob(x[None]), np.ndarray)
    assert isinstance(lik.log_prob(jnp.asarray(x)), jax.Array)
    assert lik.log_prob(x) == pytest.approx(lik.log_likelihood(x) + lik.log_prior(x), rel=1e-14)
    assert lik.log_prior(x) == pytest.approx(-2.0 * np.log(6.0))
    assert lik.log_prob(np.array([-4.0, 0.0])) == -np.inf and np.all(lik.gradient(np.array([-4.0, 0.0])) == 0.0)
    np.testing.assert_allclose(lik.prior_transform([[0.5, 0.25], [0.0, 1.0]]), [[0.0, -1.5], [-3.0, 3.0]])
    params = dict(zip(lik.names, x))
    np.testing.assert_allclose(lik.hessian(x), lik.likelihood.hessian(params), rtol=1e-9)
    step = 1e-5 * np.eye(2)
    slope = (lik.log_prob(x + step) - lik.log_prob(x - step)) / 2e-5
    np.testing.assert_allclose(lik.gradient(x), slope, rtol=1e-6)


def test_sampled_nuisances_are_refused():
    fit = db.Fit(model="wet", priors={"C9_bsmumu": db.Uniform(-3, 3)}, terms=["R_K", "R_K*"], theory="sampled")
    with pytest.raises(db.InputError, match="no entries of θ"):
        db.density(fit)
