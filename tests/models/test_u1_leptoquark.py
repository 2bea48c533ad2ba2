"""What both U(1)′ ⊕ leptoquark models have at the edges of their domain: leptoquark pairs, ends of mixing angles, an inert doublet that is too light."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.dark.freeze_out import annihilation_shares
from darkbeauty.models import resolve_model
from darkbeauty.status import Status

POINTS = {
    "lmu_ltau_s1": {"y": 0.5, "g": 0.002, "m_zp": 4.8, "m_dm": 1.8},
    "le_lmu_r2": {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0},
}
SMOOTH = ["V_sb", "Gamma_Zp", "DeltaM_s", "sigma_SD(n)", "sigma_SI(p)"]
"""Functions of the square of the contents, or of the product of two of them twice."""


@pytest.mark.parametrize(("name", "count"), [("lmu_ltau_s1", 3), ("le_lmu_r2", 6)])
def test_leptoquark_pairs_widen_a_heavy_z_prime(name, count):
    """Scalars of unit charge: |p|/(8πm²) · c² (m² − 4m_S²)/3 for each colour and member of the multiplet."""
    m, m_s, g = 3000.0, 900.0, 0.3
    model = resolve_model(name)
    z_prime = lambda m: model.at({"y": 1.0, "g": g, "m_zp": m, "m_dm": 100.0, "m_lq": m_s}).derive().z_prime
    momentum = np.sqrt(m**2 / 4.0 - m_s**2)
    expected = count * momentum / (8.0 * np.pi * m**2) * g**2 * (m**2 - 4.0 * m_s**2) / 3.0
    assert float(z_prime(m).partial["LQLQ"]) == pytest.approx(expected, rel=1e-12, abs=0.0)
    assert float(z_prime(1799.0).partial["LQLQ"]) == 0.0


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("angle", ["sin_mix", "sin_zeta"])
def test_slopes_at_the_ends_of_the_mixing_angles(name, sign, angle):
    """The cosine has no slope there, its square has: as one finds it a little inside."""
    predict = db.predictor(name, SMOOTH)
    function = jax.jit(jax.jacfwd(lambda s: predict({**POINTS[name], angle: s}).real))
    reverse = jax.jit(jax.jacrev(lambda s: predict({**POINTS[name], angle: s}).real))
    end, inside = (np.asarray(function(jnp.asarray(sign * x))) for x in (1.0, 1.0 - 1e-7))
    np.testing.assert_allclose(end, inside, rtol=1e-3, atol=1e-48)  # σ_SD of N without N_q: 0, and 1e-49 inside
    np.testing.assert_allclose(np.asarray(reverse(jnp.asarray(sign))), end, rtol=1e-9)


def test_shares_of_nothing_are_zero():
    """With zero slope; as an observable they do not exist, because what does not annihilate never was in equilibrium."""
    model, point = resolve_model("lmu_ltau_s1"), {**POINTS["lmu_ltau_s1"], "y": 0.0, "g": 0.0}
    predict = db.predictor(model, ["BR(NN->mumu)"])

    def share(point):
        found = annihilation_shares(model.at(point).derive())
        return found.by_final["mumu"], (found, predict(point)[0])

    (value, (found, predicted)), slopes = jax.jit(jax.value_and_grad(share, has_aux=True))(point)
    assert value == 0.0 and all(slope == 0.0 for slope in slopes.values())
    assert all(share == 0.0 for share in found.by_final.values())
    assert found.status == Status.NEVER_IN_EQUILIBRIUM and np.isnan(predicted)


def test_dark_matter_does_not_decay_to_the_inert_doublet():
    model, point = resolve_model("le_lmu_r2"), POINTS["le_lmu_r2"]
    is_allowed = lambda **more: bool(model.at(point | more).is_allowed())
    assert is_allowed(m_eta=150.0)
    assert is_allowed(y_eta=0.5, m_eta=400.0)
    assert not jax.jit(lambda m: model.at(point | {"y_eta": 0.5, "m_eta": m}).is_allowed())(150.0)
