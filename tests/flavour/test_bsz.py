"""Form factors of B → K* and B_s → φ against flavio, and their exact relations at q² = 0."""

from __future__ import annotations

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.flavour.form_factors import b_to_v
from darkbeauty.inputs import load_sm

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "form_factors_vector.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("transition", ["B->K*", "Bs->phi"])
def test_agrees_with_flavio(transition):
    expected = dict(REFERENCE[transition])
    values = b_to_v(load_sm(), transition, jnp.array(expected.pop("q2")))._asdict()
    for name, numbers in expected.items():
        np.testing.assert_allclose(values[name.lower()], numbers, rtol=1e-13, err_msg=name)


@pytest.mark.parametrize(("transition", "b", "final"), [("B->K*", "B0", "K*0"), ("Bs->phi", "Bs", "phi")])
def test_relations_at_zero(transition, b, final):
    """T₁ = T₂ and 8 m_B m_V A₁₂ = (m_B² − m_V²) A₀, which cancel the poles of the helicity amplitudes."""
    sm = load_sm()
    m_b, m_v, f = sm.mass[b], sm.mass[final], b_to_v(sm, transition, 0.0)
    assert float(f.t1) == pytest.approx(float(f.t2), rel=1e-15)
    assert 8.0 * m_b * m_v * float(f.a12) == pytest.approx((m_b**2 - m_v**2) * float(f.a0), rel=1e-14)
