"""Named sets of likelihood terms."""

from __future__ import annotations

_FLAVOUR = (
    "b->smumu",
    "R_K",
    "R_K*",
    "BR(B->Xsgamma)",
    "DeltaM_s",
    "BR(B+->Knunu)",
    "BR(Bs->mumu)",
)
_DARK = (
    "Omega_h2",
    "limit PICO-60 SDp",
    "limit CDMSlite SDp",
    "limit CRESST-III SDn",
    "limit LZ SI",
    "limit Planck p_ann",
)
_LEPTONIC = ("a_mu", "a_e", "trident CCFR", "trident CHARM-II", "limit ATLAS LQ->bnu")
_LIGHT_MEDIATOR = (
    "limit BaBar 4mu",
    "limit CMS Z->4mu",
    "limit Belle II invisible 2019",
    "limit LHCb B+->KX(mumu)",
    "limit LHCb B0->K*X(mumu)",
    "limit BaBar B->KX(inv)",
    "limit BaBar B->K*X(inv)",
)

PRESETS: dict[tuple[str, str], tuple[str, ...]] = {
    ("lmu_ltau_s1", "paper"): ("R_K", "R_K*", "BR(B->Xsgamma)", "Omega_h2"),
    ("lmu_ltau_s1", "quick"): ("R_K", "BR(B->Xsgamma)", "DeltaM_s", "BR(B+->Knunu)", "Omega_h2"),
    ("lmu_ltau_s1", "global"): (*_FLAVOUR, *_DARK, *_LEPTONIC, *_LIGHT_MEDIATOR),
    ("le_lmu_r2", "paper"): ("b->smumu", "Omega_h2"),
    ("le_lmu_r2", "global"): (*_FLAVOUR, *_DARK, *_LEPTONIC, "LEP-II Bhabha"),
    ("wet", "global"): _FLAVOUR,
}
"""(model, preset) → terms. paper: the deck's own constraints; quick: the demonstration; global: everything."""


def presets_of(model: str) -> tuple[str, ...]:
    """Names of the presets of a model."""
    return tuple(preset for name, preset in PRESETS if name == model)
