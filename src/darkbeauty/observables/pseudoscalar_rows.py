"""B → K with leptons, neutrinos or dark matter; inclusive and leptonic decays; mixing."""

from __future__ import annotations

from functools import partial

from darkbeauty.flavour import b_to_p_ll, b_to_xs_gamma, bs_mixing, bs_to_ll
from darkbeauty.flavour.modes import PSEUDOSCALAR
from darkbeauty.models.base import LEPTONS
from darkbeauty.observables.entry import Observable, itself, ratio, source, zero
from darkbeauty.observables.pair_rows import LEPTON_TEX, invisible_rows, lepton_rows, ratio_rows

_B_TO_P = ("arXiv:0709.4174", "arXiv:2305.06301", "arXiv:0810.4077")
_ANGULAR = {
    "FH": ("F_H", "flat term", partial(ratio, numerator=1, denominator=0)),
    "ACP": ("A_{CP}", "direct CP asymmetry", partial(ratio, numerator=2, denominator=0)),
    "AFB": ("A_{FB}", "forward–backward asymmetry (0 without scalar operators)", zero),
}
_MISIAK, _BLL = ("hep-ph/0609241", "arXiv:1503.01789"), ("arXiv:1204.1737",)

ROWS: tuple[Observable, ...] = (
    *(
        row
        for mode in PSEUDOSCALAR
        for lepton in LEPTONS
        for row in lepton_rows(b_to_p_ll, mode, lepton, _B_TO_P, _ANGULAR)
    ),
    *(
        row
        for mode in PSEUDOSCALAR
        for pair in (("mu", "e"), ("tau", "mu"))
        for row in ratio_rows(b_to_p_ll, mode, *pair, _B_TO_P)
    ),
    *(row for mode in PSEUDOSCALAR for row in invisible_rows(mode)),
    Observable(
        "BR(B->Xsgamma)",
        (source(b_to_xs_gamma.br_xs_gamma),),
        itself,
        tex=r"B(B\to X_s\gamma)",
        references=_MISIAK,
        about="CP-averaged, E_γ > 1.6 GeV",
    ),
    *(
        Observable(
            f"BR(Bs->{lepton}{lepton})",
            (source(bs_to_ll.br_bs_ll, lepton=lepton),),
            itself,
            tex=rf"B(B_s\to {LEPTON_TEX[lepton]})",
            references=_BLL,
            about="time-integrated branching fraction",
        )
        for lepton in LEPTONS
    ),
    Observable(
        "DeltaM_s",
        (source(bs_mixing.delta_m_s),),
        itself,
        unit="GeV",
        tex=r"\Delta M_s",
        references=("hep-ph/9512380",),
        about="mass difference of the B_s mesons",
    ),
)
