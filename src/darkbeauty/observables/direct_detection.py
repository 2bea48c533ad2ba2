"""Scattering of the dark matter off nucleons at rest."""

from __future__ import annotations

from darkbeauty.dark import direct_detection
from darkbeauty.observables.combiners import Field, itself
from darkbeauty.observables.observable import Observable, source

REFERENCES = ("arXiv:2106.03735", "arXiv:2409.16961")
SPIN_DEPENDENT = source(direct_detection.sigma_sd, of=("leptoquark", "dark_matter"))
SPIN_INDEPENDENT = source(direct_detection.sigma_si, of=("scalars", "dark_matter"))

OBSERVABLES: tuple[Observable, ...] = (
    *(
        Observable(
            f"sigma_SD({symbol})",
            (SPIN_DEPENDENT,),
            Field(nucleon),
            unit="cm2",
            tex=rf"\sigma_{{\rm SD}}^{symbol}",
            references=REFERENCES,
            about=f"spin-dependent cross section on {nucleon}s",
            formulas=(direct_detection,),
        )
        for symbol, nucleon in (("p", "proton"), ("n", "neutron"))
    ),
    Observable(
        "sigma_SI(p)",
        (SPIN_INDEPENDENT,),
        itself,
        unit="cm2",
        tex=r"\sigma_{\rm SI}^p",
        references=REFERENCES,
        about="spin-independent cross section on protons",
        formulas=(direct_detection,),
    ),
)
