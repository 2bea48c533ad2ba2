"""Priors against scipy.stats: quantiles, cumulative distributions and densities, cut off at a domain; those of NumPyro by name; and one of a user's own."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import distributions
from scipy import stats

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.likelihoods.fit_file import parse_fit
from darkbeauty.likelihoods.prior import Prior
from darkbeauty.likelihoods.priors import PRIORS, read_prior

LINE = (-math.inf, math.inf)
U = np.linspace(0.001, 0.999, 23)
WET = 'name = "toy"\nmodel = "wet"\n[priors]\nC9_bsmumu = { PRIOR }\n[likelihood]\nterms = ["DeltaM_s"]\n'


def cut(exact, low, high):
    """Quantile, cdf and log density of a distribution of scipy between two ends."""
    below, until = exact.cdf(low), exact.cdf(high)
    quantile = lambda u: exact.ppf(below + u * (until - below))
    return (
        quantile,
        lambda x: (exact.cdf(x) - below) / (until - below),
        lambda x: exact.logpdf(x) - np.log(until - below),
    )


def agrees(prior: Prior, exact, low: float, high: float, rtol: float) -> None:
    """All three functions, inside; and nothing outside."""
    quantile, cdf, log_density = cut(exact, low, high)
    x = quantile(U)
    np.testing.assert_allclose(prior.quantile(jnp.asarray(U)), x, rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(prior.cdf(jnp.asarray(x)), cdf(x), rtol=rtol, atol=1e-12)
    np.testing.assert_allclose(prior.log_density(jnp.asarray(x)), log_density(x), rtol=1e-10, atol=1e-10)
    outside = np.array([end + step for end, step in ((low, -0.1), (high, 0.1)) if math.isfinite(end)])
    assert np.all(np.asarray(prior.log_density(jnp.asarray(outside))) == -np.inf)


FLAT = {
    "uniform": (db.Uniform(-1.0, 3.0), stats.uniform(-1.0, 4.0), -1.0, 3.0),
    "log_uniform": (db.LogUniform(0.01, 2.0), stats.loguniform(0.01, 2.0), 0.01, 2.0),
    "normal": (db.Normal(1.0, 0.3), stats.norm(1.0, 0.3), *LINE),
    "normal at the end of a domain": (db.Normal(0.05, 0.1).within((0.0, 3.5)), stats.norm(0.05, 0.1), 0.0, 3.5),
    "truncated_normal": (db.TruncatedNormal(0.5, 1.0, -1.0, 0.7), stats.norm(0.5, 1.0), -1.0, 0.7),
    "truncated_normal without its mean": (db.TruncatedNormal(0.5, 1.0, 1.0, 3.0), stats.norm(0.5, 1.0), 1.0, 3.0),
}


@pytest.mark.parametrize("name", FLAT)
def test_own_priors_against_scipy(name):
    prior, exact, low, high = FLAT[name]
    agrees(prior, exact, low, high, rtol=1e-9)
    assert prior.ends == (low, high)
    assert low <= prior.bounds[0] < prior.bounds[1] <= high and all(map(math.isfinite, prior.bounds))


class Kumaraswamy:
    """F = 1 − (1 − x^a)^b."""

    a, b = 2.0, 3.0

    def ppf(self, u):
        return (1.0 - (1.0 - u) ** (1.0 / self.b)) ** (1.0 / self.a)

    def cdf(self, x):
        x = np.clip(x, 0.0, 1.0)
        return 1.0 - (1.0 - x**self.a) ** self.b

    def logpdf(self, x):
        return np.log(self.a * self.b) + (self.a - 1.0) * np.log(x) + (self.b - 1.0) * np.log1p(-(x**self.a))


NUMPYRO = {
    "Exponential": ({"rate": 1.5}, stats.expon(0.0, 1.0 / 1.5), (0.0, math.inf), 1e-10),  # has its own quantiles
    "LogNormal": ({"loc": 0.3, "scale": 0.5}, stats.lognorm(0.5, scale=math.exp(0.3)), (0.0, math.inf), 1e-10),
    "Gamma": ({"concentration": 2.0, "rate": 1.5}, stats.gamma(2.0, scale=1.0 / 1.5), (0.0, math.inf), 1e-6),  # a table
    "StudentT": ({"df": 3.0, "loc": 0.3, "scale": 1.2}, stats.t(3.0, 0.3, 1.2), LINE, 1e-6),
    "VonMises": ({"loc": 0.0, "concentration": 2.0}, stats.vonmises(2.0), (-math.pi, math.pi), 1e-6),  # an integral
    "Kumaraswamy": ({"concentration1": 2.0, "concentration0": 3.0}, Kumaraswamy(), (0.0, 1.0), 1e-6),
}


@pytest.mark.parametrize("domain", [LINE, (0.2, 0.9)], ids=["whole", "cut"])
@pytest.mark.parametrize("name", NUMPYRO)
def test_distributions_of_numpyro_against_scipy(name, domain):
    parameters, exact, support, rtol = NUMPYRO[name]
    prior, problems = read_prior({"kind": "numpyro", "distribution": name, **parameters}, "priors.x", domain)
    assert not problems and prior is not None
    low, high = max(support[0], domain[0]), min(support[1], domain[1])
    assert prior.ends == (low, high)
    agrees(prior, exact, low, high, rtol)
    slopes = jax.vmap(jax.grad(prior.quantile))(jnp.asarray(U))
    np.testing.assert_allclose(slopes * jnp.exp(prior.log_density(prior.quantile(jnp.asarray(U)))), 1.0, atol=1e-5)
    ends = prior.quantile(jnp.array([0.0, 1.0]))
    assert np.all(np.isfinite(ends)) and prior.bounds[0] <= ends[0] < ends[1] <= prior.bounds[1]


def test_a_table_has_as_many_knots_as_it_needs():
    """The median of two peaks lies where there is hardly any density: a coarse table is wrong there by 6e-4."""
    parameters = {"kind": "numpyro", "distribution": "VonMises", "loc": 3.0, "concentration": 2.0}
    prior, problems = read_prior(parameters, "priors.x", LINE)
    assert not problems and prior is not None
    x = np.linspace(-3.1, 3.1, 41)
    exact = stats.vonmises(2.0, 3.0)
    share = exact.cdf(x) - exact.cdf(-math.pi)
    np.testing.assert_allclose(prior.cdf(jnp.asarray(x)), share, atol=1e-8)
    np.testing.assert_allclose(prior.cdf(prior.quantile(jnp.asarray(share))), share, atol=1e-6)


def test_a_distribution_of_numpyro_can_be_met_first_inside_of_jit():
    prior = db.Numpyro("Weibull", scale=1.2, concentration=2.0)
    both = jax.jit(jax.value_and_grad(lambda u: prior.quantile(u)))(0.3)
    exact = stats.weibull_min(2.0, scale=1.2)
    np.testing.assert_allclose(both, [exact.ppf(0.3), 1.0 / exact.pdf(exact.ppf(0.3))], rtol=1e-6)


@pytest.mark.parametrize(
    "prior", [db.Uniform(0.0, 2.0), db.Normal(0.5, 0.1), db.Numpyro("Gamma", rate=2.0, concentration=3.0)]
)
def test_a_prior_is_a_value(prior):
    same = type(prior).read(prior.table(), "")[0]
    assert same == prior and hash(same) == hash(prior) and prior.within((0.0, 1.0)) != prior
    assert str(prior).startswith(prior.kind)


def test_the_order_of_parameters_of_a_distribution_means_nothing():
    assert db.Numpyro("Gamma", rate=2.0, concentration=3.0) == db.Numpyro("Gamma", concentration=3.0, rate=2.0)


def test_what_consumers_ask_of_a_prior():
    uniform, logarithm, normal = db.Uniform(0.0, 2.0), db.LogUniform(0.1, 10.0), db.Normal(1.0, 0.5).within((0.0, 9.0))
    gamma = db.Numpyro("Gamma", concentration=2.0, rate=1.0)
    assert [p.flat for p in (uniform, logarithm, normal, gamma)] == [True, True, False, False]
    assert [p.logarithmic for p in (uniform, logarithm, normal, gamma)] == [False, True, False, False]
    assert [p.constraint for p in (uniform, logarithm, normal, gamma)] == [None, None, (1.0, 0.5), None]
    assert normal.pull(2.0) == 2.0 and uniform.pull(2.0) is None
    np.testing.assert_allclose(uniform.spaced(3, 3.0), [0.0, 1.0, 2.0])
    np.testing.assert_allclose(logarithm.spaced(3, 3.0), [0.1, 1.0, 10.0])
    np.testing.assert_allclose(
        normal.spaced(3, 3.0), [0.0, 1.25, 2.5]
    )  # three σ below the mean is outside of the domain
    np.testing.assert_allclose(gamma.spaced(2, 2.0), stats.gamma(2.0).ppf(stats.norm.cdf([-2.0, 2.0])), rtol=1e-6)
    assert (uniform.width, normal.width) == (2.0, 5.0)


# -- wrong ones ---------------------------------------------------------------------------------------------------------------------------

WRONG = {
    'kind = "uniform", lower = 1, upper = -1': ["priors.C9_bsmumu", "must be below"],
    'kind = "uniform", lower = -1e308, upper = 1e308': ["priors.C9_bsmumu", "overflows"],
    'kind = "uniform", lower = 1.0, upper = 1.0000000000000002': ["narrower than double precision"],
    'kind = "uniform", lower = 0, upper = 1e-320': ["narrower than double precision"],
    'kind = "uniform", lower = "0", upper = 1': ["priors.C9_bsmumu.lower", "valid number"],
    'kind = "uniform", lower = false, upper = 1': ["priors.C9_bsmumu.lower", "valid number"],
    'kind = "uniform", lower = 0, upper = 1979-05-27': ["priors.C9_bsmumu.upper", "valid number"],
    f'kind = "uniform", lower = 0, upper = {"9" * 400}': ["priors.C9_bsmumu.upper", "too large"],
    'kind = "uniform", lower = 0': ["priors.C9_bsmumu.upper", "required"],
    'kind = "uniform", lower = 0, upper = 1, mean = 2': ["priors.C9_bsmumu.mean", "unknown entry", "lower, upper"],
    'kind = "log_uniform", lower = -1, upper = 1': ["priors.C9_bsmumu.lower", "positive"],
    'kind = "log_uniform", lower = 1e-320, upper = 1': ["priors.C9_bsmumu.lower", "positive"],
    'kind = "log_uniform", lower = 1e-290, upper = 1e290': ["priors.C9_bsmumu", "overflows"],
    'kind = "normal", mean = 0, sigma = 1e-320': ["priors.C9_bsmumu.sigma", "less than double precision"],
    'kind = "normal", mean = 1, sigma = 1e-20': ["priors.C9_bsmumu.sigma", "less than double precision"],
    'kind = "normal", mean = 0, sigma = 1e308': ["priors.C9_bsmumu", "overflows"],
    'kind = "normal", mean = 0, sigma = -1': ["priors.C9_bsmumu.sigma", "greater than 0"],
    'kind = "truncated_normal", mean = 0, sigma = 1, lower = 2, upper = 1': ["must be below"],
    'kind = "truncated_normal", mean = 0, sigma = 1, lower = 40, upper = 41': ["hardly any of it"],
    'kind = "numpyro"': ["priors.C9_bsmumu.distribution", "required"],
    'kind = "numpyro", distribution = "Gama", rate = 1': ["priors.C9_bsmumu.distribution", "'Gama'", "Gamma"],
    'kind = "numpyro", distribution = "Poisson", rate = 1': ["priors.C9_bsmumu.distribution", "continuous"],
    'kind = "numpyro", distribution = "MultivariateNormal", loc = 1': ["priors.C9_bsmumu.distribution", "continuous"],
    'kind = "numpyro", distribution = ["Gamma"]': ["priors.C9_bsmumu.distribution"],
    'kind = "numpyro", distribution = "Gamma", rate = 1': ["priors.C9_bsmumu.concentration", "required"],
    'kind = "numpyro", distribution = "Gamma", concentration = 1, shape = 1': [
        "priors.C9_bsmumu.shape",
        "unknown entry",
    ],
    'kind = "numpyro", distribution = "Gamma", concentration = -1': ["NumPyro cannot make it", "concentration"],
    'kind = "numpyro", distribution = "Gamma", concentration = "2"': ["priors.C9_bsmumu.concentration", "valid number"],
    'kind = "numpyro", distribution = "Unit", log_factor = 1': ["priors.C9_bsmumu", "continuous"],
    'kind = "numpyro", distribution = "Cauchy", scale = 1e300': ["priors.C9_bsmumu", "overflow"],
    'kind = "numpyro", distribution = "Normal", scale = 1e-320': ["priors.C9_bsmumu", "cannot be tabulated"],
    'kind = "gaussian", mean = 0, sigma = 1': ["priors.C9_bsmumu.kind", "truncated_normal"],
    "kind = 3": ["priors.C9_bsmumu.kind"],
    "kind = []": ["priors.C9_bsmumu.kind"],
    "lower = 0, upper = 1": ["priors.C9_bsmumu.kind"],
}


@pytest.mark.parametrize("prior", WRONG, ids=lambda text: text[:60])
def test_priors_that_are_none(prior):
    with pytest.raises(InputError) as caught:
        parse_fit(WET.replace("PRIOR", prior), "toy.toml")
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 1
    for piece in WRONG[prior]:
        assert piece in told[0]


@pytest.mark.skipif(not hasattr(distributions, "HurdleGamma"), reason="new in NumPyro 0.22")
def test_a_distribution_with_an_atom_is_none():
    """Half of it is at 0: no quantiles that a continuous parameter could have."""
    prior = db.Numpyro("HurdleGamma", gate=0.5, concentration=1.0, rate=1.0)
    assert ["cannot be used" in problem.message for problem in read_prior(prior, "priors.x", LINE)[1]] == [True]


@pytest.mark.parametrize(
    ("prior", "told"),
    [
        (db.Uniform(-0.1, 2.0), "leaves the domain"),
        (db.TruncatedNormal(1.0, 1.0, 0.0, 4.0), "leaves the domain"),
        (db.Normal(5.0, 1.0), "mean 5 leaves the domain"),
        (db.Normal(1.0, 1e9), "hardly any of it"),
        (db.Numpyro("Normal", loc=-60.0, scale=1.0), "hardly any of it"),
        (db.Numpyro("Pareto", scale=4.0, alpha=1.0), "no part inside of the domain"),
    ],
)
def test_priors_outside_of_the_domain(prior, told):
    """Of y, 0 to 3.5."""
    problems = read_prior(prior, "priors.y", (0.0, 3.5))[1]
    assert len(problems) == 1 and told in problems[0].message


# -- a new one ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Triangle(Prior):
    """Density that falls linearly from 0 to its end."""

    kind: ClassVar[str] = "triangle"

    end: float

    @property
    def bounds(self):
        return 0.0, self.end

    def quantile(self, u):
        return self.end * (1.0 - jnp.sqrt(1.0 - jnp.asarray(u)))

    def cdf(self, value):
        return 1.0 - (1.0 - jnp.asarray(value) / self.end) ** 2

    def log_density(self, value):
        value = jnp.asarray(value)
        inside = (value >= 0.0) & (value < self.end)
        return jnp.where(inside, jnp.log(2.0 / self.end * (1.0 - jnp.where(inside, value, 0.0) / self.end)), -jnp.inf)

    def problems(self, place):
        return []


def test_a_new_prior_is_one_class(monkeypatch):
    """From Python it needs nothing else; in files, its name in the table."""
    fit = db.Fit(model="wet", priors={"C9_bsmumu": Triangle(2.0)}, terms=["DeltaM_s"])
    assert fit.priors == {"C9_bsmumu": Triangle(2.0)}
    with pytest.raises(InputError, match="unknown or missing kind"):
        parse_fit(fit.text, "toy.toml")
    monkeypatch.setitem(PRIORS, "triangle", Triangle)
    assert parse_fit(fit.text, "toy.toml").priors == fit.priors
    with pytest.raises(InputError, match=r"priors\.C9_bsmumu\.end: Input should be a valid number"):
        parse_fit(WET.replace("PRIOR", 'kind = "triangle", end = true'), "toy.toml")


def test_nobody_asks_for_the_kind_of_a_prior():
    root = Path(db.__file__).parent
    for path in root.rglob("*.py"):
        if path.parent.name != "likelihoods" or "prior" not in path.name:
            assert not re.search(r'prior\S*\.kind\b|kind [!=]= "(uniform|log_uniform|normal)"', path.read_text()), path
