"""Runs are ArviZ's own data: statistics and plots of whichever version is installed take them, from memory and from the file."""

from __future__ import annotations

import arviz as az
import matplotlib
import numpy as np
import pytest
from scipy.stats import multivariate_normal

import darkbeauty as db
from darkbeauty.inference.storage.arviz_groups import groups_of, term_log_likelihoods, to_arviz
from darkbeauty.inference.storage.output import attributes, write_netcdf
from darkbeauty.likelihoods import Fit
from darkbeauty.likelihoods.build import with_covariance
from darkbeauty.report.result import read_result, result_of

NEW = not az.__version__.startswith("0.")
SHAPE = (2, 200)
TERMS = ["R_K", "BR(Bs->mumu)", "table"]
TABLE = db.own_term(
    "table", observable="1e9 * BR(Bs->ee)", axes=[0.0, 1.0, 2.0, 3.0], minus_two_log_l=[0.0, 1.0, 4.0, 9.0]
)
"""A term that is no measured number: its prediction has no error."""
FIT = Fit(model="wet", priors={"C9_bsmumu": db.Uniform(-2.0, 2.0)}, terms=["R_K", "BR(Bs->mumu)", TABLE], name="small")


@pytest.fixture(scope="module")
def lik():
    return FIT.likelihood()


@pytest.fixture(scope="module")
def predictions(lik):
    random = np.random.default_rng(1)
    measured = lik.values + 0.2 * random.normal(size=(*SHAPE, 3)) * np.sqrt(np.diag(lik.covariance))
    return np.concatenate([measured, random.uniform(0.1, 2.0, size=(*SHAPE, 1))], axis=-1)


@pytest.fixture(scope="module")
def data(lik, predictions):
    random = np.random.default_rng(2)
    stats = {"diverging": np.zeros(SHAPE, bool), "energy": random.normal(size=SHAPE), "lp": random.normal(size=SHAPE)}
    attrs = attributes(FIT, 7) | {"converged": 1, "missed_targets": []}
    return to_arviz(lik, {"C9_bsmumu": random.normal(size=SHAPE)}, predictions, stats, attrs)


@pytest.fixture(scope="module")
def stored(data, tmp_path_factory):
    """The same from the file."""
    path = tmp_path_factory.mktemp("run") / "posterior.nc"
    write_netcdf(data, path)
    return path, az.from_netcdf(str(path), engine="h5netcdf")


@pytest.fixture(params=["memory", "file"])
def either(request, data, stored):
    return data if request.param == "memory" else stored[1]


def test_groups_and_names(either):
    groups = groups_of(either)
    assert set(groups) == {
        *("posterior", "posterior_predictive", "predictions", "log_likelihood", "sample_stats"),
        *("observed_data", "constant_data"),
    }
    assert set(groups["observed_data"]) <= set(groups["posterior_predictive"])
    for name in ("posterior", "posterior_predictive", "predictions", "log_likelihood", "sample_stats"):
        for axis, size in zip(("chain", "draw"), SHAPE):
            np.testing.assert_array_equal(groups[name][axis], np.arange(size))
    assert groups["posterior"]["C9_bsmumu"].attrs["tex"] == r"C_{9}^{bs\mu \mu}"
    assert str(groups["predictions"]["tex"].sel(observable="BR(Bs->mumu)").item()).startswith(r"B(B_s\to")
    assert groups["posterior"].attrs["fit_name"] == "small"


def test_data_as_measured_again_scatter_as_the_errors_say(either, lik, predictions):
    again = np.asarray(groups_of(either)["posterior_predictive"]["value"]) - predictions[..., :3]
    sigma = np.sqrt(np.diag(lik.covariance))
    found = np.cov((again / sigma).reshape(-1, 3).T)
    np.testing.assert_allclose(found, lik.covariance / np.outer(sigma, sigma), atol=0.25)


def test_likelihoods_of_independent_terms_sum_to_the_whole(either, lik, predictions):
    terms = groups_of(either)["log_likelihood"]["terms"]
    assert list(terms["term"].values) == TERMS
    np.testing.assert_allclose(terms.sum("term"), np.asarray(lik.log_prob_of(predictions)), rtol=1e-9)


def test_likelihood_of_a_term_is_given_the_others_where_they_share_errors(lik, predictions):
    """ln p(y_t | y_others) = ln p(y) − ln p(y_others), by SciPy."""
    sigma = np.sqrt(np.diag(lik.covariance))
    correlation = np.array([[1.0, 0.5, 0.3], [0.5, 1.0, 0.4], [0.3, 0.4, 1.0]])
    shared = with_covariance(lik, correlation * np.outer(sigma, sigma))
    found = term_log_likelihoods(shared, predictions)
    z = ((predictions[..., :3] - lik.values) / sigma).reshape(-1, 3)
    whole = multivariate_normal(cov=correlation).logpdf(z)
    for name, own, others in (("R_K", [0, 1], [2]), ("BR(Bs->mumu)", [2], [0, 1])):
        rest = multivariate_normal(cov=correlation[np.ix_(others, others)]).logpdf(z[:, others])
        expected = whole - rest - np.log(sigma[own]).sum()
        np.testing.assert_allclose(found[name].ravel(), expected, rtol=1e-9)


def test_statistics(either):
    summary = az.summary(either, var_names=["C9_bsmumu"])
    assert list(summary.index) == ["C9_bsmumu"]
    loo = az.loo(either)
    assert np.isfinite(getattr(loo, "elpd" if NEW else "elpd_loo"))
    assert len(groups_of(either)["posterior"].to_dataframe()) == SHAPE[0] * SHAPE[1]


PLOTS = (
    (
        "plot_trace_dist",
        "plot_dist",
        "plot_rank",
        "plot_forest",
        "plot_autocorr",
        "plot_ess",
        "plot_energy",
        "plot_ppc_dist",
    )
    if NEW
    else (
        "plot_trace",
        "plot_posterior",
        "plot_rank",
        "plot_forest",
        "plot_autocorr",
        "plot_ess",
        "plot_energy",
        "plot_ppc",
    )
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("plot", PLOTS)
def test_plots(either, plot):
    matplotlib.use("agg")
    from matplotlib import pyplot

    getattr(az, plot)(either)
    pyplot.close("all")


def test_our_own_reading(either, data, stored, lik, predictions):
    """From memory and from the file, as it was written."""
    for result in (result_of(data, FIT), read_result(stored[0].parent)):
        np.testing.assert_array_equal(result.predictions, predictions)
        np.testing.assert_array_equal(result.sigma, [*np.sqrt(np.diag(lik.covariance)), np.nan])
        np.testing.assert_array_equal(result.stored_covariance, np.pad(lik.covariance, (0, 1), constant_values=np.nan))
        assert result.labels == tuple(request.label for request in lik.requests)
