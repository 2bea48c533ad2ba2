"""Λ_b → Λ(→ pπ⁻)ℓ⁺ℓ⁻: against flavio in the Standard Model and at twelve complex points, published predictions, and what any distribution has to fulfil."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.flavour import lambdab_to_lambda_ll as decay
from darkbeauty.models import resolve_model

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "wet_operators.json").read_text(encoding="utf-8"))
NAMES = [f"{slot}_bs{pair}" for slot in ("C9", "C9p", "C10", "C10p") for pair in ("ee", "mumu")] + ["C7_bs", "C7p_bs"]
POINTS = {
    name: np.array([complex(*point.get(name, (0.0, 0.0))) for point in REFERENCE["wilson"]]) for name in sorted(NAMES)
}
EXPECTED = {label: row for label, row in REFERENCE["observables"].items() if "Lambdab" in label}
WET = resolve_model("wet")
PARTS = {
    "FL": decay.longitudinal,
    "AFBl": decay.lepton_asymmetry,
    "AFBh": decay.hadron_asymmetry,
    "AFBlh": decay.double_asymmetry,
    "dBR/dq2": decay.rate,
}


@pytest.fixture(scope="module")
def rates():
    """Of Λ_b alone, in flavio's bins and at its points, with the form factors that it has; {(lepton, arguments): K at all points}."""
    sm = WET.sm.replace({"form_factor.Lambdab->Lambda": REFERENCE["baryon_form_factors"]})
    template = type(WET)(sm=sm)

    @jax.jit
    def of(values):
        p, every = template.at(values).derive(), {}
        for lepton in ("mu", "e"):
            every |= {(lepton, (q2,)): decay.differential(p, q2, lepton) for q2 in (3.0, 16.0)}
            every |= {(lepton, bin_): decay.binned(p, *bin_, lepton) for bin_ in ((1.1, 6.0), (15.0, 20.0))}
        return {key: jax.tree.map(jnp.add, k.average, k.difference) for key, k in every.items()}

    return jax.vmap(of)({name: jnp.asarray(column) for name, column in POINTS.items()})


@pytest.mark.parametrize("label", EXPECTED)
def test_agrees_with_flavio(rates, label):
    """flavio has no CP average here: K of Λ_b, which is average + difference."""
    name, rest = label.strip("<").replace(">(", "(").split("(Lambdab->Lambda")
    process, arguments = rest.rstrip("]").split(")[")
    bin_ = tuple(float(x) for x in arguments.split(","))
    k = rates["mu" if process == "mumu" else "e", bin_]
    part = PARTS[name](k) if name in PARTS else getattr(k, name.lower())
    if name == "dBR/dq2":
        width = bin_[1] - bin_[0] if len(bin_) == 2 else 1.0
        np.testing.assert_allclose(part * WET.sm.lifetime["Lambdab"] / width, EXPECTED[label], rtol=5e-4)
    else:
        np.testing.assert_allclose(part / decay.rate(k), EXPECTED[label], atol=1e-4)


def test_published_predictions():
    """Detmold and Meinel, arXiv:1602.01399, for 15–20 GeV²; their α of Λ → pπ⁻ is 0.642, other inputs differ a little."""
    labels = [f"<{name}>(Lambdab->Lambdamumu)[15,20]" for name in ("dBR/dq2", "FL", "AFBl", "AFBh", "AFBlh")]
    values = db.predict(type(WET)(sm=WET.sm.replace({"decay_parameter.Lambda->ppi": 0.642})), {}, labels)
    published = ((0.756e-7, 0.070e-7), (0.409, 0.013), (-0.350, 0.013), (-0.2710, 0.0092), (0.1398, 0.0043))
    for (central, error), value in zip(published, values.values()):
        assert abs(value - central) < error


def four_fold(k, cos_l, cos_h, phi):
    """8π/3 of the distribution over its rate (arXiv:1410.2115, eq. 3.2)."""
    sin_l, sin_h = jnp.sqrt(1.0 - cos_l**2), jnp.sqrt(1.0 - cos_h**2)
    even = k.k1ss * sin_l**2 + k.k1cc * cos_l**2 + k.k1c * cos_l
    odd = (k.k2ss * sin_l**2 + k.k2cc * cos_l**2 + k.k2c * cos_l) * cos_h
    sine = (k.k3sc * sin_l * cos_l + k.k3s * sin_l) * sin_h * jnp.sin(phi)
    return even + odd + sine + (k.k4sc * sin_l * cos_l + k.k4s * sin_l) * sin_h * jnp.cos(phi)


def test_distribution_is_positive_and_gives_the_observables(rates):
    """Nowhere negative; its angular integrals are the rate, F_L and the three asymmetries."""
    nodes, weight = np.polynomial.legendre.leggauss(24)
    cos_l, cos_h = jnp.asarray(nodes)[:, None, None], jnp.asarray(nodes)[None, :, None]
    phi = jnp.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)[None, None]
    measure = weight[:, None, None] * weight[None, :, None] * (2.0 * np.pi / 16) * 3.0 / (8.0 * np.pi)
    for key, many in rates.items():
        k = jax.tree.map(lambda x: x[5], many)
        density = four_fold(k, cos_l, cos_h, phi)
        assert float(density.min()) > 0.0, key
        integral = lambda f, density=density: float(jnp.sum(measure * density * f))
        assert integral(1.0) == pytest.approx(float(decay.rate(k)), rel=1e-12)
        # what is odd is linear in the cosine, so its moment gives the asymmetry
        assert integral(cos_l) * 1.5 == pytest.approx(float(decay.lepton_asymmetry(k)), rel=1e-9)
        assert integral(cos_h) * 1.5 == pytest.approx(float(decay.hadron_asymmetry(k)), rel=1e-9)
        assert integral(cos_l * cos_h) * 2.25 == pytest.approx(float(decay.double_asymmetry(k)), rel=1e-9)
        assert integral(2.0 - 5.0 * cos_l**2) == pytest.approx(float(decay.longitudinal(k)), rel=1e-9)


def test_end_point():
    """At q²_max the decay is isotropic in the lepton angle, F_L = 1/3, and both lepton asymmetries vanish (arXiv:1312.1923)."""
    end = (WET.sm.mass["Lambdab"] - WET.sm.mass["Lambda"]) ** 2
    labels = [f"{name}(Lambdab->Lambdamumu)[{end - 1e-7}]" for name in ("FL", "AFBl", "AFBh")]
    values = list(db.predict("wet", {}, labels).values())
    assert values == pytest.approx([1.0 / 3.0, 0.0, 0.0], abs=1e-3)
