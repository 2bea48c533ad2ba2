"""New-physics Wilson coefficients."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from darkbeauty.models import symbols
from darkbeauty.models.sectors import DIPOLES, LEPTONIC, LEPTONS, NEUTRINO, Theory
from darkbeauty.observables.combiners import itself
from darkbeauty.observables.domains import positive
from darkbeauty.observables.observable import POINT, Observable, source


def coefficient(p: Theory, q2: Array, name: str, flavour: int) -> Array:
    """C(q²) = contact + residue · P(q²) of one lepton flavour."""
    return p.wilson.lepton(name, flavour, p.wilson.propagator(q2)) + 0j * q2


def dipole(p: Theory, *q2: Array, name: str) -> Array:
    """C₇, C₈ or their primes, which do not depend on q²."""
    return jnp.asarray(p.wilson.dipole(name), complex)


def _observable(label: str, function: Any, tex: str, about: str, at_q2: bool, **options: Any) -> Observable:
    more = {"arguments": POINT, "domain": positive} if at_q2 else {}
    return Observable(
        label,
        (source(function, of=("wilson",), **options),),
        itself,
        tex=tex,
        references=("arXiv:0811.1214",),
        is_complex=True,
        about=about,
        **more,
    )


def _of_lepton(lepton: str) -> list[Observable]:
    i, about = LEPTONS.index(lepton), "new-physics Wilson coefficient at 4.8 GeV, with its q² dependence"
    sectors = [(name, f"bs{lepton}{lepton}") for name in LEPTONIC] + [
        (name, f"bsnu{lepton}nu{lepton}") for name in NEUTRINO
    ]
    leptonic = [
        _observable(
            f"{name}({sector})", coefficient, symbols.coefficient(name, sector), about, True, name=name, flavour=i
        )
        for name, sector in sectors
    ]
    about = "new-physics dipole coefficient at 4.8 GeV (no q² dependence)"
    return leptonic + [
        _observable(f"{name}(bs{lepton}{lepton})", dipole, symbols.coefficient(name), about, True, name=name)
        for name in DIPOLES
    ]


OBSERVABLES: tuple[Observable, ...] = (
    *(observable for lepton in LEPTONS for observable in _of_lepton(lepton)),
    *(
        _observable(f"{name}(bs)", dipole, symbols.coefficient(name), about, False, name=name)
        for name in DIPOLES
        for about in ("new-physics dipole coefficient at 4.8 GeV",)
    ),
)
