"""Where JAX is set to strict promotion, the library works all the same; and nothing in it is of single precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

import darkbeauty as db
from darkbeauty.inference.posterior import Posterior

POINT = {"y": 0.2, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7}
NAMES = [
    *("Gamma_Zp", "BR(Zp->NN)", "V_sb", "C9p(bsmumu)[6]", "DeltaM_s", "BR(Bs->mumu)", "BR(B->Xsgamma)", "a_mu(NP)"),
    *(
        "Omega_h2",
        "x_f",
        "sigmav(x=20)",
        "sigmav_0",
        "p_ann",
        "sigma_SD(p)",
        "trident(CCFR)",
        "R(ee->ee)[200,-0.5,0.5]",
        "AFB(ee->mumu)[200]",
        "limit(BaBar_gamma_ll)",
    ),
    *("<Rmue>(B+->Kll)[1.1,6]", "<P5p>(B0->K*mumu)[1.1,6]", "dBR/dq2(B+->Kmumu)[15.5]", "<FL>(Bs->phimumu)[1.1,6]"),
    *("BR(B+->Kinv)", "<dBR/dq2>(B0->K*NN)[0.1,2]", "limit(Belle_II_B+->KX(inv))", "limit(LZ_SI)"),
]


@pytest.fixture(autouse=True)
def _strict():
    with jax.numpy_dtype_promotion("strict"):
        yield


def traced(function, *arguments) -> str:
    """The program that JAX makes of a function, as text."""
    return str(jax.make_jaxpr(function)(*arguments))


def test_the_setting_bites():
    with pytest.raises(ValueError, match="promotion"):
        jnp.ones(2) * jnp.ones(2, complex)


@pytest.mark.parametrize("model", ["lmu_ltau_s1", "le_lmu_r2"])
def test_predictor_with_its_slopes_is_in_double_precision(model):
    function = db.predictor(model, NAMES)
    program = traced(lambda point: jax.jvp(function, (point,), (point,)), POINT)
    assert "c128[" in program
    assert not [kind for kind in ("f16", "bf16", "f32", "c64") if f":{kind}[" in program]


def test_wet():
    function = db.predictor("wet", ["BR(Bs->mumu)", "<P5p>(B0->K*mumu)[1.1,6]", "BR(B->Xsgamma)"])
    traced(lambda c: jax.jvp(function, ({"C9_bsmumu": c},), ({"C9_bsmumu": c},)), jnp.array(-0.5 + 0.1j))


def test_prediction_and_gradient():
    assert db.predict("lmu_ltau_s1", POINT, ["Gamma_Zp"])["Gamma_Zp"] > 0.0
    assert db.gradient("lmu_ltau_s1", POINT, ["Gamma_Zp"])["Gamma_Zp"]["g"] > 0.0


def test_posterior():
    priors = {"y": db.Uniform(0.01, 1.0), "g": db.LogUniform(1e-4, 1e-2)}
    fit = db.Fit(model="lmu_ltau_s1", priors=priors, fixed={"m_zp": 4.0, "m_dm": 1.7}, terms=["DeltaM_s"])
    posterior = Posterior.of(fit)
    traced(jax.value_and_grad(posterior.log_density), jnp.zeros(2))
    traced(lambda q: posterior.observe(q).predictions, jnp.zeros(2))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["nuts", "smc"])
def test_samplers(method, tmp_path):
    sampler = {"method": method, "chains": 2, "draws": 20, "coordinates": "box"}
    sampler |= {"warmup": 20} if method == "nuts" else {}
    fit = db.Fit(
        model="lmu_ltau_s1",
        priors={"y": db.Uniform(0.01, 1.0)},
        fixed={"g": 0.002, "m_zp": 4.0, "m_dm": 1.7},
        terms=["DeltaM_s"],
        sampler=sampler,
    )
    draws = db.run_fit(fit, out=tmp_path / method)
    assert draws.posterior["y"].shape == (2, 20)
