"""Λ_b → Λ(→ pπ⁻) with leptons: rates, asymmetries, angular coefficients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter

from darkbeauty.flavour import lambdab_to_lambda_ll as decay
from darkbeauty.flavour.form_factors import lambdab_lambda
from darkbeauty.observables.baryon_modes import Normalised, Rate, in_bins_and_at_points
from darkbeauty.observables.domains import bin_in, near_charmonia
from darkbeauty.observables.observable import Observable, source
from darkbeauty.observables.pair_modes import LEPTON_TEX

REFERENCES = ("arXiv:1410.2115", "arXiv:1602.01399")
_FORMULAS = (
    decay,
    decay.density,
    decay.helicity_amplitudes,
    decay.angular_coefficients,
    lambdab_lambda.lambdab_to_lambda,
)
_normalised = partial(Normalised, rate=decay.rate)

_PARTS: dict[str, tuple[str, str, Callable]] = {
    "dBR/dq2": ("dB/dq^2", "CP-averaged branching fraction per q², of every decay of Λ", Rate(decay.rate)),
    "FL": ("F_L", "longitudinal polarisation fraction", _normalised(decay.longitudinal)),
    "AFBl": (r"A_{FB}^\ell", "leptonic forward–backward asymmetry", _normalised(decay.lepton_asymmetry)),
    "AFBh": ("A_{FB}^h", "hadronic forward–backward asymmetry", _normalised(decay.hadron_asymmetry)),
    "AFBlh": (r"A_{FB}^{\ell h}", "lepton–hadron forward–backward asymmetry", _normalised(decay.double_asymmetry)),
    **{
        f"K{name.removeprefix('k')}": (
            f"K_{{{name.removeprefix('k')}}}",
            "CP-averaged angular coefficient over the rate",
            _normalised(attrgetter(name)),
        )
        for name in decay.AngularCoefficients._fields
    },
    "ACP": ("A_{CP}", "direct CP asymmetry", _normalised(decay.rate, of="difference")),
}


def _of(lepton: str) -> list[Observable]:
    process, tex = f"Lambdab->Lambda{lepton}{lepton}", rf"\Lambda_b\to\Lambda {LEPTON_TEX[lepton]}"
    of = lambda function: (source(function, of=("wilson",), lepton=lepton),)
    shared = {
        "references": REFERENCES,
        "domain": partial(bin_in, b="Lambdab", final="Lambda", leptons=(lepton,)),
        "remark": partial(near_charmonia, leptons=(lepton,)),
        "formulas": _FORMULAS,
    }
    return in_bins_and_at_points(decay, _PARTS, process, tex, of=of, **shared)


OBSERVABLES: tuple[Observable, ...] = tuple(observable for lepton in ("e", "mu") for observable in _of(lepton))
