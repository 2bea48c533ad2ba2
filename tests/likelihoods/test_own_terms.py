"""Terms of one's own: the same numbers as the package's, bit by bit; every kind beside SciPy; through texts and files; refused in words, all at once."""

from __future__ import annotations

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import darkbeauty as db
from darkbeauty.likelihoods import TERMS, load_fit
from darkbeauty.likelihoods.fit_file import parse_fit
from darkbeauty.likelihoods.function_part import FunctionPart
from darkbeauty.likelihoods.likelihood_table import LikelihoodTable
from darkbeauty.likelihoods.split_normal import SplitNormal
from darkbeauty.report.stored_run import fit_of

K, K_STAR = "BR(B+->Knunu)", "BR(B0->K*nunu)"
RATIO = f"{K_STAR} / {K}"
PRIORS = {"CR_bsnumunumu": db.Uniform(-20, 20)}
POINT = {"CR_bsnumunumu": 4.0}
AXIS = np.linspace(0.0, 4e-5, 41)


def log_l(x, data):
    """log L of one prediction."""
    return -0.5 * ((x[0] - data[0]) / 4e-6) ** 2


PARABOLA = ((AXIS - 1.3e-5) / 4e-6) ** 2
OWN = [
    {"name": "ratio", "observable": RATIO, "value": 2.0, "error": 0.5},
    {"name": "limit", "observable": K_STAR, "limit": 1.8e-5, "cl": 0.9},
    {
        "name": "set",
        "observables": [K, K_STAR],
        "values": [1.3e-5, 1e-5],
        "errors": [4e-6, 4e-6],
        "correlation": [[1.0, 0.3], [0.3, 1.0]],
        "theory": 0.05,
    },
    {"name": "split", "observable": K, "value": 1.3e-5, "error": [5e-6, 3e-6], "theory": 0.0},
    {"name": "table", "observable": K, "axes": AXIS.tolist(), "minus_two_log_l": PARABOLA.tolist()},
]


@pytest.fixture(scope="module")
def fit():
    terms = [db.own_term(**entries) for entries in OWN]
    return db.Fit(
        model="wet",
        priors=PRIORS,
        terms=terms,
        add=[db.own_term("function", observable=K, function=log_l, data=[1.3e-5])],
    )


@pytest.fixture(scope="module")
def evaluated(fit):
    """Likelihood and its predictions at POINT."""
    lik = fit.likelihood()
    return lik, np.asarray(lik.predictions(POINT))


def test_own_numbers_are_the_packages_bit_by_bit():
    data = TERMS["BR(Bs->mumu)"].data()
    own = db.own_term("mine", observable=data.observables[0], value=data.values[0], error=data.covariance[0, 0] ** 0.5)
    results = []
    for term in ("BR(Bs->mumu)", own):
        lik = db.likelihood("wet", None, terms=[term])
        value, slope = jax.value_and_grad(lambda c, lik=lik: lik.log_prob({"C10_bsmumu": c}))(0.3)
        results.append((float(value), float(slope)))
    assert results[0] == results[1] and np.isfinite(results[0]).all()


def test_every_kind_beside_scipy(evaluated):
    lik, predictions = evaluated
    labels = [request.label for request in lik.requests]
    assert labels == [RATIO, K_STAR, K, K_STAR, K, K, K]
    by_term = {name: float(value) for name, value in lik.by_term(predictions).items()}
    k, k_star = predictions[2], predictions[1]
    assert predictions[0] == pytest.approx(k_star / k, rel=1e-12)
    sigma = 1.8e-5 / stats.norm.ppf(0.95)
    assert by_term["limit"] == pytest.approx(stats.norm.logpdf(k_star, 0.0, sigma), rel=1e-12)
    errors = np.array([4e-6, 4e-6])
    covariance = np.array([[1, 0.3], [0.3, 1]]) * np.outer(errors, errors) + np.diag(
        (0.05 * np.array([1.3e-5, 1e-5])) ** 2
    )
    assert by_term["set"] == pytest.approx(
        stats.multivariate_normal.logpdf([k, k_star], [1.3e-5, 1e-5], covariance), rel=1e-10
    )
    split = np.log(2.0 / (np.sqrt(2 * np.pi) * 8e-6)) - 0.5 * ((k - 1.3e-5) / (5e-6 if k > 1.3e-5 else 3e-6)) ** 2
    assert by_term["split"] == pytest.approx(split, rel=1e-12)
    inside = stats.truncnorm.logpdf(k, -1.3e-5 / 4e-6, 2.7e-5 / 4e-6, 1.3e-5, 4e-6)
    assert by_term["table"] == pytest.approx(inside, abs=3e-3)
    assert by_term["function"] == pytest.approx(-0.5 * ((k - 1.3e-5) / 4e-6) ** 2, rel=1e-12)
    theory = np.sqrt(float(lik.covariance[0, 0]) - 0.25)
    assert 0.05 < theory < 0.5  # of a ratio of form factors
    assert float(lik.log_prob_of(predictions)) == pytest.approx(sum(by_term.values()), rel=1e-12)


def test_reports_have_pulls(evaluated):
    lik, predictions = evaluated
    rows = {(row.term, row.observable): row for row in lik.report(predictions)}
    assert rows["table", K].measured == pytest.approx(1.3e-5, rel=1e-3)
    assert rows["table", K].sigma == pytest.approx(4e-6, rel=2e-2)
    assert rows["table", K].pull == pytest.approx((predictions[2] - 1.3e-5) / 4e-6, abs=1e-2)
    assert rows["split", K].pull == pytest.approx((predictions[2] - 1.3e-5) / 3e-6, rel=1e-9)
    assert np.isnan(rows["function", K].pull)
    residuals = np.asarray(lik.residuals(jnp.asarray(predictions)))
    assert np.all(np.isfinite(residuals))


def test_a_text_gives_them_again(fit):
    """Numbers in full; a function that a module has by its name, one that it has not only in words."""
    again = parse_fit(fit.text.replace(f"{__name__}:log_l", "math:hypot"), "again.toml") if "." in __name__ else None
    named = [db.own_term(**entries) for entries in OWN]
    one = db.Fit(model="wet", priors=PRIORS, terms=named)
    text = parse_fit(one.text, "one.toml")
    assert text.content() == one.content() and text.text == one.text and text.terms == one.terms
    assert again is None or again.terms == fit.terms
    lambda_too = db.own_term("f", observable=K, function=lambda x: -x[0])
    words = db.Fit(model="wet", priors=PRIORS, terms=[lambda_too]).text
    assert "does not give the fit again" in words
    with pytest.raises(db.InputError, match="the fit as it was made in Python"):
        parse_fit(words, "words.toml")


def test_what_a_fit_is_changes_with_the_numbers():
    fits = [db.Fit(model="wet", priors=PRIORS, own=[{**OWN[0], "error": error}]) for error in (0.5, 0.4)]
    assert fits[0].content() != fits[1].content()


def test_files_beside_a_fit(tmp_path):
    """CSV, HEPData's YAML, a table, a file of terms: read beside the fit, and written out in its text, which needs no file any more."""
    (tmp_path / "numbers.csv").write_text(f'observable,value,error\n"{K}",1.3e-5,4e-6\n"{K_STAR}",1e-5,4e-6\n')
    (tmp_path / "correlation.csv").write_text("1,0.3\n0.3,1\n")
    rows = [f"{x},{y},{(x - 13) ** 2 / 16 + (y - 10) ** 2 / 25}" for x in range(0, 41, 4) for y in range(0, 41, 5)]
    (tmp_path / "table.csv").write_text("k,k_star,minus_two_log_l\n" + "\n".join(reversed(rows)) + "\n")
    hepdata = """
dependent_variables:
- header: {name: P5p}
  values:
  - {errors: [{label: stat, symerror: 0.3}, {label: sys, symerror: 0.4}], value: -0.4}
  - {errors: [{label: stat, asymerror: {minus: -0.2, plus: 0.8}}], value: -0.5}
independent_variables:
- header: {name: q2}
  values: [{high: 2.5, low: 1.1}, {high: 4.0, low: 2.5}]
"""
    (tmp_path / "hepdata.yaml").write_text(hepdata)
    (tmp_path / "more.toml").write_text(
        '[[own]]\nname = "P5p"\nobservable = "<P5p>(B0->K*mumu)[q2min,q2max]"\nfile = "hepdata.yaml"\ntheory = 0.0\n'
    )
    (tmp_path / "fit.toml").write_text(f"""
name = "own"
model = "wet"
[priors]
CR_bsnumunumu = {{ kind = "uniform", lower = -20, upper = 20 }}
[likelihood]
own_files = ["more.toml"]
[[likelihood.own]]
name = "set"
file = "numbers.csv"
correlation_file = "correlation.csv"
[[likelihood.own]]
name = "table"
observables = ["1e6 * {K}", "1e6 * {K_STAR}"]
table_file = "table.csv"
""")
    fit = load_fit(tmp_path / "fit.toml")
    assert fit.terms == ("set", "P5p", "table")
    data = fit.own["P5p"].data()
    assert data.observables == ("<P5p>(B0->K*mumu)[1.1,2.5]", "<P5p>(B0->K*mumu)[2.5,4.0]")
    np.testing.assert_allclose(np.sqrt(np.diag(data.covariance)), [0.5, 0.4])
    part = fit.own["table"].part(fit.model)
    np.testing.assert_allclose(part.best, [13.0, 10.0], atol=0.2)
    for file in tmp_path.iterdir():
        file.unlink()
    again = fit_of(
        {name: 0 for name in ("seed", "terms", "missed_targets", "input_sha256", "device", "python")}
        | {"fit_name": "own", "fit_file": fit.text, "terms": "set\nP5p\ntable"}
    )
    assert again.content() == fit.content()


def test_everything_wrong_at_once():
    own = [
        {"name": "a", "observable": "Omega_h2", "value": 0.12, "error": 0.01, "theory": 0.0},
        {"name": "b", "observable": f"{K} /", "value": 1.0, "error": 1.0},
        {"name": "c", "observable": K, "values_": 1},
        {"name": "d", "observables": [K, K_STAR], "values": [1.0, 2.0], "covariance": [[1.0, 2.0], [2.0, 1.0]]},
        {"name": "e", "observable": K, "axes": [0, 2, 1], "minus_two_log_l": [1, 2, 3]},
        {"name": "f", "observable": K, "axes": [0, 1, 2], "minus_two_log_l": [1, float("nan"), 3]},
        {"name": "g", "observable": K, "function": "nowhere:f"},
        {"name": "h", "observable": K, "value": 1.0, "error": [1.0, 2.0, 3.0]},
    ]
    with pytest.raises(db.InputError) as caught:
        db.Fit(model="wet", priors=PRIORS, own=own)
    told = str(caught.value)
    for words in (
        "terms.a: model 'wet' has no dark matter",
        "terms.b: cannot be read as arithmetic",
        "own.2.values_: unknown entry",
        "own.3.covariance: is not positive definite",
        "own.4.axes.0: does not increase",
        "own.5.minus_two_log_l: has 1 holes, the first at 1",
        "own.6.function: 'nowhere:f' cannot be imported",
        "own.7.error: is not a positive number or [up, down]",
    ):
        assert words in told, told


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"observable": K}, "says nothing of what was measured"),
        ({"observable": K, "value": 1.0, "error": 0.1, "limit": 2.0}, "exclude each other"),
        ({"observable": K, "value": 1.0, "error": 0.1, "axes": [1, 2, 3]}, "axes: means nothing beside 'value'"),
        ({"value": 1.0, "error": 0.1}, "observables: are missing"),
        ({"observable": "Omega_h2", "value": 0.12, "error": 0.01}, "theory: .*does not predict 'Omega_h2'"),
        ({"observable": "C9(bsmumu)[4]", "value": 0.1, "error": 0.01}, "is complex"),
        ({"observable": K, "limit": 1.0, "cl": 90.0}, "cl: is not between 0 and 1"),
        ({"observables": [K, K], "values": [1.0, 1.0], "errors": [1.0, 1.0]}, "stand twice"),
        ({"observables": [K, K_STAR], "values": [1.0], "errors": [1.0, 0.0]}, "values: 1 numbers for 2"),
        ({"observables": [K, K_STAR], "axes": [[0, 1, 2]] * 2, "minus_two_log_l": [[1, 2, 3]]}, "has shape"),
        ({"observable": K, "function": lambda x: x.missing}, "cannot be traced by JAX"),
        ({"observable": K, "file": "nowhere.csv"}, "nowhere.csv: cannot be read"),
    ],
)
def test_what_is_wrong_is_said(entries, words):
    with pytest.raises(db.InputError, match=words):
        db.own_term("bad", **entries)


def test_a_table_is_read_between_its_knots_and_ends():
    """A parabola in two dimensions with a correlation: value, curvature, normalisation, and −∞ with zero slope outside."""
    inverse = np.linalg.inv([[1.0, 0.5], [0.5, 2.0]])
    x, y = np.linspace(-6, 6, 61), np.linspace(-9, 9, 61)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1) - 0.3
    table = np.einsum("xyi,ij,xyj->xy", points, inverse, points) + 7.0
    part = LikelihoodTable.of((x, y), table, "cubic")
    np.testing.assert_allclose(part.best, 0.3, atol=1e-5)
    np.testing.assert_allclose(part.root.T @ part.root, inverse, rtol=2e-3)
    at = np.array([[0.7, -1.1], [2.0, 2.2]])
    expected = stats.multivariate_normal.logpdf(at, [0.3, 0.3], [[1.0, 0.5], [0.5, 2.0]])
    np.testing.assert_allclose(part.log_prob_of(jnp.asarray(at)), expected, atol=2e-3)
    residual = part.residuals(jnp.asarray(at[0]))
    assert float(jnp.sum(residual**2)) == pytest.approx(float(part.chi2(at)[0]), rel=1e-9)
    outside = jnp.array([7.0, 0.0])
    value, slope = jax.value_and_grad(part.log_prob_of)(outside)
    assert value == -np.inf and np.all(np.asarray(slope) == 0.0)
    assert float(jnp.sum(part.residuals(outside) ** 2)) > float(part.chi2(np.array([[6.0, 0.0]]))[0])


def test_a_table_with_its_minimum_at_an_edge():
    """−2 ln L of a rate that is best at 0: finite residuals and slopes there, the error where Δ is 1."""
    axis = np.linspace(0.0, 5.0, 26)
    part = LikelihoodTable.of((axis,), 2.0 * axis, "linear")
    assert part.best[0] == 0.0
    assert float(part.log_prob_of(jnp.array([1.0]))) == pytest.approx(-1.0 - np.log(1.0 - np.exp(-5.0)), abs=1e-3)
    slope = jax.jacfwd(part.residuals)(jnp.array([0.0]))
    assert np.all(np.isfinite(slope)) and float(part.residuals(jnp.array([0.5]))[0]) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("kind", ["split", "table"])
def test_simulated_data_are_what_the_likelihood_says(kind):
    """∫ over data: with truth x, the tail probability of Δ(x) of simulated data is uniform."""
    if kind == "split":
        part = SplitNormal.of(3.0, 2.0, 0.7, 0.3)
        shift = np.array([[4.0]])
    else:
        axis = np.linspace(-4.0, 20.0, 241)
        part = LikelihoodTable.of((axis,), 2.0 * (np.exp(-axis) + axis), "cubic")  # Gumbel
        shift = np.array([[1.0]])
    data = part.simulate(jax.random.key(3), np.repeat(shift, 20_000, axis=0))[:, 0]
    if kind == "split":
        up, down = float(part.up), float(part.down)
        assert np.mean(data < 4.0) == pytest.approx(up / (up + down), abs=0.015)
        low = (4.0 - data[data < 4.0]) / up
        assert stats.kstest(low, stats.halfnorm.cdf).pvalue > 1e-3
    else:
        u = shift[0, 0] - data + part.best[0]
        assert stats.kstest(u, stats.gumbel_r.cdf).pvalue > 1e-3


def test_a_function_has_value_slope_and_curvature_for_a_minimiser():
    covariance = jnp.array([[1.0, 0.4], [0.4, 2.0]])
    function = lambda x, d: -0.5 * (x - d) @ jnp.linalg.solve(covariance, x - d)
    part = FunctionPart(np.array([1.0, 2.0]), np.zeros(()), function, None)
    x = jnp.array([2.0, -1.0])
    minus_two_log_l = lambda x: -2.0 * part.log_prob_at(x)
    total = lambda x: jnp.sum(part.residuals(x) ** 2)
    np.testing.assert_allclose(jax.grad(total)(x), jax.grad(minus_two_log_l)(x), rtol=1e-9)
    jacobian = jax.jacfwd(part.residuals)(x)
    np.testing.assert_allclose(jacobian.T @ jacobian, np.linalg.inv(covariance), rtol=1e-9)
    assert float(total(x) - total(jnp.array([1.0, 2.0]))) == pytest.approx(float(minus_two_log_l(x)), rel=1e-9)
    with pytest.raises(db.InputError, match="what else might have been measured"):
        part.simulate(jax.random.key(0), np.zeros((3, 2)))


def test_another_process_has_them(tmp_path, fit):
    """From the text alone, in a fresh interpreter."""
    text = db.Fit(model="wet", priors=PRIORS, own=OWN).text
    (tmp_path / "fit.toml").write_text(text)
    code = "import darkbeauty as db, json, sys; print(json.dumps(db.load_fit(sys.argv[1]).content()))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "fit.toml")], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == db.Fit(model="wet", priors=PRIORS, own=OWN).content()
