r"""Unconstrained coordinates q ∈ ℝⁿ of a fit's parameters, and the density that prior and change of variables give to q.

Box coordinates map every parameter on its own: q → u = 1/(1+e^{−q}) → prior quantile of u, so that prior × Jacobian is u(1−u) exactly. Others
straighten a posterior (`darkbeauty.inference.relic_map`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.likelihoods.priors import Prior


class Coordinates(eqx.Module):
    """What all coordinates have: names of the parameters, in order, and the way from q to these.

    follows_posterior: whether the standard logistic distribution of q is a guess of the posterior, so that its draws are proposals from mode to
    mode; of box coordinates it is the prior.
    """

    names: eqx.AbstractVar[tuple[str, ...]]
    follows_posterior: eqx.AbstractClassVar[bool]

    @abstractmethod
    def to_parameters(self, q: Array) -> tuple[dict[str, Array], Array]:
        """Parameters at q, shape (n,), and log[prior(θ) |∂θ/∂q|]."""


class BoxCoordinates(Coordinates):
    """Every parameter on its own, by the quantile function of its prior."""

    names: tuple[str, ...] = eqx.field(static=True)
    priors: tuple[Prior, ...] = eqx.field(static=True)
    follows_posterior: ClassVar[bool] = False

    def to_parameters(self, q: Array) -> tuple[dict[str, Array], Array]:
        values = {name: prior.quantile(jax.nn.sigmoid(x)) for name, prior, x in zip(self.names, self.priors, q)}
        return values, jnp.sum(log_logistic(q))

    def from_parameters(self, values: Mapping[str, Any]) -> Array:
        """q of a parameter point (inside the prior box)."""
        return jnp.stack(
            [jax.scipy.special.logit(prior.cdf(values[name])) for name, prior in zip(self.names, self.priors)]
        )


def box_of(priors: Mapping[str, Prior]) -> BoxCoordinates:
    """Box coordinates of parameters with these priors."""
    return BoxCoordinates(tuple(priors), tuple(priors.values()))


def prior_points(priors: Mapping[str, Prior], u: Array | np.ndarray) -> dict[str, np.ndarray]:
    """Parameters at rows u (points, n) of the unit cube, by the quantile functions of their priors."""
    return {name: np.asarray(prior.quantile(u[:, i])) for i, (name, prior) in enumerate(priors.items())}


def log_logistic(q: Array) -> Array:
    """log of the standard logistic density: log u(1−u), u = 1/(1+e^{−q})."""
    return jax.nn.log_sigmoid(q) + jax.nn.log_sigmoid(-q)
