"""Degrees of freedom of the early Universe."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs
from darkbeauty.numerics.interpolation import monotone


def g_star(sm: SMInputs, temperature: ArrayLike) -> Array:
    """g_*(T) of the energy density; T in GeV, constant beyond the ends of the table (10 keV to 1 TeV)."""
    table = sm.thermodynamics
    return monotone(jnp.log(temperature), table.log_t, table.g_rho, table.method)


def h_star(sm: SMInputs, temperature: ArrayLike) -> Array:
    """h(T) (g_*s) of the entropy density; T in GeV."""
    table = sm.thermodynamics
    return monotone(jnp.log(temperature), table.log_t, table.g_s, table.method)
