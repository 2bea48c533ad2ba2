"""What a model must provide, and the physics containers that pass from models to observables."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.errors import TracerArrayConversionError
from jax.typing import ArrayLike

from darkbeauty.errors import Problem, raise_if_any, unknown
from darkbeauty.inputs import SMInputs

LEPTONS = ("e", "mu", "tau")
Value = Any
"""A parameter of a model: a number or array, a tracer while JAX compiles, None in a template until `at` fills it in."""


@dataclass(frozen=True)
class Parameter:
    """A number of a model: its name, meaning, unit, default (None: must be given) and domain lower ≤ value ≤ upper."""

    name: str
    meaning: str
    unit: str = ""
    default: float | None = None
    lower: float = -np.inf
    upper: float = np.inf
    complex: bool = False

    @property
    def free(self) -> bool:
        return self.default is None


class Pole(eqx.Module):
    """A propagator P(q²) = 1/(q² − m² + i m Γ)."""

    m2: Array
    m_gamma: Array

    def at(self, q2: Array | float) -> Array:
        return 1.0 / (q2 - self.m2 + 1j * self.m_gamma)


class Wilson(eqx.Module):
    """New-physics shifts of the b → s Wilson coefficients at 4.8 GeV (flavio's WET basis and normalisation).

    Leptonic coefficients have shape (3,), flavours e, μ, τ, and are C(q²) = contact + residue · P(q²), where `residue` is what a light
    mediator puts on its pole P. Weak phases sit in contact and residue, the strong phase in P: CP conjugates the first two only.
    """

    c7: ArrayLike
    c7p: ArrayLike
    c8: ArrayLike
    c8p: ArrayLike
    contact: dict[str, Array]
    residue: dict[str, Array] | None = None
    pole: Pole | None = None

    def lepton(self, name: str, flavour: int | slice | Array, propagator: ArrayLike) -> Array:
        """C(q²) for name in C9, C9p, C10, C10p, CL, CR, given P(q²)."""
        value = self.contact[name][flavour]
        if self.residue is not None and name in self.residue:
            value = value + self.residue[name][flavour] * propagator
        return value

    def propagator(self, q2: Array | float) -> Array | float:
        """P(q²), or 0 where the model has no light mediator."""
        return 0.0 if self.pole is None else self.pole.at(q2)

    def conjugate(self) -> Wilson:
        """The coefficients of the CP-conjugate process."""
        flip: Any = lambda group: None if group is None else {name: jnp.conj(value) for name, value in group.items()}
        weak = [jnp.conj(jnp.asarray(c)) for c in (self.c7, self.c7p, self.c8, self.c8p)]
        return Wilson(
            *cast("tuple[Array, Array, Array, Array]", weak), flip(self.contact), flip(self.residue), self.pole
        )


class Mediator(eqx.Module):
    """A Z′: mass, width, and its partial widths by final state [GeV]."""

    mass: Array
    width: Array
    partial: dict[str, Array]

    def branching(self, final: str) -> Array:
        return self.partial[final] / self._positive_width

    @property
    def pole(self) -> Pole:
        return Pole(self.mass**2, self.mass * self._positive_width)

    @property
    def _positive_width(self) -> Array:
        """The width, never exactly 0: a Z′ without couplings has branching fractions 0 and no NaN."""
        return jnp.maximum(self.width, 1e-30)


class Channels(eqx.Module):
    """Final states f f̄ of a vector resonance: mass, colours, g_V, g_A, lowest s, product of the couplings of f_L to the two N and a scalar η; shape (n,)."""

    mass: Array
    colours: Array
    g_v: Array
    g_a: Array
    s_min: Array
    eta_coupling2: Array
    finals: tuple[str, ...] = eqx.field(static=True)


class Exchange(eqx.Module):
    """Final states f₁ f̄₂ of a scalar exchanged in the t and u channels: masses, colours, product of the two couplings, mass of the scalar; shape (n,).

    Colours count f₁ f̄₂ and f₂ f̄₁ where the two differ.
    """

    mass_1: Array
    mass_2: Array
    colours: Array
    coupling2: Array
    mediator: Array
    finals: tuple[str, ...] = eqx.field(static=True)


class ScalarPortal(eqx.Module):
    r"""Final states X of N N → H1, H2 → X, L = −½ λ N̄N φ₂ and couplings of h to X as in the Standard Model.

    coupling: λ sin ζ cos ζ/v [1/GeV]; m2 and m_gamma: m² and mΓ of H1 and H2, shape (2,); mass, c0, c1, c2, shape (n,), of
    √s Γ(h → X) = β_X (c₀ + c₁s + c₂s²)/(32π v²).
    """

    coupling: Array
    m2: Array
    m_gamma: Array
    mass: Array
    c0: Array
    c1: Array
    c2: Array
    finals: tuple[str, ...] = eqx.field(static=True)


class InitialState(eqx.Module):
    """A pair N_a N_b that annihilates: masses, c_ab of −½ c_ij N̄_iγγ₅N_j Z′, its channels, and how often it counts in a sum over a and b."""

    mass_a: Array
    mass_b: Array
    coupling: Array
    channels: Channels
    exchange: Exchange
    count: float = eqx.field(static=True, default=1.0)
    identical: bool = eqx.field(static=True, default=True)


class DarkSector(eqx.Module):
    """What the dark-matter calculation needs of a model: a Majorana particle of mass m, its axial coupling, its channels.

    eta_mass: of the doublet, None if it certainly does not couple. portal: the scalar portal, and heavy_mass with companions (pairs with the heavier
    state): co-annihilation; both absent unless asked for.
    """

    mass: Array
    coupling: Array
    mediator: Mediator
    channels: Channels
    exchange: Exchange
    eta_mass: Array | None
    omega_constant: Array
    portal: ScalarPortal | None = None
    heavy_mass: Array | None = None
    companions: tuple[InitialState, ...] = ()

    def states(self) -> tuple[InitialState, ...]:
        """Every pair that annihilates, two light particles first."""
        light = InitialState(self.mass, self.mass, self.coupling, self.channels, self.exchange)
        return (light, *self.companions)


class Solution(eqx.Module):
    """What every observable asks a model for, computed once per point."""

    wilson: Wilson
    mediator: Mediator | None
    mixing: ArrayLike


class Model(eqx.Module):
    """A model at a point: the parameter pytree `p` that every observable takes first.

    Built without its free parameters it is a template; `at` fills them in. `solved` computes couplings, spectrum and widths once, so that
    many observables share them; unsolved models compute them at every call. A model defines `compute_wilson` and, with a Z′,
    `compute_mediator`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    has_mediator: ClassVar[bool] = False
    has_dark_matter: ClassVar[bool] = False
    convention: ClassVar[str] = "canonical"
    """"printed": the formulas as printed in the slides behind the models, for those that have such slides."""
    wilson_slots: ClassVar[tuple[str, ...]] = ("c7", "c7p", "C9", "C9p", "C10", "C10p")
    """Coefficients of b → sℓℓ that the model can generate."""
    resonant_slots: ClassVar[tuple[str, ...]] = ()
    """Those of them that its Z′ puts on its pole."""
    dark_sector: ClassVar[Callable[..., DarkSector]]
    """What the dark-matter calculation needs, of a model with dark matter."""

    sm: eqx.AbstractVar[SMInputs]
    solution: eqx.AbstractVar[Solution | None]

    @abc.abstractmethod
    def compute_wilson(self) -> Wilson:
        """New-physics Wilson coefficients of b → s."""

    def compute_mediator(self) -> Mediator | None:
        """The Z′, for models that have one."""
        return None

    def compute_mixing(self) -> ArrayLike:
        """`mixing`, of a model that has any."""
        return 0.0

    def wilson(self) -> Wilson:
        """New-physics Wilson coefficients of b → s, from the solution if there is one."""
        return self.compute_wilson() if self.solution is None else self.solution.wilson

    def z_prime(self) -> Mediator:
        """Mass and widths of the Z′, from the solution if there is one."""
        return cast(Mediator, self.compute_mediator() if self.solution is None else self.solution.mediator)

    def solved(self) -> Self:
        """This model with its couplings, spectrum and widths computed."""
        solution = Solution(self.compute_wilson(), self.compute_mediator(), self.compute_mixing())
        return eqx.tree_at(lambda model: model.solution, self, solution, is_leaf=lambda leaf: leaf is None)

    def is_physical(self) -> ArrayLike:
        """Whether conditions between parameters hold (an order of masses); a fit gives no prior to points where they do not."""
        return True

    def mixing(self) -> ArrayLike:
        """New-physics coefficient C of H = C (s̄γ^μP b)² at the scale of the B_s matrix element, from the solution if there is one.   [GeV⁻²]"""
        return self.compute_mixing() if self.solution is None else self.solution.mixing

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in cls.parameters)

    def at(self, point: Mapping[str, Any]) -> Self:
        """This model with the values of `point`; tracers pass through.

        Errors   InputError listing every unknown, missing or out-of-domain parameter
        """
        raise_if_any(self.check(point))
        names = tuple(point)
        return eqx.tree_at(
            lambda model: [getattr(model, name) for name in names],
            self,
            [point[name] for name in names],
            is_leaf=lambda leaf: leaf is None,
        )

    def check(self, point: Mapping[str, Any], path: str = "point") -> list[Problem]:
        """Every problem with a parameter point."""
        known = {parameter.name: parameter for parameter in self.parameters}
        problems = [unknown(f"{path}.{name}", "parameter", name, known) for name in point if name not in known]
        for parameter in self.parameters:
            given = point.get(parameter.name, getattr(self, parameter.name))
            where = f"{path}.{parameter.name}"
            if given is None:
                problems.append(Problem(where, "required parameter is missing", _domain(parameter)))
            else:
                problems += _check_value(parameter, given, where)
        if not problems:
            problems = self.check_together({name: point.get(name, getattr(self, name)) for name in known}, path)
        return problems

    def check_together(self, values: Mapping[str, Any], path: str) -> list[Problem]:
        """Problems that involve several parameters, e.g. an order of masses."""
        return []


def _check_value(parameter: Parameter, value: Any, where: str) -> list[Problem]:
    kind = "a complex number" if parameter.complex else "a real number"
    if isinstance(value, str | bytes):
        return [Problem(where, f"{value!r} is not {kind}", _domain(parameter))]
    try:
        if shape := np.shape(value):
            return [
                Problem(where, f"has shape {shape}: one number is needed, many go through jax.vmap", _domain(parameter))
            ]
        number = np.asarray(value, dtype=complex if parameter.complex else float)
    except TracerArrayConversionError:  # a value to be: it has no number yet
        return []
    except (TypeError, ValueError):
        return [Problem(where, f"{value!r} is not {kind}", _domain(parameter))]
    if not np.all(np.isfinite(number)):
        return [Problem(where, f"{value!r} is not finite", _domain(parameter))]
    if not parameter.complex and not np.all((number >= parameter.lower) & (number <= parameter.upper)):
        return [Problem(where, f"{value!r} is outside its domain", _domain(parameter))]
    return []


def _domain(parameter: Parameter) -> str:
    if parameter.complex:
        return "any complex number, e.g. 0.3+0.1j"
    unit = f" {parameter.unit}" if parameter.unit else ""
    return f"{parameter.lower:g} to {parameter.upper:g}{unit}"
