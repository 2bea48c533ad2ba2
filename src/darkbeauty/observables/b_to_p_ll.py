"""B → K and B⁺ → π⁺ with two leptons."""

from __future__ import annotations

from darkbeauty.flavour import b_to_p_ll, currents
from darkbeauty.flavour.modes import WITH_LEPTONS
from darkbeauty.models.sectors import LEPTONS
from darkbeauty.observables.combiners import Ratio
from darkbeauty.observables.observable import Observable
from darkbeauty.observables.pair_modes import RATIOS, LeptonModes

_CALCULATION = ("arXiv:0709.4174", "arXiv:0810.4077")
REFERENCES = {"B->K": (*_CALCULATION, "arXiv:2305.06301"), "B->pi": (*_CALCULATION, "arXiv:2102.07233")}
"""By form factors."""
_FORMULAS = (b_to_p_ll, b_to_p_ll.pair_rate, b_to_p_ll.tensor_rate, b_to_p_ll.subleading_c9, currents.lepton_current)
_MODES = LeptonModes(b_to_p_ll, "rate", _FORMULAS)
_ANGULAR = {
    "FH": ("F_H", "flat term", Ratio("flat", "rate")),
    "ACP": ("A_{CP}", "direct CP asymmetry", Ratio("difference", "rate")),
    "AFB": (
        "A_{FB}",
        "forward–backward asymmetry, CP-averaged (0 without scalar and tensor operators)",
        Ratio("forward", "rate"),
    ),
}


def _of(mode: str) -> list[Observable]:
    """Rates and angular observables with every lepton, and ratios."""
    references = REFERENCES[WITH_LEPTONS[mode].transition]
    with_lepton = [_MODES.observables(mode, lepton, references, _ANGULAR) for lepton in LEPTONS]
    ratios = [_MODES.ratios(mode, *pair, references) for pair in RATIOS]
    return [observable for group in (*with_lepton, *ratios) for observable in group]


OBSERVABLES: tuple[Observable, ...] = tuple(observable for mode in WITH_LEPTONS for observable in _of(mode))
