"""The ways to a relic density, for a picture: a number, the band of its theory error where it has one, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from darkbeauty.dark.boltzmann import boltzmann
from darkbeauty.dark.freeze_out import freeze_out
from darkbeauty.dark.kinetic import kinetic
from darkbeauty.dark.phase_space import phase_space
from darkbeauty.errors import Problem, unknown
from darkbeauty.models.sectors import Theory
from darkbeauty.status import Status, worst

KINETIC, PHASE_SPACE = "kinetic", "phase_space"


class Estimate(NamedTuple):
    """Ωh², NaN where there is none; its least and largest value by the theory error, shape (2,), NaN without one; a `Status`. Arrays of either kind."""

    omega_h2: Any
    band: Any
    status: Any


def _without_band(solve: Callable[[Theory], Any]) -> Callable[[Theory], Estimate]:
    def estimate(p: Theory) -> Estimate:
        result = solve(p)
        return Estimate(_known(result.omega_h2, result.status), jnp.full(2, jnp.nan), result.status)

    return estimate


def _kinetic(p: Theory) -> Estimate:
    result = kinetic(p)
    band = _known(jnp.sort(result.band), worst(result.status, result.error_status))
    return Estimate(_known(result.omega_h2, result.status), band, result.status)


def _known(value: Array, status: Array) -> Array:
    return jnp.where(status == int(Status.SUCCESS), value, jnp.nan)


METHODS: dict[str, Callable[[Theory], Estimate]] = {
    "freeze_out": _without_band(freeze_out),
    "boltzmann": _without_band(boltzmann),
    KINETIC: _kinetic,
    PHASE_SPACE: _without_band(phase_space),
}
"""By their names in `[likelihood] relic`, the cheapest first."""
WORDS = {
    "freeze_out": "freeze-out",
    "boltzmann": "Boltzmann equation",
    KINETIC: "kinetic decoupling",
    PHASE_SPACE: "momentum distribution",
}
COLOURS = {"freeze_out": "0.55", "boltzmann": "#1e8449", KINETIC: "#1b4f72", PHASE_SPACE: "#b9770e"}
QUICK = tuple(name for name in METHODS if name != PHASE_SPACE)
"""Those that cost milliseconds."""


def check_methods(names: Iterable[str]) -> list[Problem]:
    """That every name is a method."""
    return [
        unknown("method", "way to compute the relic density", name, METHODS) for name in names if name not in METHODS
    ]
