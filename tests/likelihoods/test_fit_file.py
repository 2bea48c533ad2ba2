"""Fit files that are wrong in every way: one InputError that names the place, never a traceback; and priors that end where the domain does."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.likelihoods.fit_file import parse_fit
from darkbeauty.likelihoods.priors import Normal

HEAD = 'name = "toy"\nmodel = "wet"\n'
PRIORS = '[priors]\nC10_bsmumu = { kind = "uniform", lower = -2, upper = 2 }\n'
LIKELIHOOD = '[likelihood]\nterms = ["BR(Bs->mumu)"]\n'


def problems(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_fit(text, "toy.toml")
    return [str(problem) for problem in caught.value.problems]


def test_the_toy_is_right():
    assert parse_fit(HEAD + PRIORS + LIKELIHOOD, "toy.toml").terms == ("BR(Bs->mumu)",)


@pytest.mark.parametrize("terms", ["[1]", '[["a"]]', "[{ a = 1 }]", "5", '"BR(Bs->mumu)"'])
def test_terms_that_are_no_names(terms):
    found = problems(HEAD + PRIORS + f"[likelihood]\nterms = {terms}\n")
    assert found and all(line.startswith("toy.toml: likelihood.terms") for line in found)


@pytest.mark.parametrize(
    ("entry", "place"),
    [("add = 5", "add"), ("add = [[1]]", "add"), ("drop = 5", "drop"), ('preset = ["a"]', "preset")],
)
def test_other_entries_of_the_wrong_type(entry, place):
    found = problems(HEAD + PRIORS + LIKELIHOOD + entry + "\n")
    assert any(line.startswith(f"toy.toml: likelihood.{place}") for line in found)


def test_nothing_to_fit():
    assert any("a preset or terms are needed" in line for line in problems(HEAD + PRIORS + "[likelihood]\n"))
    assert any("at least one free parameter" in line for line in problems(HEAD + "[priors]\n" + LIKELIHOOD))


@pytest.mark.parametrize(
    "prior",
    [
        'kind = "uniform", lower = -2, upper = inf',
        'kind = "uniform", lower = nan, upper = 2',
        'kind = "normal", mean = nan, sigma = 1',
        'kind = "normal", mean = 0, sigma = inf',
        'kind = "normal", mean = 0, sigma = 0',
    ],
)
def test_priors_without_numbers(prior):
    found = problems(HEAD + f"[priors]\nC10_bsmumu = {{ {prior} }}\n" + LIKELIHOOD)
    assert found and all("priors.C10_bsmumu" in line for line in found)


@pytest.mark.parametrize("entry", ['name = "../toy"', 'name = "/tmp/toy"', 'name = ""', 'name = "a\\nb"'])
def test_names_that_are_paths(entry):
    assert any(
        line.startswith("toy.toml: name") for line in problems(entry + '\nmodel = "wet"\n' + PRIORS + LIKELIHOOD)
    )


def test_a_seed_that_is_too_large():
    assert any("seed" in line for line in problems(f"seed = {2**63}\n" + HEAD + PRIORS + LIKELIHOOD))


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "toy.toml").write_text("\ufeff" + HEAD + PRIORS + LIKELIHOOD, encoding="utf-8")
    assert db.load_fit(tmp_path / "toy.toml").name == "toy"


def test_one_term_as_a_string_is_one_term():
    assert [term.name for term in db.likelihood("wet", None, terms="BR(Bs->mumu)").terms] == ["BR(Bs->mumu)"]


@pytest.mark.parametrize("change", [{"draws": -1}, {"chains": 0}, {"draws": 1.5}])
def test_settings_of_a_run_are_checked(change):
    fit = parse_fit(HEAD + PRIORS + LIKELIHOOD, "toy.toml")
    with pytest.raises(InputError, match=next(iter(change))):
        db.run_fit(fit, **change)


# -- priors ------------------------------------------------------------------------------------------------------------------------------

PORTAL = """
name = "toy"
model = "lmu_ltau_s1"
fixed = { g = 0.001, m_zp = 4.0, m_dm = 1.0 }
[priors]
y = { kind = "normal", mean = MEAN, sigma = 0.1 }
[likelihood]
terms = ["DeltaM_s"]
"""


def test_a_normal_prior_ends_with_the_domain():
    fit = parse_fit(PORTAL.replace("MEAN", "0.05"), "toy.toml")
    assert (fit.priors["y"].ends[0], fit.priors["y"].bounds[0]) == (0.0, 0.0)
    assert any("mean -5 leaves the domain" in line for line in problems(PORTAL.replace("MEAN", "-5")))


@pytest.mark.parametrize(("lower", "upper"), [(0.0, math.inf), (-0.1, 0.3), (-math.inf, math.inf)])
def test_truncated_normal(lower, upper):
    prior = Normal(0.05, 0.1).within((lower, upper))
    exact = stats.truncnorm((lower - 0.05) / 0.1, (upper - 0.05) / 0.1, 0.05, 0.1)
    u, x = np.linspace(0.01, 0.99, 11), np.linspace(-0.21, 0.51, 15)
    np.testing.assert_allclose(prior.quantile(jnp.asarray(u)), exact.ppf(u), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(prior.log_density(jnp.asarray(x)), exact.logpdf(x), rtol=1e-10)
    inside = x[(x > lower) & (x < upper)]
    np.testing.assert_allclose(prior.cdf(jnp.asarray(inside)), exact.cdf(inside), rtol=1e-10, atol=1e-14)
