"""Prior distributions of one parameter."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import jax.scipy.stats as stats
from jax import Array
from jax.scipy.special import ndtri
from jax.typing import ArrayLike

KINDS = ("uniform", "log_uniform", "normal")


@dataclass(frozen=True)
class Prior:
    """uniform or log_uniform on [first, second], or normal with mean first and standard deviation second."""

    kind: str
    first: float
    second: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Interval that holds the prior (nine standard deviations of a normal one)."""
        if self.kind == "normal":
            return self.first - 9.0 * self.second, self.first + 9.0 * self.second
        return self.first, self.second

    def quantile(self, u: ArrayLike) -> Array:
        """Value below which a fraction u of the prior lies."""
        if self.kind == "normal":
            return self.first + self.second * ndtri(u)
        if self.kind == "log_uniform":
            return self.first * jnp.exp(jnp.asarray(u) * jnp.log(self.second / self.first))
        return self.first + jnp.asarray(u) * (self.second - self.first)

    def cdf(self, value: ArrayLike) -> Array:
        """Fraction of the prior below a value."""
        if self.kind == "normal":
            return stats.norm.cdf(value, self.first, self.second)
        if self.kind == "log_uniform":
            return jnp.log(jnp.asarray(value) / self.first) / jnp.log(self.second / self.first)
        return (jnp.asarray(value) - self.first) / (self.second - self.first)

    def log_density(self, value: ArrayLike) -> Array:
        """log of the prior density, −∞ outside."""
        if self.kind == "normal":
            return stats.norm.logpdf(value, self.first, self.second)
        value = jnp.asarray(value)
        inside = (value >= self.first) & (value <= self.second)
        if self.kind == "log_uniform":
            log_p = -jnp.log(jnp.where(inside, value, self.first)) - jnp.log(jnp.log(self.second / self.first))
        else:
            log_p = -jnp.log(jnp.full_like(value, self.second - self.first))
        return jnp.where(inside, log_p, -jnp.inf)
