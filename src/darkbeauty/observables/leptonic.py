"""Magnetic moments, neutrino tridents, pairs of leptons at LEP-II."""

from __future__ import annotations

from darkbeauty.inputs import SMInputs
from darkbeauty.leptonic import bhabha, g_minus_2, lepton_pairs, trident
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import Observable, source


def _energy(sm: SMInputs, arguments: tuple[float, ...]) -> str:
    """What is wrong with an energy."""
    energy = arguments[0]
    return "" if sm.mass["Z"] + 5.0 < energy < 1000.0 else f"E = {energy:g} GeV is not well above the Z"


def _scattering_bin(sm: SMInputs, arguments: tuple[float, ...]) -> str:
    """What is wrong with an energy and a bin of cos θ."""
    _, low, high = arguments
    if trouble := _energy(sm, arguments):
        return trouble
    return "" if -1.0 <= low < high < 1.0 else f"[{low:g}, {high:g}] is not a bin of cos θ below 1"


OBSERVABLES: tuple[Observable, ...] = (
    *(
        Observable(
            f"a_{flavour}(NP)",
            (source(g_minus_2.a_lepton, of=("z_prime",), flavour=flavour),),
            itself,
            tex=rf"\Delta a_{{{tex}}}",
            references=("Nucl.Phys.B137(1978)63",),
            about="Z′ contribution to the anomalous magnetic moment",
            formulas=(g_minus_2.loop,),
        )
        for flavour, tex in (("e", "e"), ("mu", r"\mu"))
    ),
    *(
        Observable(
            f"trident({experiment})",
            (source(trident.ratio_to_sm, of=("z_prime",), experiment=experiment),),
            itself,
            tex=rf"\sigma/\sigma_\mathrm{{SM}}(\nu N \to \nu\mu\mu N)_\mathrm{{{experiment}}}",
            references=("arXiv:1406.2332",),
            about=about,
        )
        for experiment, about in (
            ("CCFR", "neutrino trident at 160 GeV on iron over the SM"),
            ("CHARM-II", "neutrino trident at 24 GeV on glass over the SM"),
            ("DUNE", "neutrino trident at 5 GeV on argon over the SM: a projection, for drawing"),
        )
    ),
    Observable(
        "R(ee->ee)",
        (source(bhabha.ratio_to_sm, of=("z_prime",)),),
        itself,
        ("E", "cosmin", "cosmax"),
        tex=r"R(e^+e^- \to e^+e^-)",
        references=("arXiv:1302.3415",),
        domain=_scattering_bin,
        about="Bhabha scattering at energy E [GeV] in a bin of cos θ over the SM",
    ),
    *(
        Observable(
            f"{name}(ee->{2 * flavour})",
            (source(computed, of=("z_prime",), flavour=flavour),),
            itself,
            ("E",),
            tex=rf"{symbol}(e^+e^- \to \{flavour}^+\{flavour}^-)",
            references=("arXiv:1302.3415",),
            domain=_energy,
            about=about.format(flavour),
        )
        for flavour in ("mu", "tau")
        for name, symbol, computed, about in (
            ("R", "R", lepton_pairs.ratio_to_sm, "cross-section of e⁺e⁻ → {0}⁺{0}⁻ at energy E [GeV] over the SM"),
            ("AFB", r"A_{\rm FB}", lepton_pairs.asymmetry, "forward-backward asymmetry of {0}⁺{0}⁻ at energy E [GeV]"),
        )
    ),
)
