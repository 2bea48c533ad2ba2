"""B → K* and B_s → φ with leptons or neutrinos."""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour import b_to_v_ll
from darkbeauty.flavour.modes import VECTOR
from darkbeauty.models.base import LEPTONS, Model
from darkbeauty.observables.entry import Observable, safe_ratio
from darkbeauty.observables.pair_rows import invisible_rows, lepton_rows, ratio_rows

_J = {name: index for index, name in enumerate(b_to_v_ll.COEFFICIENTS)}
_CP = {name: len(_J) + index for name, index in _J.items()}
_B_TO_V = ("arXiv:0811.1214", "arXiv:1503.05534", "arXiv:1506.03970", "arXiv:0810.4077", "hep-ph/0106067")
_UNTAGGED = (*_B_TO_V, "arXiv:1502.05509")
_OPTIMISED = (*_B_TO_V, "arXiv:1303.5794")


def _scaled_ratio(p: Model, arguments: tuple, result: Array, numerator: int, denominator: int, factor: float) -> Array:
    return factor * safe_ratio(result[numerator], result[denominator])


def _primed(p: Model, arguments: tuple, result: Array, numerator: int) -> Array:
    """J_i/(2√(−J₂s J₂c)), 0 in a closed channel."""
    product = -result[_J["2s"]] * result[_J["2c"]]
    is_open = product > 0.0
    return jnp.where(is_open, 0.5 * result[numerator] / jnp.sqrt(jnp.where(is_open, product, 1.0)), 0.0)


def _over_rate(index: int, factor: float = 1.0) -> partial:
    return partial(_scaled_ratio, numerator=index, denominator=_J["rate"], factor=factor)


def _over_2s(index: int, factor: float) -> partial:
    return partial(_scaled_ratio, numerator=index, denominator=_J["2s"], factor=factor)


_ANGULAR = {
    "FL": (
        "F_L",
        "longitudinal polarisation fraction, −S₂c (differs from the one of the rate by lepton masses)",
        _over_rate(_J["2c"], -1.0),
    ),
    "AFB": ("A_{FB}", "forward–backward asymmetry", _over_rate(_J["6s"], 0.75)),
    "ACP": (
        "A_{CP}",
        "direct CP asymmetry over 2, as flavio defines it: (Γ − Γ̄)/2(Γ + Γ̄)",
        _over_rate(_CP["rate"], 0.5),
    ),
    "AFBCP": ("A_{FB}^{CP}", "CP asymmetry of the forward–backward asymmetry", _over_rate(_CP["6s"], 0.75)),
    **{f"S{i}": (f"S_{i}", "CP-averaged angular coefficient", _over_rate(_J[f"{i}"])) for i in (3, 4, 5, 7, 8, 9)},
    **{
        f"A{i}": (f"A_{i}", "CP asymmetry of an angular coefficient", _over_rate(_CP[f"{i}"]))
        for i in (3, 4, 5, 7, 8, 9)
    },
    "A6s": ("A_6^s", "CP asymmetry of an angular coefficient", _over_rate(_CP["6s"])),
    "P1": ("P_1", "optimised angular observable", _over_2s(_J["3"], 0.5)),
    "P2": ("P_2", "optimised angular observable", _over_2s(_J["6s"], 0.125)),
    "P3": ("P_3", "optimised angular observable", _over_2s(_J["9"], -0.25)),
    **{
        f"P{i}p": (f"P_{i}'", "optimised angular observable", partial(_primed, numerator=_J[j]))
        for i, j in ((4, "4"), (5, "5"), (6, "7"), (8, "8"))
    },
}
_UNTAGGED_ANGULAR = ("FL", "S3", "S4", "S7")


def _leptonic(mode: str, lepton: str) -> list[Observable]:
    untagged = VECTOR[mode].b == "Bs"
    angular = {name: _ANGULAR[name] for name in _UNTAGGED_ANGULAR} if untagged else _ANGULAR
    return lepton_rows(b_to_v_ll, mode, lepton, _UNTAGGED if untagged else _OPTIMISED, angular)


ROWS: tuple[Observable, ...] = (
    *(row for mode in VECTOR for lepton in LEPTONS for row in _leptonic(mode, lepton)),
    *(
        row
        for mode in VECTOR
        for pair in (("mu", "e"), ("tau", "mu"))
        for row in ratio_rows(b_to_v_ll, mode, *pair, _B_TO_V)
    ),
    *(row for mode in VECTOR for row in invisible_rows(mode)),
)
