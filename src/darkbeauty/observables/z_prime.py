"""The Z′ and what it couples with, and the penguin that gives it to quarks."""

from __future__ import annotations

from dataclasses import dataclass

from jax import Array

from darkbeauty.models import loops, symbols
from darkbeauty.models.sectors import Theory, ZPrime
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import Observable, source

REFERENCES = ("arXiv:2106.03735",)
FINALS = {
    "ee": "e⁺e⁻",
    "mumu": "μ⁺μ⁻",
    "tautau": "τ⁺τ⁻",
    "nunu": "νν̄",
    "NN": "dark matter",
    "NNheavy": "pairs with the heavier Majorana state",
    "hadrons": "hadrons (kinetic mixing)",
    "LQLQ": "pairs of leptoquarks",
    "inv": "νν̄ ⊕ dark matter",
}


@dataclass(frozen=True)
class Branching:
    """Branching fraction into a final state, Γ(final)/Γ; 0 for one that the model does not have."""

    final: str

    def __call__(self, p: Theory, arguments: tuple, z_prime: ZPrime) -> Array:
        return z_prime.branching(self.final)


def z_prime(p: Theory) -> ZPrime:
    """The Z′ with its partial widths."""
    return p.z_prime


def width(p: Theory) -> Array:
    """Γ = Σ Γ(final).   [GeV]"""
    return p.z_prime.width


def mixing_angle(p: Theory) -> Array:
    """Angle α between the Z′ and the Z.   [rad]"""
    return 1.0 * p.z_prime.mixing_angle


def penguin(p: Theory) -> Array:
    """V_sb of the effective vertex y_sy_b g V_sb/(16π²) s̄γ^μP b Z′_μ."""
    return p.leptoquark.penguin


OBSERVABLES: tuple[Observable, ...] = (
    Observable(
        "Gamma_Zp",
        (source(width, of=("z_prime",)),),
        itself,
        unit="GeV",
        tex=r"\Gamma_{Z'}",
        references=REFERENCES,
        about="total width of the Z′",
    ),
    *(
        Observable(
            f"BR(Zp->{final})",
            (source(z_prime, of=("z_prime",)),),
            Branching(final),
            tex=rf"B(Z'\to {symbols.particles(final)})",
            references=REFERENCES,
            about=f"branching fraction of the Z′ into {about}",
        )
        for final, about in FINALS.items()
    ),
    Observable(
        "V_sb",
        (source(penguin, of=("leptoquark",)),),
        itself,
        tex="V_{sb}",
        references=REFERENCES,
        about="Z′ penguin function",
        formulas=(loops, loops.v_sb),
    ),
    Observable(
        "alpha_ZZp",
        (source(mixing_angle, of=("z_prime",)),),
        itself,
        unit="rad",
        tex=r"\alpha",
        references=REFERENCES,
        about="Z–Z′ mixing angle",
    ),
)
