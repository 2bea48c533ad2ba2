"""Λ_b → Λ*(1520)(→ pK⁻) with leptons: rates, asymmetries, angular coefficients, the four-fold distribution and the μ/e ratio.

flavio's plain names use the lattice form factors, a name that ends in ";MCN)" those of the quark model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from jax import Array

from darkbeauty.flavour import lambda1520_angles
from darkbeauty.flavour import lambdab_to_lambda1520_ll as decay
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Theory
from darkbeauty.observables.baryon_modes import Normalised, Rate, in_bins_and_at_points
from darkbeauty.observables.combiners import Fields, itself, safe_ratio
from darkbeauty.observables.domains import bin_in, near_charmonia
from darkbeauty.observables.observable import BIN, Observable, source

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


_FORMULAS = (
    decay,
    decay.density,
    decay.transversity_amplitudes,
    decay.helicity_amplitudes,
    decay.angular_coefficients,
    decay.rate,
    decay.longitudinal,
    decay.forward_backward,
)


_normalised = partial(Normalised, rate=decay.rate)


@dataclass(frozen=True)
class RateRatio:
    """Ratio of two CP-averaged rates."""

    reads: tuple[str, ...] = ("average",)

    def __call__(self, p: Theory, arguments: tuple, first: Fields, second: Fields) -> Array:
        return safe_ratio(decay.rate(first["average"]), decay.rate(second["average"]))


@dataclass(frozen=True)
class ParityOdd:
    """Zero, because the strong decay conserves parity."""

    reads: tuple[str, ...] = ("average",)

    def __call__(self, p: Theory, arguments: tuple, k: Fields) -> Array:
        return 0.0 * k["average"].k1c


def _angles_in(sm: SMInputs, arguments: tuple[float, ...], lepton: str) -> str:
    """What is wrong with a point of the four-fold distribution."""
    q2, cos_l, cos_lambda, _ = arguments
    for name, value in (("cos_l", cos_l), ("cos_lambda", cos_lambda)):
        if not -1.0 <= value <= 1.0:
            return f"{name} = {value:g} is not between −1 and 1"
    return bin_in(sm, (q2,), b="Lambdab", final="Lambda(1520)", leptons=(lepton,))


def _coefficients(prefix: str, about: str, of: str) -> dict[str, tuple[str, str, Callable]]:
    names = {name.removeprefix("k"): name for name in decay.AngularCoefficients._fields}
    return {
        f"{prefix}_{name}": (f"{prefix}_{{{name}}}", about.format(name=name), _normalised(attrgetter(field), of=of))
        for name, field in names.items()
    }


_PARTS: dict[str, tuple[str, str, Callable]] = {
    "dBR/dq2": ("dB/dq^2", "CP-averaged branching fraction per q², with BR(Λ* → pK⁻)", Rate(decay.rate)),
    "FL": ("F_L", "longitudinal polarisation fraction", _normalised(decay.longitudinal)),
    "AFBl": (r"A_{FB}^\ell", "leptonic forward–backward asymmetry", _normalised(decay.forward_backward)),
    "AFBh": (
        "A_{FB}^h",
        "hadronic forward–backward asymmetry (0: the strong decay conserves parity)",
        ParityOdd(),
    ),
    "AFBlh": (r"A_{FB}^{\ell h}", "lepton–hadron forward–backward asymmetry (0 likewise)", ParityOdd()),
    **_coefficients("S", "CP-averaged K{name} over the rate", "average"),
    **_coefficients("A", "CP asymmetry of K{name}", "difference"),
    "ACP": ("A_{CP}", "direct CP asymmetry", _normalised(decay.rate, of="difference")),
}


def _observables(lepton: str, ff: str) -> tuple[Observable, ...]:
    process = f"Lambdab->Lambda(1520){lepton}{lepton}{_suffix(ff)}"
    tex = rf"\Lambda_b\to\Lambda(1520){_LEPTON_TEX[lepton]}"
    of = lambda function: (source(function, of=("wilson",), lepton=lepton, ff=ff),)
    shared = {
        "references": _REFERENCES[ff],
        "remark": partial(near_charmonia, leptons=(lepton,)),
        "formulas": _FORMULAS,
    }
    domain = partial(bin_in, b="Lambdab", final="Lambda(1520)", leptons=(lepton,))
    about = f"{{}}; {_REMARK[ff]}"
    observables = in_bins_and_at_points(decay, _PARTS, process, tex, about, of=of, domain=domain, **shared)
    four_fold = Observable(
        f"d4BR({process})",
        of(lambda1520_angles.four_fold),
        itself,
        FOUR_FOLD,
        "GeV^-2",
        rf"d^4B/(dq^2\,d\cos\theta_\ell\,d\cos\theta_\Lambda\,d\phi)({tex})",
        domain=partial(_angles_in, lepton=lepton),
        about=f"CP-averaged four-fold distribution; {_REMARK[ff]}",
        **{**shared, "formulas": (lambda1520_angles, lambda1520_angles.distribution, *_FORMULAS)},
    )
    return (*observables, four_fold)


def _ratio(ff: str) -> Observable:
    leptons = ("mu", "e")
    return Observable(
        f"R_Lambda(1520{_suffix(ff)})",
        tuple(source(decay.binned, of=("wilson",), lepton=lepton, ff=ff) for lepton in leptons),
        RateRatio(),
        BIN,
        tex=r"R_{\Lambda(1520)}",
        references=_REFERENCES[ff],
        domain=partial(bin_in, b="Lambdab", final="Lambda(1520)", leptons=leptons),
        remark=partial(near_charmonia, leptons=leptons),
        about=f"muonic over electronic branching fraction in the bin; {_REMARK[ff]}",
        formulas=_FORMULAS,
    )


def _suffix(ff: str) -> str:
    return "" if ff == "LatticeQCD" else f";{ff}"


OBSERVABLES: tuple[Observable, ...] = (
    *(observable for ff in _REFERENCES for lepton in _LEPTON_TEX for observable in _observables(lepton, ff)),
    *(_ratio(ff) for ff in _REFERENCES),
)
