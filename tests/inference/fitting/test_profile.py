"""Profile likelihoods: exact for Gaussians, several intervals where there are several minima, coverage on one measurement."""

from __future__ import annotations

from types import SimpleNamespace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.errors import InputError
from darkbeauty.inference.fitting.least_squares import Minimiser, lowest, to_x
from darkbeauty.inference.fitting.profile import find_intervals, profile
from darkbeauty.likelihoods import load_fit
from darkbeauty.likelihoods.part import Gaussian, SumOfParts
from darkbeauty.likelihoods.priors import Normal, TruncatedNormal, Uniform

COVARIANCE = np.array([[0.09, 0.05, 0.01], [0.05, 0.16, -0.02], [0.01, -0.02, 0.04]])
MEAN = np.array([0.4, -0.3, 0.1])


class Toy(SumOfParts):
    """Measurements MEAN ± COVARIANCE of transform(a, b, c)."""

    transform: object = eqx.field(static=True)

    def __init__(self, transform):
        self.parts, self.spans, self.transform = (Gaussian.of(MEAN, COVARIANCE),), ((0, 3),), transform

    def predictions(self, values):
        return jnp.where(values["a"] < 1.9, self.transform(values["a"], values["b"], values["c"]), jnp.nan)

    def log_prob(self, values):
        return self.log_prob_of(self.predictions(values))


def fit_of(likelihood, **priors):
    settings = {"seed": 3, "theory": "marginal", "sampler": SimpleNamespace(starts=4)}
    names = {"parameters": tuple(priors), "priors": priors}
    return SimpleNamespace(name="toy", likelihood=lambda: likelihood, **names, **settings)


BOX = {name: Uniform(-2.0, 2.0) for name in "abc"}
LINEAR = Toy(lambda a, b, c: jnp.stack([a, b, c]))


def test_profile_of_a_gaussian_is_its_marginal():
    found = profile(fit_of(LINEAR, **BOX), ["a"], 21)
    inside = found.grid[0] < 1.9  # beyond, masses are in an order the model does not allow
    expected = (found.grid[0] - MEAN[0]) ** 2 / COVARIANCE[0, 0]
    assert np.allclose(found.delta_chi2[inside], expected[inside], atol=1e-5)
    assert np.all(found.delta_chi2[~inside] > 1e6)
    conditional = MEAN[1] + COVARIANCE[0, 1] / COVARIANCE[0, 0] * (found.grid[0] - MEAN[0])
    middle = np.abs(conditional) < 1.9
    assert np.allclose(found.others["b"][middle & inside], conditional[middle & inside], atol=1e-4)
    assert found.best == pytest.approx(dict(zip("abc", MEAN)), abs=1e-5)
    for interval, width in zip(found.intervals, (1.0, np.sqrt(3.84))):
        sigma = width * np.sqrt(COVARIANCE[0, 0])
        assert (interval.low, interval.high) == pytest.approx((MEAN[0] - sigma, MEAN[0] + sigma), abs=0.02)
        assert not interval.low_open and not interval.high_open


@pytest.mark.parametrize(("sigma", "centre"), [(0.02, 0.05), (0.02, 0.03), (0.06, 0.05)])
def test_a_minimum_between_the_points_of_the_grid_is_found(sigma, centre):
    """Spacing 0.1: the grid alone has no point, or one, within two errors."""
    scale = sigma / np.sqrt(COVARIANCE[0, 0])
    narrow = Toy(lambda a, b, c: jnp.stack([MEAN[0] + (a - centre) / scale, b, c]))
    found = profile(fit_of(narrow, **BOX), ["a"], 41)
    for interval, width in zip(found.intervals, (1.0, np.sqrt(3.84)), strict=True):
        assert (interval.low, interval.high) == pytest.approx(
            (centre - width * sigma, centre + width * sigma), abs=0.05 * sigma
        )


def test_profile_in_two_parameters():
    found = profile(fit_of(LINEAR, **BOX), ["c", "b"], 9)
    x = np.stack(np.meshgrid(*found.grid, indexing="ij"), -1) - MEAN[[2, 1]]
    inverse = np.linalg.inv(COVARIANCE[np.ix_([2, 1], [2, 1])])
    expected = np.einsum("...i,ij,...j", x, inverse, x)
    reachable = np.abs(found.others["a"]) < 1.8
    assert reachable.sum() > 30
    assert np.allclose(found.delta_chi2[reachable], expected[reachable], atol=1e-4)


def test_a_gaussian_prior_counts_as_a_measurement():
    prior = Normal(0.0, 0.2)
    found = profile(fit_of(LINEAR, **{**BOX, "b": prior}), ["a"], 11)
    precision = np.linalg.inv(COVARIANCE) + np.diag([0.0, 1.0 / 0.04, 0.0])
    covariance = np.linalg.inv(precision)
    best = covariance @ np.linalg.inv(COVARIANCE) @ MEAN
    inside = np.abs(found.grid[0] - best[0]) < 1.2
    expected = (found.grid[0] - best[0]) ** 2 / covariance[0, 0]
    assert np.allclose(found.delta_chi2[inside], expected[inside], atol=1e-4)
    own = profile(fit_of(LINEAR, **{**BOX, "b": prior}), ["b"], 11)
    assert np.allclose(own.delta_chi2, (own.grid[0] - best[1]) ** 2 / covariance[1, 1], atol=1e-4)


def test_a_truncated_gaussian_prior_counts_as_one_in_its_range():
    """Its mean lies below its lower end: the minimum is there, and the pull is that of the end."""
    prior = TruncatedNormal(-1.0, 0.4, 0.0, 2.0)
    found = Minimiser(LINEAR, {**BOX, "b": prior}, ("b",))
    given = {"a": np.full(3, MEAN[0]), "c": np.full(3, MEAN[2])}
    best = found(to_x(prior, np.array([[0.1], [0.5], [1.5]])), given)
    data = lambda b: ((b - MEAN[1]) ** 2) * np.linalg.inv(COVARIANCE)[1, 1] + ((b + 1.0) / 0.4) ** 2
    b = np.linspace(0.0, 2.0, 20001)
    assert np.allclose(best.chi2, np.min(data(b)), atol=1e-4)
    assert np.allclose(best.values["b"], b[np.argmin(data(b))], atol=1e-3)


def test_two_minima_give_two_intervals_and_curved_valleys_are_followed():
    banana = Toy(lambda a, b, c: jnp.stack([a**2, 5.0 * (b - a**2) ** 3 + b, c]))
    found = profile(fit_of(banana, **BOX), ["a"], 41)
    ends = [(i.low, i.high) for i in found.intervals if i.confidence == "68.3 %"]
    expected = np.sqrt([0.4 - 0.3, 0.4 + 0.3])
    assert np.allclose(ends, [(-expected[1], -expected[0]), expected], atol=0.02)


def test_an_interval_at_the_edge_says_so():
    grid = np.linspace(0.0, 5.0, 30)
    interval = find_intervals(grid, (grid / 2.0) ** 2, False)[0]
    assert interval.low_open and not interval.high_open
    assert interval.high == pytest.approx(2.0, abs=0.01)


def test_problems_are_named():
    for names in (["z"], ["a", "a"], ["a", "b", "c"]):
        with pytest.raises(InputError, match="--param"):
            profile(fit_of(LINEAR, **BOX), names)


# -- one real measurement -----------------------------------------------------------------------------------------------------------------

BELLE = """
name = "belle"
model = "wet"
[priors]
CL_bsnumunumu = { kind = "uniform", lower = -30.0, upper = 6.0 }
[likelihood]
terms = ["BR(B+->Knunu)"]
"""


@pytest.fixture(scope="module")
def belle(tmp_path_factory):
    path = tmp_path_factory.mktemp("belle") / "belle.toml"
    path.write_text(BELLE)
    return path


def test_coverage_of_the_interval_on_one_measurement(belle):
    """Toy values of BR(B⁺ → K⁺νν) around that of CL = −20: Δχ² there is below 1 in 68.3 % and below 3.84 in 95 % of cases."""
    fit = load_fit(belle)
    lik, true, toys = fit.likelihood(), -20.0, 400
    value = db.predict("wet", {"CL_bsnumunumu": true}, ["BR(B+->Knunu)"])["BR(B+->Knunu)"]
    sigma = np.sqrt(lik.covariance[0, 0])
    data = stats.norm(value, sigma).rvs((toys, 1), random_state=5)
    free, fixed = Minimiser(lik, fit.priors, fit.parameters), Minimiser(lik, fit.priors, ())
    starts = free.starts(4, 1)
    best = lowest(free(np.tile(starts, (toys, 1)), {}, (np.repeat(data, 4, axis=0),)), toys)
    here = fixed(np.zeros((toys, 0)), {"CL_bsnumunumu": np.full(toys, true)}, (data,))
    assert np.allclose(here.chi2, ((data[:, 0] - value) / sigma) ** 2, rtol=1e-6)
    delta = here.chi2 - best.chi2
    for level, share in ((1.0, 0.683), (3.84, 0.95)):
        assert np.mean(delta < level) == pytest.approx(share, abs=3.0 * np.sqrt(share * (1.0 - share) / toys))


def test_command_writes_table_and_picture(belle, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.app, ["profile", str(belle), "--param", "CL_bsnumunumu", "-n", "31"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("belle: best fit log L = ")
    folder = tmp_path / "runs" / "belle-profile"
    assert {path.name for path in folder.iterdir()} == {
        f"profile-CL_bsnumunumu.{ending}" for ending in ("parquet", "png", "pdf", "csv")
    }
    bad = CliRunner().invoke(cli.app, ["profile", str(belle), "--param", "CR"])
    assert bad.exit_code == 2 and "unknown free parameter 'CR'" in bad.stderr
