"""Names, meanings, defaults and domains of the parameters that the U(1)′ ⊕ leptoquark models share."""

from __future__ import annotations

import math

from darkbeauty.models.base import Parameter

PERTURBATIVE = 2.0 * math.pi**0.5
COUPLINGS = (
    Parameter("y", "leptoquark–quark–N coupling", lower=0.0, upper=PERTURBATIVE, tex="y"),
    Parameter("g", "U(1)′ gauge coupling", lower=0.0, upper=PERTURBATIVE, tex="g"),
    Parameter("m_zp", "Z′ mass", "GeV", lower=1e-3, upper=1e4, tex=r"m_{Z^\prime}"),
    Parameter("m_dm", "mass of the lighter Majorana state", "GeV", lower=1e-3, upper=1e4, tex=r"m_\mathrm{DM}"),
)
FIXED = {
    "m_lq": Parameter("m_lq", "leptoquark mass", "GeV", 1200.0, 100.0, 1e5, tex=r"m_\mathrm{LQ}"),
    "m_heavy": Parameter(
        "m_heavy", "mass of the heavier Majorana state", "GeV", 500.0, 1e-3, 1e5, tex=r"m_\mathrm{heavy}"
    ),
    "sin_mix": Parameter("sin_mix", "sine of the mixing angle of the two N", "", 0.5, -1.0, 1.0, tex=r"\sin\theta_N"),
    "m_h1": Parameter("m_h1", "mass of the Standard-Model-like scalar", "GeV", 125.0, 1.0, 1e4, tex="m_{H_1}"),
    "m_h2": Parameter("m_h2", "mass of the second scalar", "GeV", 500.0, 1.0, 1e5, tex="m_{H_2}"),
    "sin_zeta": Parameter("sin_zeta", "sine of the scalar mixing angle", "", 5e-3, -1.0, 1.0, tex=r"\sin\zeta"),
    "chi": Parameter("chi", "kinetic mixing (sin χ/2 B̂V̂)", "", 1e-3, -0.1, 0.1, tex=r"\chi"),
    "y_eta": Parameter(
        "y_eta", "Yukawa coupling Y_ℓℓ of the inert doublet", "", 0.0, 0.0, PERTURBATIVE, tex=r"Y_{\ell\ell}"
    ),
    "m_eta": Parameter("m_eta", "mass of the inert doublet", "GeV", 400.0, 1.0, 1e5, tex=r"m_\eta"),
    "r_d": Parameter("r_d", "y_d / y", "", 1.0, -10.0, 10.0, tex="r_d"),
    "r_s": Parameter("r_s", "y_s / y", "", 1.0, -10.0, 10.0, tex="r_s"),
    "r_b": Parameter("r_b", "y_b / y", "", 1.0, -10.0, 10.0, tex="r_b"),
}


def u1_parameters(**changed: Parameter) -> tuple[Parameter, ...]:
    """The sixteen parameters, some of them with another default or domain."""
    return (*COUPLINGS, *(FIXED | changed).values())
