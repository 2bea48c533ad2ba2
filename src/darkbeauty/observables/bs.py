"""B_s → ℓ⁺ℓ⁻ and B_s mixing."""

from __future__ import annotations

from darkbeauty.flavour import bs_mixing, bs_to_ll
from darkbeauty.models.sectors import LEPTONS
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import FRACTION, Observable, source
from darkbeauty.observables.pair_modes import LEPTON_TEX

OBSERVABLES: tuple[Observable, ...] = (
    *(
        Observable(
            f"BR(Bs->{lepton}{lepton})",
            (source(bs_to_ll.br_bs_ll, of=("wilson",), lepton=lepton),),
            itself,
            tex=rf"B(B_s\to {LEPTON_TEX[lepton]})",
            references=("arXiv:1204.1737",),
            about="time-integrated branching fraction",
            range=FRACTION,
        )
        for lepton in LEPTONS
    ),
    Observable(
        "DeltaM_s",
        (source(bs_mixing.delta_m_s, of=("wilson",)),),
        itself,
        unit="GeV",
        tex=r"\Delta M_s",
        references=("hep-ph/9512380",),
        about="mass difference of the B_s mesons",
        formulas=(bs_mixing.sm_coefficient,),
    ),
)
