"""B → K* and B_s → φ with leptons or neutrinos."""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour import b_to_v_ll, b_to_v_nunu
from darkbeauty.flavour.modes import VECTOR
from darkbeauty.models.base import LEPTONS, Model
from darkbeauty.observables.entry import (
    BIN,
    POINT,
    Observable,
    bin_in,
    binned_rate,
    rate,
    ratio_of_two,
    safe_ratio,
    source,
)

_J = {name: index for index, name in enumerate(b_to_v_ll.COEFFICIENTS)}
_CP = {name: len(_J) + index for name, index in _J.items()}
_MESON_TEX = {
    "B0->K*": r"B^0 \to K^{*0}",
    "B+->K*": r"B^+ \to K^{*+}",
    "Bs->phi": r"B_s \to \phi ",
}
_LEPTON_TEX = {"e": "e^+e^-", "mu": r"\mu^+\mu^-", "tau": r"\tau^+\tau^-", "l": r"\ell^+\ell^-"}
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


def _pair_rows(
    process: str, tex: str, bins: tuple, points: tuple, meson: str, common: dict, names: tuple[str, ...]
) -> list:
    """Rate and angular observables of one process, in bins and at points."""
    average = "time-integrated, CP-averaged" if meson == "Bs" else "CP-averaged"
    binned, point = (partial(Observable, arguments=arguments, **common) for arguments in (BIN, POINT))
    rows = [
        binned(
            f"<dBR/dq2>({process})",
            bins,
            partial(binned_rate, meson=meson),
            unit="GeV^-2",
            tex=rf"\langle dB/dq^2\rangle({tex})",
            about=f"{average} branching fraction in the bin over its width",
        ),
        point(
            f"dBR/dq2({process})",
            points,
            partial(rate, meson=meson),
            unit="GeV^-2",
            tex=rf"dB/dq^2({tex})",
            about=f"{average} differential branching fraction",
        ),
    ]
    for name in names:
        symbol, about, combine = _ANGULAR[name]
        rows.append(binned(f"<{name}>({process})", bins, combine, tex=rf"\langle {symbol}\rangle({tex})", about=about))
        rows.append(point(f"{name}({process})", points, combine, tex=rf"{symbol}({tex})", about=about))
    return rows


def _leptonic(mode: str, lepton: str) -> list[Observable]:
    m = VECTOR[mode]
    common = {
        "references": _UNTAGGED if m.b == "Bs" else _OPTIMISED,
        "domain": partial(bin_in, b=m.b, final=m.final, lepton=lepton),
    }
    bins, points = ((source(f, mode=mode, lepton=lepton),) for f in (b_to_v_ll.binned, b_to_v_ll.differential))
    names = _UNTAGGED_ANGULAR if m.b == "Bs" else tuple(_ANGULAR)
    return _pair_rows(
        f"{mode}{lepton}{lepton}", _MESON_TEX[mode] + _LEPTON_TEX[lepton], bins, points, m.b, common, names
    )


def _lepton_ratio(mode: str, first: str, second: str) -> tuple[Observable, ...]:
    m = VECTOR[mode]
    label, tex = f"R{first}{second}", _MESON_TEX[mode] + _LEPTON_TEX["l"]
    make = lambda function: tuple(source(function, mode=mode, lepton=lepton) for lepton in (first, second))
    common = partial(
        Observable,
        combine=ratio_of_two,
        references=_B_TO_V,
        domain=partial(bin_in, b=m.b, final=m.final, lepton=first),
        about="ratio of branching fractions",
    )
    return (
        common(f"<{label}>({mode}ll)", make(b_to_v_ll.binned), arguments=BIN, tex=rf"\langle {label}\rangle({tex})"),
        common(f"{label}({mode}ll)", make(b_to_v_ll.differential), arguments=POINT, tex=rf"{label}({tex})"),
    )


def _neutrino(mode: str) -> list[Observable]:
    m = VECTOR[mode]
    process, tex = f"{mode}nunu", _MESON_TEX[mode] + r"\nu\bar\nu"
    common = {
        "references": ("arXiv:1409.4557", "arXiv:1503.05534"),
        "domain": partial(bin_in, b=m.b, final=m.final, lepton=None),
    }
    bins, points = ((source(f, mode=mode),) for f in (b_to_v_nunu.binned, b_to_v_nunu.differential))
    total = Observable(
        f"BR({process})",
        (source(b_to_v_nunu.total, mode=mode),),
        partial(rate, meson=m.b),
        tex=f"B({tex})",
        references=common["references"],
        about="branching fraction, all neutrino flavours" + (", time-integrated" if m.b == "Bs" else ""),
    )
    return [total, *_pair_rows(process, tex, bins, points, m.b, common, ("FL",))]


ROWS: tuple[Observable, ...] = (
    *(row for mode in VECTOR for lepton in LEPTONS for row in _leptonic(mode, lepton)),
    *(row for mode in VECTOR for pair in (("mu", "e"), ("tau", "mu")) for row in _lepton_ratio(mode, *pair)),
    *(row for mode in VECTOR for row in _neutrino(mode)),
)
