"""The likelihood against scipy, its theory errors against sampling and flavio, and every way a fit file can be wrong."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

import darkbeauty as db
from darkbeauty.evaluation import evaluate
from darkbeauty.likelihoods import PRESETS, TERMS
from darkbeauty.likelihoods.theory import nuisances, theory_covariance
from darkbeauty.models import resolve_model
from darkbeauty.prediction import parse
from darkbeauty.status import Status

ROOT = Path(__file__).parents[2]
SIGMA = json.loads((ROOT / "tests" / "reference" / "b_to_k.json").read_text(encoding="utf-8"))["sigma"]
SAMPLED = ("BR(B->Xsgamma)", "BR(B+->Knunu)", "DeltaM_s", "<dBR/dq2>(B+->Kmumu)[1.1,6.0]")

CHOSEN = ["R_K", "BR(B->Xsgamma)", "DeltaM_s", "BR(B+->Knunu)", "BR(Bs->mumu)"]

# as published: value, [errors: up, down]; R_K of LHCb with its correlation
R_K = ((0.949, [(0.042, 0.041), (0.022, 0.022)]), (0.994, [(0.09, 0.082), (0.029, 0.027)]))
R_K_CORRELATION = 0.015
XS_GAMMA, DELTA_M, K_INV, B_MUMU = (
    (3.27e-4, 0.14e-4),
    (1.169353e-11, 3.752e-15),
    (2.3e-5, 0.7e-5),
    (3.360845e-9, 2.808708e-10),
)


def r_k_covariance() -> np.ndarray:
    a, b = (np.sqrt(sum(up * down for up, down in errors)) for _, errors in R_K)
    return np.array([[a**2, R_K_CORRELATION * a * b], [R_K_CORRELATION * a * b, b**2]])


@pytest.fixture(scope="module")
def wet():
    return db.likelihood("wet", None, terms=CHOSEN)


# -- values ------------------------------------------------------------------------------------------------------------------------------


def test_log_prob_is_a_multivariate_normal(wet):
    point = {"C9_bsmumu": -0.8 + 0.1j, "C10_bsmumu": 0.3, "C7_bs": 0.02, "CR_bsnumunumu": 2.0}
    prediction = np.asarray(eqx.filter_jit(lambda lik, p: lik.predictions(p))(wet, point))
    labels = [request.label for request in wet.requests]
    assert labels == [
        "<Rmue>(B+->Kll)[1.1,6.0]",
        "<Rmue>(B+->Kll)[0.1,1.1]",
        "BR(B->Xsgamma)",
        "DeltaM_s",
        "BR(B+->Knunu)",
        "BR(Bs->mumu)",
    ]
    expected = multivariate_normal.logpdf(
        prediction[:2], [value for value, _ in R_K], r_k_covariance() + theory_covariance(tuple(labels[:2]))
    )
    for i, (value, sigma) in enumerate((XS_GAMMA, DELTA_M, K_INV, B_MUMU), start=2):
        variance = sigma**2 + theory_covariance((labels[i],))[0, 0]
        expected += multivariate_normal.logpdf(prediction[i], value, variance)
    assert float(wet.log_prob_of(prediction)) == pytest.approx(expected, rel=1e-10)
    assert float(eqx.filter_jit(lambda lik, p: lik.log_prob(p))(wet, point)) == pytest.approx(expected, rel=1e-10)


def test_correlated_theory_errors_are_one_normal_of_all_terms(wet):
    """With the theory covariance of all predictions made in one piece; each term alone is what it was."""
    correlated = db.likelihood("wet", None, terms=CHOSEN, theory="correlated")
    prediction = np.asarray(eqx.filter_jit(lambda lik, p: lik.predictions(p))(wet, {"C9_bsmumu": -0.8}))
    covariance = theory_covariance(tuple(request.label for request in wet.requests)).copy()
    covariance[:2, :2] += r_k_covariance()
    covariance[range(2, 6), range(2, 6)] += [sigma**2 for _, sigma in (XS_GAMMA, DELTA_M, K_INV, B_MUMU)]
    data = [value for value, _ in (*R_K, XS_GAMMA, DELTA_M, K_INV, B_MUMU)]
    scale = np.sqrt(np.diag(covariance))
    whitened = multivariate_normal.logpdf((prediction - data) / scale, cov=covariance / np.outer(scale, scale))
    expected = whitened - np.sum(np.log(scale))
    assert float(correlated.log_prob_of(prediction)) == pytest.approx(expected, rel=1e-10)
    assert abs(expected - float(wet.log_prob_of(prediction))) > 0.1
    alone, before = ({k: float(v) for k, v in lik.by_term(prediction).items()} for lik in (correlated, wet))
    assert alone == pytest.approx(before, rel=1e-10)
    assert sum(before.values()) == pytest.approx(float(wet.log_prob_of(prediction)), rel=1e-12)


def test_relic_density_has_ten_percent(wet):
    omega = db.likelihood("lmu_ltau_s1", None, terms=["Omega_h2"], relic="freeze_out")
    for value in (0.05, 0.12, 1.0):
        expected = multivariate_normal.logpdf(value, 0.12, 0.001**2 + 0.012**2)
        assert float(omega.log_prob_of(jnp.array([value]))) == pytest.approx(expected, rel=1e-12)


def test_explain(wet):
    point = {"C9_bsmumu": -1.0}
    rows = wet.explain(point)
    assert [row.observable for row in rows] == [request.label for request in wet.requests]
    predicted = db.predict("wet", point, [row.observable for row in rows])
    for row in rows:
        assert row.prediction == pytest.approx(predicted[row.observable], rel=1e-5, abs=0.0)  # tables of binned rates
        assert row.pull == pytest.approx((row.prediction - row.measured) / row.sigma, rel=1e-12)
    total = sum({row.term: row.log_prob for row in rows}.values())
    assert total == pytest.approx(float(wet.log_prob_of(jnp.array([row.prediction for row in rows]))), rel=1e-12)
    r_k = rows[0]
    assert (r_k.measured, r_k.term) == (0.949, "R_K")
    assert r_k.sigma == pytest.approx(np.sqrt(0.042 * 0.041 + 0.022**2), rel=1e-4)


def test_failed_prediction_is_impossible_with_zero_gradient(wet):
    bad = jnp.array([1.0, 1.0, jnp.nan, 1e-11, 1e-5, 3e-9])
    assert wet.log_prob_of(bad) == -jnp.inf
    np.testing.assert_array_equal(jax.grad(wet.log_prob_of)(bad), np.zeros(6))


# -- theory errors -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def covariance():
    return theory_covariance(SAMPLED)


def test_theory_errors_agree_with_flavio(covariance):
    """flavio's are Monte-Carlo estimates from 100 and 200 points: together good to 4 %."""
    for label, sigma in zip(SAMPLED, np.sqrt(np.diag(covariance))):
        assert sigma == pytest.approx(np.mean(SIGMA[label]), rel=0.1, abs=0.0), label


def test_theory_covariance_agrees_with_sampling(covariance):
    """400 draws of every nuisance at once: standard deviations to 15 %, correlations to 0.15."""
    rng, model = np.random.default_rng(7), resolve_model("wet")
    draws = {}
    for path, root in zip(*nuisances()):
        central = np.atleast_1d(model.sm.get(path))
        sample = rng.multivariate_normal(central, root @ root.T, 400, method="eigh")
        draws[path] = sample if len(root) > 1 else sample[:, 0]

    requests = parse(model, SAMPLED)
    one = lambda values: evaluate(type(model)(sm=model.sm.replace(values)), requests).value

    values = np.asarray(jax.jit(jax.vmap(one))(draws))
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(values.std(axis=0), scale, rtol=0.15)
    np.testing.assert_allclose(np.corrcoef(values.T), covariance / np.outer(scale, scale), atol=0.15)


# -- choosing terms ----------------------------------------------------------------------------------------------------------------------


def test_add_and_drop(wet):
    names = lambda lik: [term.name for term in lik.terms]
    assert names(wet) == CHOSEN
    preset = PRESETS["wet", "global"]
    fewer = db.likelihood("wet", "global", drop=[name for name in preset if name != "BR(B+->Knunu)"])
    assert names(fewer) == ["BR(B+->Knunu)"]
    same = db.likelihood("wet", None, terms=["BR(B+->Knunu)"], add=["BR(B+->Knunu)"])
    assert names(same) == names(fewer) and float(same.log_prob({})) == float(fewer.log_prob({}))


def test_dark_matter_is_missing_energy():
    labels = lambda model: [request.label for request in db.likelihood(model, None, terms=["BR(B+->Knunu)"]).requests]
    assert labels("lmu_ltau_s1") == ["BR(B+->Kinv)"] and labels("wet") == ["BR(B+->Knunu)"]


def refused(*args, **options) -> str:
    with pytest.raises(db.InputError) as caught:
        db.likelihood(*args, **options)
    return str(caught.value)


def test_wrong_choices_are_listed():
    assert "'globl'" in refused("wet", "globl") and "global" in refused("wet", "globl")
    message = refused("wet", "global", add=["R_J"], drop=["Omega_h2", "nothing"])
    for piece in ("likelihood.add", "'R_J'", "'nothing'", "'Omega_h2' is not in the fit"):
        assert piece in message
    assert "no dark matter" in refused("wet", None, terms=["Omega_h2"])
    assert "at least one term" in refused("wet", None, terms=[])
    assert all(name in refused("wet", None, terms=[]) for name in TERMS)
    assert "'sm'" in refused("sm", "global")
    assert all(word in refused("wet", "global", theory="joint") for word in ("'joint'", "marginal", "correlated"))


# -- fit files ---------------------------------------------------------------------------------------------------------------------------

GOOD = """
name = "t"
model = "lmu_ltau_s1"
seed = 3
[fixed]
chi = 0.0
[priors]
y = { kind = "log_uniform", lower = 0.01, upper = 2.0 }
g = { kind = "log_uniform", lower = 1e-4, upper = 1e-2 }
m_zp = { kind = "uniform", lower = 1.0, upper = 6.0 }
m_dm = { kind = "normal", mean = 1.0, sigma = 0.05 }
[likelihood]
terms = ["R_K", "Omega_h2"]
[sampler]
draws = 30
"""

WRONG = {
    "unknown parameter": (("g = {", "h = {"), ["priors.h", "unknown parameter 'h'", "'g' has neither"]),
    "missing prior": (('y = { kind = "log_uniform", lower = 0.01, upper = 2.0 }\n', ""), ["priors", "'y' has neither"]),
    "outside the domain": (("upper = 2.0", "upper = 20.0"), ["priors.y", "leaves the domain", "0 to 3.5"]),
    "reversed": (("upper = 6.0", "upper = 0.5"), ["priors.m_zp", "must be below"]),
    "log of zero": (("lower = 1e-4", "lower = 0.0"), ["priors.g.lower", "positive lower bound"]),
    "kind": (('kind = "normal"', 'kind = "gaussian"'), ["priors.m_dm.kind", "log_uniform"]),
    "field of a prior": (("sigma = 0.05", "width = 0.05"), ["priors.m_dm.sigma", "priors.m_dm.width"]),
    "negative sigma": (("sigma = 0.05", "sigma = -0.05"), ["priors.m_dm.sigma", "greater than 0"]),
    "fixed unknown": (("chi = 0.0", "ki = 0.0"), ["fixed.ki", "unknown parameter 'ki'"]),
    "fixed outside": (("chi = 0.0", "chi = 3.0"), ["fixed.chi", "outside"]),
    "fixed and free": (("chi = 0.0", "y = 0.1"), ["fixed.y", "also given a prior"]),
    "fixed type": (("chi = 0.0", 'chi = "none"'), ["fixed.chi", "valid number"]),
    "unknown term": (('"R_K"', '"R_Q"'), ["likelihood.terms", "'R_Q'"]),
    "unknown preset": (('terms = ["R_K", "Omega_h2"]', 'preset = "all"'), ["likelihood.preset", "'all'", "paper"]),
    "no term": (('["R_K", "Omega_h2"]', "[]"), ["likelihood.terms", "at least one term"]),
    "unknown section": (("[sampler]", "[smpler]"), ["smpler", "unknown entry", "sampler"]),
    "unknown entry": (("draws = 30", "draw = 30"), ["sampler.draw", "unknown entry", "draws"]),
    "wrong type": (("draws = 30", 'draws = "many"'), ["sampler.draws", "integer"]),
    "too small": (("draws = 30", "draws = 1"), ["sampler.draws", "greater than or equal to 20"]),
    "unknown model": (('"lmu_ltau_s1"', '"lmu_ltau"'), ["model", "'lmu_ltau'", "lmu_ltau_s1"]),
    "no model": (('model = "lmu_ltau_s1"\n', ""), ["model", "required"]),
    "no likelihood": (('[likelihood]\nterms = ["R_K", "Omega_h2"]\n', ""), ["likelihood", "required"]),
    "malformed": (("[priors]", "[priors"), ["malformed TOML", "line"]),
}


def problems(path: Path) -> list[str]:
    with pytest.raises(db.InputError) as caught:
        db.load_fit(path)
    return [str(problem) for problem in caught.value.problems]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_good_file(tmp_path):
    fit = db.load_fit(write(tmp_path, GOOD))
    assert fit.parameters == ("y", "g", "m_zp", "m_dm") and fit.terms == ("R_K", "Omega_h2")
    assert fit.model.chi == 0.0 and fit.sampler.draws == 30
    assert [term.name for term in fit.likelihood().terms] == ["R_K", "Omega_h2"]


@pytest.mark.parametrize("name", list(WRONG))
def test_one_mistake(tmp_path, name):
    """Named with the file and the place in it; nothing else is complained about but what follows from it."""
    (old, new), pieces = WRONG[name]
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    found = problems(path)
    assert all(problem.startswith(str(path)) for problem in found)
    for piece in pieces:
        assert any(piece in problem for problem in found), (piece, found)
    assert len(found) <= 2


def test_all_mistakes_at_once(tmp_path):
    text = GOOD
    chosen = (
        "outside the domain",
        "reversed",
        "log of zero",
        "field of a prior",
        "fixed outside",
        "unknown term",
        "wrong type",
    )
    for name in chosen:
        text = text.replace(*WRONG[name][0], 1)
    found = "\n".join(problems(write(tmp_path, text)))
    for name in chosen:
        for piece in WRONG[name][1]:
            assert piece in found, (name, piece)


def test_missing_file(tmp_path):
    assert "cannot be read" in problems(tmp_path / "nothing.toml")[0]
    assert "cannot be read" in problems(tmp_path)[0]


@pytest.mark.parametrize("path", sorted((ROOT / "fits").glob("*.toml")), ids=lambda path: path.stem)
def test_fits_load(path):
    if path.stem.startswith("smeft") and importlib.util.find_spec("wilson") is None:
        pytest.skip("needs the package wilson")
    fit = db.load_fit(path)
    assert fit.name == path.stem and fit.terms


def test_no_probability_where_dark_matter_is_not_the_lighter_state():
    """Traced parameters cannot be refused: the likelihood is −inf there, with zero gradient."""
    omega = db.likelihood("le_lmu_r2", None, terms=["Omega_h2"], relic="freeze_out")
    both = jax.jit(jax.value_and_grad(omega.log_prob))
    point = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
    for m_dm, is_allowed in ((286.0, True), (499.9, True), (500.1, False), (650.0, False)):
        value, slope = both({**point, "m_dm": m_dm})
        assert np.isfinite(value) == is_allowed
        assert is_allowed or (value == -np.inf and all(entry == 0.0 for entry in slope.values()))


def test_a_bound_method_can_be_compiled():
    lik = db.likelihood("wet", None, terms=["BR(Bs->mumu)"])
    point = {"C10_bsmumu": jnp.asarray(0.3)}
    assert float(jax.jit(lik.log_prob)(point)) == pytest.approx(float(lik.log_prob(point)), rel=1e-12)


def test_explaining_other_points_compiles_nothing():
    events = []
    jax.monitoring.register_event_duration_secs_listener(lambda name, *_, **__: events.append(name))
    first, second = (db.likelihood("wet", None, terms=["DeltaM_s", "BR(Bs->mumu)"]) for _ in range(2))
    first.explain({"C10_bsmumu": 0.3})
    (row,) = [row for row in first.explain({"C10_bsmumu": -0.2}) if row.term == "BR(Bs->mumu)"]
    before = sum("compile" in name for name in events)
    again = [row for row in second.explain({"C10_bsmumu": np.float32(-0.2)}) if row.term == "BR(Bs->mumu)"]
    assert sum("compile" in name for name in events) == before
    assert row.prediction == pytest.approx(db.predict("wet", {"C10_bsmumu": -0.2}, [row.observable])[row.observable])
    assert again[0].prediction == pytest.approx(row.prediction, rel=1e-6)


def test_reports_say_what_is_not_to_be_trusted():
    lik = db.likelihood("wet", None, terms=["BR(Bs->mumu)"])
    assert lik.report(np.array([3e-9]))[0].remarks == ()
    assert "no value it can have" in lik.report(np.array([1.5]))[0].remarks[0]
    failed = lik.report(np.array([np.nan]), np.array([int(Status.NO_ROOT)]))
    assert failed[0].remarks == (Status.NO_ROOT.words,)


def test_hessian_is_that_of_differences():
    """Along the real parts of complex parameters, against central differences of log L; NaN where there is no likelihood."""
    lik = db.likelihood("wet", terms=["BR(Bs->mumu)"])
    point = {"C10_bsmumu": 0.3 + 0.1j, "C10p_bsmumu": 0.01}
    log_l = jax.jit(lik.log_prob)
    shifted = lambda i, j: float(log_l({"C10_bsmumu": 0.3 + 0.1j + 1e-3 * i, "C10p_bsmumu": 0.01 + 1e-3 * j}))
    hessian = lik.hessian(point)
    mixed = (shifted(1, 1) - shifted(1, -1) - shifted(-1, 1) + shifted(-1, -1)) / 4e-6
    second = (shifted(1, 0) - 2.0 * shifted(0, 0) + shifted(-1, 0)) / 1e-6
    assert hessian.shape == (2, 2) and hessian[0, 1] == pytest.approx(hessian[1, 0], rel=1e-9)
    assert hessian[0, 1] == pytest.approx(mixed, rel=1e-3)
    assert hessian[0, 0] == pytest.approx(second, rel=1e-3)
    nowhere = eqx.tree_at(lambda lik: lik.values, lik, np.array([np.nan]))
    assert np.isnan(nowhere.hessian(point)).all()
