"""B_s → ℓ⁺ℓ⁻."""

from __future__ import annotations

from darkbeauty.flavour import bs_to_ll
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
)
