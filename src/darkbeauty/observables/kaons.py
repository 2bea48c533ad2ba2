"""K → πνν̄."""

from __future__ import annotations

from darkbeauty.flavour import k_to_pi_nunu
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import FRACTION, Observable, source

OBSERVABLES: tuple[Observable, ...] = tuple(
    Observable(
        f"BR({decay}->pinunu)",
        (source(k_to_pi_nunu.branching, of=("wilson",), decay=decay),),
        itself,
        tex=rf"B({tex}\nu\bar\nu)",
        references=("hep-ph/0603079", "arXiv:0705.2025"),
        about="branching fraction, all neutrinos, without dark matter",
        formulas=(k_to_pi_nunu.amplitudes, k_to_pi_nunu.charm_part),
        range=FRACTION,
    )
    for decay, tex in (("K+", r"K^+\to\pi^+"), ("KL", r"K_L\to\pi^0"))
)
