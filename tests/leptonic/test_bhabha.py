"""Bhabha scattering with a Z′ against a spin sum with explicit Dirac matrices."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from massless import cross_section

from darkbeauty.leptonic.bhabha import ratio_to_sm
from darkbeauty.models import resolve_model

POINT = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}


@eqx.filter_jit
def ratio(model, params, energy, low, high):
    return ratio_to_sm(model.at(params).derive(), energy, low, high)


@pytest.fixture(scope="module")
def model():
    return resolve_model("le_lmu_r2")


@pytest.mark.parametrize("params", [{}, {"m_zp": 195.0, "g": 0.1}, {"m_zp": 100.0, "g": 0.05}])
@pytest.mark.parametrize(("energy", "cosine"), [(207.0, -0.81), (189.0, 0.3), (192.0, 0.85)])
def test_against_explicit_spinors(model, params, energy, cosine):
    point = POINT | params
    width = float(model.at(point).derive().z_prime.width)
    new = cross_section(energy, cosine, point["g"] ** 2, point["m_zp"], width, True)
    expected = new / cross_section(energy, cosine, 0.0, 1.0, 0.0, True)
    assert float(ratio(model, point, energy, cosine - 1e-4, cosine + 1e-4)) == pytest.approx(expected, rel=1e-6)


def test_bins_are_integrated(model):
    """Against a fine trapezoid of the point-like cross-section."""
    c = np.linspace(0.81, 0.9, 201)
    width = float(model.at(POINT).derive().z_prime.width)
    new, old = (np.trapezoid([cross_section(207.0, x, c2, 671.0, width, True) for x in c], c) for c2 in (0.09, 0.0))
    assert float(ratio(model, POINT, 207.0, 0.81, 0.9)) == pytest.approx(new / old, rel=1e-6)


def test_contact_limit(model):
    """A heavy Z′ enters as c²/m² only."""
    heavy = [ratio(model, POINT | {"m_zp": m, "g": 1e-4 * m}, 200.0, 0.27, 0.36) - 1.0 for m in (6000.0, 3000.0)]
    assert float(heavy[0]) == pytest.approx(float(heavy[1]), rel=0.02)


def test_no_coupling_is_the_standard_model_with_finite_slope(model):
    assert float(ratio(model, POINT | {"g": 0.0}, 200.0, 0.27, 0.36)) == pytest.approx(1.0, rel=1e-14)
    slope = jax.grad(lambda g: jnp.sum(ratio(model, POINT | {"g": g}, 200.0, 0.27, 0.36)))(0.0)
    assert float(slope) == 0.0
