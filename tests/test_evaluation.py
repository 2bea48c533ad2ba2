"""Evaluation of observables: nothing but the sectors they name, a status beside every value, one compilation per list, numbers of every kind."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

import darkbeauty as db
from darkbeauty.dark import boltzmann, freeze_out
from darkbeauty.errors import InputError
from darkbeauty.evaluation import Layout, evaluate
from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import Theory
from darkbeauty.models.wet import Wet
from darkbeauty.observables import REGISTRY, Observable, read
from darkbeauty.observables.combiners import Field
from darkbeauty.observables.observable import Request, Source
from darkbeauty.prediction import (
    PredictionWarning,
    _compiled,
    _compiled_gradient,
    arrays,
    gradient,
    parse,
    predict,
    predict_in_words,
    predictor,
)
from darkbeauty.status import Status, status_if, worst

MODEL = resolve_model("lmu_ltau_s1")
POINT = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7}
NEVER = {"y": 0.01, "g": 1e-12, "m_zp": 5.0, "m_dm": 0.1, "chi": 0.0}
AT = {
    "q2min": 15.0,
    "q2left": 15.0,
    "q2peak": 15.4,
    "q2right": 16.0,
    "q2max": 16.0,
    "q2": 15.5,
    "x": 20.0,
    "E": 200.0,
    "cosmin": -0.5,
    "cosmax": 0.5,
    "cos_l": 0.3,
    "cos_lambda": 0.3,
    "phi": 0.3,
}


# -- sectors -----------------------------------------------------------------------------------------------------------------------------


def test_every_observable_evaluates_with_nothing_but_the_sectors_it_names():
    """Each source with its own sectors, each combination with those of all sources: shapes are enough."""
    full = MODEL.at(POINT).derive()
    shapes: dict = {}
    for observable in REGISTRY:
        arguments = tuple(jnp.asarray(AT[name]) for name in observable.arguments)
        results = []
        for source in observable.sources:
            if source not in shapes:
                alone = full.only(source.of)
                assert alone.sectors == tuple(name for name in full.sectors if name in source.of)
                run = lambda p, *x, s=source: s.function(p, *x, **dict(s.options))
                shapes[source] = jax.eval_shape(run, alone, *arguments)
            results.append(read(shapes[source], observable.reads))
        combined = jax.eval_shape(
            lambda p, arguments, results, o=observable: jnp.asarray(o.combine(p, arguments, *results)),
            full.only(observable.of),
            arguments,
            results,
        )
        assert combined.shape == (), observable.name


# -- statuses ----------------------------------------------------------------------------------------------------------------------------

RELIC = ["Omega_h2", "x_f", "BR(NN->mumu)"]


@pytest.fixture
def fresh():
    """Nothing compiled is kept from one test to the next: constants of the solvers change."""
    _compiled.cache_clear()
    yield
    _compiled.cache_clear()


def with_statuses(point: dict[str, float], labels: list[str]) -> tuple[np.ndarray, list[Status]]:
    model = MODEL.at(point)
    values = jax.jit(lambda model: evaluate(model, parse(MODEL, labels)))(model)
    return np.asarray(values.value), [Status(int(status)) for status in values.status]


def assert_failed(point: dict[str, float], labels: list[str], status: Status) -> None:
    """NaN with its status, a warning in words, and no effect on what needs no such solver."""
    values, statuses = with_statuses(point, [*labels, "Gamma_Zp"])
    assert np.all(np.isnan(values[:-1])) and np.isfinite(values[-1])
    assert statuses == [*(status for _ in labels), Status.SUCCESS]
    with pytest.warns(PredictionWarning) as told:
        found = predict(MODEL, point, [*labels, "Gamma_Zp"])
    assert [str(warning.message) for warning in told] == [f"{label}: {status.words}" for label in labels]
    assert all(np.isnan(found[label]) for label in labels) and found["Gamma_Zp"] == pytest.approx(values[-1])
    in_words = predict_in_words(MODEL, point, labels)
    assert {prediction.status for prediction in in_words.values()} == {status}


def test_success(fresh):
    values, statuses = with_statuses(POINT | {"chi": 0.0}, RELIC)
    assert set(statuses) == {Status.SUCCESS}
    assert values[:2] == pytest.approx([0.41130, 20.3276], rel=2e-5)


def test_freeze_out_without_a_root(fresh, monkeypatch):
    """No Newton step is allowed: the estimate from a grid is not the solution."""
    monkeypatch.setattr(freeze_out, "ITERATIONS", 0)
    assert_failed(POINT, RELIC, Status.NO_ROOT)


def test_particle_that_never_was_in_equilibrium(fresh):
    assert_failed(NEVER, RELIC, Status.NEVER_IN_EQUILIBRIUM)


def test_boltzmann_equation_not_resolved(fresh, monkeypatch):
    """Half as many steps give another number in the last digits: too much for a tolerance of nothing."""
    monkeypatch.setattr(boltzmann, "RESOLVED", 1e-12)
    assert_failed(POINT, ["Omega_h2(boltzmann)"], Status.NOT_RESOLVED)


def test_no_probability_where_a_solver_failed():
    """−∞ with zero gradient, beside a point where there is a relic density."""
    lik = db.likelihood("lmu_ltau_s1", None, terms=["Omega_h2"])
    points = {name: jnp.array([{"chi": 0.0, **POINT}[name], NEVER[name]]) for name in NEVER}
    values, slopes = jax.jit(jax.vmap(jax.value_and_grad(lik.log_prob)))(points)
    assert np.isfinite(values[0]) and values[1] == -np.inf
    assert all(np.isfinite(slope[0]) and slope[1] == 0.0 for slope in slopes.values())


class TwoEndings(NamedTuple):
    value: Array
    error: Array
    status: Array
    error_status: Array


def test_a_field_that_ended_otherwise_than_its_result():
    """A value without its error: the one is there, the other is NaN and says why; with gradients that are finite."""
    lost = lambda p: status_if(p.z_prime.mass > 3.0, Status.ERROR_UNKNOWN)
    both = Source(
        lambda p: TwoEndings(p.z_prime.mass, 0.1 * p.z_prime.mass, status_if(False, Status.NO_ROOT), lost(p)),
        ("z_prime",),
    )
    requests = tuple(
        Request(name, Observable(name, (both,), field), ())
        for name, field in (("value", Field("value")), ("error", Field("error", ended="error_status")))
    )
    found = [evaluate(MODEL.at(POINT | {"m_zp": m_zp}), requests) for m_zp in (2.0, 4.0)]
    assert found[0].value == pytest.approx([2.0, 0.2]) and found[0].status.tolist() == [0, 0]
    assert float(found[1].value[0]) == 4.0 and np.isnan(found[1].value[1])
    assert found[1].status.tolist() == [Status.SUCCESS, Status.ERROR_UNKNOWN]


def test_a_point_outside_of_the_model_has_a_status():
    outside = MODEL.at(POINT).with_values({"g": jnp.asarray(-1.0)})
    values = evaluate(outside, parse(MODEL, ["Gamma_Zp", "DeltaM_s"]))
    assert np.all(np.isnan(values.value)) and np.all(values.status == int(Status.NOT_ALLOWED))


def test_the_worst_status_counts():
    of = jnp.array([0, 2, 4]), jnp.array([3, 0, 1])
    assert worst(*of).tolist() == [Status.NO_ROOT, Status.ERROR_UNKNOWN, Status.NEVER_IN_EQUILIBRIUM]
    assert worst() == Status.SUCCESS
    assert all(status.words for status in Status)


# -- compilation -------------------------------------------------------------------------------------------------------------------------

EVENTS: list[str] = []
jax.monitoring.register_event_duration_secs_listener(lambda name, *_, **__: EVENTS.append(name))


def compilations() -> int:
    """Traces, lowerings and compilations so far."""
    return sum("compile" in name for name in EVENTS)


@pytest.mark.parametrize(("function", "cache"), [(predict, _compiled), (gradient, _compiled_gradient)])
def test_other_bins_and_points_compile_nothing(function, cache):
    label = "<dBR/dq2>(B+->Kmumu)[{},{}]"
    first = function("wet", {"C9_bsmumu": 0.3}, [label.format(1.1, 6), "BR(Bs->mumu)", label.format(15, 22)])
    before, misses = compilations(), cache.cache_info().misses
    assert before > 0
    second = function("wet", {"C9_bsmumu": -0.5j}, [label.format(1.1, 5), "BR(Bs->mumu)", label.format(16, 20.5)])
    assert compilations() == before and cache.cache_info().misses == misses
    assert list(first) != list(second)


def test_the_order_of_values_is_that_of_the_names():
    """However they are grouped: equal bins, observables that share a source, numbers without arguments between them."""
    bins = ["[1.1,6]", "[15,22]", "[1.1,6.0]", "[2,4.3]"]
    labels = [f"<{name}>(B+->Kmumu){at}" for at in bins for name in ("FH", "dBR/dq2")]
    labels = [*labels[:3], "BR(Bs->mumu)", *labels[3:], "FH(B+->Kmumu)[3]", "DeltaM_s"]
    together = predict("wet", {}, labels)
    assert list(together) == labels
    assert together["<FH>(B+->Kmumu)[1.1,6]"] == together["<FH>(B+->Kmumu)[1.1,6.0]"]
    for label in reversed(labels):
        assert together[label] == pytest.approx(predict("wet", {}, [label])[label], rel=1e-9), label


# -- numbers -----------------------------------------------------------------------------------------------------------------------------

LABEL = "BR(Bs->mumu)"


def problem(function, *args) -> str:
    with pytest.raises(InputError) as caught:
        function(*args)
    (found,) = caught.value.problems
    return str(found)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("0.5"),
        Fraction(1, 2),
        np.longdouble(0.5),
        np.float16(0.5),
        np.complex64(0.5),
        np.complex128(0.5),
        np.array(0.5),
        np.array(Decimal("0.5")),
        jnp.asarray(0.5),
        0.5 + 0j,
    ],
    ids=lambda value: f"{type(value).__name__} {value!r}",
)
def test_numbers_of_every_kind(value):
    assert predict("wet", {"C10_bsmumu": value}, [LABEL]) == predict("wet", {"C10_bsmumu": 0.5}, [LABEL])


@pytest.mark.parametrize(
    "value", [Decimal("0.3"), Fraction(3, 10), np.longdouble(0.3), np.array(0.3), jnp.asarray(0.3)]
)
def test_real_numbers_of_every_kind(value):
    point = POINT | {"y": value}
    assert predict(MODEL, point, ["V_sb", "DeltaM_s"]) == predict(MODEL, POINT | {"y": 0.3}, ["V_sb", "DeltaM_s"])


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.bool_(True),
        np.array(True),
        jnp.asarray(True),
        "0.5",
        b"0.5",
        np.array("0.5"),
        None,
        np.ma.masked,
        np.ma.masked_array(0.5, mask=True),
        np.ma.masked_array(0.5, mask=False),
        np.datetime64("2026-11-27"),
        object(),
        {"re": 0.5},
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}",
)
def test_what_is_no_number(value):
    for model, point, name in (("wet", {}, "C10_bsmumu"), (MODEL, POINT, "y")):
        found = problem(predict, model, point | {name: value}, ["DeltaM_s"])
        assert f"point.{name}" in found
        assert value is None or "number" in found


@pytest.mark.parametrize("value", [0.5 + 0.1j, 0.5 + 0j, np.complex128(0.5), np.array(0.5 + 0j), jnp.asarray(0.5 + 0j)])
def test_complex_values_of_real_parameters(value):
    assert "point.y" in problem(predict, MODEL, POINT | {"y": value}, ["DeltaM_s"])


def test_tracers_of_every_kind():
    """A complex one where a real parameter is wanted is refused as a number would be; a real one in place of a complex one is a number."""
    real, complicated = predictor(MODEL, ["DeltaM_s"]), predictor("wet", [LABEL])
    assert "not a real number" in problem(jax.jit(lambda y: real(POINT | {"y": y})), 0.5 + 0.1j)
    assert "not a complex number" in problem(jax.jit(lambda c: complicated({"C10_bsmumu": c})), True)
    expected = predict("wet", {"C10_bsmumu": 1.0}, [LABEL])[LABEL]
    for value in (1.0, 1, 1.0 + 0j, np.float32(1.0)):
        found = jax.jit(lambda c: complicated({"C10_bsmumu": c}))(value)
        assert float(found[0]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("text", ["1_1,6", "1.1,6_0", "0x1,6", "1.1,six", "1.1,", ",6", "1.1,6e", "١,6", "1.1+0j,6"])
def test_numbers_in_brackets(text):
    """As flavio would read them, not as Python does."""
    label = f"<dBR/dq2>(B+->Kmumu)[{text}]"
    assert "cannot read" in problem(predict, "wet", {}, [label])
    point = f"sigmav(x={text.split(',')[0]})" if text.startswith(("1_", "0x", "١")) else None
    assert point is None or "cannot read" in problem(predict, MODEL, POINT, [point])


def test_numbers_in_brackets_that_are_read():
    labels = [f"<dBR/dq2>(B+->Kmumu)[{text}]" for text in ("1.1,6", "+1.1,6.", "11e-1,6e0", " 1.1 , .6E1 ")]
    values = list(predict("wet", {}, labels).values())
    assert len(values) == 4 and len(set(values)) == 1


class Ended(NamedTuple):
    """A toy result: C₉ twice, resolved below 1."""

    value: Array
    status: Array


def toy(p: Theory) -> Ended:
    size = jnp.real(jnp.asarray(p.wilson.lepton("C9", 1, 0.0)))
    return Ended(2.0 * size, status_if(size > 1.0, Status.NOT_RESOLVED))


class OfToy:
    reads = ("value",)

    def __call__(self, p, arguments, result):
        return result["value"]


def test_slopes_of_what_has_no_value_are_none():
    """They were 0: the slope of the NaN in its place."""
    layout = Layout(((Observable("toy", (Source(toy, ("wilson",)),), OfToy()), 0),))
    run = _compiled_gradient(layout, ("C9_bsmumu",))
    for at, slope, status in ((0.5, 2.0, Status.SUCCESS), (1.5, np.nan, Status.NOT_RESOLVED)):
        values = {"C9_bsmumu": np.asarray(at, complex)}
        columns, computed = run(arrays(Wet().at({})), values, {0: np.zeros((1, 0))})
        np.testing.assert_equal(float(np.real(columns["C9_bsmumu"][0])), slope)
        assert int(computed.status[0]) == status


def test_a_source_with_and_without_arguments():
    """C₇(bs) and C₇(bsmumu) at some q² are one computation, called in two ways."""
    names = ["C7(bsmumu)[1]", "C7(bs)", "C7(bsmumu)[6]", "C7(bsee)[6]"]
    assert predict("wet", {"C7_bs": 0.3 + 0.1j}, names) == dict.fromkeys(names, 0.3 + 0.1j)
