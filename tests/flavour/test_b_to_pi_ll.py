"""B⁺ → π⁺ℓ⁺ℓ⁻, the code of B → K with another pair of quarks: against flavio at complex points, in tables and under a light Z′."""

from __future__ import annotations

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.flavour import b_to_p_ll
from darkbeauty.inputs import load_sm
from darkbeauty.models.sectors import LEPTONIC, Pole, Theory, Wilson
from darkbeauty.observables import BY_NAME

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "b_to_pi_ll.json").read_text(encoding="utf-8"))
LABELS = tuple(label for label in REFERENCE["observables"] if "B+" in label)
RATE = 6e-4
"""flavio's CP conjugate of |V_tbV_td*|² is 9.9e-4 smaller, so its average 5e-4."""


def theory(point: dict[str, list[float]]) -> Theory:
    number = lambda name: jnp.asarray(complex(*point.get(name, (0.0, 0.0))))
    dipoles = {name: number(f"{name}_bd") for name in ("C7", "C7p")}
    leptonic = {name: jnp.zeros(3, complex).at[1].set(number(f"{name}_bdmumu")) for name in LEPTONIC}
    return Theory(load_sm(), wilson=Wilson(transitions={"bd": Wilson(dipoles | leptonic)}))


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    """Branching fractions over flavio's, shape (observables, points)."""

    @jax.jit
    def values(p: Theory):
        lifetime = p.sm.lifetime["B+"]
        rates = []
        for label in LABELS:
            at = [float(text) for text in label.split("[")[1].rstrip("]").split(",")]
            code = b_to_p_ll.differential if len(at) == 1 else b_to_p_ll.binned
            width = 1.0 if len(at) == 1 else at[1] - at[0]
            rates.append(lifetime * code(p, *map(jnp.asarray, at), "B+->pi", "mu").rate / width)
        return jnp.stack(rates)

    return np.array([values(theory(point)) for point in REFERENCE["wilson"]]).T


@pytest.mark.parametrize("label", LABELS)
def test_against_flavio(table, label):
    np.testing.assert_allclose(table[LABELS.index(label)], REFERENCE["observables"][label], rtol=RATE)


def test_it_sees_the_d_quark_and_no_other():
    """Coefficients of b → s leave it alone; a model whose leptoquark does not couple to d has the Standard Model's."""
    label = "<dBR/dq2>(B+->pimumu)[4,6]"
    sm = db.predict("wet", {}, [label])[label]
    assert db.predict("wet", {"C9_bsmumu": -1.0, "C7_bs": 0.1}, [label])[label] == sm
    assert sm == pytest.approx(REFERENCE["observables"][label][0], rel=RATE)


def test_a_light_z_prime_is_resolved():
    """∫ |rP|² f dq² of a narrow pole is π|r|²f(m²)/(mΓ), whatever else there is: beside it, interference vanishes with Γ."""
    m2, m_gamma = 5.0, 5e-8
    pole, residue = Pole(jnp.asarray(m2), jnp.asarray(m_gamma)), jnp.array([0.0, 1e-3, 0.0], complex)
    resonant = Theory(load_sm(), wilson=Wilson(transitions={"bd": Wilson({}, {"C9": residue}, pole)}))
    binned = jax.jit(lambda p: b_to_p_ll.binned(p, 4.0, 6.0, "B+->pi", "mu").rate)
    contact = lambda c9: Theory(load_sm(), wilson=Wilson(transitions={"bd": Wilson({"C9": c9 * residue})}))
    at = jax.jit(lambda p: b_to_p_ll.differential(p, jnp.asarray(m2), "B+->pi", "mu").rate)
    square = 0.5 * (at(contact(1e4)) + at(contact(-1e4)) - 2.0 * at(contact(0.0))) / 1e8
    expected = np.pi / m_gamma * float(square)
    assert float(binned(resonant) - binned(contact(0.0))) == pytest.approx(expected, rel=1e-3)


def test_tables_of_both_transitions():
    """Of a model with a light Z′ and different coefficients of b → s and b → d: the tables give what the amplitude code does."""
    names = ("<dBR/dq2>(B+->pimumu)[2,4]", "<dBR/dq2>(B+->Kmumu)[2,4]")
    point = {"y": 0.3, "g": 0.002, "m_zp": 1.8, "m_dm": 0.6, "r_d": 0.4}
    labels = {"tables": True}, {}
    with_tables, without = (db.predictor("lmu_ltau_s1", names, **options) for options in labels)
    np.testing.assert_allclose(jax.jit(with_tables)(point), jax.jit(without)(point), rtol=2e-5)


def test_the_registry_has_it_with_every_lepton():
    assert {f"<dBR/dq2>(B+->pi{pair})" for pair in ("ee", "mumu", "tautau")} <= set(BY_NAME)
    assert {"<Rmue>(B+->pill)", "BR(B+->pitautau)"} <= set(BY_NAME)
