"""Arithmetic of observables: what is read, what is refused in words, values and derivatives beside those of the parts."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.likelihoods.theory import theory_jacobian
from darkbeauty.models import resolve_model
from darkbeauty.observables import BY_NAME, Combined, read_expression
from darkbeauty.prediction import beyond_standard_model, gradient_in_words, parse, predict_in_words, visible
from darkbeauty.status import Status

K, K_STAR = "BR(B+->Knunu)", "BR(B0->K*nunu)"
POINT = {"CR_bsnumunumu": 3.0}
LABELS = (K_STAR, K, f"{K_STAR}/{K}", f"(2*{K_STAR} - {K})**2 / sqrt({K})", f"1/({K} - {K})")


@pytest.fixture(scope="module")
def computed():
    return gradient_in_words("wet", POINT, LABELS)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f"{K_STAR}/{K}", (K_STAR, K)),
        (f"1e-5*{K} - 2*{K_STAR}", (K, K_STAR)),
        ("DeltaM_s/DeltaM_d", ("DeltaM_s", "DeltaM_d")),
        (f"{K} + {K}", (K,)),
        ("sigmav(x=20)[cm3/s] / sigmav_0[cm3/s]", ("sigmav(x=20)[cm3/s]", "sigmav_0[cm3/s]")),
        (
            "<dBR/dq2>(B0->K*mumu)[1.1,6]/<dBR/dq2>(B0->K*ee)[1.1, 6]",
            ("<dBR/dq2>(B0->K*mumu)[1.1,6]", "<dBR/dq2>(B0->K*ee)[1.1, 6]"),
        ),
        ("log(Omega_h2)", ("Omega_h2",)),
    ],
)
def test_names_are_taken_out_whole(text, parts):
    expression = read_expression(text, BY_NAME, "here")
    assert expression is not None and expression.parts == parts and str(expression) == text


def test_every_name_is_a_name_and_no_expression():
    """Nothing of the registry is taken for arithmetic, and half of it is itself."""
    for name in BY_NAME:
        expression = read_expression(f"{name}/2", BY_NAME, "here")
        with_x = "[" in name
        assert with_x or (expression is not None and expression.parts == (name,))


@pytest.mark.parametrize("text", [K, "BR(B+->Knunuu)", "Omega_h2(foo)", "P5p/2", "", "(", "nothing"])
def test_what_is_no_arithmetic(text):
    assert read_expression(text, BY_NAME, "here") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{K_STAR}/BR(B+->Knuunu)", r"unknown observable 'BR\(B\+->Knuunu\)' \(allowed: .*BR\(B\+->Knunu\)"),
        (f"{K_STAR}/", "cannot be read as arithmetic"),
        (f"{K}**{K}", "a power is a number"),
        (f"{K} - exp({K}, 2)", "no function of one number"),
        (f"{K} * 1j", "1j is no number"),
        (f"{K} // 2", "an operator that is none of"),
        (f"{K}*9**9**9", "a power is a number"),
        (f"Omega_h2/{K}", "has no dark matter"),
    ],
)
def test_what_is_wrong_is_said(text, words):
    with pytest.raises(db.InputError, match=words):
        parse(db.likelihood("wet", None, terms=["BR(Bs->mumu)"]).model, [text])


def test_values_and_derivatives(computed):
    """Beside arithmetic and the chain rule in NumPy; no value, and no infinite derivative, where a difference that is 0 divides."""
    slopes, predictions = computed
    a, b = (predictions[name].value for name in LABELS[:2])
    da, db_ = (slopes[name]["CR_bsnumunumu"] for name in LABELS[:2])
    assert predictions[LABELS[2]].value == pytest.approx(a / b, rel=1e-14)
    assert slopes[LABELS[2]]["CR_bsnumunumu"] == pytest.approx(da / b - a * db_ / b**2, rel=1e-12)
    assert predictions[LABELS[3]].value == pytest.approx((2 * a - b) ** 2 / np.sqrt(b), rel=1e-14)
    assert predictions[LABELS[4]].status == Status.NO_ARITHMETIC and np.isnan(predictions[LABELS[4]].value)


def test_a_part_without_a_value_leaves_none():
    label = f"BR(B+->KZp)/{K}"
    point = {"y": 0.0, "g": 0.0, "m_zp": 3.0, "m_dm": 400.0}
    assert predict_in_words("lmu_ltau_s1", point, [label])[label].value == 0.0
    (request,) = parse(db.likelihood("wet", None, terms=["BR(Bs->mumu)"]).model, [f"{K_STAR}/{K}"])
    assert isinstance(request, Combined) and hash(request) == hash(request)


def test_theory_errors_follow_the_chain_rule():
    ratio, a, b = theory_jacobian((f"{K_STAR}/{K}", K_STAR, K))
    central = db.predict("wet", {}, [K_STAR, K])
    x, y = central[K_STAR], central[K]
    np.testing.assert_allclose(ratio, a / y - x * b / y**2, rtol=1e-9, atol=1e-12)
    assert not beyond_standard_model(f"{K_STAR}/{K}") and beyond_standard_model(f"Omega_h2/{K}")


def test_missing_energy_is_what_experiments_see():
    model = resolve_model("lmu_ltau_s1")
    assert visible(model, f"{K_STAR} / {K}") == "BR(B0->K*inv) / BR(B+->Kinv)"


def test_it_is_compiled_with_its_parts_once():
    """A likelihood's predictions may be differentiated through an expression whose parts it has too."""
    predict = db.predictor("wet", LABELS[:3])
    value = lambda c: predict({"CR_bsnumunumu": c})[2]
    step = 1e-4
    assert float(jax.grad(value)(3.0)) == pytest.approx(
        float(value(3.0 + step) - value(3.0 - step)) / (2 * step), rel=1e-6
    )
