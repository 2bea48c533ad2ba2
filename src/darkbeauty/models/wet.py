"""Wilson coefficients of b → s as parameters: the model of an effective-field-theory fit, comparable with other codes by name."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models.base import LEPTONS, Model, Parameter, Solution, Wilson

DIPOLES = ("C7_bs", "C7p_bs")
LEPTONIC = ("C9", "C9p", "C10", "C10p")
NEUTRINO = ("CL", "CR")
COEFFICIENTS = (
    *DIPOLES,
    *(f"{name}_bs{lepton}{lepton}" for lepton in LEPTONS for name in LEPTONIC),
    *(f"{name}_bsnu{lepton}nu{lepton}" for lepton in LEPTONS for name in NEUTRINO),
)


class Wet(Model):
    """New-physics shifts at 4.8 GeV in flavio's WET basis and normalisation, real or complex, all 0 by default."""

    name: ClassVar[str] = "wet"
    title: ClassVar[str] = "b → s Wilson coefficients at 4.8 GeV"
    parameters: ClassVar[tuple[Parameter, ...]] = tuple(
        Parameter(name, f"new-physics shift of {name} at 4.8 GeV", default=0.0, complex=True) for name in COEFFICIENTS
    )

    values: dict[str, ArrayLike] = eqx.field(default_factory=lambda: dict.fromkeys(COEFFICIENTS, 0.0))
    sm: SMInputs = eqx.field(default_factory=load_sm)
    solution: Solution | None = None

    def __getattr__(self, name: str) -> ArrayLike:
        if name in COEFFICIENTS:
            return self.values[name]
        raise AttributeError(name)

    def compute_wilson(self) -> Wilson:
        stack = lambda names: jnp.stack([jnp.asarray(self.values[name], complex) for name in names])
        contact = {name: stack([f"{name}_bs{lepton}{lepton}" for lepton in LEPTONS]) for name in LEPTONIC}
        contact |= {name: stack([f"{name}_bsnu{lepton}nu{lepton}" for lepton in LEPTONS]) for name in NEUTRINO}
        c7, c7p = (jnp.asarray(self.values[name], complex) for name in DIPOLES)
        return Wilson(c7, c7p, 0.0, 0.0, contact)
