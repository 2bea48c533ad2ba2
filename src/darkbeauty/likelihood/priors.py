"""Prior distributions of one parameter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
import jax.scipy.stats as stats
from jax import Array
from jax.scipy.special import ndtri
from jax.typing import ArrayLike

KINDS = ("uniform", "log_uniform", "normal")


@dataclass(frozen=True)
class Prior:
    """uniform or log_uniform on [first, second], or normal with mean first and standard deviation second, cut off at lower and upper."""

    kind: str
    first: float
    second: float
    lower: float = -math.inf
    upper: float = math.inf

    @property
    def bounds(self) -> tuple[float, float]:
        """Interval that holds the prior (nine standard deviations of a normal one)."""
        if self.kind == "normal":
            return max(self.first - 9.0 * self.second, self.lower), min(self.first + 9.0 * self.second, self.upper)
        return self.first, self.second

    @property
    def _cut(self) -> tuple[float, float]:
        """Shares of the whole normal distribution below the lower end, and between the two."""
        below, until = (
            0.5 * math.erfc((self.first - end) / (math.sqrt(2.0) * self.second)) for end in (self.lower, self.upper)
        )
        return below, until - below

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which a fraction u of the prior lies."""
        if self.kind == "normal":
            below, between = self._cut
            return self.first + self.second * ndtri(below + jnp.asarray(u) * between)
        if self.kind == "log_uniform":
            return self.first * jnp.exp(jnp.asarray(u) * jnp.log(self.second / self.first))
        return self.first + jnp.asarray(u) * (self.second - self.first)

    def cdf(self, value: ArrayLike) -> Array:
        """Fraction of the prior below a value."""
        if self.kind == "normal":
            below, between = self._cut
            return (stats.norm.cdf(value, self.first, self.second) - below) / between
        if self.kind == "log_uniform":
            return jnp.log(jnp.asarray(value) / self.first) / jnp.log(self.second / self.first)
        return (jnp.asarray(value) - self.first) / (self.second - self.first)

    def log_density(self, value: ArrayLike) -> Array:
        """log of the prior density, −∞ outside."""
        value = jnp.asarray(value)
        if self.kind == "normal":
            inside = (value >= self.lower) & (value <= self.upper)
            log_p = stats.norm.logpdf(value, self.first, self.second) - math.log(self._cut[1])
            return jnp.where(inside, log_p, -jnp.inf)
        inside = (value >= self.first) & (value <= self.second)
        if self.kind == "log_uniform":
            log_p = -jnp.log(jnp.where(inside, value, self.first)) - jnp.log(jnp.log(self.second / self.first))
        else:
            log_p = -jnp.log(jnp.full_like(value, self.second - self.first))
        return jnp.where(inside, log_p, -jnp.inf)
