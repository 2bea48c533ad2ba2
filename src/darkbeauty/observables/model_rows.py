"""Z′, penguin function and new-physics Wilson coefficients."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import Array

from darkbeauty.models.base import LEPTONS, Model
from darkbeauty.models.portal import Portal
from darkbeauty.observables.entry import POINT, Observable, branching, field, itself, positive, source

MODEL = ("arXiv:2106.03735",)
_EFFECTIVE = ("arXiv:0811.1214",)


def _v_sb(p: Portal) -> Array:
    return p.v_sb()


def _z_mixing(p: Portal) -> Array:
    return p.z_mixing


def _z_prime(p: Model) -> Any:
    return p.z_prime()


def _coefficient(p: Model, q2: Array, name: str, flavour: int) -> Array:
    w = p.wilson()
    return w.lepton(name, flavour, w.propagator(q2)) + 0j


def _dipole(p: Model, name: str) -> Array:
    return jnp.asarray(getattr(p.wilson(), name), complex)


def _dipole_at(p: Model, q2: Array, name: str) -> Array:
    return _dipole(p, name)


def mediator() -> tuple[Observable, ...]:
    """The Z′ and what it couples with."""
    zp = (source(_z_prime),)
    finals = {
        "ee": "e⁺e⁻",
        "mumu": "μ⁺μ⁻",
        "tautau": "τ⁺τ⁻",
        "nunu": "νν̄",
        "NN": "dark matter",
        "NNheavy": "pairs with the heavier Majorana state",
        "hadrons": "hadrons (kinetic mixing)",
        "LQLQ": "pairs of leptoquarks",
        "inv": "νν̄ ⊕ dark matter",
    }
    rows = [
        Observable(
            "Gamma_Zp",
            zp,
            partial(field, field="width"),
            unit="GeV",
            tex=r"\Gamma_{Z'}",
            references=MODEL,
            needs="mediator",
            about="total width of the Z′",
        )
    ]
    rows += [
        Observable(
            f"BR(Zp->{final})",
            zp,
            partial(branching, final=final),
            tex=rf"B(Z'\to {final})",
            references=MODEL,
            needs="mediator",
            about=f"branching fraction of the Z′ into {about}",
        )
        for final, about in finals.items()
    ]
    rows += [
        Observable(
            "V_sb",
            (source(_v_sb),),
            itself,
            tex="V_{sb}",
            references=MODEL,
            needs="mediator",
            about="Z′ penguin function",
        ),
        Observable(
            "alpha_ZZp",
            (source(_z_mixing),),
            itself,
            unit="rad",
            tex=r"\alpha",
            references=MODEL,
            needs="mediator",
            about="Z–Z′ mixing angle",
        ),
    ]
    return tuple(rows)


def coefficients() -> tuple[Observable, ...]:
    """New-physics Wilson coefficients."""
    rows = []
    for i, lepton in enumerate(LEPTONS):
        pairs = [(name, f"bs{lepton}{lepton}") for name in ("C9", "C9p", "C10", "C10p")] + [
            (name, f"bsnu{lepton}nu{lepton}") for name in ("CL", "CR")
        ]
        for name, sector in pairs:
            rows.append(
                Observable(
                    f"{name}({sector})",
                    (source(_coefficient, name=name, flavour=i),),
                    itself,
                    POINT,
                    tex=f"{name}^{{{sector}}}",
                    references=_EFFECTIVE,
                    is_complex=True,
                    domain=positive,
                    about="new-physics Wilson coefficient at 4.8 GeV, with its q² dependence",
                )
            )
        for name in ("C7", "C7p", "C8", "C8p"):
            rows.append(
                Observable(
                    f"{name}(bs{lepton}{lepton})",
                    (source(_dipole_at, name=name.lower()),),
                    itself,
                    POINT,
                    tex=name,
                    references=_EFFECTIVE,
                    is_complex=True,
                    domain=positive,
                    about="new-physics dipole coefficient at 4.8 GeV (no q² dependence)",
                )
            )
    for name in ("C7", "C7p", "C8", "C8p"):
        rows.append(
            Observable(
                f"{name}(bs)",
                (source(_dipole, name=name.lower()),),
                itself,
                tex=name,
                references=_EFFECTIVE,
                is_complex=True,
                about="new-physics dipole coefficient at 4.8 GeV",
            )
        )
    return tuple(rows)


ROWS: tuple[Observable, ...] = (*mediator(), *coefficients())
