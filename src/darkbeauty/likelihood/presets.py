"""Named sets of likelihood terms."""

from __future__ import annotations

PRESETS: dict[tuple[str, str], tuple[str, ...]] = {
    ("lmu_ltau_s1", "paper"): ("R_K", "R_K*", "BR(B->Xsgamma)", "Omega_h2"),
    ("lmu_ltau_s1", "quick"): ("R_K", "BR(B->Xsgamma)", "DeltaM_s", "BR(B+->Knunu)", "Omega_h2"),
    ("lmu_ltau_s1", "global"): (
        "R_K",
        "R_K*",
        "BR(B->Xsgamma)",
        "DeltaM_s",
        "BR(B+->Knunu)",
        "BR(Bs->mumu)",
        "Omega_h2",
    ),
    ("wet", "global"): ("b->smumu", "R_K", "R_K*", "BR(B->Xsgamma)", "DeltaM_s", "BR(B+->Knunu)", "BR(Bs->mumu)"),
}
"""(model, preset) → terms. paper: the deck's own constraints; quick: the demonstration; global: everything implemented so far."""


def presets_of(model: str) -> tuple[str, ...]:
    """Names of the presets of a model."""
    return tuple(preset for name, preset in PRESETS if name == model)
