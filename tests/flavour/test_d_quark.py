"""Mixing of B⁰, K⁰ and D⁰ mesons and K → πνν̄, against flavio and the numbers of the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

import darkbeauty as db
from darkbeauty.evaluation import evaluate
from darkbeauty.flavour import k_to_pi_nunu
from darkbeauty.flavour.form_factors import b_to_pi, b_to_v
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import Model, loops
from darkbeauty.models.lmu_ltau_s1 import LmuLtauS1
from darkbeauty.models.sectors import Theory, Wilson
from darkbeauty.observables import BY_NAME
from darkbeauty.prediction import parse

FLAVIO = json.loads((Path(__file__).parents[1] / "reference" / "d_quark.json").read_text(encoding="utf-8"))
NAMES = ("DeltaM_s", "DeltaM_d", "S_psiK", "eps_K", "DeltaM_K", "x12_D", "BR(K+->pinunu)", "BR(KL->pinunu)")
MEDIAN = {"g": 0.00168, "m_zp": 3.69, "m_dm": 1.62}
MEASURED_DELTA_M_K = 3.4839e-15


@pytest.fixture(scope="module")
def model_a():
    return predictions("lmu_ltau_s1", ("y", *MEDIAN, "r_d"))


@pytest.fixture(scope="module")
def model_b():
    return predictions("le_lmu_r2", ("y", *MEDIAN, "r_d"))


def predictions(model: str, parameters: tuple[str, ...]):
    """values of the parameters, by name → predictions, by name."""
    f = jax.jit(db.predictor(model, NAMES))
    return lambda **point: dict(zip(NAMES, np.asarray(f({name: point.get(name, 1.0) for name in parameters}))))


@pytest.fixture(scope="module")
def standard():
    return dict(zip(NAMES, np.asarray(jax.jit(db.predictor("wet", NAMES))({}))))


def flavio_charm(sm):
    """P_c + δP_cu as flavio 2.7.1 has it in units of α(M_Z): its charm amplitude comes with α at 2 GeV."""
    factor = FLAVIO["alpha_e_2"] / sm.coupling["alpha_e_MZ"]
    p = Theory(sm)
    whole = k_to_pi_nunu.charm_part(p) + sm.kaon["delta_P_cu"]
    return sm.replace({"kaon.delta_P_cu": float(factor * whole - k_to_pi_nunu.charm_part(p))})


def test_standard_model_is_flavios(standard):
    for name in ("DeltaM_s", "DeltaM_d", "S_psiK", "eps_K", "BR(KL->pinunu)"):
        assert standard[name] == pytest.approx(FLAVIO["SM"][name], rel=2e-4, abs=0.0), name
    assert standard["DeltaM_K"] == 0.0 and standard["x12_D"] == 0.0


def test_charged_kaon_is_flavios_but_for_alpha_of_the_charm_part(standard):
    sm = flavio_charm(load_sm())
    assert k_to_pi_nunu.branching(Theory(sm), "K+") == pytest.approx(FLAVIO["SM"]["BR(K+->pinunu)"], rel=1e-3, abs=0.0)
    assert standard["BR(K+->pinunu)"] / FLAVIO["SM"]["BR(K+->pinunu)"] == pytest.approx(1.024, abs=0.002)


@pytest.mark.parametrize("point", FLAVIO["points"], ids=range(len(FLAVIO["points"])))
def test_new_physics_is_flavios(point):
    sm = flavio_charm(load_sm())
    unit = FLAVIO["alpha_e_2"] / sm.coupling["alpha_e_4.8"]
    nu = {slot: jnp.asarray(unit * np.array(point[slot]), complex) for slot in ("CL", "CR")}
    mixing = {pair: complex(*point[pair]) for pair in ("bd", "sd")}
    theory = Theory(sm, wilson=Wilson(meson_mixing=mixing, transitions={"sd": Wilson(nu)}))
    found = {name: float(BY_NAME[name].sources[0](theory)) for name in NAMES}
    for name in ("DeltaM_d", "S_psiK", "eps_K", "BR(K+->pinunu)", "BR(KL->pinunu)"):
        assert found[name] == pytest.approx(point[name], rel=2e-3, abs=1e-3 if name == "S_psiK" else 0.0), name


@pytest.mark.parametrize(
    "y, delta_m_s, delta_m_d, phase, delta_m_k",
    [
        (0.15, 1.0026, 1.0442, -2.3, 0.23),
        (0.20, 1.0083, 1.1448, -6.7, 0.74),
        (0.326, 1.0588, 2.179, -25.5, 5.2),
        (0.38, 1.1085, 3.280, -31.8, 9.7),
    ],
)
def test_model_a(model_a, standard, y, delta_m_s, delta_m_d, phase, delta_m_k):
    """Independent numbers; those of kaons with f_K = 0.1557 and B_K = 0.557, here 0.1554 and 0.5237."""
    found = model_a(y=y, **MEDIAN)
    assert found["DeltaM_s"] / standard["DeltaM_s"] == pytest.approx(delta_m_s, abs=2e-4)
    assert found["DeltaM_d"] / standard["DeltaM_d"] == pytest.approx(delta_m_d, rel=1.5e-3)
    angle = np.degrees(np.arcsin(found["S_psiK"]) - np.arcsin(standard["S_psiK"]))
    assert angle == pytest.approx(phase, abs=0.1)
    kaons = (0.1557 / 0.1554) ** 2 * 0.557 / 0.5237
    assert found["DeltaM_K"] * kaons / MEASURED_DELTA_M_K == pytest.approx(delta_m_k, rel=0.03)
    assert found["x12_D"] == 0.0 and found["eps_K"] == pytest.approx(standard["eps_K"], rel=1e-12)


def test_model_b(model_b, standard):
    found = model_b(y=1.1, g=0.3, m_zp=671.0, m_dm=286.0)
    assert found["DeltaM_d"] / standard["DeltaM_d"] == pytest.approx(81.9, rel=2e-3)
    assert found["DeltaM_K"] * 0.557 / 0.5237 / MEASURED_DELTA_M_K == pytest.approx(315, rel=0.02)
    # doublets: y_u y_c* = Σ V_uq V_cq'* y_q y_q' with the CKM matrix at hand
    v, sm = np.asarray(load_sm().ckm.matrix()), load_sm()
    up, charm = v[0].sum(), v[1].sum()
    ratio = abs(up * np.conj(charm)) ** 2 * sm.mass["D0"] * sm.decay_constant["f_D0"] ** 2 * sm.mixing["bag_D0"]
    ratio /= sm.mass["K0"] * sm.decay_constant["f_K0"] ** 2 * sm.mixing["bag_K0"]
    assert found["x12_D"] / sm.lifetime["D0"] == pytest.approx(ratio * found["DeltaM_K"], rel=1e-10)


def test_without_a_d_quark_all_is_the_standard_model(model_a, standard):
    found = model_a(y=0.326, **MEDIAN, r_d=0.0)
    for name in set(NAMES) - {"DeltaM_s"}:
        assert found[name] == pytest.approx(standard[name], rel=1e-12, abs=0.0), name
    assert found["DeltaM_s"] > 1.05 * standard["DeltaM_s"]


def test_kaons_at_a_light_pole(standard):
    """(0.38, 0.005, 2, 0.95): the effective Hamiltonian by hand, the average over q² by scipy."""
    point = {"y": 0.38, "g": 0.005, "m_zp": 2.0, "m_dm": 0.95}
    theory = LmuLtauS1().at(point).derive()
    sm = theory.sm
    c = sm.coupling
    unit = 4.0 * c["GF"] / np.sqrt(2.0) * c["alpha_e_MZ"] / (2.0 * np.pi * c["s2w"])
    xi = [complex(sm.ckm.xi(q, "sd")) for q in "ct"]
    charm = float(k_to_pi_nunu.charm_part(theory)) + sm.kaon["delta_P_cu"]
    own = xi[1] * sm.nunu["Xt"] + xi[0] * sm.ckm.Vus**4 * charm
    g_eff = float(theory.z_prime.quark_vertex("sd"))
    m_k, m_pi = sm.mass["K+"], sm.mass["pi+"]

    def spectrum(q2):
        lam = (m_k**2 - (m_pi + np.sqrt(q2)) ** 2) * (m_k**2 - (m_pi - np.sqrt(q2)) ** 2)
        return max(lam, 0.0) ** 1.5 / (1.0 - q2 / sm.mass["K*+"] ** 2) ** 2

    def seen(q2):
        new = [g_eff * q * point["g"] / (point["m_zp"] ** 2 - q2) / unit for q in (0.0, 1.0, -1.0)]
        return spectrum(q2) * sum(abs(own - a) ** 2 for a in new)

    end = (m_k - m_pi) ** 2
    ratio = integrate.quad(seen, 0, end, epsrel=1e-10)[0] / (3 * abs(own) ** 2 * integrate.quad(spectrum, 0, end)[0])
    found = float(k_to_pi_nunu.branching(theory, "K+")) / standard["BR(K+->pinunu)"]
    assert found == pytest.approx(ratio, rel=1e-5)
    assert found == pytest.approx(5.2, rel=0.06)
    assert k_to_pi_nunu.branching(theory, "KL") == pytest.approx(standard["BR(KL->pinunu)"], rel=1e-10)


def test_a_z_prime_on_its_mass_shell_is_resolved():
    """K⁺ → π⁺Z′ with a narrow Z′ below m_K − m_π: what the pole holds goes like 1/Γ, smoothly across the end of phase space."""
    f = jax.jit(db.predictor("lmu_ltau_s1", ["BR(K+->pinunu)"]))
    at = lambda m, g: float(f({"y": 0.05, "g": g, "m_zp": m, "m_dm": 0.09, "chi": 0.0})[0])
    on, off = at(0.2, 1e-3), at(0.4, 1e-3)
    assert on > 10.0 * off
    assert at(0.2, 1e-4) / at(0.2, 1e-3) == pytest.approx(1e-2, rel=0.5)


def test_gradients():
    """Against central differences, of every one of them."""
    for model, point in (
        ("lmu_ltau_s1", {"y": 0.3, "g": 2e-3, "m_zp": 3.1, "m_dm": 1.4}),
        ("le_lmu_r2", {"y": 0.9, "g": 0.2, "m_zp": 600.0, "m_dm": 250.0}),
    ):
        f = jax.jit(db.predictor(model, NAMES))
        slopes = jax.jit(jax.jacrev(f))(point)
        for name, value in point.items():
            h = 1e-5 * value
            difference = (f({**point, name: value + h}) - f({**point, name: value - h})) / (2 * h)
            scale = np.abs(f(point)) / value
            np.testing.assert_array_less(np.abs(np.asarray(slopes[name]) - difference), 2e-6 * scale + 1e-300)


def test_limits_on_observables_are_their_ratios():
    limits = {"DeltaM_K": ("limit(DeltaM_K)", 3.484e-15), "BR(KL->pinunu)": ("limit(KOTO_KL->pinunu)", 2.2e-9)}
    limits["x12_D"] = ("limit(x12_D)", 0.00406)
    point = {"y": 0.5, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
    found = db.predict("le_lmu_r2", point, [*limits, *(limit for limit, _ in limits.values())])
    for name, (limit, value) in limits.items():
        assert found[limit] == pytest.approx(found[name] / value, rel=1e-12)


class BToD(Model):
    """Coefficients of b → d νν̄ alone."""

    name = "b_to_d"
    title = "b → d νν̄"
    parameters = ()
    cl: Any = 0.0
    cr: Any = 0.0
    sm: SMInputs = eqx.field(default_factory=load_sm)

    def derive(self):
        return Theory(self.sm, wilson=Wilson(transitions={"bd": Wilson({"CL": self.cl, "CR": self.cr})}))


NEUTRINO_MODES = ("BR(B+->pinunu)", "BR(B0->pinunu)", "BR(B+->rhonunu)", "BR(B0->rhonunu)")
NEUTRINO_BINS = ("<dBR/dq2>(B+->pinunu)[1,6]", "<dBR/dq2>(B0->rhonunu)[1,6]")


@pytest.mark.parametrize("q2", FLAVIO["form_factors"])
def test_form_factors_are_flavios(q2):
    found = {"B->pi": b_to_pi(load_sm(), float(q2)), "B->rho": b_to_v(load_sm(), "B->rho", float(q2))}
    fields = {"f+": "plus", "f0": "zero", "fT": "tensor"}
    for transition, values in FLAVIO["form_factors"][q2].items():
        for name, value in values.items():
            assert getattr(found[transition], fields.get(name, name.lower())) == pytest.approx(value, rel=1e-9), name


def test_b_to_d_neutrinos_are_flavios():
    """The whole of phase space and bins, in the Standard Model and with complex coefficients of either chirality."""
    requests = parse(BToD(), (*NEUTRINO_MODES, *NEUTRINO_BINS))
    predictions = jax.jit(lambda cl, cr: evaluate(BToD(cl=cl, cr=cr), requests).value)

    for point in FLAVIO["b_to_d_nunu"]:
        cl, cr = (np.array(point[slot]) @ [1.0, 1.0j] for slot in ("CL", "CR"))
        found = dict(zip((*NEUTRINO_MODES, *NEUTRINO_BINS), np.asarray(predictions(cl, cr))))
        for name, value in found.items():
            assert value == pytest.approx(point[name], rel=2e-3, abs=0.0), name


def test_a_half_normal_of_one_standard_deviation():
    """−2 ln L of ΔM_K and x₁₂ is (new physics/measured)²."""
    lik = db.likelihood("le_lmu_r2", terms=["limit DeltaM_K"])
    point = {"y": 0.2, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
    base = {**point, "y": 1e-6}
    s = db.predict("le_lmu_r2", point, ["limit(DeltaM_K)"])["limit(DeltaM_K)"]
    assert -2.0 * float(lik.log_prob(point) - lik.log_prob(base)) == pytest.approx(s**2, rel=1e-4)


def test_kaon_boxes_are_those_of_the_standard_formula():
    """S(u,u;c), S(t,t;c), S(u,t;c) from the closed form of Inami and Lim."""

    def closed(x, y):
        if x == y:
            return (4 + 4 * x - 15 * x**2 + x**3) / (4 * (x - 1) ** 2) + x * (-4 + 4 * x + 3 * x**2) * np.log(x) / (
                2 * (x - 1) ** 3
            )
        part = lambda a, b: a**2 * (4 + (a - 8) * b) * np.log(a) / (4 * (a - 1) ** 2 * (a - b))
        return (4 - 7 * x * y) / (4 * (1 - x) * (1 - y)) + part(x, y) + part(y, x)

    for x, y in ((4.1, 4.1), (4.1, 2.5e-4), (2.5e-4, 2.5e-4), (0.7, 2.0)):
        assert loops.w_boxes(x, y) == pytest.approx(closed(x, y), rel=1e-10)
    s0 = loops.w_boxes(4.1, 4.1) + 1.0 - 2.0 * loops.w_boxes(4.1, 0.0)
    assert s0 == pytest.approx(float(loops.inami_lim_s0(4.1)), rel=1e-12)
