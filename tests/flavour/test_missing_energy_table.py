"""Spectra of missing energy under tents: tables against the amplitude code, tents against whole branching fractions."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.evaluation import evaluate
from darkbeauty.models import resolve_model
from darkbeauty.prediction import parse
from darkbeauty.tables import make_tables

KNOTS = np.linspace(-0.6, 23.4, 41)
POINTS = {
    "the Z′ on its mass shell": {"y": 0.3, "g": 1.7e-3, "m_zp": 3.69, "m_dm": 1.2},
    "next to its decay to dark matter": {"y": 0.2, "g": 3e-3, "m_zp": 2.1, "m_dm": 1.03},
    "close to the end": {"y": 0.3, "g": 3e-3, "m_zp": 4.75, "m_dm": 0.3},
    "above it": {"y": 0.3, "g": 8e-3, "m_zp": 5.5, "m_dm": 1.0},
}


def labels(process: str) -> list[str]:
    tents = zip(KNOTS, KNOTS[1:], KNOTS[2:])
    return [f"BR_tent({process})[{a:.9g},{b:.9g},{c:.9g}]" for a, b, c in tents if c > 0.0 and a < 18.0]


@pytest.mark.parametrize("mode", ["B+->K", "B0->K*"])
def test_tables_against_the_amplitude_code(mode):
    """νν̄ and NN apart. The amplitude code maps thresholds and pole away; the table has six nodes between the ends of tents, also where NN begins."""
    model = resolve_model("lmu_ltau_s1")
    requests = parse(model, [*labels(f"{mode}nunu"), *labels(f"{mode}NN")])
    tables = make_tables(model, requests)
    assert len(tables.spectra) == 2
    at = lambda point, known: evaluate(model.at(point), requests, known).value
    slow, fast = jax.jit(lambda p: at(p, None)), jax.jit(lambda tables, p: at(p, tables.results))
    half = len(requests) // 2
    for what, point in POINTS.items():
        point = {name: jnp.asarray(value) for name, value in point.items()}
        expected, found = np.asarray(slow(point)), np.asarray(fast(tables, point))
        np.testing.assert_allclose(
            found[:half], expected[:half], rtol=2e-5, atol=1e-6 * expected[:half].max(), err_msg=what
        )
        np.testing.assert_allclose(found[half:], expected[half:], atol=5e-4 * expected.max(), err_msg=what)


def test_tents_add_up():
    """From peak to peak they are 1 everywhere: their sum is the branching fraction; so it is for complex coefficients of either chirality."""
    tents = [f"BR_tent(B+->Knunu)[{a:.9g},{b:.9g},{c:.9g}]" for a, b, c in zip(KNOTS, KNOTS[1:], KNOTS[2:]) if c > 0.0]
    point = {"CR_bsnumunumu": 2.0 + 1.0j, "CL_bsnuenue": 3.0, "CR_bsnuenue": -1.0j}
    model = resolve_model("wet")
    requests = parse(model, [name for name in tents if float(name.split("[")[1].split(",")[0]) < 22.9])
    tables = make_tables(model, requests)
    found = evaluate(model.at(point), requests, tables.results).value
    assert float(found.sum()) == pytest.approx(db.predict("wet", point, ["BR(B+->Knunu)"])["BR(B+->Knunu)"], rel=1e-5)


def test_wrong_tents_are_refused():
    for bracket, words in (("3,2,4", "increase"), ("2,3", "arguments"), ("30,31,32", "outside phase space")):
        with pytest.raises(db.InputError, match=words):
            db.predict("wet", {}, [f"BR_tent(B+->Knunu)[{bracket}]"])
