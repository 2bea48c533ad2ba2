"""Which mesons a mode of flavio's notation means."""

from __future__ import annotations

from dataclasses import dataclass

from darkbeauty.models.sectors import LEPTONS


@dataclass(frozen=True)
class Mode:
    """B meson, final meson, and the key of the form factors."""

    b: str
    final: str
    transition: str


PSEUDOSCALAR = {"B+->K": Mode("B+", "K+", "B->K"), "B0->K": Mode("B0", "K0", "B->K")}
VECTOR = {
    "B0->K*": Mode("B0", "K*0", "B->K*"),
    "B+->K*": Mode("B+", "K*+", "B->K*"),
    "Bs->phi": Mode("Bs", "phi", "Bs->phi"),
}
LEPTON_INDEX = {name: index for index, name in enumerate(LEPTONS)}
