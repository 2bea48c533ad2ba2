"""Coefficients of the Standard Model effective theory as parameters, by their linear effects on those of b → s at 4.8 GeV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from darkbeauty.errors import InputError, Problem, attempt, quoted, raise_if_any
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models.base import Model, Parameter
from darkbeauty.models.sectors import Theory
from darkbeauty.models.wet import COEFFICIENTS, Wet
from darkbeauty.models.wilson_map import (
    Origin,
    coefficient_problems,
    coefficients,
    linear_map,
    origin_problems,
    rows,
)

EFT, BASIS, SCALE = "SMEFT", "Warsaw", 1000.0
NOISE = 1e-10
"""Part of the largest effect of a coefficient that is rounding."""
SHARE = 0.1
"""Effect of a coefficient on what `wet` does not have, over that on what it has, from which on it is refused."""
MIXING = 1e-10
"""A coefficient of B_s mixing [GeV⁻²] that counts as much as 1 of another one: 2 of the Standard Model's."""


class Smeft(Model):
    """New physics in named coefficients of SMEFT (Warsaw basis as in WCxf, down-diagonal, GeV⁻²) at one scale, all others 0 there.

    C_wet(4.8 GeV) = M · C, M from `wilson_map`: exact to linear order, all observables of `wet` have it. Left out: quadratic effects of running and matching (at (5 TeV)⁻² below 3e-5 of
    the linear ones, 1e-3 for φWB, 8e-3 for G), loop-level matching, effects on b → c, on CKM elements and other inputs.
    coefficients: names, e.g. "lq1_2223"; scale [GeV].
    """

    name: ClassVar[str] = "smeft"
    title: ClassVar[str] = "SMEFT coefficients (Warsaw basis) at one scale, by settings"
    conventions: ClassVar[tuple[str, ...]] = ()

    coefficients: tuple[str, ...] = eqx.field(static=True)
    scale: float = eqx.field(static=True)
    parameters: tuple[Parameter, ...] = eqx.field(static=True)  # pyright: ignore[reportIncompatibleVariableOverride]
    filled: tuple[str, ...] = eqx.field(static=True)
    values_by_name: dict[str, ArrayLike]
    matrix: ArrayLike
    sm: SMInputs

    def __init__(
        self,
        coefficients: Sequence[str] = (),
        scale: float = SCALE,
        sm: SMInputs | None = None,
        values_by_name: Mapping[str, ArrayLike] | None = None,
        **derived: Any,
    ):
        self.sm = load_sm() if sm is None else sm
        origin, self.coefficients = _checked(coefficients, scale)
        self.scale = origin.scale
        self.values_by_name = dict(values_by_name or dict.fromkeys(self.coefficients, 0.0))
        self.parameters = derived.get("parameters") or _parameters(origin, self.coefficients)
        if "matrix" in derived:
            self.filled, self.matrix = derived["filled"], derived["matrix"]
        else:
            self.filled, self.matrix = _effects(origin, self.coefficients, self.sm)

    def __getattr__(self, name: str) -> ArrayLike:
        if name != "coefficients" and name in self.coefficients:
            return self.values_by_name[name]
        raise AttributeError(name)

    @property
    def preset_model(self) -> str:
        return Wet.name

    def derive(self) -> Theory:
        values = [jnp.asarray(self.values_by_name[name], complex) for name in self.coefficients]
        parts = jnp.asarray([part for value in values for part in (value.real, value.imag)], float)
        effects = jnp.asarray(self.matrix, complex) @ jnp.asarray(parts, complex)
        return Wet(sm=self.sm).at({name: effects[i] for i, name in enumerate(self.filled)}).derive()


def _checked(names: Any, scale: Any) -> tuple[Origin, tuple[str, ...]]:
    """The origin and the names.

    Errors   InputError for what is no list of names, names that are unknown or given twice, a scale out of range
    """
    if isinstance(names, str) or not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError([Problem("coefficients", f"{quoted(names)} is no list of names", '["lq1_2223", "qe_2322"]')])
    if not names:
        return Origin(EFT, BASIS, SCALE), ()
    problems = [problem for problem in origin_problems(EFT, BASIS, scale)]
    twice = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
    problems += [Problem(f"coefficients.{name}", "is given more than once") for name in twice]
    known = attempt(lambda: coefficient_problems(Origin(EFT, BASIS, SCALE), dict.fromkeys(names), "coefficients"), [])
    raise_if_any([*problems, *(known or ())])
    return Origin(EFT, BASIS, float(scale)), tuple(names)


def _parameters(origin: Origin, names: Sequence[str]) -> tuple[Parameter, ...]:
    real = coefficients(EFT, BASIS) if names else {}
    about = lambda name: f"coefficient {name} of SMEFT (Warsaw) at {origin.scale:g} GeV"
    return tuple(Parameter(name, about(name), "1/GeV2", default=0.0, complex=not real[name]) for name in names)


def _effects(origin: Origin, names: Sequence[str], sm: SMInputs) -> tuple[tuple[str, ...], np.ndarray]:
    """The coefficients of `wet` that are not 0, and their derivatives by real and imaginary part of every name, shape (coefficients, 2 names).

    Errors   InputError naming every coefficient that acts on what `wet` does not have as much as on what it has, or on neither
    """
    if not names:
        return (), np.zeros((0, 0), complex)
    full = linear_map(origin, names, sm)
    ours = np.array([name in COEFFICIENTS for name in rows()])
    size = (
        np.max(np.abs(full), axis=2) / np.array([MIXING if name.endswith("_bsbs") else 1.0 for name in rows()])[:, None]
    )
    raise_if_any([p for i, name in enumerate(names) if (p := _unfit(name, size[:, i], ours))])
    full = np.where(np.abs(full) > NOISE * np.max(np.abs(full[ours]), axis=0), full, 0.0)
    some = ours & np.any(full != 0.0, axis=(1, 2))
    return tuple(name for name, one in zip(rows(), some) if one), full[some].reshape(-1, 2 * len(names))


def _unfit(name: str, size: np.ndarray, ours: np.ndarray) -> Problem | None:
    """What is wrong with a coefficient that has these effects."""
    here, elsewhere = np.max(size, where=ours, initial=0.0), np.where(ours, 0.0, size)
    if here == 0.0 and not np.any(elsewhere):
        return Problem(f"coefficients.{name}", "has no effect on b → s at this order")
    if np.max(elsewhere) < SHARE * here:
        return None
    other = rows()[int(np.argmax(elsewhere))]
    return Problem(f"coefficients.{name}", f"acts on b → s by {other}, which `wet` does not have")
