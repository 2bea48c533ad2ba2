"""B → K* and B_s → φ with two leptons."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour import b_to_v_ll, currents, vector_angles
from darkbeauty.flavour.modes import VECTOR
from darkbeauty.models.sectors import LEPTONS, Theory
from darkbeauty.observables.combiners import Fields, Ratio
from darkbeauty.observables.observable import Observable
from darkbeauty.observables.pair_modes import RATIOS, LeptonModes

REFERENCES = ("arXiv:0811.1214", "arXiv:1503.05534", "arXiv:1506.03970", "arXiv:0810.4077", "hep-ph/0106067")
_UNTAGGED_REFERENCES = (*REFERENCES, "arXiv:1502.05509")
_OPTIMISED_REFERENCES = (*REFERENCES, "arXiv:1303.5794")
_FORMULAS = (
    b_to_v_ll,
    b_to_v_ll.hadronic,
    vector_angles.angular_coefficients,
    vector_angles.of_scalar,
    vector_angles.of_tensor,
    b_to_v_ll.spectator_scattering,
    b_to_v_ll.subleading,
    currents.lepton_current,
)
_MESON_MIXING = (b_to_v_ll.with_meson_mixing, b_to_v_ll.meson_mixing_phase)


@dataclass(frozen=True)
class Primed:
    """J_i/(2√(−J₂s J₂c)), 0 in a closed channel; NaN where large tensor couplings turn the sign of J₂s or J₂c."""

    numerator: str

    @property
    def reads(self) -> tuple[str, ...]:
        return self.numerator, "average.j2s", "average.j2c"

    def __call__(self, p: Theory, arguments: tuple, result: Fields) -> Array:
        product = -result["average.j2s"] * result["average.j2c"]
        is_open = product > 0.0
        root = jnp.sqrt(jnp.where(is_open, product, 1.0))
        return jnp.where(is_open, 0.5 * result[self.numerator] / root, jnp.where(product < 0.0, jnp.nan, 0.0))


def _over_rate(name: str, factor: float = 1.0) -> Ratio:
    return Ratio(name, "average.rate", factor)


def _over_j2s(name: str, factor: float) -> Ratio:
    return Ratio(f"average.{name}", "average.j2s", factor)


def _asymmetry(name: str, factor: float) -> Ratio:
    return Ratio(f"difference.{name}", "average.j2s", factor)


_ANGULAR = {
    "FL": (
        "F_L",
        "longitudinal polarisation fraction, −S₂c (differs from the one of the rate by lepton masses)",
        _over_rate("average.j2c", -1.0),
    ),
    "AFB": ("A_{FB}", "forward–backward asymmetry", _over_rate("average.forward", 0.75)),
    "ACP": (
        "A_{CP}",
        "direct CP asymmetry over 2, as flavio defines it: (Γ − Γ̄)/2(Γ + Γ̄)",
        _over_rate("difference.rate", 0.5),
    ),
    "AFBCP": ("A_{FB}^{CP}", "CP asymmetry of the forward–backward asymmetry", _over_rate("difference.forward", 0.75)),
    **{f"S{i}": (f"S_{i}", "CP-averaged angular coefficient", _over_rate(f"average.j{i}")) for i in (3, 4, 5, 7, 8, 9)},
    **{
        f"A{i}": (f"A_{i}", "CP asymmetry of an angular coefficient", _over_rate(f"difference.j{i}"))
        for i in (3, 4, 5, 7, 8, 9)
    },
    "S6c": (
        "S_6^c",
        "CP-averaged angular coefficient (0 without scalar and tensor operators)",
        _over_rate("average.j6c"),
    ),
    "A6s": ("A_6^s", "CP asymmetry of an angular coefficient", _over_rate("difference.j6s")),
    "P1": ("P_1", "optimised angular observable", _over_j2s("j3", 0.5)),
    "P2": ("P_2", "optimised angular observable", _over_j2s("j6s", 0.125)),
    "P3": ("P_3", "optimised angular observable", _over_j2s("j9", -0.25)),
    "ATIm": (r"A_T^{\mathrm{Im}}", "transverse CP asymmetry, A₉ over that of P₁", _asymmetry("j9", 0.5)),
    **{
        f"P{i}p": (f"P_{i}'", "optimised angular observable", Primed(f"average.j{j}"))
        for i, j in ((4, 4), (5, 5), (6, 7), (8, 8))
    },
}
_UNTAGGED = {name: _ANGULAR[name] for name in ("FL", "S3", "S4", "S7")}


def _leptonic(mode: str, lepton: str) -> list[Observable]:
    if VECTOR[mode].b == "Bs":
        modes = LeptonModes(b_to_v_ll, "average.rate", (*_FORMULAS, *_MESON_MIXING))
        return modes.observables(mode, lepton, _UNTAGGED_REFERENCES, _UNTAGGED)
    return _MODES.observables(mode, lepton, _OPTIMISED_REFERENCES, _ANGULAR)


_MODES = LeptonModes(b_to_v_ll, "average.rate", _FORMULAS)
OBSERVABLES: tuple[Observable, ...] = (
    *(observable for mode in VECTOR for lepton in LEPTONS for observable in _leptonic(mode, lepton)),
    *(observable for mode in VECTOR for pair in RATIOS for observable in _MODES.ratios(mode, *pair, REFERENCES)),
)
