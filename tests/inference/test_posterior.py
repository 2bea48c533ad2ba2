"""The demonstration by NUTS, against a direct integration that shares nothing with its coordinates or its sampler."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import arviz as az
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.interpolate import CubicSpline
from scipy.stats import qmc
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.dark.freeze_out import freeze_out
from darkbeauty.evaluation import evaluate
from darkbeauty.inference.relic_map.coordinates import RelicCoordinates, relic_coordinates
from darkbeauty.inference.samplers.table import SAMPLERS
from darkbeauty.likelihoods import Fit, Likelihood

pytestmark = [pytest.mark.slow, pytest.mark.optimised]

FIT = Path(__file__).parents[2] / "fits" / "lmu_ltau_s1_quick_nuts.toml"
WINDOW = (0.97, 1.32)
"""m_zp/2m_dm outside which Ωh² is more than eight errors too large over the whole prior box (asserted below)."""
MASSES, LINE = 2**12, 16
CLIFF = 6.0**0.5
"""m_zp below which the Z′ pole sits in a bin of R_K: a small mode of its own."""


class Finished(NamedTuple):
    """What the command line leaves behind, the coordinates it sampled in, and the fit and likelihood it came from."""

    output: str
    folder: Path
    coordinates: Any
    fit: Fit
    likelihood: Likelihood
    data: Any


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder, used = tmp_path_factory.mktemp("run"), []
    remember = lambda fit, lik: used.append(relic_coordinates(fit, lik)) or used[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SAMPLERS, "nuts", replace(SAMPLERS["nuts"], coordinates=remember))
        result = CliRunner().invoke(cli.app, ["fit", str(FIT), "--out", str(folder)])
    assert result.exit_code == 0, result.output
    fit = db.load_fit(FIT)
    data = az.from_netcdf(str(folder / "posterior.nc"))
    return Finished(result.output, folder, used[0], fit, fit.likelihood(), data)


def test_it_converges_and_says_so_first(run):
    assert "lmu_ltau_s1_quick_nuts: converged" in run.output
    draws = {name: np.asarray(run.data["posterior"][name]) for name in run.fit.parameters}
    for name, values in draws.items():
        assert az.rhat(values) <= 1.01, name
        assert min(az.ess(values, method="bulk"), az.ess(values, method="tail", prob=(0.05, 0.95))) >= 400.0, name
    assert np.mean(np.asarray(run.data["sample_stats"]["diverging"])) <= 0.005


def test_the_folder_holds_draws_statistics_provenance_and_pictures(run):
    posterior, stats = run.data["posterior"], run.data["sample_stats"]
    assert set(posterior.data_vars) == {"y", "g", "m_zp", "m_dm"}
    assert {"diverging", "lp", "energy", "n_steps", "acceptance_rate"} <= set(stats.data_vars)
    attrs = posterior.attrs
    assert attrs["fit_file"] == FIT.read_text(encoding="utf-8")
    assert int(attrs["seed"]) == 20261122
    assert len(attrs["input_sha256"]) == 64
    assert "version_jax" in attrs
    for picture in ("corner.png", "predictions.png"):
        assert (run.folder / picture).read_bytes().startswith(b"\x89PNG")


def test_jacobian_of_the_relic_coordinates(run):
    coordinates = run.coordinates
    assert isinstance(coordinates, RelicCoordinates)

    @jax.jit
    def both(q):
        stacked = lambda x: jnp.stack([coordinates.to_parameters(x)[0][name] for name in run.fit.parameters])
        return *coordinates.to_parameters(q), jnp.linalg.slogdet(jax.jacfwd(stacked)(q))[1]

    for q in np.random.default_rng(3).logistic(size=(20, 4)):
        values, log_density, log_jacobian = both(jnp.asarray(q))
        prior = sum(float(p.log_density(values[name])) for name, p in run.fit.priors.items())
        assert float(log_density) == pytest.approx(prior + float(log_jacobian), rel=1e-8, abs=1e-8)


def test_marginals_agree_with_direct_integration(run):
    values, weights = direct_integration(run)
    assert weights.sum() ** 2 / np.sum(weights**2) > 2000.0
    for name, column in values.items():
        order = np.argsort(column)
        cumulative = np.cumsum(weights[order]) / weights.sum()
        draws = np.sort(np.asarray(run.data["posterior"][name]).ravel())
        sampled = np.searchsorted(draws, column[order], side="right") / draws.size
        assert np.max(np.abs(sampled - cumulative)) < 0.05, name
    below = np.sum(weights[values["m_zp"] < CLIFF]) / weights.sum()
    assert np.mean(np.asarray(run.data["posterior"]["m_zp"]) < CLIFF) == pytest.approx(below, abs=0.02)


def direct_integration(run):
    """Weighted points of the posterior without any of the sampler's coordinates.

    Quasi-random (m_zp, m_dm) of the prior in the window; at each, ln Ωh² on a line of ln g, from which the integral over g is taken and one g is
    drawn; for each of these, a stratified line of y from its prior, weighted by the other terms.
    """
    fit, lik = run.fit, run.likelihood
    u = qmc.Sobol(4, seed=5).random(MASSES)
    m_zp = np.asarray(fit.priors["m_zp"].quantile(u[:, 0]))
    low, high = (np.clip(m_zp / (2.0 * r), *fit.priors["m_dm"].bounds) for r in WINDOW[::-1])
    m_dm = low + u[:, 1] * (high - low)
    nodes, fine = (np.linspace(*np.log(fit.priors["g"].bounds), n) for n in (9, 1201))
    _, others = split(lik)
    table = {
        "m_zp": np.repeat(m_zp, nodes.size),
        "m_dm": np.repeat(m_dm, nodes.size),
        "g": np.tile(np.exp(nodes), MASSES),
    }
    table["y"] = np.full(table["g"].shape, 0.1)
    # where it never was in equilibrium, that is a finite overabundance, and a line that can be interpolated
    omega = over(lambda lik, p: freeze_out(lik.model.at(p).derive()).omega_h2, lik, table)
    log_omega = CubicSpline(nodes, np.log(omega).reshape(MASSES, -1), axis=1)(fine)
    i = [request.label for request in lik.requests].index("Omega_h2")
    density = stats.norm.pdf(np.exp(log_omega), lik.values[i], np.sqrt(lik.covariance[i, i]))
    cumulative = np.cumsum(density, axis=1)
    weight = cumulative[:, -1] * (high - low)
    kept = weight > 1e-4 * weight.max()
    g = np.exp([np.interp(x * row[-1], row, fine) for x, row in zip(u[kept, 2], cumulative[kept])])
    strata = (np.arange(LINE) + u[kept, 3][:, None]) / LINE
    points = {name: np.repeat(x, LINE) for name, x in (("g", g), ("m_zp", m_zp[kept]), ("m_dm", m_dm[kept]))}
    points["y"] = np.asarray(fit.priors["y"].quantile(strata.ravel()))
    predictions = over(lambda lik, p: evaluate(lik.model.at(p), others).value, lik, points)
    rest = np.arange(len(lik.values)) != i
    sigma = np.sqrt(np.diag(lik.covariance))[rest]
    correlation = lik.covariance[np.ix_(rest, rest)] / np.outer(sigma, sigma)
    log_l = stats.multivariate_normal.logpdf((predictions - lik.values[rest]) / sigma, cov=correlation)
    return points, np.repeat(weight[kept], LINE) * np.exp(log_l - log_l.max())


def split(lik):
    """Requests of the relic density, and of everything else."""
    relic = tuple(request for request in lik.requests if request.label == "Omega_h2")
    return relic, tuple(request for request in lik.requests if request.label != "Omega_h2")


def over(function, lik, points):
    compiled = eqx.filter_jit(lambda lik, table: jax.lax.map(lambda p: function(lik, p), table, batch_size=32))
    return np.asarray(compiled(lik, {name: jnp.asarray(column) for name, column in points.items()}))


def test_nothing_outside_the_window_fits_the_relic_density(run):
    lik = run.likelihood
    u = qmc.Sobol(2, seed=6).random(512)
    m_zp = 1.0 + 5.0 * u[:, 0]
    m_dm = 0.1 + 2.4 * u[:, 1]
    outside = (m_zp / (2.0 * m_dm) < WINDOW[0]) | (m_zp / (2.0 * m_dm) > WINDOW[1])
    points = {"y": np.full(512, 0.5), "g": np.full(512, 1e-2), "m_zp": m_zp, "m_dm": m_dm}
    relic, _ = split(lik)
    omega = over(lambda lik, p: evaluate(lik.model.at(p), relic).value[0], lik, points)
    i = [request.label for request in lik.requests].index("Omega_h2")
    assert np.all(omega[outside] > lik.values[i] + 8.0 * np.sqrt(lik.covariance[i, i]))
