"""Λ_b → Λ*(1520)(→ pK⁻) with leptons: rates, asymmetries, angular coefficients, the four-fold distribution and the μ/e ratio.

flavio's plain names use the lattice form factors, a name that ends in ";MCN)" those of the quark model.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter

from jax import Array

from darkbeauty.flavour import lambda1520_angles
from darkbeauty.flavour import lambdab_to_lambda1520_ll as decay
from darkbeauty.inputs import SMInputs
from darkbeauty.models.base import Model
from darkbeauty.observables.entry import BIN, POINT, Observable, bin_in, itself, safe_ratio, source

_LEPTON_TEX = {"e": "e^+e^-", "mu": r"\mu^+\mu^-"}
_REFERENCES = {
    "LatticeQCD": ("arXiv:1903.00448", "arXiv:2009.09313", "arXiv:2107.13140"),
    "MCN": ("arXiv:1903.00448", "arXiv:1108.6129"),
}
_REMARK = {
    "LatticeQCD": "lattice form factors, computed above 16 GeV²: below, an extrapolation not to be trusted",
    "MCN": "quark-model form factors (MCN), for the whole range of q²",
}
FOUR_FOLD = ("q2", "cos_l", "cos_lambda", "phi")


def _rate(p: Model, arguments: tuple, k: Array) -> Array:
    width = arguments[1] - arguments[0] if len(arguments) == 2 else 1.0
    return p.sm.lifetime["Lambdab"] * decay.rate(k[0]) / width


def _normalised(p: Model, arguments: tuple, k: Array, part: Callable[[Array], Array], cp: int) -> Array:
    """A part of the CP average (cp = 0) or of half the CP difference (cp = 1) over the CP-averaged rate."""
    return safe_ratio(part(k[cp]), decay.rate(k[0]))


def _ratio(p: Model, arguments: tuple, first: Array, second: Array) -> Array:
    return safe_ratio(decay.rate(first[0]), decay.rate(second[0]))


def _none(p: Model, arguments: tuple, k: Array) -> Array:
    return 0.0 * k[0, 0]


def _angles_in(sm: SMInputs, arguments: tuple[float, ...], lepton: str) -> str:
    """What is wrong with a point of the four-fold distribution."""
    q2, cos_l, cos_lambda, _ = arguments
    for name, value in (("cos_l", cos_l), ("cos_lambda", cos_lambda)):
        if not -1.0 <= value <= 1.0:
            return f"{name} = {value:g} is not between −1 and 1"
    return bin_in(sm, (q2,), b="Lambdab", final="Lambda(1520)", lepton=lepton)


_PARTS: dict[str, tuple[str, str, Callable]] = {
    "dBR/dq2": ("dB/dq^2", "CP-averaged branching fraction per q², with BR(Λ* → pK⁻)", _rate),
    "FL": ("F_L", "longitudinal polarisation fraction", partial(_normalised, part=decay.longitudinal, cp=0)),
    "AFBl": (
        r"A_{FB}^\ell",
        "leptonic forward–backward asymmetry",
        partial(_normalised, part=decay.forward_backward, cp=0),
    ),
    "AFBh": ("A_{FB}^h", "hadronic forward–backward asymmetry (0: the strong decay conserves parity)", _none),
    "AFBlh": (r"A_{FB}^{\ell h}", "lepton–hadron forward–backward asymmetry (0 likewise)", _none),
    **{
        f"S_{name}": (
            f"S_{{{name}}}",
            f"CP-averaged K{name} over the rate",
            partial(_normalised, part=itemgetter(i), cp=0),
        )
        for i, name in enumerate(decay.COEFFICIENTS)
    },
    **{
        f"A_{name}": (f"A_{{{name}}}", f"CP asymmetry of K{name}", partial(_normalised, part=itemgetter(i), cp=1))
        for i, name in enumerate(decay.COEFFICIENTS)
    },
    "ACP": ("A_{CP}", "direct CP asymmetry", partial(_normalised, part=decay.rate, cp=1)),
}


def _rows(lepton: str, ff: str) -> tuple[Observable, ...]:
    process = f"Lambdab->Lambda(1520){lepton}{lepton}{_suffix(ff)}"
    tex = rf"\Lambda_b\to\Lambda(1520){_LEPTON_TEX[lepton]}"
    options = {"lepton": lepton, "ff": ff}
    row = partial(Observable, references=_REFERENCES[ff])
    domain = partial(bin_in, b="Lambdab", final="Lambda(1520)", lepton=lepton)
    rows = []
    for name, (symbol, meaning, combine) in _PARTS.items():
        common = {
            "combine": combine,
            "unit": "GeV^-2" if name == "dBR/dq2" else "",
            "about": f"{meaning}; {_REMARK[ff]}",
            "domain": domain,
        }
        bins, points = (source(decay.binned, **options),), (source(decay.differential, **options),)
        rows.append(row(f"<{name}>({process})", bins, arguments=BIN, tex=rf"\langle {symbol}\rangle({tex})", **common))
        rows.append(row(f"{name}({process})", points, arguments=POINT, tex=f"{symbol}({tex})", **common))
    four_fold = row(
        f"d4BR({process})",
        (source(lambda1520_angles.four_fold, **options),),
        itself,
        FOUR_FOLD,
        "GeV^-2",
        rf"d^4B/(dq^2\,d\cos\theta_\ell\,d\cos\theta_\Lambda\,d\phi)({tex})",
        domain=partial(_angles_in, lepton=lepton),
        about=f"CP-averaged four-fold distribution; {_REMARK[ff]}",
    )
    return (*rows, four_fold)


def _ratio_row(ff: str) -> Observable:
    return Observable(
        f"R_Lambda(1520{_suffix(ff)})",
        tuple(source(decay.binned, lepton=lepton, ff=ff) for lepton in ("mu", "e")),
        _ratio,
        BIN,
        tex=r"R_{\Lambda(1520)}",
        references=_REFERENCES[ff],
        domain=partial(bin_in, b="Lambdab", final="Lambda(1520)", lepton="mu"),
        about=f"muonic over electronic branching fraction in the bin; {_REMARK[ff]}",
    )


def _suffix(ff: str) -> str:
    return "" if ff == "LatticeQCD" else f";{ff}"


ROWS: tuple[Observable, ...] = (
    *(row for ff in _REFERENCES for lepton in _LEPTON_TEX for row in _rows(lepton, ff)),
    *(_ratio_row(ff) for ff in _REFERENCES),
)
