"""Scalar and lepton-flavour-violating operators of `wet`: against flavio in the Standard Model and at twelve complex points, and identities."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import darkbeauty as db
from darkbeauty.flavour import b_to_p_ll, b_to_v_ll, bs_to_ll, meson_mixing, violating
from darkbeauty.flavour.common import normalisation
from darkbeauty.flavour.form_factors import b_to_k
from darkbeauty.models import resolve_model
from darkbeauty.models.base import sectors_of
from darkbeauty.models.sectors import SCALAR, Theory, Wilson
from darkbeauty.prediction import parse
from darkbeauty.tables import make_tables

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "wet_operators.json").read_text(encoding="utf-8"))
PAIR = re.compile(r"(emu|mue|etau|taue|mutau|taumu)\b")
POINTS = [{name: complex(*parts) for name, parts in point.items()} for point in REFERENCE["wilson"]]
NAMES = sorted({name for point in POINTS for name in point if not PAIR.search(name)})
OBSERVABLES = {
    label: row for label, row in REFERENCE["observables"].items() if not (PAIR.search(label) or "Lambdab" in label)
}


def process(label: str) -> str:
    """Groups that are compiled together."""
    for text, name in (("Bs->phi", "phi"), ("K*", "K*"), ("B+->K", "K"), ("B0->K", "K")):
        if text in label:
            return name
    return "leptonic"


@pytest.fixture(scope="module")
def values():
    """Of all labels of a group at all points, from one compiled function."""

    def of(group: str) -> dict[str, np.ndarray]:
        labels = [label for label in OBSERVABLES if process(label) == group]
        predict = jax.jit(jax.vmap(db.predictor("wet", labels)))
        complete = {name: jnp.array([point.get(name, 0.0) for point in POINTS], complex) for name in NAMES}
        return dict(zip(labels, np.asarray(predict(complete)).T))

    return of


def is_rate(label: str) -> bool:
    return "BR" in label or "tau_" in label


def assert_agree(values: dict[str, np.ndarray]) -> None:
    """To 4e-5 of rates and 3e-5 of angles: flavio's CP conjugate of |ξ_t|² is 4.3e-5 larger."""
    for label, ours in values.items():
        relative, absolute = (4e-5, 0.0) if is_rate(label) else (0.0, 3e-5)
        np.testing.assert_allclose(ours, OBSERVABLES[label], rtol=relative, atol=absolute, err_msg=label)


@pytest.mark.parametrize("group", ["leptonic", "K", "K*"])
def test_agrees_with_flavio(values, group):
    assert_agree(values(group))


def test_bs_to_phi_agrees_with_flavio(values, monkeypatch):
    """With flavio's phase of mixing, which is not the one of the Standard Model (`test_b_to_v_ll`)."""
    monkeypatch.setattr(b_to_v_ll, "meson_mixing_phase", lambda p: jnp.exp(-4j * jnp.angle(-p.sm.ckm.xi("t"))))
    assert_agree(values("phi"))


def test_tables_know_scalars_that_a_fit_has():
    """A fit tabulates the operators that it has parameters of, a likelihood without them falls back on the amplitude code: the same numbers."""
    labels = ["<AFB>(B+->Kmumu)[1.1,6]", "<FH>(B+->Kmumu)[1.1,6]", "<S6c>(B0->K*mumu)[1.1,6]"]
    point = {"CS_bsmumu": 0.1 + 0.2j, "CPp_bsmumu": -0.3j, "C9_bsmumu": -1.0}
    exact = db.predict("wet", point, labels)
    wet = resolve_model("wet")
    for model, covered in ((wet, False), (wet.opened(point), True)):
        tables, given = make_tables(model, parse(model, labels)), model.at(point).derive().wilson
        assert all(group.covers(given) == covered for group in tables.groups)
        predict = jax.jit(db.predictor(model, labels, tables=True))
        values = np.asarray(predict({name: jnp.asarray(c, complex) for name, c in point.items()}))
        np.testing.assert_allclose(values, list(exact.values()), rtol=1e-5, atol=1e-7)


def test_operators_that_nobody_gives_are_not_there():
    wet = resolve_model("wet")
    scalars = lambda model: set(SCALAR) & set(sectors_of(model).wilson.contact)
    assert scalars(wet) == set() and scalars(wet.at({"CS_bsee": 0.0})) == {"CS"}
    priors, fixed = {"CP_bsmumu": db.Uniform(-1, 1)}, {"CSp_bstautau": 0.1}
    assert scalars(db.Fit(model="wet", priors=priors, fixed=fixed, terms=["BR(Bs->mumu)"]).model) == {"CP", "CSp"}


def test_parity_of_scalars():
    """B → K sees C_S + C_S′, B_s → ℓℓ and B → K* the difference."""
    labels = ["BR(Bs->mumu)", "dBR/dq2(B0->K*mumu)[3]", "FH(B+->Kmumu)[3]"]
    sm = db.predict("wet", {}, labels)
    same = db.predict("wet", {"CS_bsmumu": 0.2, "CSp_bsmumu": 0.2, "CP_bsmumu": 0.1j, "CPp_bsmumu": 0.1j}, labels)
    assert [same[label] for label in labels[:2]] == pytest.approx([sm[label] for label in labels[:2]], rel=1e-12)
    assert same[labels[2]] > 1.1 * sm[labels[2]]


def test_a_scalar_alone_decays_like_a_light_state():
    """C_P = −2m_ℓC₁₀ (m_b + m_s)/(m² m_b) leaves no P in B_s → μμ: for real S A_ΔΓ = −1, and the lifetime is that of the other mass eigenstate, τ/(1 + y)."""
    wet = resolve_model("wet")
    sm, m = wet.sm, wet.sm.mass["Bs"]
    cancel = -2.0 * sm.mass["mu"] * sm.wilson["C10"] / m**2 * (1.0 + sm.quark["ms_4.8"] / sm.quark["mb_4.8"])
    values = db.predict(wet, {"CP_bsmumu": cancel, "CS_bsmumu": 0.01}, ["ADeltaGamma(Bs->mumu)", "tau_mumu"])
    y = 0.5 * sm.lifetime["DeltaGamma/Gamma_Bs"]
    assert values["ADeltaGamma(Bs->mumu)"] == pytest.approx(-1.0, rel=1e-12)
    assert values["tau_mumu"] == pytest.approx(sm.lifetime["Bs"] / (1.0 + y), rel=1e-12)


def test_phase_of_mixing_in_bs_to_ll():
    """A_ΔΓ = cos φ for real C₁₀, φ the phase of 1 + M₁₂(NP)/M₁₂(SM) (arXiv:1204.1737, eq. 17)."""
    wet = resolve_model("wet")
    m12 = meson_mixing.sm_coefficient(Theory(wet.sm), "Bs")
    p = Theory(wet.sm, wilson=Wilson(meson_mixing={"bs": m12 * (jnp.exp(0.4j) - 1.0)}))
    assert bs_to_ll.a_delta_gamma(p, "mu") == pytest.approx(np.cos(0.4), rel=1e-12)


# -- leptons of different flavour --------------------------------------------------------------------------------------------------------

VIOLATING = {label: row for label, row in REFERENCE["observables"].items() if PAIR.search(label)}


@pytest.mark.parametrize("two_body", [True, False])
def test_leptons_of_different_flavour_agree_with_flavio(two_body):
    """flavio has the opposite sign between C₉ and C_S in B → Mℓ₁ℓ₂ (`test_rate_from_traces`), so the other sign of C_S there."""
    labels = [label for label in VIOLATING if label.startswith("BR(Bs->") == two_body and "phi" not in label]
    labels += [label for label in VIOLATING if "phi" in label and not two_body]
    sign = lambda name: -1.0 if name.startswith("CS") and not two_body else 1.0
    names = sorted({name for point in POINTS for name in point if PAIR.search(name)})
    complete = {name: jnp.array([sign(name) * point.get(name, 0.0) for point in POINTS], complex) for name in names}
    values = np.asarray(jax.jit(jax.vmap(db.predictor("wet", labels)))(complete)).T
    for label, ours in zip(labels, values):
        np.testing.assert_allclose(ours, VIOLATING[label], rtol=1e-5 if two_body else 5e-3, err_msg=label)


PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
GAMMA = [np.kron([[1, 0], [0, -1]], np.eye(2)), *(np.kron([[0, 1], [-1, 0]], s) for s in PAULI)]
GAMMA5 = np.kron([[0, 1], [1, 0]], np.eye(2))


def slash(v: np.ndarray) -> np.ndarray:
    return sum(g * x for g, x in zip(GAMMA, np.array([1.0, -1.0, -1.0, -1.0]) * v))


def squared(vertex: np.ndarray, lepton: np.ndarray, m: float, anti: np.ndarray, m_anti: float) -> float:
    """Σ over spins of |ū vertex v|²."""
    conjugate = GAMMA[0] @ vertex.conj().T @ GAMMA[0]
    one = np.eye(4)
    return np.trace((slash(lepton) + m * one) @ vertex @ (slash(anti) - m_anti * one) @ conjugate).real


def test_rate_from_traces():
    """dΓ/dq² of B⁺ → K⁺ e⁺τ⁻ from its amplitude and Dirac matrices, τ⁻ made by (τ̄ Γ e), integrated over the angle."""
    wet = resolve_model("wet")
    point = {
        "C9_bsetau": 1.0 + 0.3j,
        "C9p_bsetau": -0.4,
        "C10_bsetau": 0.7j,
        "CS_bsetau": 0.2 - 0.1j,
        "CP_bsetau": 0.15,
    }
    p, q2 = wet.at(point).derive(), 9.0
    f = b_to_k(wet.sm, q2)
    c = lambda slot: complex(point.get(f"{slot}_bsetau", 0.0) + point.get(f"{slot}p_bsetau", 0.0))
    mass = wet.sm.mass
    m_b, m_k, m_1, m_2 = mass["B+"], mass["K+"], mass["e"], mass["tau"]
    lam = lambda a, b: q2**2 + a**2 + b**2 - 2.0 * (q2 * a + q2 * b + a * b)
    size, root = np.sqrt(lam(m_1**2, m_2**2) / (4.0 * q2)), np.sqrt(lam(m_b**2, m_k**2) / (4.0 * q2))
    q, b = np.array([np.sqrt(q2), 0.0, 0.0, 0.0]), np.array([np.hypot(m_b, root), 0.0, 0.0, root])
    gap, total = m_b**2 - m_k**2, 0.0
    hadron = float(f.plus) * (2.0 * b - q - gap / q2 * q) + float(f.zero) * gap / q2 * q
    for cosine, weight in zip(*np.polynomial.legendre.leggauss(8)):
        direction = size * np.array([np.sqrt(1.0 - cosine**2), 0.0, cosine])
        lepton, anti = np.append(np.hypot(m_2, size), direction), np.append(np.hypot(m_1, size), -direction)
        vertex = slash(hadron) @ (c("C9") * np.eye(4) + c("C10") * GAMMA5)
        vertex = vertex + gap * float(f.zero) * (c("CS") * np.eye(4) + c("CP") * GAMMA5)
        total += 0.5 * weight * squared(0.5 * vertex, lepton, m_2, anti, m_1)
    phase_space = (
        2.0 * root * np.sqrt(q2) / (8.0 * np.pi * m_b**2) * 2.0 * size / (8.0 * np.pi * np.sqrt(q2)) / (2.0 * np.pi)
    )
    expected = float(normalisation(p)) ** 2 * total * phase_space / (2.0 * m_b)
    assert float(violating.density(p, "B+->K", "etau", jnp.asarray(q2))) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("mode", ["B+->K", "B0->K*"])
def test_integral_over_phase_space(mode):
    wet = resolve_model("wet")
    p = wet.at({"C9_bsmutau": 1.0, "C10p_bsmutau": 0.5j, "CS_bsmutau": 0.1}).derive()
    density = jax.jit(lambda q2: violating.density(p, mode, "mutau", q2))
    ends = violating.phase_space(wet.sm, mode, "mutau")
    width = scipy.integrate.quad(lambda q2: float(density(jnp.asarray(q2))), *ends, epsrel=1e-9, limit=200)[0]
    exact = float(width * wet.sm.lifetime[mode.split("->")[0]])
    assert float(violating.br(p, mode, "mutau")) == pytest.approx(exact, rel=1e-7)


def test_neutrinos_of_different_flavour():
    """They add |C|² of their own: as much as a shift of one flavour does beyond its interference with the Standard Model."""
    labels = ["BR(B+->Knunu)", "BR(B0->K*nunu)", "<dBR/dq2>(B0->K*nunu)[1,6]"]
    shift = {"CL": 2.0 - 1.0j, "CR": 0.5j}
    at = lambda sign, text: {f"{slot}_{text}": sign * c for slot, c in shift.items()}
    sm, up, down = (db.predict("wet", at(sign, "bsnumunumu"), labels) for sign in (0.0, 1.0, -1.0))
    other = at(1.0, "bsnuenutau")
    for tables in (False, True):
        values = db.predictor(resolve_model("wet").opened(other), labels, tables=tables)(other)
        expected = [0.5 * (up[label] + down[label]) for label in labels]
        np.testing.assert_allclose(values, expected, rtol=1e-7)
    assert up[labels[0]] != pytest.approx(sm[labels[0]], rel=1e-2)


# -- tensors -----------------------------------------------------------------------------------------------------------------------------


def test_tensors_agree_with_the_formulas_inside_of_flavio():
    """B⁰ → K*ℓℓ at six points with complex tensors, scalars, C₇, C₉ and C₁₀."""
    tensors = REFERENCE["tensors"]
    names = sorted({name for point in tensors["wilson"] for name in point})
    complete = {
        name: jnp.array([complex(*point.get(name, (0.0, 0.0))) for point in tensors["wilson"]]) for name in names
    }
    labels = list(tensors["observables"])
    values = np.asarray(jax.jit(jax.vmap(db.predictor("wet", labels)))(complete)).T
    for label, ours in zip(labels, values):
        relative, absolute = (5e-5, 0.0) if is_rate(label) else (0.0, 3e-5)
        np.testing.assert_allclose(ours, tensors["observables"][label], rtol=relative, atol=absolute, err_msg=label)


def test_b_to_p_from_traces():
    """Rate, flat term and forward minus backward of B⁺ → K⁺τ⁺τ⁻ from its amplitude and Dirac matrices, with every kind of coupling, fits in cos θ."""
    mass, q2 = resolve_model("wet").sm.mass, 15.0
    m_b, m_k, m = mass["B+"], mass["K+"], mass["tau"]
    couplings = [complex(*x) for x in np.random.default_rng(5).normal(size=(5, 2))]
    tensors = [0.1 * complex(*x) for x in np.random.default_rng(6).normal(size=(2, 2))]
    f_v, f_a, f_0, f_s, f_p = couplings
    gap, size = m_b**2 - m_k**2, np.sqrt(0.25 * q2 - m**2)
    root = np.sqrt((q2**2 + m_b**4 + m_k**4 - 2.0 * (q2 * (m_b**2 + m_k**2) + m_b**2 * m_k**2)) / (4.0 * q2))
    q, b = np.array([np.sqrt(q2), 0.0, 0.0, 0.0]), np.array([np.hypot(m_b, root), 0.0, 0.0, root])
    one, total = np.eye(4), 2.0 * b - q
    transverse, along = slash(total - gap / q2 * q), slash(gap / q2 * q)
    sigma = 0.5j * (slash(total) @ slash(q) - slash(q) @ slash(total))  # σ_μν P^μ q^ν
    vertex = f_v * transverse + f_a * transverse @ GAMMA5 + f_0 * along @ GAMMA5
    vertex = vertex + gap * (f_s * one + f_p * GAMMA5) + 4j * sigma @ (tensors[0] * one + tensors[1] * GAMMA5)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    rates = []
    for cosine in nodes:
        direction = size * np.array([np.sqrt(1.0 - cosine**2), 0.0, cosine])
        lepton, anti = np.append(0.5 * np.sqrt(q2), direction), np.append(0.5 * np.sqrt(q2), -direction)
        rates.append(squared(0.5 * vertex, lepton, m, anti, m))
    phase_space = (
        2.0 * root * np.sqrt(q2) / (8.0 * np.pi * m_b**2) * 2.0 * size / (8.0 * np.pi * np.sqrt(q2)) / (2.0 * np.pi)
    )
    density = 0.5 * np.array(rates) * phase_space / (2.0 * m_b)
    constant, linear, square = np.polynomial.polynomial.polyfit(nodes, density, 2)
    current = b_to_p_ll.PairCurrent(*map(jnp.asarray, couplings), tuple(map(jnp.asarray, tensors)))
    ours = b_to_p_ll.pair_rate(jnp.asarray(q2), m_b, m_k, m, current)
    assert float(ours.total) == pytest.approx(np.sum(weights * density), rel=1e-10)
    assert float(ours.flat) == pytest.approx(2.0 * (constant + square), rel=1e-9)
    assert float(ours.forward) == pytest.approx(-linear, rel=1e-9)


def test_tensors_of_massless_leptons_are_chiral():
    """Without masses C_T and C_T5 are sum and difference of two chiralities of leptons that do not interfere: equal rates, B → K and B → K* alike."""
    labels = ["dBR/dq2(B+->Kee)[3]", "dBR/dq2(B0->K*ee)[3]"]
    sm, t, t5 = (db.predict("wet", point, labels) for point in ({}, {"CT_bsee": 2.0}, {"CT5_bsee": 2.0}))
    assert t[labels[0]] - sm[labels[0]] == pytest.approx(t5[labels[0]] - sm[labels[0]], rel=1e-2)
    assert t[labels[0]] > 1.05 * sm[labels[0]]
    assert t[labels[1]] > 1.05 * sm[labels[1]] and t[labels[1]] == pytest.approx(t5[labels[1]], rel=0.2)


def test_tensors_in_bs_to_phi_without_mixing():
    """With ΔΓ = 0 the averages are those of two decays; with it they keep CP: real coefficients give no S₇ beyond strong phases."""
    wet = resolve_model("wet")
    unmixed = type(wet)(sm=wet.sm.replace({"lifetime.DeltaGamma/Gamma_Bs": 0.0}))
    labels = ["FL(Bs->phimumu)[17]", "S3(Bs->phimumu)[17]", "S4(Bs->phimumu)[17]"]
    point = {"CT_bsmumu": 0.3, "CT5_bsmumu": -0.5}
    mixed, plain = (db.predict(model, point, labels) for model in (wet, unmixed))
    assert all(abs(mixed[label] - plain[label]) < 0.05 for label in labels)
