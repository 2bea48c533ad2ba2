"""Inclusive B → X_sγ."""

from __future__ import annotations

from darkbeauty.flavour import b_to_xs_gamma
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import Observable, source

OBSERVABLES: tuple[Observable, ...] = (
    Observable(
        "BR(B->Xsgamma)",
        (source(b_to_xs_gamma.br_xs_gamma, of=("wilson",)),),
        itself,
        tex=r"B(B\to X_s\gamma)",
        references=("hep-ph/0609241", "arXiv:1503.01789"),
        about="CP-averaged, E_γ > 1.6 GeV",
        formulas=(b_to_xs_gamma,),
    ),
)
