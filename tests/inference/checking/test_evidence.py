"""A fit sampled by tempered SMC: evidence against a grid, Bayes factor against the Standard Model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

import darkbeauty as db
from darkbeauty.inference.checking.bayes_factor import standard_model_log_likelihood
from darkbeauty.inference.run import execute
from darkbeauty.likelihoods import load_fit

TOY = """
name = "toy"
model = "wet"
seed = 5
[priors]
C10_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
C7_bs = { kind = "normal", mean = 0.0, sigma = 0.05 }
[likelihood]
terms = ["BR(Bs->mumu)", "BR(B->Xsgamma)"]
[sampler]
method = "smc"
chains = 4
draws = 501
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smc")
    (folder / "toy.toml").write_text(TOY)
    return execute(load_fit(folder / "toy.toml"), folder / "run")


def test_evidence_and_posterior_agree_with_a_grid(run):
    lik = run.posterior.likelihood
    c10, c7 = np.linspace(-2.0, 2.0, 401), np.linspace(-0.25, 0.25, 401)
    names = ("BR(Bs->mumu)", "BR(B->Xsgamma)")
    branching = [db.predictor("wet", [name]) for name in names]
    rows = [
        np.array([float(branching[0]({"C10_bsmumu": x})[0]) for x in c10[::8]]),
        np.array([float(branching[1]({"C7_bs": x})[0]) for x in c7[::8]]),
    ]
    rows = [np.polyval(np.polyfit(x[::8], row, 6), x) for x, row in zip((c10, c7), rows)]
    pieces = [
        -0.5 * ((row - v) ** 2 / s) - 0.5 * np.log(2 * np.pi * s)
        for row, v, s in zip(rows, lik.values, np.diag(lik.covariance))
    ]
    prior = -0.5 * (c7 / 0.05) ** 2 - np.log(0.05 * np.sqrt(2 * np.pi))
    log_z = (
        logsumexp(pieces[0]) + np.log((c10[1] - c10[0]) / 4.0) + logsumexp(pieces[1] + prior) + np.log(c7[1] - c7[0])
    )
    assert run.evidence["log_evidence"] == pytest.approx(log_z, abs=0.1)
    weight = np.exp(pieces[0] - pieces[0].max())
    mean = np.sum(weight * c10) / np.sum(weight)
    spread = np.sqrt(np.sum(weight * (c10 - mean) ** 2) / np.sum(weight))
    row = next(row for row in run.summary if row.name == "C10_bsmumu")
    assert row.mean == pytest.approx(mean, abs=0.15 * spread)
    assert row.sd == pytest.approx(spread, rel=0.15)


def test_it_is_written_and_judged_like_any_other_run(run):
    attrs = run.data["posterior"].attrs
    runs = [float(line) for line in attrs["log_evidence_runs"].splitlines()]
    assert run.verdict.converged, run.verdict.missed
    assert attrs["method"] == "smc"
    assert attrs["log_evidence"] == run.evidence["log_evidence"]
    assert attrs["log_evidence_error"] == pytest.approx(np.std(runs, ddof=1) / 2.0, rel=0.3)
    assert run.data["posterior"].sizes["draw"] == 502
    point = {name: float(np.asarray(run.data["posterior"][name])[1, 7]) for name in run.fit.parameters}
    log_prior = sum(float(prior.log_density(point[name])) for name, prior in run.fit.priors.items())
    lp = float(np.asarray(run.data["sample_stats"]["lp"])[1, 7])
    u = [float(prior.cdf(point[name])) for name, prior in run.fit.priors.items()]
    jacobian = sum(np.log(x * (1.0 - x)) for x in u) - log_prior
    assert lp == pytest.approx(float(run.posterior.likelihood.log_prob(point)) + log_prior + jacobian, abs=1e-6)


def test_bayes_factor_against_the_standard_model(run):
    log_l = float(run.posterior.likelihood.log_prob({"C10_bsmumu": 0.0, "C7_bs": 0.0}))
    assert run.evidence["log_likelihood_sm"] == pytest.approx(log_l, abs=1e-9)
    assert run.evidence["log_bayes_factor"] == pytest.approx(run.evidence["log_evidence"] - log_l, abs=1e-12)


def test_the_standard_model_is_given_its_dark_matter(tmp_path):
    text = """
name = "relic"
model = "lmu_ltau_s1"
[priors]
y = { kind = "uniform", lower = 0.0, upper = 2.0 }
g = { kind = "uniform", lower = 1e-4, upper = 1e-2 }
m_zp = { kind = "uniform", lower = 1.0, upper = 6.0 }
m_dm = { kind = "uniform", lower = 0.1, upper = 2.5 }
[likelihood]
terms = ["Omega_h2", "DeltaM_s"]
relic = "freeze_out"
"""
    (tmp_path / "relic.toml").write_text(text)
    fit = load_fit(tmp_path / "relic.toml")
    lik = fit.likelihood()
    mixing = db.predict("wet", {}, ["DeltaM_s"])["DeltaM_s"]
    variance = np.diag(lik.covariance)
    expected = -0.5 * np.sum(np.log(2.0 * np.pi * variance)) - 0.5 * (mixing - lik.values[1]) ** 2 / variance[1]
    assert standard_model_log_likelihood(fit, lik) == pytest.approx(expected, abs=1e-6)
