"""What a prior distribution of one parameter is, and how its table in a fit file is read."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.errors import Problem, unknown

NARROWEST, SMALLEST = 1e-12, 1e-300
"""Least width of a prior, relative to its ends and absolute: double precision resolves no less."""
LEAST_INSIDE = 1e-6
"""Least share of a whole distribution that a domain may leave: what is cut out of less has no digits left."""


class Cut(NamedTuple):
    """Shares of a whole distribution below the lower end of its prior, and between the two ends."""

    below: float
    between: float


@dataclass(frozen=True)
class Prior(abc.ABC):
    """The distribution of one parameter, cut off at the ends of the parameter's domain and normalised inside.

    A new prior is one class: its fields are the entries of its table in a fit file, beside `kind`; an entry in `priors.PRIORS` gives it its name there.
    """

    kind: ClassVar[str]
    flat: ClassVar[bool] = False
    """Whether it says nothing but a range: flat in the parameter or in its logarithm, between two ends."""
    logarithmic: ClassVar[bool] = False
    """Whether the parameter is best seen in its logarithm."""

    domain: tuple[float, float] = field(default=(-math.inf, math.inf), init=False)

    @property
    @abc.abstractmethod
    def bounds(self) -> tuple[float, float]:
        """Finite interval that holds the prior, but for what no run meets."""

    @abc.abstractmethod
    def quantile(self, u: ArrayLike) -> Array:
        """Value below which a fraction u of the prior lies."""

    @abc.abstractmethod
    def cdf(self, value: ArrayLike) -> Array:
        """Fraction of the prior below a value inside its ends."""

    @abc.abstractmethod
    def log_density(self, value: ArrayLike) -> Array:
        """log of the prior density, −∞ outside."""

    @abc.abstractmethod
    def problems(self, place: str) -> list[Problem]:
        """What is wrong with its numbers, or with these in its domain."""

    @property
    def ends(self) -> tuple[float, float]:
        """Where its density ends, infinite where it does not."""
        return self.bounds

    @property
    def width(self) -> float:
        """The length that the parameter is measured in."""
        low, high = self.bounds
        return high - low

    @property
    def constraint(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the external measurement that a Gaussian prior is; None: only a range."""
        return None

    def pull(self, value: Any) -> Any:
        """(value − mean)/σ of its constraint, None without one."""
        if self.constraint is None:
            return None
        mean, sigma = self.constraint
        return (value - mean) / sigma

    def spaced(self, count: int, sigmas: float) -> np.ndarray:
        """An even grid over what matters of it: a whole range, or so many standard deviations to both sides."""
        tail = 0.5 * math.erfc(sigmas / math.sqrt(2.0))
        return np.linspace(float(self.quantile(tail)), float(self.quantile(1.0 - tail)), count)

    def within(self, domain: tuple[float, float]) -> Self:
        """The same, cut off at the ends of a domain."""
        cut = dataclasses.replace(self)
        object.__setattr__(cut, "domain", domain)
        return cut

    def table(self) -> dict[str, Any]:
        """Its table in a fit file."""
        return {"kind": self.kind, **{name: getattr(self, name) for name in self.entries()}}

    @classmethod
    def entries(cls) -> tuple[str, ...]:
        """What its table in a fit file holds, beside `kind`."""
        return tuple(entry.name for entry in dataclasses.fields(cls) if entry.init)

    @classmethod
    def read(cls, table: Mapping[str, Any], place: str) -> tuple[Self | None, list[Problem]]:
        """The prior of a table that has every entry and no other, all finite numbers; or what is wrong with it."""
        names = cls.entries()
        problems = [
            unknown(f"{place}.{name}", "entry", name, ("kind", *names))
            for name in table
            if name not in ("kind", *names)
        ]
        for name in names:
            problem = number_problem(table[name], f"{place}.{name}") if name in table else _missing(place, name)
            problems += [problem] if problem else []
        return (None if problems else cls(**{name: float(table[name]) + 0.0 for name in names})), problems

    @property
    def words(self) -> str:
        """For a reader, e.g. "uniform, 0 to 2"."""
        low, high = self.bounds
        return f"{self.kind.replace('_', '-')}, {low:g} to {high:g}"

    def __str__(self) -> str:
        """All of it, e.g. "uniform, lower = 0.0, upper = 2.0"."""
        return ", ".join(
            [self.kind, *(f"{name} = {value!r}" for name, value in self.table().items() if name != "kind")]
        )


def number_problem(value: Any, place: str) -> Problem | None:
    """What keeps a value from being a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Problem(place, "Input should be a valid number")
    try:
        return None if math.isfinite(value) else Problem(place, "Input should be a finite number")
    except OverflowError:
        return Problem(place, "is too large for a number of double precision")


def _missing(place: str, name: str) -> Problem:
    return Problem(f"{place}.{name}", "Field required")


def width_problems(place: str, lower: float, upper: float) -> list[Problem]:
    """What is wrong with two ends."""
    if not lower < upper:
        return [Problem(place, f"lower ({lower:g}) must be below upper ({upper:g})")]
    if not math.isfinite(upper - lower):
        return [
            Problem(place, f"upper − lower overflows: [{lower:g}, {upper:g}] is wider than double precision reaches")
        ]
    if upper - lower < max(NARROWEST * max(abs(lower), abs(upper)), SMALLEST):
        return [Problem(place, f"[{lower!r}, {upper!r}] is narrower than double precision resolves")]
    return []


def sigma_problems(place: str, mean: float, sigma: float) -> list[Problem]:
    """What is wrong with a mean and a standard deviation."""
    if sigma <= 0.0:
        return [Problem(f"{place}.sigma", "Input should be greater than 0")]
    if sigma < max(NARROWEST * abs(mean), SMALLEST):
        return [
            Problem(f"{place}.sigma", f"{sigma:g} beside a mean of {mean:g} is less than double precision resolves")
        ]
    if not (math.isfinite(mean + 20.0 * sigma) and math.isfinite(mean - 20.0 * sigma)):
        return [Problem(place, f"mean ± 20σ overflows: mean {mean:g}, sigma {sigma:g}")]
    return []


def domain_problems(place: str, what: str, ends: tuple[float, float], domain: tuple[float, float]) -> list[Problem]:
    """That something lies outside the domain."""
    if domain[0] <= ends[0] and ends[1] <= domain[1]:
        return []
    return [Problem(place, f"{what} leaves the domain", words_of(domain))]


def words_of(domain: tuple[float, float]) -> str:
    """A domain as problems tell it."""
    return f"{domain[0]:g} to {domain[1]:g}"
