"""Sums over Weyl fermions against those of textbooks, and with the hypercharge as the charge."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from darkbeauty.models.anomalies import anomalies, fermions

THIRD = Fraction(1, 3)


def of(quarks, leptons, singlets=None):
    charges = [Fraction(charge) for charge in leptons]
    return anomalies(fermions(Fraction(quarks), charges, charges if singlets is None else singlets))


def test_the_hypercharge_is_free_of_anomalies():
    content = [dataclasses.replace(f, charge=f.hypercharge) for f in fermions(THIRD, [Fraction(1)] * 3, [])]
    assert anomalies(content) == {}


@pytest.mark.parametrize(
    ("quarks", "leptons"),
    [
        (0, (0, 1, -1)),
        (0, (1, 0, -1)),
        (0, (1, 1, -2)),
        (THIRD, (-1, -1, -1)),
        (THIRD, (0, 0, -3)),
        (THIRD, (0, -1, -2)),
        (THIRD / 3, (-1, 1, -1)),
    ],
)
def test_differences_of_leptons_and_of_baryons_and_leptons(quarks, leptons):
    """Free of anomalies with three right-handed neutrinos: 9 Q′(q) + Σ Q′(ℓ) = 0 (arXiv:hep-ph/9409230 for L_i − L_j, B − 3L_τ)."""
    assert of(quarks, leptons) == {}


def test_baryon_and_lepton_number():
    """SU(2)²B = SU(2)²L = 3 generations, Y²B = Y²L = −3/2; L without right-handed neutrinos also has 3 of L³ and of gravity."""
    mixed = {"SU(2)²U(1)′": 3, "U(1)_Y²U(1)′": Fraction(-3, 2)}
    assert of(THIRD, (0, 0, 0)) == mixed
    assert of(0, (1, 1, 1)) == mixed
    assert of(0, (1, 1, 1), []) == {**mixed, "U(1)′³": 3, "gravity²U(1)′": 3}


def test_b_minus_l_without_right_handed_neutrinos():
    assert of(THIRD, (-1, -1, -1), []) == {"U(1)′³": -3, "gravity²U(1)′": -3}


def test_right_handed_quarks_alone():
    """Charges of u_R = −d_R: colour, Y² and Y U(1)′² are left: 3 · [3(4/9 − 1/9)(−1)] and 3 · [3(−2/3 + 1/3)] with conjugates."""
    content = [
        dataclasses.replace(
            f, charge={Fraction(-2, 3): Fraction(-1), THIRD: Fraction(1)}.get(f.hypercharge, Fraction(0))
        )
        for f in fermions(Fraction(0), [Fraction(0)] * 3, [])
    ]
    assert anomalies(content) == {"U(1)_Y²U(1)′": -3, "U(1)_Y U(1)′²": -3}
