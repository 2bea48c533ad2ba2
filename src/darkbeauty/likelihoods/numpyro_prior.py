"""Any continuous distribution of NumPyro as a prior, by its name."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.errors import Problem, text_of, unknown
from darkbeauty.likelihoods.prior import LEAST_INSIDE, Cut, Prior, number_problem, words_of
from darkbeauty.likelihoods.quantile_table import Cumulative, QuantileTable, tabulate

TAIL = 1e-12
"""Share on either side beyond which a distribution without an end is left out."""
PROBES = (0.01, 0.3, 0.5, 0.8, 0.99)
"""Fractions at which NumPyro's quantiles are held against its own cumulative distribution."""


@dataclass(frozen=True, init=False)
class Numpyro(Prior):
    """A distribution of NumPyro, e.g. Numpyro("Gamma", concentration=2.0, rate=1.0), cut off at the ends of the parameter's domain.

    Quantiles are NumPyro's own where it has them, else from a table that is checked against the cumulative distribution; that is NumPyro's or, on a finite
    support, an integral over its density.
    """

    kind: ClassVar[str] = "numpyro"

    distribution: str
    parameters: tuple[tuple[str, float], ...]

    def __init__(self, distribution: str, **parameters: float):
        object.__setattr__(self, "distribution", distribution)
        object.__setattr__(self, "parameters", tuple(sorted(parameters.items())))

    def within(self, domain: tuple[float, float]) -> Self:
        cut = type(self)(self.distribution, **dict(self.parameters))
        object.__setattr__(cut, "domain", domain)
        return cut

    def table(self) -> dict[str, Any]:
        return {"kind": self.kind, "distribution": self.distribution, **dict(self.parameters)}

    @classmethod
    def read(cls, table: Mapping[str, Any], place: str) -> tuple[Self | None, list[Problem]]:
        name, known = table.get("distribution"), _distributions()
        if name is None:
            return None, [Problem(f"{place}.distribution", "Field required")]
        if not isinstance(name, str) or name not in known:
            return None, [unknown(f"{place}.distribution", "continuous distribution of NumPyro", text_of(name), known)]
        numbers = {key: value for key, value in table.items() if key not in ("kind", "distribution")}
        problems = []
        for key, value in numbers.items():
            if key not in known[name]:
                entries = ("kind", "distribution", *known[name])
                problems.append(unknown(f"{place}.{key}", "entry", str(key), entries))
            elif problem := number_problem(value, f"{place}.{key}"):
                problems.append(problem)
        missing = [key for key, needed in known[name].items() if needed and key not in numbers]
        problems += [Problem(f"{place}.{key}", "Field required") for key in missing]
        if problems:
            return None, problems
        return cls(name, **{key: float(value) + 0.0 for key, value in numbers.items()}), []

    def problems(self, place: str) -> list[Problem]:
        try:
            low, high = self.ends
        except Exception as error:  # NumPyro's own checks, which raise what they like
            return [Problem(place, f"NumPyro cannot make it: {' '.join(str(error).split()) or type(error).__name__}")]
        if not low < high:
            return [Problem(place, "has no part inside of the domain", words_of(self.domain))]
        try:
            share = self._cut.between
            if not share >= LEAST_INSIDE:
                return [Problem(place, f"hardly any of it ({share:.1g}) lies in the domain", words_of(self.domain))]
            trouble = self._quantiles.trouble if isinstance(self._quantiles, QuantileTable) else ""
            if not trouble and not all(map(math.isfinite, self.bounds)):
                trouble = "its quantiles overflow"
        except ValueError as error:
            trouble = str(error)
        return [Problem(place, f"cannot be used: {trouble}")] if trouble else []

    @property
    def words(self) -> str:
        low, high = self.ends
        given = ", ".join(f"{name} = {value:g}" for name, value in self.parameters)
        return f"{self.distribution} ({given}), between {low:g} and {high:g}"

    @property
    def ends(self) -> tuple[float, float]:
        return max(self._support[0], self.domain[0]), min(self._support[1], self.domain[1])

    @property
    def bounds(self) -> tuple[float, float]:
        """The ends, or the quantiles of a share of 10⁻¹² where there is none."""
        return self._bounds

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        low, high = self.ends
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            first, last = (float(self.quantile(u)) for u in (TAIL, 1.0 - TAIL))
        return (low if math.isfinite(low) else first), (high if math.isfinite(high) else last)

    def quantile(self, u: ArrayLike) -> Array:
        u = jnp.clip(jnp.asarray(u), TAIL, 1.0 - TAIL)
        if isinstance(self._quantiles, QuantileTable):
            return self._quantiles(u)
        below, between = self._cut
        return jnp.clip(self._made.icdf(below + u * between), *self.ends)

    def cdf(self, value: ArrayLike) -> Array:
        below, between = self._cut
        return (self._cumulative(jnp.asarray(value)) - below) / between

    def log_density(self, value: ArrayLike) -> Array:
        value, (low, high) = jnp.asarray(value), self.ends
        inside = (value >= low) & (value <= high)
        log_p = self._made.log_prob(jnp.where(inside, value, self._middle)) - math.log(self._cut.between)
        return jnp.where(inside, log_p, -jnp.inf)

    # -- made once, in float64 and outside of any trace -------------------------------------------------------------------------------

    @cached_property
    def _made(self) -> Any:
        import numpyro.distributions as known

        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            return getattr(known, self.distribution)(**dict(self.parameters), validate_args=False)

    @cached_property
    def _support(self) -> tuple[float, float]:
        import numpyro.distributions as known

        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            made = getattr(known, self.distribution)(**dict(self.parameters), validate_args=True)
            if made.event_shape or made.batch_shape or made.support.is_discrete:
                raise ValueError("a prior is continuous and of one parameter")
            ends = (getattr(made.support, name, None) for name in ("lower_bound", "upper_bound"))
            low, high = (default if end is None else float(end) for end, default in zip(ends, (-math.inf, math.inf)))
        return low, high

    @cached_property
    def _cumulative(self) -> Any:
        """The cumulative distribution of the whole: NumPyro's, or by integration."""
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            try:
                self._made.cdf(jnp.asarray(_some_point(self._support)))
                return self._made.cdf
            except NotImplementedError:
                return Cumulative.of(self._made.log_prob, self._support)

    @cached_property
    def _cut(self) -> Cut:
        """Shares of the whole distribution below the lower end, and between the two."""
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            whole = zip(self.ends, self._support, (0.0, 1.0))
            below, until = (
                share if end == edge else float(self._cumulative(jnp.asarray(end))) for end, edge, share in whole
            )
        return Cut(below, until - below)

    @cached_property
    def _quantiles(self) -> Any:
        """NumPyro's quantile function if it has one that fits its cumulative distribution, else a table."""
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            try:
                u = jnp.asarray(PROBES)
                if np.allclose(self._cumulative(self._made.icdf(u)), u, rtol=1e-9, atol=0.0):
                    return self._made.icdf
            except (NotImplementedError, ImportError):  # some need packages that are no part of NumPyro
                pass
            density = lambda x: jnp.exp(self._made.log_prob(x)) / self._cut.between
            return tabulate(self.cdf, density, self.ends)

    @cached_property
    def _middle(self) -> float:
        """A point where there is a density."""
        with jax.enable_x64(True), jax.ensure_compile_time_eval():
            return float(self.quantile(0.5))


def _some_point(support: tuple[float, float]) -> float:
    low, high = support
    if math.isfinite(low) and math.isfinite(high):
        return 0.5 * (low + high)
    return low + 1.0 if math.isfinite(low) else high - 1.0 if math.isfinite(high) else 0.0


@cache
def _distributions() -> dict[str, dict[str, bool]]:
    """NumPyro's continuous distributions of one variable: the parameters of each, all of them numbers, and whether they must be given."""
    import numpyro.distributions as known

    table = {}
    for name, cls in vars(known).items():
        if not (inspect.isclass(cls) and issubclass(cls, known.Distribution) and _is_number(cls.support)):
            continue
        signature = inspect.signature(cls.__init__).parameters
        needed = {
            key: signature[key].default is inspect.Parameter.empty for key in cls.arg_constraints if key in signature
        }
        others = (entry for entry in signature.values() if entry.name not in (*needed, "self", "validate_args"))
        if all(map(_is_number, cls.arg_constraints.values())) and all(
            entry.default is not entry.empty for entry in others
        ):
            table[name] = needed
    return {name: needed for name, needed in table.items() if needed}


def _is_number(constraint: Any) -> bool:
    """Whether a constraint is one of single real numbers; of those that only an object has, it may be."""
    try:
        return not (constraint.is_discrete or constraint.event_dim)
    except NotImplementedError:
        return False
    except AttributeError:
        return constraint is not None
