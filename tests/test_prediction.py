"""The public functions predict, gradient and predictor: they agree, they are pure, and they refuse everything wrong at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inputs import load_sm
from darkbeauty.models import resolve_model
from darkbeauty.observables import BY_NAME

POINT = {"y": 0.3, "g": 2e-3, "m_zp": 2.3, "m_dm": 1.1}
FAST = ["Gamma_Zp", "V_sb", "BR(B+->KZp)", "BR(Bs->mumu)", "DeltaM_s", "BR(Zp->inv)"]
LABELS = [*FAST, "sigmav(x=20)", "sigmav(x=20)[cm3/s]", "C9p(bsmumu)[6.0]", "BR(B+->KNN)"]


@pytest.fixture(scope="module")
def compiled():
    return jax.jit(db.predictor("lmu_ltau_s1", LABELS))


def test_predict_is_the_compiled_predictor(compiled):
    values = db.predict("lmu_ltau_s1", POINT, LABELS)
    assert list(values) == LABELS
    np.testing.assert_allclose(compiled(POINT), list(values.values()), rtol=1e-12)
    kinds = {label: type(value) for label, value in values.items()}
    assert kinds.pop("C9p(bsmumu)[6.0]") is complex and set(kinds.values()) == {float}


def test_compiled_is_eager(compiled):
    """The same numbers with and without jit, up to the order of sums."""
    with jax.disable_jit():
        eager = db.predictor("lmu_ltau_s1", FAST[:3])(POINT)
    np.testing.assert_allclose(eager, np.real(compiled(POINT))[:3], rtol=1e-10)


def test_one_trace_for_many_points():
    traces = []
    predictor = db.predictor("lmu_ltau_s1", FAST)

    @jax.jit
    def counted(params):
        traces.append(None)
        return predictor(params)

    for y in np.linspace(0.1, 1.0, 7):
        counted({**POINT, "y": y})
    assert len(traces) == 1


def test_vmap_is_a_loop():
    predictor = db.predictor("lmu_ltau_s1", LABELS)
    rng = np.random.default_rng(1)
    points = {name: value * rng.uniform(0.7, 1.3, 5) for name, value in POINT.items()}
    one = jax.jit(predictor)
    loop = np.stack([one({name: column[i] for name, column in points.items()}) for i in range(5)])
    np.testing.assert_allclose(jax.jit(jax.vmap(predictor))(points), loop, rtol=1e-11)


def test_gradient_is_the_derivative_of_predict():
    """Forward, reverse and central differences."""
    labels = ["Gamma_Zp", "BR(B+->KZp)", "BR(Zp->inv)"]
    exact = db.gradient("lmu_ltau_s1", POINT, labels)
    assert list(exact) == labels and all(list(row) == list(POINT) for row in exact.values())
    reverse = jax.jit(jax.jacrev(db.predictor("lmu_ltau_s1", labels)))({k: jnp.asarray(v) for k, v in POINT.items()})
    compiled = jax.jit(db.predictor("lmu_ltau_s1", labels))
    for name, value in POINT.items():
        step = 1e-4 * value
        up, down = (np.asarray(compiled({**POINT, name: value + sign * step})) for sign in (1.0, -1.0))
        column = np.array([exact[label][name] for label in labels])
        scale = np.abs(up) / value
        np.testing.assert_allclose(reverse[name], column, rtol=1e-9, atol=1e-15 * np.min(scale))
        np.testing.assert_array_less(np.abs(column - (up - down) / (2.0 * step)), 2e-6 * (scale + np.abs(column)))


def test_gradient_of_a_complex_observable_and_parameter():
    labels, point = ["C9(bsmumu)[3.0]", "C7(bs)", "BR(Bs->mumu)"], {"C9_bsmumu": 0.2 + 0.5j, "C7_bs": 0.1}
    values, slopes = db.predict("wet", point, labels), db.gradient("wet", point, labels)
    assert values["C9(bsmumu)[3.0]"] == 0.2 + 0.5j and values["C7(bs)"] == 0.1
    assert isinstance(values["BR(Bs->mumu)"], float)
    assert slopes["C9(bsmumu)[3.0]"] == {"C9_bsmumu": 1.0, "C7_bs": 0.0}
    assert slopes["BR(Bs->mumu)"] == {"C9_bsmumu": 0.0, "C7_bs": 0.0}


def test_gradient_along_the_real_part_of_a_complex_parameter():
    point, step = {"C10_bsmumu": 0.4 + 0.3j}, 1e-4
    slope = db.gradient("wet", point, ["BR(Bs->mumu)"])["BR(Bs->mumu)"]["C10_bsmumu"]
    up, down = (db.predict("wet", {"C10_bsmumu": 0.4 + 0.3j + s * step}, ["BR(Bs->mumu)"]) for s in (1.0, -1.0))
    expected = (up["BR(Bs->mumu)"] - down["BR(Bs->mumu)"]) / (2.0 * step)
    assert slope == pytest.approx(expected, rel=1e-7, abs=0.0)


def test_sigma_v_in_laboratory_units():
    """1 GeV⁻² = (ħc)² c = 1.1683e-17 cm³/s."""
    values = db.predict("lmu_ltau_s1", POINT, ["sigmav(x=20)", "sigmav(x=20)[cm3/s]"])
    ratio = values["sigmav(x=20)[cm3/s]"] / values["sigmav(x=20)"]
    assert ratio == pytest.approx((1.973269804e-14) ** 2 * 2.99792458e10, rel=1e-9, abs=0.0)


def test_labels_keep_their_spelling():
    values = db.predict("wet", {}, ["BR( Bs -> mumu )", "C9(bsmumu)[ 3 ]"])
    assert list(values) == ["BR( Bs -> mumu )", "C9(bsmumu)[ 3 ]"]


def test_a_model_object_is_a_model():
    model = resolve_model("wet")
    heavier = type(model)(sm=model.sm.replace({"decay_constant.f_Bs": 2.0 * model.sm.decay_constant["f_Bs"]}))
    ratio = (
        db.predict(heavier, {}, ["BR(Bs->mumu)"])["BR(Bs->mumu)"]
        / db.predict("wet", {}, ["BR(Bs->mumu)"])["BR(Bs->mumu)"]
    )
    assert ratio == pytest.approx(4.0, rel=1e-12)


def test_a_single_name_is_a_list_of_one():
    assert list(db.predict("wet", {}, "BR(Bs->mumu)")) == ["BR(Bs->mumu)"]


# -- refused input -----------------------------------------------------------------------------------------------------------------------


def problems(function, *args) -> dict[str, str]:
    with pytest.raises(db.InputError) as caught:
        function(*args)
    return {problem.path: str(problem) for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("<dBR/dq2>(B+->Kmumu)[1.1,inf]", "finite"),
        ("<dBR/dq2>(B+->Kmumu)[-inf,6]", "finite"),
        ("dBR/dq2(B+->Kmumu)[nan]", "finite"),
        ("<P5p>(B0->K*mumu)[9,9.3]", "J/psi"),
        ("<P5p>(B0->K*mumu)[8,8.7]", "J/psi"),
        ("<FL>(Bs->phimumu)[14,16]", "psi(2S)"),
        ("<Rmue>(B+->Kll)[11,15]", "psi(2S)"),
        ("<dBR/dq2>(Lambdab->Lambda(1520)mumu)[0.1,17]", "J/psi"),
        ("<dBR/dq2>(B+->Kmumu)[23,25]", "phase space"),
        ("<dBR/dq2>(B+->Ktautau)[1,6]", "phase space"),
        ("<dBR/dq2>(B+->Kmumu)[6,6]", "increasing"),
        ("dBR/dq2(B+->Kmumu)[9.5]", "J/psi"),
        ("P5p(B0->K*ee)[13.6]", "psi(2S)"),
        ("FL(Bs->phimumu)[8.7]", "J/psi"),
        ("Rmue(B+->Kll)[9.5]", "J/psi"),
        ("FL(Lambdab->Lambda(1520)ee)[9.5]", "J/psi"),
        ("d4BR(Lambdab->Lambda(1520)mumu)[9.5,0.1,0.2,0.3]", "J/psi"),
        ("<Rtaumu>(B+->Kll)[10.5,12.6]", "phase space"),
        ("<Rtaumu>(B+->Kll)[12.7,14]", "psi(2S)"),
        ("Rtaumu(B+->Kll)[12.5]", "phase space"),
        ("Rtaumu(B+->Kll)[13.5]", "psi(2S)"),
        ("R_Lambda(1520)[8,9]", "J/psi"),
    ],
)
def test_refused_bins_and_points(label, word):
    (found,) = problems(db.predict, "wet", {}, [label]).values()
    assert word in found


def test_only_light_leptons_come_from_charmonia():
    """Pairs of τ, neutrinos and dark matter are predicted at every q²."""
    labels = ["dBR/dq2(B+->Ktautau)[13.5]", "<dBR/dq2>(B0->K*tautau)[13,15]", "dBR/dq2(B+->Knunu)[9.5]"]
    assert all(value > 0.0 for value in db.predict("wet", {}, labels).values())


def test_bins_beside_the_vetoed_regions_are_allowed():
    labels = ["<dBR/dq2>(B+->Kmumu)[6,8.68]", "<dBR/dq2>(B+->Kmumu)[10.09,12.86]", "<dBR/dq2>(B+->Kmumu)[14.18,24]"]
    assert all(value > 0.0 for value in db.predict("wet", {}, labels).values())


def test_every_problem_at_once():
    wrong = [
        "BR(B+->Knunuu)",
        "<dBR/dq2>(B+->Kmumu)[1.1]",
        "<dBR/dq2>(B+->Kmumu)[6,1.1]",
        "<dBR/dq2>(B+->Kmumu)[1.1,12]",
        "dBR/dq2(B+->Kmumu)[30]",
        "dBR/dq2(B+->Kmumu)[low]",
        "sigmav(x=0.1)",
        "DeltaM_s",
    ]
    for function in (db.predict, db.gradient):
        found = problems(function, "lmu_ltau_s1", {"y": -1.0, "z": 0.0}, wrong)
        assert {f"observables.{label}" for label in wrong[:-1]} | {
            "point.y",
            "point.z",
            "point.g",
            "point.m_zp",
            "point.m_dm",
        } == set(found)
    assert "BR(B+->Knunu)" in found["observables.BR(B+->Knunuu)"]
    assert "[q2min,q2max]" in found[f"observables.{wrong[1]}"]
    assert "increasing" in found[f"observables.{wrong[2]}"]
    assert "J/psi" in found[f"observables.{wrong[3]}"]
    assert "phase space" in found[f"observables.{wrong[4]}"]
    assert "at least 1" in found["observables.sigmav(x=0.1)"]


def test_what_a_model_does_not_have():
    found = problems(db.predictor, "wet", ["Omega_h2", "Gamma_Zp", "BR(B+->KNN)", "BR(Bs->mumu)"])
    assert set(found) == {"observables.Omega_h2", "observables.Gamma_Zp", "observables.BR(B+->KNN)"}
    assert "dark matter" in found["observables.Omega_h2"] and "Z′" in found["observables.Gamma_Zp"]


def test_nothing_asked():
    assert "at least one" in problems(db.predict, "wet", {}, [])["observables"]


@pytest.mark.parametrize(("model", "piece"), [("wett", "'wett'"), (3, "int")])
def test_unknown_model(model, piece):
    assert piece in problems(db.predict, model, {}, ["DeltaM_s"])["model"]


def test_predictor_checks_the_point_when_called():
    predictor = db.predictor("lmu_ltau_s1", ["V_sb"])
    assert set(problems(predictor, {"y": 1.0, "g": 1e-3, "m_zp": 2.0})) == {"point.m_dm"}
    assert set(problems(jax.jit(predictor), {"y": 1.0, "g": 1e-3, "m_zp": 2.0, "mdm": 1.0})) == {
        "point.m_dm",
        "point.mdm",
    }


def test_float64_is_required():
    """One line that says what to do, and no setting changed by importing."""
    code = (
        "import darkbeauty as db, jax; assert not jax.config.jax_enable_x64\n"
        "try: db.predict('wet', {}, ['DeltaM_s'])\n"
        "except RuntimeError as error: print(error)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "JAX_ENABLE_X64"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    assert 'jax.config.update("jax_enable_x64", True)' in run.stdout and run.stdout.count("\n") == 1


def test_every_listed_observable_can_be_parsed():
    """Names in the listing are names that predict takes, once numbers stand for its arguments."""
    numbers = {
        "q2min": "15.0",
        "q2max": "16.0",
        "q2left": "15.0",
        "q2peak": "15.4",
        "q2right": "16.0",
        "q2": "15.5",
        "E": "200.0",
        "cosmin": "-0.5",
        "cosmax": "0.5",
    }
    plug = lambda match: "[" + ",".join(numbers.get(name, "0.3") for name in match[1].split(",")) + "]"
    for usage in db.list_observables():
        label = usage.replace("x=…", "x=20")
        if label not in BY_NAME and "[cm3/s]" not in label:
            label = re.sub(r"\[([^\]]*)\]$", plug, label)
        db.predictor("lmu_ltau_s1", [label])


@pytest.mark.parametrize("value", [np.array([0.0, 0.3]), [0.3], np.array([0.3])])
def test_one_point_at_a_time(value):
    """Also for what is compiled: many points go through vmap."""
    for function in (db.predict, db.gradient):
        with pytest.raises(InputError, match="one number is needed"):
            function("wet", {"C10_bsmumu": value}, ["BR(Bs->mumu)"])
    with pytest.raises(InputError, match="one number is needed"):
        jax.jit(lambda x: db.predictor("wet", ["BR(Bs->mumu)"])({"C10_bsmumu": x}))(jnp.asarray(value))


def test_numbers_of_any_kind():
    values = [db.predict("wet", {"C10_bsmumu": x}, ["BR(Bs->mumu)"]) for x in (0.5, jnp.array(0.5), np.float32(0.5))]
    assert values[0] == values[1] == values[2]
    with pytest.raises(InputError, match="is not a complex number"):
        db.predict("wet", {"C10_bsmumu": "0.5"}, ["BR(Bs->mumu)"])


def test_every_choice_is_checked_at_once():
    with pytest.raises(InputError) as caught:
        resolve_model("lmu_ltau_s1", convention="foo", extra_channels=("bar",), gstar="baz")
    assert len(caught.value.problems) == 3


def test_inputs_are_finite_numbers_of_their_shape():
    for value in ("a", float("nan"), [0.04, 0.05]):
        with pytest.raises(InputError, match=r"ckm\.Vcb"):
            load_sm().replace({"ckm.Vcb": value})
