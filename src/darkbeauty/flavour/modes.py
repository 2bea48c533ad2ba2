"""Which mesons a mode of flavio's notation means."""

from __future__ import annotations

from dataclasses import dataclass

from darkbeauty.models.sectors import LEPTONS


@dataclass(frozen=True)
class Mode:
    """B meson, final meson, key of the form factors, the quarks' transition, and the square of the final meson's isospin factor."""

    b: str
    final: str
    transition: str
    quarks: str = "bs"
    isospin: float = 1.0


PSEUDOSCALAR = {"B+->K": Mode("B+", "K+", "B->K"), "B0->K": Mode("B0", "K0", "B->K")}
VECTOR = {
    "B0->K*": Mode("B0", "K*0", "B->K*"),
    "B+->K*": Mode("B+", "K*+", "B->K*"),
    "Bs->phi": Mode("Bs", "phi", "Bs->phi"),
}
TO_PION = {"B+->pi": Mode("B+", "pi+", "B->pi", "bd"), "B0->pi": Mode("B0", "pi0", "B->pi", "bd", 0.5)}
TO_RHO = {"B+->rho": Mode("B+", "rho+", "B->rho", "bd"), "B0->rho": Mode("B0", "rho0", "B->rho", "bd", 0.5)}
"""b → d: with neutrinos and an on-shell Z′; of them B⁺ → π⁺ with charged leptons, too."""
PSEUDOSCALARS, VECTORS = PSEUDOSCALAR | TO_PION, VECTOR | TO_RHO
WITH_LEPTONS = PSEUDOSCALAR | {"B+->pi": TO_PION["B+->pi"]}
"""Pseudoscalars with ℓ⁺ℓ⁻."""
MODES = PSEUDOSCALARS | VECTORS
LEPTON_INDEX = {name: index for index, name in enumerate(LEPTONS)}
