"""B → K*γ and B_s → φγ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from jax import Array

from darkbeauty.flavour import b_to_v_gamma, b_to_v_ll, currents
from darkbeauty.flavour.modes import VECTOR
from darkbeauty.models.sectors import Theory
from darkbeauty.observables.combiners import Fields, Ratio, SummedRate, safe_ratio
from darkbeauty.observables.observable import FRACTION, POSITIVE, Observable, Source, source
from darkbeauty.observables.pair_modes import MODE_TEX

REFERENCES = ("arXiv:1608.02556", "hep-ph/0609037", "arXiv:1503.05534", "hep-ph/0412400")
_UNTAGGED_REFERENCES = (*REFERENCES, "arXiv:0802.0876")
_FORMULAS = (
    b_to_v_gamma.helicities,
    b_to_v_ll.hadronic,
    b_to_v_ll.spectator_scattering,
    b_to_v_ll.subleading,
    currents.lepton_current,
)
_MIXING = (b_to_v_gamma.q_over_p,)


@dataclass(frozen=True)
class RatioOfBranchingFractions:
    """Lifetime × rate of one meson over that of another."""

    mesons: tuple[str, str]
    name: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    def __call__(self, p: Theory, arguments: tuple, first: Fields, second: Fields) -> Array:
        of = lambda meson, result: p.sm.lifetime[meson] * result[self.name]
        return safe_ratio(of(self.mesons[0], first), of(self.mesons[1], second))


def _rates(mode: str) -> Source:
    return source(b_to_v_gamma.rates, of=("wilson",), mode=mode)


def _of(mode: str) -> list[Observable]:
    """Branching fraction and direct CP asymmetry of one mode."""
    name, tex, meson = f"{mode}gamma", rf"{MODE_TEX[mode]}\gamma", VECTOR[mode].b
    make = partial(Observable, sources=(_rates(mode),), formulas=_FORMULAS)
    average = "time-integrated, CP-averaged" if meson == "Bs" else "CP-averaged"
    references = _UNTAGGED_REFERENCES if meson == "Bs" else REFERENCES
    return [
        make(
            name=f"BR({name})",
            combine=SummedRate(meson, "integrated"),
            tex=f"B({tex})",
            references=references,
            about=f"{average} branching fraction",
            range=FRACTION,
        ),
        make(
            name=f"ACP({name})",
            combine=Ratio("difference", "average"),
            tex=rf"A_{{CP}}({tex})",
            references=REFERENCES,
            about="direct CP asymmetry (Γ − Γ̄)/(Γ + Γ̄), Γ of the b quark",
        ),
    ]


def _with_mixing(name: str, mode: str, field: str, tex: str, about: str) -> Observable:
    return Observable(
        name,
        (_rates(mode),),
        Ratio(field, "average"),
        tex=tex,
        references=_UNTAGGED_REFERENCES,
        about=about,
        formulas=(*_FORMULAS, *_MIXING),
    )


OBSERVABLES: tuple[Observable, ...] = (
    *(observable for mode in VECTOR for observable in _of(mode)),
    _with_mixing(
        "S_K*gamma", "B0->K*", "sine", r"S_{K^*\gamma}", "mixing-induced CP asymmetry of B⁰ → K*⁰γ, K*⁰ → K_Sπ⁰"
    ),
    _with_mixing("S_phigamma", "Bs->phi", "sine", r"S_{\phi\gamma}", "mixing-induced CP asymmetry of B_s → φγ"),
    _with_mixing(
        "ADeltaGamma(Bs->phigamma)",
        "Bs->phi",
        "cosine",
        r"A_{\Delta\Gamma}(B_s\to\phi\gamma)",
        "asymmetry of the rates of the two mass eigenstates",
    ),
    Observable(
        "BR(B0->K*gamma)/BR(Bs->phigamma)",
        (_rates("B0->K*"), _rates("Bs->phi")),
        RatioOfBranchingFractions(("B0", "Bs"), "integrated"),
        tex=r"B(B^0\to K^{*0}\gamma)/B(B_s\to\phi\gamma)",
        references=_UNTAGGED_REFERENCES,
        about="ratio of branching fractions, that of B_s time-integrated",
        formulas=_FORMULAS,
        range=POSITIVE,
    ),
)
