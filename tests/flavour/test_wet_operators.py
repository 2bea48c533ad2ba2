"""Scalar and lepton-flavour-violating operators of `wet`: against flavio in the Standard Model and at twelve complex points, and identities."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.flavour import b_to_v_ll, bs_to_ll, meson_mixing
from darkbeauty.models import resolve_model
from darkbeauty.models.base import sectors_of
from darkbeauty.models.sectors import SCALAR, Theory, Wilson
from darkbeauty.models.wet import COEFFICIENTS
from darkbeauty.prediction import parse
from darkbeauty.tables import make_tables

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "wet_operators.json").read_text(encoding="utf-8"))
VIOLATING = re.compile("(emu|mue|etau|taue|mutau|taumu)\\)")
POINTS = [{name: complex(*parts) for name, parts in point.items()} for point in REFERENCE["wilson"]]
NAMES = sorted({name for point in POINTS for name in point} & set(COEFFICIENTS))
OBSERVABLES = {label: row for label, row in REFERENCE["observables"].items() if not VIOLATING.search(label)}


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
