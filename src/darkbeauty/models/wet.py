"""Wilson coefficients of b → s as parameters: the model of an effective-field-theory fit, comparable with other codes by name."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import symbols
from darkbeauty.models.base import Model, Parameter
from darkbeauty.models.sectors import LEPTONIC, LEPTONS, NEUTRINO, Theory, Wilson

DIPOLES = ("C7", "C7p")
COEFFICIENTS = (
    *(f"{name}_bs" for name in DIPOLES),
    *(f"{name}_bs{lepton}{lepton}" for lepton in LEPTONS for name in LEPTONIC),
    *(f"{name}_bsnu{lepton}nu{lepton}" for lepton in LEPTONS for name in NEUTRINO),
)


class Wet(Model):
    """New-physics shifts at 4.8 GeV in flavio's WET basis and normalisation, real or complex, all 0 by default."""

    name: ClassVar[str] = "wet"
    title: ClassVar[str] = "b → s Wilson coefficients at 4.8 GeV"
    parameters: ClassVar[tuple[Parameter, ...]] = tuple(
        Parameter(
            name,
            f"new-physics shift of {name} at 4.8 GeV",
            default=0.0,
            complex=True,
            tex=symbols.coefficient(*name.split("_")),
        )
        for name in COEFFICIENTS
    )

    values_by_name: dict[str, ArrayLike] = eqx.field(default_factory=lambda: dict.fromkeys(COEFFICIENTS, 0.0))
    sm: SMInputs = eqx.field(default_factory=load_sm)

    def __getattr__(self, name: str) -> ArrayLike:
        if name in COEFFICIENTS:
            return self.values_by_name[name]
        raise AttributeError(name)

    def derive(self) -> Theory:
        number = lambda name: jnp.asarray(self.values_by_name[name], complex)
        dipoles = {name: number(f"{name}_bs") for name in DIPOLES}
        leptonic = {name: jnp.stack([number(f"{name}_bs{l}{l}") for l in LEPTONS]) for name in LEPTONIC}
        neutrino = {name: jnp.stack([number(f"{name}_bsnu{l}nu{l}") for l in LEPTONS]) for name in NEUTRINO}
        return Theory(self.sm, wilson=Wilson(dipoles | leptonic | neutrino))
