"""B → K with two leptons."""

from __future__ import annotations

from darkbeauty.flavour import b_to_p_ll, currents
from darkbeauty.flavour.modes import PSEUDOSCALAR
from darkbeauty.models.sectors import LEPTONS
from darkbeauty.observables.combiners import Ratio, Zero
from darkbeauty.observables.observable import Observable
from darkbeauty.observables.pair_modes import RATIOS, LeptonModes

REFERENCES = ("arXiv:0709.4174", "arXiv:2305.06301", "arXiv:0810.4077")
_FORMULAS = (b_to_p_ll, b_to_p_ll.pair_rate, b_to_p_ll.subleading_c9, currents.lepton_current)
_MODES = LeptonModes(b_to_p_ll, "rate", _FORMULAS)
_ANGULAR = {
    "FH": ("F_H", "flat term", Ratio("flat", "rate")),
    "ACP": ("A_{CP}", "direct CP asymmetry", Ratio("difference", "rate")),
    "AFB": ("A_{FB}", "forward–backward asymmetry (0 without scalar operators)", Zero("rate")),
}

OBSERVABLES: tuple[Observable, ...] = (
    *(
        observable
        for mode in PSEUDOSCALAR
        for lepton in LEPTONS
        for observable in _MODES.observables(mode, lepton, REFERENCES, _ANGULAR)
    ),
    *(observable for mode in PSEUDOSCALAR for pair in RATIOS for observable in _MODES.ratios(mode, *pair, REFERENCES)),
)
