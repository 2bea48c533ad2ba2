"""SMEFT coefficients as parameters: their effects are wilson's, they can be differentiated and fitted, and what cannot be a coefficient is said."""

from __future__ import annotations

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inference.reading import parse_fit
from darkbeauty.models import resolve_model
from darkbeauty.models.smeft import Smeft
from darkbeauty.models.wet import COEFFICIENTS

with warnings.catch_warnings():  # an extension module of it crashes where warnings are errors
    warnings.simplefilter("ignore")
    wilson = pytest.importorskip("wilson")

NAMES = ("lq1_2223", "lq3_2223", "qe_2322")
RANDOM = np.random.default_rng(7)
LABELS = ["C9(bsmumu)[6]", "C10(bsmumu)[6]", "BR(Bs->mumu)", "BR(B+->Knunu)"]
BS = "BR(Bs->mumu)"


@pytest.fixture(scope="module")
def model():
    return Smeft(NAMES)


def random_point(size: float) -> dict[str, complex]:
    return {name: complex(*(size * RANDOM.normal(size=2))) for name in NAMES}


@pytest.mark.parametrize("number", range(20))
def test_coefficients_at_low_scale_are_those_of_wilson(model, number):
    """(17 TeV)⁻² each: quadratic effects are below 1e-8."""
    point = random_point(3e-9)
    run = wilson.Wilson(point, 1000.0, "SMEFT", "Warsaw")
    run.set_option("parameters", {name: float(getattr(model.sm.ckm, name)) for name in ("Vus", "Vub", "Vcb", "gamma")})
    theirs = run.match_run(4.8, "WET", "flavio", sectors=("sb", "sbnunu")).dict
    contact = model.at(point).derive().wilson.contact
    largest = max(abs(theirs[name]) for name in ("C9_bsmumu", "C10_bsmumu", "CL_bsnumunumu"))
    for slot in ("C9", "C10", "C9p", "C10p"):
        for i, lepton in enumerate(("e", "mu", "tau")):
            assert abs(contact[slot][i] - theirs.get(f"{slot}_bs{lepton}{lepton}", 0.0)) < 1e-6 * largest
            if slot in ("C9",):
                expected = theirs.get(f"CL_bsnu{lepton}nu{lepton}", 0.0)
                assert abs(contact["CL"][i] - expected) < 1e-6 * largest
    assert abs(contact["C7"] - theirs["C7_bs"]) < 1e-9 * largest


def test_predictions_are_those_of_wet_at_the_same_coefficients(model):
    point = random_point(3e-9)
    at_low_scale = dict(
        zip(model.filled, (model.matrix @ np.array([[z.real, z.imag] for z in point.values()]).ravel()))
    )
    assert set(at_low_scale) <= set(COEFFICIENTS)
    ours, theirs = db.predict(model, point, LABELS), db.predict("wet", at_low_scale, LABELS)
    assert [ours[label] for label in LABELS] == pytest.approx([theirs[label] for label in LABELS], rel=1e-12)


def test_gradient_is_that_of_differences(model):
    predict = db.predictor(model, ["BR(Bs->mumu)", "BR(B+->Knunu)"])
    at = lambda x: predict({name: 1e-9 * x[i] for i, name in enumerate(NAMES)})
    x = jnp.array([0.5, -0.3, 0.8])
    slopes, step = jax.jacfwd(at)(x), 1e-4
    differences = [(at(x.at[i].add(step)) - at(x.at[i].add(-step))) / (2.0 * step) for i in range(3)]
    assert np.allclose(slopes, np.stack(differences, axis=1), rtol=1e-7)
    assert np.allclose(jax.jacrev(at)(x), slopes, rtol=1e-12)


FIT = """
name = "smeft"
model = "smeft"
coefficients = ["lq1_2223", "qe_2322"]
scale = 1000.0
priors = { lq1_2223 = { kind = "uniform", lower = -3e-9, upper = 3e-9 } }
fixed = { qe_2322 = 1e-10 }
[likelihood]
terms = ["BR(Bs->mumu)"]
"""


def test_a_fit_file_names_coefficients_and_scale():
    fit = parse_fit(FIT, "smeft.toml")
    assert fit.parameters == ("lq1_2223",) and fit.model.scale == 1000.0
    again = parse_fit(db.Fit(**ENTRIES).text, "again.toml")
    assert again.content() == fit.content()
    assert fit.content()["coefficients"] == "lq1_2223, qe_2322"
    value = fit.likelihood().log_prob({"lq1_2223": 1e-9})
    wet = db.likelihood("wet", terms=[BS])
    point = {"lq1_2223": 1e-9, "qe_2322": 1e-10}
    derived = jnp.asarray(fit.model.matrix) @ jnp.array([1e-9, 0.0, 1e-10, 0.0], complex)
    in_wet = dict(zip(fit.model.filled, derived.tolist()))
    assert abs(in_wet["C10_bsmumu"] - db.predict(fit.model, point, ["C10(bsmumu)[4.8]"])["C10(bsmumu)[4.8]"]) < 1e-9
    assert value == pytest.approx(float(wet.log_prob(in_wet)), rel=1e-6)


ENTRIES = {
    "name": "smeft",
    "model": "smeft",
    "coefficients": ["lq1_2223", "qe_2322"],
    "priors": {"lq1_2223": db.Uniform(-3e-9, 3e-9)},
    "fixed": {"qe_2322": 1e-10},
    "terms": [BS],
}


def test_a_model_object_is_the_same():
    named, given = db.Fit(**ENTRIES), {**ENTRIES, "model": Smeft(["lq1_2223", "qe_2322"])}
    del given["coefficients"]
    assert db.Fit(**given).content() == named.content()


def test_it_has_the_presets_of_wet():
    entries = {name: value for name, value in ENTRIES.items() if name != "terms"}
    fit = db.Fit(**entries, preset="global", drop=[])
    assert BS in fit.terms and "b->smumu" in fit.terms


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"coefficients": ["lq1_2232"]}, "coefficients.lq1_2232: unknown coefficient 'lq1_2232'"),
        ({"coefficients": "lq1_2223"}, "coefficients: 'lq1_2223' is no list of names"),
        ({"coefficients": ["lq1_2223", "lq1_2223"]}, "coefficients.lq1_2223: is given more than once"),
        ({"coefficients": ["lq1_2223"], "scale": 50.0}, "scale: scale 50.0 GeV (allowed: 91.1876 to 1e+16)"),
        ({"coefficients": ["lq1_2223"], "scale": float("nan")}, "scale: scale nan GeV"),
        ({"coefficients": ["qq1_2323"]}, "coefficients.qq1_2323: acts on b → s by CVLL_bsbs"),
        ({"coefficients": ["uphi_33"]}, "coefficients.uphi_33: has no effect on b → s"),
    ],
)
def test_what_is_no_coefficient_is_said(choices, expected):
    with pytest.raises(InputError) as caught:
        resolve_model("smeft", **choices)
    assert expected in str(caught.value)


def test_all_problems_of_a_fit_file_at_once():
    text = FIT.replace('"qe_2322"]', '"qe_1", "phiq9"]').replace("1000.0", "1.0")
    with pytest.raises(InputError) as caught:
        parse_fit(text, "smeft.toml")
    paths = [problem.path.removeprefix("smeft.toml: ") for problem in caught.value.problems]
    assert {"coefficients.qe_1", "coefficients.phiq9", "scale"} <= set(paths)


def test_other_models_have_no_coefficients_and_real_ones_are_real():
    with pytest.raises(InputError, match="model 'wet' has no such choice"):
        resolve_model("wet", coefficients=("lq1_2223",))
    model = Smeft(["lq1_2233"])
    assert not model.parameters[0].complex
    with pytest.raises(InputError, match="is not a real number"):
        model.at({"lq1_2233": 1e-9j})
    assert Smeft().derive().wilson is not None and Smeft().parameters == ()


def test_axes_of_pictures(model):
    assert model.axis(model.coefficients[0]) == f"{model.coefficients[0]} [1/GeV$^{{2}}$]"
