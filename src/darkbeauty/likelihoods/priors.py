"""The prior distributions of one parameter, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import jax.scipy.stats as stats
import numpy as np
from jax import Array
from jax.scipy.special import ndtri
from jax.typing import ArrayLike

from darkbeauty.errors import Problem
from darkbeauty.likelihoods.fit_schema import plain
from darkbeauty.likelihoods.numpyro_prior import Numpyro
from darkbeauty.likelihoods.prior import (
    LEAST_INSIDE,
    SMALLEST,
    Cut,
    Prior,
    domain_problems,
    sigma_problems,
    width_problems,
    words_of,
)


@dataclass(frozen=True)
class Uniform(Prior):
    """Flat between lower and upper."""

    kind: ClassVar[str] = "uniform"
    flat: ClassVar[bool] = True

    lower: float
    upper: float

    @property
    def bounds(self) -> tuple[float, float]:
        return self.lower, self.upper

    def quantile(self, u: ArrayLike) -> Array:
        return self.lower + jnp.asarray(u) * (self.upper - self.lower)

    def cdf(self, value: ArrayLike) -> Array:
        return (jnp.asarray(value) - self.lower) / (self.upper - self.lower)

    def log_density(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        log_p = -jnp.log(jnp.full_like(value, self.upper - self.lower))
        return jnp.where((value >= self.lower) & (value <= self.upper), log_p, -jnp.inf)

    def spaced(self, count: int, sigmas: float) -> np.ndarray:
        return np.asarray(self.quantile(np.linspace(0.0, 1.0, count)))

    def problems(self, place: str) -> list[Problem]:
        what = f"[{self.lower:g}, {self.upper:g}]"
        return width_problems(place, *self.bounds) + domain_problems(place, what, self.bounds, self.domain)


@dataclass(frozen=True)
class LogUniform(Uniform):
    """Flat in the logarithm between lower and upper."""

    kind: ClassVar[str] = "log_uniform"
    logarithmic: ClassVar[bool] = True

    def quantile(self, u: ArrayLike) -> Array:
        return self.lower * jnp.exp(jnp.asarray(u) * jnp.log(self.upper / self.lower))

    def cdf(self, value: ArrayLike) -> Array:
        return jnp.log(jnp.asarray(value) / self.lower) / jnp.log(self.upper / self.lower)

    def log_density(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        inside = (value >= self.lower) & (value <= self.upper)
        log_p = -jnp.log(jnp.where(inside, value, self.lower)) - jnp.log(jnp.log(self.upper / self.lower))
        return jnp.where(inside, log_p, -jnp.inf)

    def problems(self, place: str) -> list[Problem]:
        problems = super().problems(place)
        if self.lower < SMALLEST:
            tail = "" if self.lower <= 0.0 else f", {SMALLEST:g} at least"
            problems.append(Problem(f"{place}.lower", f"a log_uniform prior needs a positive lower bound{tail}"))
        elif not math.isfinite(self.upper / self.lower):
            problems.append(Problem(place, f"upper/lower overflows: {self.upper:g}/{self.lower:g}"))
        return problems


@dataclass(frozen=True)
class Normal(Prior):
    """Gaussian with mean and standard deviation sigma, cut off at the ends of the parameter's domain: an external measurement."""

    kind: ClassVar[str] = "normal"

    mean: float
    sigma: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.domain

    @property
    def bounds(self) -> tuple[float, float]:
        """Within nine standard deviations."""
        low, high = self.ends
        return max(self.mean - 9.0 * self.sigma, low), min(self.mean + 9.0 * self.sigma, high)

    @property
    def width(self) -> float:
        return 10.0 * self.sigma

    @property
    def constraint(self) -> tuple[float, float]:
        return self.mean, self.sigma

    @property
    def _cut(self) -> Cut:
        """Shares of the whole normal distribution below the lower end, and between the two."""
        below, until = (0.5 * math.erfc((self.mean - end) / (math.sqrt(2.0) * self.sigma)) for end in self.ends)
        return Cut(below, until - below)

    def quantile(self, u: ArrayLike) -> Array:
        below, between = self._cut
        return self.mean + self.sigma * ndtri(below + jnp.asarray(u) * between)

    def cdf(self, value: ArrayLike) -> Array:
        below, between = self._cut
        return (stats.norm.cdf(value, self.mean, self.sigma) - below) / between

    def log_density(self, value: ArrayLike) -> Array:
        value = jnp.asarray(value)
        low, high = self.ends
        log_p = stats.norm.logpdf(value, self.mean, self.sigma) - math.log(self._cut.between)
        return jnp.where((value >= low) & (value <= high), log_p, -jnp.inf)

    def spaced(self, count: int, sigmas: float) -> np.ndarray:
        low, high = np.clip(self.mean + self.sigma * np.array([-sigmas, sigmas]), *self.bounds)
        return np.linspace(low, high, count)

    @property
    def words(self) -> str:
        low, high = self.bounds
        return f"{self.kind.replace('_', '-')}, {self.mean:g} ± {self.sigma:g}, between {low:g} and {high:g}"

    def problems(self, place: str) -> list[Problem]:
        problems = sigma_problems(place, self.mean, self.sigma)
        problems += domain_problems(place, f"mean {self.mean:g}", (self.mean, self.mean), self.domain)
        return problems or self._share_problems(place)

    def _share_problems(self, place: str) -> list[Problem]:
        share = self._cut.between
        if share >= LEAST_INSIDE:
            return []
        return [Problem(place, f"hardly any of it ({max(share, 0.0):.1g}) lies in the range", words_of(self.ends))]


@dataclass(frozen=True)
class TruncatedNormal(Normal):
    """Gaussian with mean and standard deviation sigma, cut off at lower and upper."""

    kind: ClassVar[str] = "truncated_normal"

    lower: float
    upper: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.lower, self.upper

    def spaced(self, count: int, sigmas: float) -> np.ndarray:
        low, high = np.clip(self.mean + self.sigma * np.array([-sigmas, sigmas]), *self.ends)
        return np.linspace(*((low, high) if low < high else self.ends), count)

    def problems(self, place: str) -> list[Problem]:
        what = f"[{self.lower:g}, {self.upper:g}]"
        problems = sigma_problems(place, self.mean, self.sigma) + width_problems(place, *self.ends)
        problems += domain_problems(place, what, self.ends, self.domain)
        return problems or self._share_problems(place)


PRIORS: dict[str, type[Prior]] = {
    prior.kind: prior for prior in (Uniform, LogUniform, Normal, TruncatedNormal, Numpyro)
}


def read_prior(entry: Any, place: str, domain: tuple[float, float]) -> tuple[Prior | None, list[Problem]]:
    """A prior within a domain, from its table in a fit file or from itself; or everything wrong with it.

    A prior of a user's own class needs no entry in PRIORS.
    """
    table = plain(entry.table() if isinstance(entry, Prior) else entry)
    if not isinstance(table, Mapping):
        return None, [Problem(place, "a table with a kind of prior is needed", ", ".join(PRIORS))]
    kind = table.get("kind")
    cls = type(entry) if isinstance(entry, Prior) else PRIORS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        return None, [Problem(f"{place}.kind", "unknown or missing kind of prior", ", ".join(PRIORS))]
    prior, problems = cls.read(table, place)
    if prior is None:
        return None, problems
    prior = prior.within(domain)
    return prior, prior.problems(place)
