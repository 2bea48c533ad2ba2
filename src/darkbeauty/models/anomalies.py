"""Anomalies of a U(1)′: what charges of quarks, leptons and right-handed N have to cancel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Weyl:
    """A left-handed Weyl fermion (a right-handed field stands as its conjugate): colours, members of the weak multiplet, hypercharge, U(1)′ charge."""

    colours: int
    weak: int
    hypercharge: Fraction
    charge: Fraction

    @property
    def states(self) -> int:
        return self.colours * self.weak


CONDITIONS: dict[str, Callable[[Weyl], Fraction]] = {
    "SU(3)²U(1)′": lambda f: f.weak * f.charge if f.colours == 3 else Fraction(0),
    "SU(2)²U(1)′": lambda f: f.colours * f.charge if f.weak == 2 else Fraction(0),
    "U(1)_Y²U(1)′": lambda f: f.states * f.hypercharge**2 * f.charge,
    "U(1)_Y U(1)′²": lambda f: f.states * f.hypercharge * f.charge**2,
    "U(1)′³": lambda f: f.states * f.charge**3,
    "gravity²U(1)′": lambda f: f.states * f.charge,
}
"""What every fermion adds to a sum that has to vanish; of SU(n) in units of the index ½ of its fundamental representation."""


def fermions(quarks: Fraction, leptons: Sequence[Fraction], singlets: Sequence[Fraction]) -> list[Weyl]:
    """Three generations of quarks of one charge, leptons with theirs (left- and right-handed alike), and right-handed N."""
    q, u, d = (
        Weyl(3, 2, Fraction(1, 6), quarks),
        Weyl(3, 1, Fraction(-2, 3), -quarks),
        Weyl(3, 1, Fraction(1, 3), -quarks),
    )
    doublets = [Weyl(1, 2, Fraction(-1, 2), charge) for charge in leptons]
    charged = [Weyl(1, 1, Fraction(1), -charge) for charge in leptons]
    return [*3 * [q, u, d], *doublets, *charged, *(Weyl(1, 1, Fraction(0), -charge) for charge in singlets)]


def anomalies(content: Sequence[Weyl]) -> dict[str, Fraction]:
    """Sums that do not vanish, by condition."""
    sums = {name: sum((part(f) for f in content), Fraction(0)) for name, part in CONDITIONS.items()}
    return {name: value for name, value in sums.items() if value}
