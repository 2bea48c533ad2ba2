"""B_s → ℓ⁺ℓ⁻."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from darkbeauty.flavour import bs_to_ll
from darkbeauty.models.sectors import LEPTONS
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import FRACTION, POSITIVE, Observable, source
from darkbeauty.observables.pair_modes import LEPTON_TEX


def _observable(name: str, function: Callable[..., Any], lepton: str, tex: str, about: str, **more: Any) -> Observable:
    sources = (source(function, of=("wilson",), lepton=lepton),)
    return Observable(name, sources, itself, tex=tex, references=("arXiv:1204.1737",), about=about, **more)


def _of(lepton: str) -> tuple[Observable, ...]:
    process, tex = f"Bs->{lepton}{lepton}", rf"B_s\to {LEPTON_TEX[lepton]}"
    return (
        _observable(
            f"BR({process})",
            bs_to_ll.br_bs_ll,
            lepton,
            f"B({tex})",
            "time-integrated branching fraction",
            range=FRACTION,
        ),
        _observable(
            f"ADeltaGamma({process})",
            bs_to_ll.a_delta_gamma,
            lepton,
            rf"A_{{\Delta\Gamma}}({tex})",
            "rate asymmetry of the mass eigenstates, 1 in the Standard Model",
        ),
        _observable(
            f"tau_{lepton}{lepton}",
            bs_to_ll.effective_lifetime,
            lepton,
            rf"\tau_{{{tex}}}",
            "effective lifetime of B_s in this decay",
            unit="GeV^-1",
            range=POSITIVE,
        ),
    )


OBSERVABLES: tuple[Observable, ...] = tuple(observable for lepton in LEPTONS for observable in _of(lepton))
