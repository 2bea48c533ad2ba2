"""e⁺e⁻ → μ⁺μ⁻ with a Z′ against a spin sum with explicit Dirac matrices, and the check values of physics_2.md §19."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from massless import cross_section

from darkbeauty.inputs.measurements import load_measurements
from darkbeauty.leptonic.lepton_pairs import asymmetry, ratio_to_sm
from darkbeauty.models import resolve_model

POINT = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}


@pytest.fixture(scope="module")
def both():
    """(params, energy) → σ/σ_SM and A_FB of muons."""
    model = resolve_model("le_lmu_r2")

    @eqx.filter_jit
    def pair(params, energy):
        p = model.at(params).derive()
        return jnp.stack([ratio_to_sm(p, energy, "mu"), asymmetry(p, energy, "mu"), p.z_prime.width])

    return lambda params, energy: np.asarray(pair(POINT | params, energy))


def integrals(energy: float, product: float, mass: float, width: float) -> tuple[float, float]:
    """∫ dσ over all cos θ, and forward minus backward over it."""
    cosine, weight = np.polynomial.legendre.leggauss(4)
    half = lambda sign: (
        0.5 * weight @ [cross_section(energy, sign * 0.5 * (1.0 + x), product, mass, width, False) for x in cosine]
    )
    forward, backward = half(1.0), half(-1.0)
    return forward + backward, (forward - backward) / (forward + backward)


@pytest.mark.parametrize("params", [{}, {"m_zp": 195.0, "g": 0.1}, {"m_zp": 100.0, "g": 0.05}])
@pytest.mark.parametrize("energy", [130.3, 206.5])
def test_against_explicit_spinors(both, params, energy):
    ratio, a_fb, width = both(params, energy)
    point = POINT | params
    total, expected = integrals(energy, -(point["g"] ** 2), point["m_zp"], width)
    assert ratio == pytest.approx(total / integrals(energy, 0.0, 1.0, 0.0)[0], rel=1e-9)
    assert a_fb == pytest.approx(expected, rel=1e-9)


def test_check_values(both):
    ratio, a_fb, _ = both({}, 200.0)
    assert ratio == pytest.approx(1.155, abs=5e-4) and a_fb == pytest.approx(0.524, abs=5e-4)
    assert both({"g": 0.1, "m_zp": 869.0}, 200.0)[0] == pytest.approx(1.0095, abs=5e-5)
    ratio, a_fb, _ = both({"g": 0.0}, 200.0)
    assert ratio == 1.0 and a_fb == pytest.approx(0.556, abs=5e-4)


def test_asymmetry_of_the_standard_model_is_that_of_lep(both):
    """ZFITTER for s′/s > 0.85, as table 3.4 of arXiv:1302.3415 has it beside the measurements."""
    published = {182.7: 0.576, 188.6: 0.569, 191.6: 0.566, 195.5: 0.562, 199.5: 0.558, 204.8: 0.553, 206.5: 0.552}
    for energy, value in published.items():
        assert both({"g": 0.0}, energy)[1] == pytest.approx(value, abs=0.003)


def test_slope_without_couplings_is_finite_and_zero(both):
    model = resolve_model("le_lmu_r2")
    slope = jax.grad(lambda g: ratio_to_sm(model.at(POINT | {"g": g}).derive(), 200.0, "mu"))(0.0)
    assert float(slope) == 0.0


def test_measured_cross_sections_are_close_to_the_preliminary_ones():
    """pb of the preliminary combination (HEPfit's EW.conf) over LEP's Standard Model from 183 GeV on; 8.606/8.455 at 130 GeV."""
    preliminary, standard = (
        [3.49, 3.123, 2.92, 2.94, 3.02, 2.58, 2.45, 2.595],
        [3.444, 3.207, 3.096, 2.961, 2.833, 2.766, 2.673, 2.628],
    )
    block = load_measurements()["LEP-II mu pairs"]
    assert [name.startswith("R(") for name in block.observables] == 12 * [True] + 12 * [False]
    values, sigma = block.values[:12], np.sqrt(np.diag(block.covariance)[:12])
    assert values[0] == pytest.approx(8.606 / 8.455, rel=1e-3)
    assert np.all(np.abs(values[4:] - np.array(preliminary) / standard) < sigma[4:])
