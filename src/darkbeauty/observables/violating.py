"""b → s with two leptons of different flavour."""

from __future__ import annotations

from typing import Any

from jax import Array

from darkbeauty.flavour import violating
from darkbeauty.flavour.modes import PSEUDOSCALAR, VECTOR
from darkbeauty.models import symbols
from darkbeauty.models.sectors import LEPTON_PAIRS, Theory
from darkbeauty.observables.observable import FRACTION, Observable, Source, source
from darkbeauty.observables.pair_modes import MODE_TEX

REFERENCES = ("arXiv:1602.00881", "arXiv:1506.03970")
_MODE_TEX = {**MODE_TEX, "Bs->": r"B_s \to "}


def total(p: Theory, arguments: tuple, *results: Array) -> Any:
    """The sum of all results."""
    return sum(results)


def _source(mode: str, pair: str) -> Source:
    if mode == "Bs->":
        return source(violating.br_bs, of=("wilson",), pair=pair)
    return source(violating.br, of=("wilson",), mode=mode, pair=pair)


def _observable(mode: str, *pairs: str) -> Observable:
    """Branching fraction to one pair, or to several together."""
    signs = ("+", "-") if len(pairs) == 1 else (r"\pm", r"\mp")
    leptons = "".join(f"{symbols.particles(lepton)}^{{{sign}}}" for lepton, sign in zip(LEPTON_PAIRS[pairs[0]], signs))
    return Observable(
        f"BR({mode}{','.join(pairs)})",
        tuple(_source(mode, pair) for pair in pairs),
        total,
        tex=f"B({_MODE_TEX[mode]}{leptons})",
        references=REFERENCES,
        about="branching fraction of the b → s decay" + (", both charges of the leptons" if len(pairs) > 1 else ""),
        formulas=(violating.density,),
        range=FRACTION,
    )


MODES = ("Bs->", *PSEUDOSCALAR, *VECTOR)
OBSERVABLES: tuple[Observable, ...] = (
    *(_observable(mode, pair) for mode in MODES for pair in LEPTON_PAIRS),
    *(_observable(mode, *pairs) for mode in MODES for pairs in (("emu", "mue"), ("etau", "taue"), ("mutau", "taumu"))),
)
