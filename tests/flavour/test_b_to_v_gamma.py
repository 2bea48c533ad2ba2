"""B → Vγ and what the photon pole leaves in B⁰ → K*e⁺e⁻: against flavio at complex points, and identities that need no reference."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.flavour import b_to_v_gamma, b_to_v_ll
from darkbeauty.flavour.meson_mixing import sm_coefficient
from darkbeauty.inputs import load_sm
from darkbeauty.models.sectors import Theory, Wilson

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "radiative.json").read_text(encoding="utf-8"))
LABELS, POINTS = tuple(REFERENCE["observables"]), REFERENCE["wilson"]
RATE, ASYMMETRY = 2e-4, 2e-4
"""Relative and absolute: flavio's CP conjugate of |ξ_t|² is 4.3e-5 larger, its spectator scattering that of q² = 0.001 GeV², its q/p has Γ₁₂."""


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """Values of all observables at all points, shape (observables, points)."""
    predict = jax.jit(db.predictor("wet", LABELS))
    complete = [{name: complex(*point.get(name, (0.0, 0.0))) for name in ("C7_bs", "C7p_bs")} for point in POINTS]
    return np.array([predict({name: jnp.asarray(value) for name, value in point.items()}) for point in complete]).T


@pytest.mark.parametrize("label", LABELS)
def test_against_flavio(table, label):
    relative, absolute = (RATE, 0.0) if label.startswith("BR") else (0.0, ASYMMETRY)
    expected = REFERENCE["observables"][label]
    np.testing.assert_allclose(table[LABELS.index(label)], expected, rtol=relative, atol=absolute)
    assert np.ptp(expected) > 10.0 * (relative * np.max(np.abs(expected)) + absolute)


def theory(c7: complex, c7p: complex, **mixing: complex) -> Theory:
    dipoles = {"C7": jnp.asarray(c7, complex), "C7p": jnp.asarray(c7p, complex)}
    return Theory(load_sm(), wilson=Wilson(dipoles, meson_mixing={k: jnp.asarray(v) for k, v in mixing.items()}))


@pytest.mark.parametrize("mode", ["B0->K*", "B+->K*"])
def test_electrons_come_from_the_photon_at_low_q2(mode):
    """dΓ(Ve⁺e⁻)/dq² = (α/3πq²)(1 + 2m²/q²) √(1 − 4m²/q²) Γ(Vγ), Kroll and Wada, Phys. Rev. 98 (1955) 1355; transverse V, corrections of order q²/m_B²."""
    p, q2 = theory(0.03 - 0.02j, 0.05 + 0.04j), 1e-5
    pair = b_to_v_ll.density(p, mode, "e", jnp.asarray(q2), 0.0)
    r = (p.sm.mass["e"] ** 2) / q2
    pole = p.sm.coupling["alpha_e_4.8"] / (3.0 * np.pi * q2) * (1.0 + 2.0 * r) * np.sqrt(1.0 - 4.0 * r)
    photon = b_to_v_gamma.rates(p, mode)
    for part, whole in ((pair.average, photon.average), (pair.difference, photon.difference)):
        assert float(part.rate - part.longitudinal) == pytest.approx(float(pole * whole), rel=1e-4)


def test_a_phase_of_mixing_turns_cosine_into_sine():
    """M₁₂ → e^{2iφ}M₁₂ turns q/p by −2φ; rates stay."""
    phi, sm_part = 0.3, sm_coefficient(theory(0.0, 0.0), "B0")
    first = b_to_v_gamma.rates(theory(0.02j, 0.1), "B0->K*")
    turned = b_to_v_gamma.rates(theory(0.02j, 0.1, bd=sm_part * (np.exp(2j * phi) - 1.0)), "B0->K*")
    expected = (first.cosine + 1j * first.sine) * np.exp(-2j * phi)
    assert complex(turned.cosine, turned.sine) == pytest.approx(complex(expected), rel=1e-9)
    assert turned.average == first.average


def test_photons_of_one_helicity_do_not_interfere():
    """Without right-handed photons there is neither A_ΔΓ nor S, but for the millionth that has no pole."""
    sm = load_sm()
    p = theory(0.0, -sm.wilson["C7effp"])
    rates = b_to_v_gamma.rates(p, "Bs->phi")
    np.testing.assert_allclose([rates.cosine, rates.sine], 0.0, atol=1e-6 * float(rates.average))
    y = 0.5 * sm.lifetime["DeltaGamma/Gamma_Bs"]
    assert float(rates.integrated) == pytest.approx(float(rates.average) / (1.0 - y**2), rel=1e-6)


def test_gradients_are_those_of_differences():
    labels = ("BR(Bs->phigamma)", "S_K*gamma", "ADeltaGamma(Bs->phigamma)", "ACP(B0->K*gamma)")
    f = jax.jit(db.predictor("wet", labels))
    at = lambda x: f({"C7_bs": jnp.asarray(0.02j, complex), "C7p_bs": jnp.asarray(x + 0.03j, complex)})
    slope, step = jax.jacfwd(at)(0.05), 1e-4
    np.testing.assert_allclose(slope, (at(0.05 + step) - at(0.05 - step)) / (2 * step), rtol=1e-5, atol=1e-10)
