"""Parameters that are expressions of others: the same numbers and slopes as by hand, in every model, and what is no tie is said."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inference.reading import parse_fit
from darkbeauty.likelihoods.standard_model import pull
from darkbeauty.likelihoods.tied import Tied

HEAD = """
name = "tied"
model = "wet"
[priors]
{priors}
[tied]
{tied}
[likelihood]
terms = ["BR(Bs->mumu)"]
[[likelihood.own]]
name = "C9"
observable = "real(C9(bsmumu)[4])"
value = -0.8
error = 0.2
theory = 0.0
"""
UNIFORM = '{ kind = "uniform", lower = -2.0, upper = 2.0 }'


def fit_of(tied: str, *names: str, more: str = "") -> db.Fit:
    priors = "\n".join(f"{name} = {UNIFORM}" for name in names)
    return parse_fit(HEAD.format(priors=priors, tied=tied) + more, "tied.toml")


@pytest.fixture(scope="module")
def left_handed():
    return fit_of('C10_bsmumu = "-C9_bsmumu"', "C9_bsmumu")


@pytest.fixture(scope="module")
def lik(left_handed):
    return left_handed.likelihood()


@pytest.fixture(scope="module")
def by_hand(left_handed):
    return db.likelihood("wet", terms=[left_handed.known[name] for name in left_handed.terms])


def test_it_is_the_model_at_the_tied_values(left_handed, lik, by_hand):
    assert left_handed.parameters == ("C9_bsmumu",)
    for value in (-0.7, 0.0, 0.4):
        assert float(lik.log_prob({"C9_bsmumu": value})) == pytest.approx(
            float(by_hand.log_prob({"C9_bsmumu": value, "C10_bsmumu": -value})), rel=1e-12
        )


def test_slopes_follow_the_chain_rule(lik, by_hand):
    slope = jax.grad(lambda x: lik.log_prob({"C9_bsmumu": x}))(-0.7)
    c9, c10 = jax.grad(lambda x, y: by_hand.log_prob({"C9_bsmumu": x, "C10_bsmumu": y}), (0, 1))(-0.7, 0.7)
    assert float(slope) == pytest.approx(float(c9 - c10), rel=1e-10)


def test_best_fit_and_its_pull(left_handed, lik):
    best = db.optimise(left_handed)
    assert set(best.parameters) == {"C9_bsmumu"}
    grid = np.linspace(-1.5, 0.5, 401)
    log_l = np.asarray(jax.vmap(lambda x: lik.log_prob({"C9_bsmumu": x}))(grid))
    assert best.parameters["C9_bsmumu"] == pytest.approx(grid[np.argmax(log_l)], abs=0.006)
    assert best.delta_chi2 == pytest.approx(2.0 * (np.max(log_l) - log_l[300]), abs=1e-3)  # 0 is the grid's place 300
    assert best.pull == pytest.approx(np.sqrt(best.delta_chi2), rel=1e-9)


def test_pulls_are_those_of_the_tail_of_chi2():
    """38.4 of two degrees of freedom: exp(−19.2) = 4.6e-9, 5.86 σ; far out, where the tail underflows, √Δχ² to 1 %."""
    assert pull(38.4, 2) == pytest.approx(5.862, abs=1e-3)
    assert pull(-1e-9, 3) == pytest.approx(0.0, abs=1e-9)
    assert pull(4.0, 1) == pytest.approx(2.0, rel=1e-12)
    assert pull(1e4, 2) == pytest.approx(100.0, rel=1e-2)
    for parameters in (1, 2, 5):
        assert pull(499.99, parameters) == pytest.approx(pull(500.01, parameters), rel=1e-4)


def test_sums_scalings_and_parameters_that_only_ties_know():
    tied = 'C9_bsee = "universal"\nC9_bsmumu = "universal + 0.5 * mu"\nC10_bsmumu = "re + 1j * im"\nC7_bs = "0.01 * universal**2"'
    fit = fit_of(tied, "universal", "mu", "re", "im")
    assert fit.parameters == ("universal", "mu", "re", "im")
    point = {"universal": -0.6, "mu": 0.2, "re": 0.1, "im": -0.3}
    labels = ["C9(bsee)[4]", "C9(bsmumu)[4]", "C10(bsmumu)[4]"]
    assert list(db.predict(fit.model, point, labels).values()) == pytest.approx([-0.6, -0.5, 0.1 - 0.3j], rel=1e-12)
    assert complex(fit.model.at(point).resolved().C7_bs) == pytest.approx(0.0036, rel=1e-12)
    slopes = db.gradient(fit.model, point, ["real(C9(bsmumu)[4])"])
    assert slopes["real(C9(bsmumu)[4])"] == pytest.approx({"universal": 1.0, "mu": 0.5, "re": 0.0, "im": 0.0})


def test_the_text_gives_the_fit_again(left_handed):
    made = db.Fit(
        name="tied",
        model="wet",
        priors={"C9_bsmumu": db.Uniform(-2, 2)},
        tied={"C10_bsmumu": "-C9_bsmumu"},
        terms=["BR(Bs->mumu)", db.own_term("C9", observable="real(C9(bsmumu)[4])", value=-0.8, error=0.2, theory=0.0)],
    )
    assert made.content() == left_handed.content()
    assert parse_fit(made.text, "again.toml").content() == made.content()
    assert made.content()["tied C10_bsmumu"] == "-C9_bsmumu"
    assert fit_of('C10_bsmumu = "C9_bsmumu"', "C9_bsmumu").content() != made.content()


# -- models with domains and conditions ---------------------------------------------------------------------------------------------------


PORTAL = {
    "model": "lmu_ltau_s1",
    "priors": {"y": db.Uniform(0.1, 1.0), "m_dm": db.Uniform(1.0, 2.0)},
    "fixed": {"g": 0.002},
    "terms": ["BR(Bs->mumu)"],
}


def test_domains_and_conditions_hold_of_what_is_tied():
    fit = db.Fit(**PORTAL, tied={"m_zp": "2.2 * m_dm", "m_heavy": "3 * m_dm - 3.3"})
    assert isinstance(fit.model, Tied)
    at = lambda m_dm: fit.model.with_values({"y": 0.5, "m_dm": m_dm})
    assert bool(at(1.8).is_allowed())
    assert not bool(at(1.2).is_allowed())  # the heavier state would be 0.3 GeV
    values = db.predict(fit.model, {"y": 0.5, "g": 0.002, "m_dm": 1.8}, ["Gamma_Zp"])
    direct = db.predict("lmu_ltau_s1", {"y": 0.5, "g": 0.002, "m_dm": 1.8, "m_zp": 3.96, "m_heavy": 2.1}, ["Gamma_Zp"])
    assert values["Gamma_Zp"] == pytest.approx(direct["Gamma_Zp"], rel=1e-12)
    with pytest.raises(InputError, match="is not lighter than"):
        fit.model.at({"y": 0.5, "g": 0.002, "m_dm": 1.2})
    with pytest.raises(InputError, match=r"m_zp = -2\.0 is outside its domain"):
        db.Fit(**PORTAL, tied={"m_zp": "-2 + 0 * m_dm"})


def test_division_by_zero_has_no_likelihood_and_no_slope():
    fit = fit_of('C9_bsmumu = "0.1 / x"', "x")
    value, slope = jax.value_and_grad(lambda x: fit.likelihood().log_prob({"x": x}))(0.0)
    assert value == -np.inf and slope == 0.0


# -- what is no tie -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tied", "expected"),
    [
        ('C10_bsmumuu = "-C9_bsmumu"', "tied.C10_bsmumuu: unknown parameter 'C10_bsmumuu'"),
        ('C10_bsmumu = "-C9_bsmumuu"', "tied.C10_bsmumu: unknown or tied parameter 'C9_bsmumuu'"),
        ('C10_bsmumu = "-C10_bsmumu"', "tied.C10_bsmumu: unknown or tied parameter 'C10_bsmumu'"),
        ('C10_bsmumu = "sin(C9_bsmumu)"', "tied.C10_bsmumu: unknown function 'sin'"),
        ('C10_bsmumu = "C9_bsmumu +"', "tied.C10_bsmumu: cannot be read as arithmetic"),
        ('C10_bsmumu = "C9_bsmumu if 1 else 2"', "tied.C10_bsmumu: unknown or tied parameter"),
        ('C10_bsmumu = "0.5"', "tied.C10_bsmumu: '0.5' is no expression of parameters"),
        ('C10_bsmumu = ""', "tied.C10_bsmumu: '' is no expression of parameters"),
        ("C10_bsmumu = 0.5", "tied.C10_bsmumu: Input should be a valid string"),
        ('C9_bsmumu = "2 * C10_bsmumu"', "tied.C9_bsmumu: is also given a prior"),
        ('C10_bsmumu = "-C9_bsmumu"\nC10_bsmumu = "x"', "Cannot overwrite a value"),
    ],
)
def test_what_is_no_tie_is_said(tied, expected):
    with pytest.raises(InputError) as caught:
        fit_of(tied, "C9_bsmumu")
    assert expected in str(caught.value)


def test_other_mistakes_of_ties_are_said_together():
    with pytest.raises(InputError) as caught:
        fit_of('C10_bsmumu = "-C9_bsmumu"\nC7_bs = "y"', "C9_bsmumu", "x", more="\n[fixed]\nC10_bsmumu = 1.0\n")
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"tied.toml: tied.C10_bsmumu", "tied.toml: tied.C7_bs", "tied.toml: priors.x"}
    with pytest.raises(InputError, match=r"tied\.m_zp: is complex, and the parameter is real"):
        db.Fit(**PORTAL, tied={"m_zp": "m_dm + 1j"})


def test_axes_of_pictures():
    """Of what stays, the model's own symbol; of what only ties know, its name."""
    model = fit_of('C9_bsmumu = "universal"', "universal", "C10_bsmumu").model
    assert model.axis("C10_bsmumu") == r"$C_{10}^{bs\mu \mu}$"
    assert model.axis("universal") == "universal"
