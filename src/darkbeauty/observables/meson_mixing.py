"""Mixing of neutral mesons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from darkbeauty.flavour import meson_mixing
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.observable import POSITIVE, Observable, source

_NEW = "short-distance new physics alone, the Standard Model's part being long-distance"


def _observable(name: str, function: Callable, tex: str, about: str, references: tuple[str, ...], **more: Any):
    options = {"meson": more.pop("meson")} if "meson" in more else {}
    computed = (source(function, of=("wilson",), **options),)
    return Observable(name, computed, itself, tex=tex, about=about, references=references, **more)


OBSERVABLES: tuple[Observable, ...] = (
    *(
        _observable(
            name,
            meson_mixing.mass_difference,
            tex,
            f"mass difference of the {words} mesons",
            ("hep-ph/9512380",),
            meson=meson,
            unit="GeV",
            formulas=(meson_mixing.sm_coefficient,),
        )
        for name, meson, tex, words in (
            ("DeltaM_s", "Bs", r"\Delta M_s", "B_s"),
            ("DeltaM_d", "B0", r"\Delta M_d", "B⁰"),
        )
    ),
    _observable(
        "S_psiK",
        meson_mixing.s_psi_k,
        r"S_{\psi K_S}",
        "mixing-induced CP asymmetry of B⁰ → ψK_S",
        ("hep-ph/9512380",),
        range=(-1.0, 1.0),
        formulas=(meson_mixing.sm_coefficient,),
    ),
    _observable(
        "eps_K",
        meson_mixing.eps_k,
        r"|\epsilon_K|",
        "CP violation in the mixing of neutral kaons",
        ("arXiv:1911.06822", "arXiv:1111.1699"),
        formulas=(meson_mixing.kaon_sm_coefficient,),
    ),
    _observable(
        "DeltaM_K",
        meson_mixing.new_mass_difference,
        r"\Delta M_K^{\rm NP}",
        f"mass difference of neutral kaons: {_NEW}",
        ("hep-ph/9512380",),
        meson="K0",
        unit="GeV",
        range=POSITIVE,
    ),
    _observable(
        "x12_D",
        meson_mixing.x12_d,
        r"x_{12}^{D,\rm NP}",
        f"2|M₁₂|/Γ of D⁰ mesons: {_NEW}",
        ("hep-ph/9512380",),
        range=POSITIVE,
    ),
)
