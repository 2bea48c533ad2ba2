"""Whole rates with missing energy from series: against the amplitude code, which maps thresholds and pole away mode by mode."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.evaluation import evaluate
from darkbeauty.models import resolve_model
from darkbeauty.prediction import parse
from darkbeauty.tables import make_tables

MODES = ("B+->K", "B0->K*", "B0->pi")
"""A pseudoscalar and a vector of one pair of quarks, and the form factors with the nearest pole of the other."""
POINTS = {
    "the Z′ on its mass shell": {"y": 0.3, "g": 1.7e-3, "m_zp": 3.69, "m_dm": 1.2},
    "next to its decay to dark matter": {"y": 0.2, "g": 3e-3, "m_zp": 2.1, "m_dm": 1.0499},
    "at the end of K*": {"y": 0.3, "g": 3e-3, "m_zp": 4.385, "m_dm": 0.3},
    "above it": {"y": 0.3, "g": 8e-3, "m_zp": 5.5, "m_dm": 1.0},
    "dark matter too heavy": {"y": 0.3, "g": 8e-3, "m_zp": 5.5, "m_dm": 2.45},
    "narrow": {"y": 0.3, "g": 1e-4, "m_zp": 1.0, "m_dm": 0.1},
}
WEAK = {"CR_bsnumunumu": 2.0 + 1.0j, "CL_bsnuenue": 3.0, "CR_bsnuenue": -1.0j}


def ways(model, labels):
    """Values at a point by the amplitude code, and from the tables, with slopes."""
    requests = parse(model, labels)
    tables = make_tables(model, requests)
    assert [len(totals.sources) for totals in tables.totals] == [4, 2]
    at = lambda known: lambda point: evaluate(model.at(point), requests, known).value
    both = lambda f: jax.jit(lambda point: (f(point), jax.jacrev(f)(point)))
    return both(at(None)), both(at(tables.results))


def test_series_are_the_amplitude_code():
    """νν̄ and NN of a model: the series end where their polynomials fall below 1e-8, for B → π, whose pole is nearest."""
    labels = [f"BR({mode}{pair})" for mode in MODES for pair in ("nunu", "NN")]
    slow, fast = ways(resolve_model("lmu_ltau_s1"), labels)
    for what, point in POINTS.items():
        point = {name: jnp.asarray(value) for name, value in point.items()}
        (expected, slopes), (found, found_slopes) = slow(point), fast(point)
        np.testing.assert_allclose(found, expected, rtol=2e-8, err_msg=what)
        for name, slope in slopes.items():
            scale = np.asarray(expected / point[name])
            np.testing.assert_allclose(found_slopes[name], slope, rtol=1e-5, atol=1e-6 * scale.max(), err_msg=what)
    assert np.all(
        np.asarray(fast({k: jnp.asarray(v) for k, v in POINTS["dark matter too heavy"].items()})[0])[1::2] >= 0
    )


def test_complex_coefficients_of_both_chiralities():
    labels = [f"BR({mode}nunu)" for mode in ("B+->K", "B0->K", "B0->K*", "B+->K*")]
    model = resolve_model("wet")
    requests = parse(model, labels)
    point = model.at(WEAK)
    tables = make_tables(model, requests)
    expected, found = evaluate(point, requests).value, evaluate(point, requests, tables.results).value
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize(("label", "why"), [("BR(Bs->phinunu)", "B_s mixes"), ("<dBR/dq2>(B0->K*nunu)[1,6]", "a bin")])
def test_what_is_left_to_the_amplitude_code(label, why):
    model = resolve_model("wet")
    assert make_tables(model, parse(model, [label])).totals == (), why
