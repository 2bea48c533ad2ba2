"""Wilson coefficients of b → s as parameters: the model of an effective-field-theory fit, comparable with other codes by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import symbols
from darkbeauty.models.base import Model, Parameter
from darkbeauty.models.sectors import LEPTON_PAIRS, LEPTONIC, LEPTONS, NEUTRINO, SCALAR, TENSOR, Theory, Wilson

DIPOLES = ("C7", "C7p")
ALWAYS = (
    *(f"{name}_bs" for name in DIPOLES),
    *(f"{name}_bs{lepton}{lepton}" for lepton in LEPTONS for name in LEPTONIC),
    *(f"{name}_bsnu{lepton}nu{lepton}" for lepton in LEPTONS for name in NEUTRINO),
)
SCALARS = {f"{slot}_bs{lepton}{lepton}": slot for lepton in LEPTONS for slot in SCALAR}
VIOLATING = {
    **{f"{slot}_bs{pair}": (pair, slot) for pair in LEPTON_PAIRS for slot in (*LEPTONIC, *SCALAR)},
    **{f"{slot}_bsnu{a}nu{b}": (pair, slot) for pair, (a, b) in LEPTON_PAIRS.items() for slot in NEUTRINO},
}
TENSORS = {f"{slot}_bs{lepton}{lepton}": slot for lepton in LEPTONS for slot in TENSOR}
IF_GIVEN = (*SCALARS, *VIOLATING, *TENSORS)
"""Coefficients whose operators are left out, and cost nothing, unless the coefficient (of a scalar or tensor operator that of any lepton) has been given a value."""
COEFFICIENTS = (*ALWAYS, *SCALARS, *VIOLATING)
"""Those of flavio's basis."""
NAMES = (*ALWAYS, *IF_GIVEN)
UNITS = {name: "1/GeV" for name in IF_GIVEN if name.startswith(SCALAR)}
"""Of what has one: scalar operators of flavio's basis carry m_b(4.8 GeV)."""


class Wet(Model):
    """New-physics shifts at 4.8 GeV in flavio's WET basis and normalisation, real or complex, all 0 by default; and of tensors, which that basis has not.

    given: the parameters of IF_GIVEN that have values.
    """

    name: ClassVar[str] = "wet"
    title: ClassVar[str] = "b → s Wilson coefficients at 4.8 GeV"
    parameters: ClassVar[tuple[Parameter, ...]] = tuple(
        Parameter(
            name,
            f"new-physics shift of {name} at 4.8 GeV",
            UNITS.get(name, ""),
            default=0.0,
            complex=True,
            tex=symbols.coefficient(*name.split("_")),
        )
        for name in NAMES
    )

    values_by_name: dict[str, ArrayLike] = eqx.field(default_factory=lambda: dict.fromkeys(NAMES, 0.0))
    sm: SMInputs = eqx.field(default_factory=load_sm)
    given: tuple[str, ...] = eqx.field(static=True, default=())

    def __getattr__(self, name: str) -> ArrayLike:
        if name in NAMES:
            return self.values_by_name[name]
        raise AttributeError(name)

    def opened(self, names: Iterable[str]) -> Self:
        given = {*self.given, *names}
        return dataclasses.replace(self, given=tuple(name for name in IF_GIVEN if name in given))

    def derive(self) -> Theory:
        of_any_lepton = SCALARS | TENSORS
        further = {of_any_lepton[name] for name in self.given if name in of_any_lepton}
        violating: dict[str, dict[str, Array]] = {}
        for name in (name for name in self.given if name in VIOLATING):
            pair, slot = VIOLATING[name]
            violating.setdefault(pair, {})[slot] = self._number(name)
        dipoles = {slot: self._number(f"{slot}_bs") for slot in DIPOLES}
        leptonic = {slot: self._by_flavour(f"{slot}_bs{{0}}{{0}}") for slot in (*LEPTONIC, *sorted(further))}
        neutrino = {slot: self._by_flavour(f"{slot}_bsnu{{0}}nu{{0}}") for slot in NEUTRINO}
        return Theory(self.sm, wilson=Wilson(dipoles | leptonic | neutrino, violating=violating))

    def _number(self, name: str) -> Array:
        return jnp.asarray(self.values_by_name[name], complex)

    def _by_flavour(self, name: str) -> Array:
        """Coefficients of e, μ, τ, shape (3,)."""
        return jnp.stack([self._number(name.format(lepton)) for lepton in LEPTONS])
