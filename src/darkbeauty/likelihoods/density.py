r"""A fit as functions of one vector θ: what samplers and minimisers of other packages take.

θ has the free parameters in the order of `names`, shape (n,), or many points (…, n). NumPy in, NumPy out (a float for one point); JAX in, JAX out, to jit, vmap and differentiate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import InputError, Problem
from darkbeauty.likelihoods.build import Likelihood
from darkbeauty.likelihoods.fit import Fit, checked_seed
from darkbeauty.numerics.compiled import compiled
from darkbeauty.numerics.second_derivatives import hessian


class Density:
    """log_likelihood, log_prior, log_prob (their sum), gradient and hessian of it at θ; prior_transform of the unit cube to θ.

    names: of the parameters; bounds: (lower, upper) of each, shape (n, 2); start: the median of the prior. likelihood: the object behind it.
    """

    def __init__(self, fit: Fit):
        checked_seed(fit, None)
        if fit.theory == "sampled":
            reason = "sampled nuisances are no entries of θ"
            raise InputError([Problem("likelihood.theory", reason, "marginal, correlated")])
        self.names, self.likelihood = fit.parameters, fit.likelihood()
        self._priors = tuple(fit.priors.values())
        self.bounds = np.array([prior.bounds for prior in self._priors])
        names, prior = self.names, self._log_prior

        def log_l(lik: Likelihood, x: Array) -> Array:
            return lik.log_prob({name: x[i] for i, name in enumerate(names)})

        def log_p(lik: Likelihood, x: Array) -> Array:
            """Nothing outside of the prior: the likelihood is asked for its middle there."""
            value = prior(x)
            inside = value > -jnp.inf
            likelihood = log_l(lik, jnp.where(inside, x, self.start))
            return jnp.where(inside, value + likelihood, -jnp.inf)

        transform = lambda lik, u: jnp.stack([prior.quantile(u[i]) for i, prior in enumerate(self._priors)])
        self.start = np.array([float(prior.quantile(0.5)) for prior in self._priors])
        self._log_l, self._log_p = _over_points(log_l), _over_points(log_p)
        self._prior, self._transform = _over_points(lambda lik, x: prior(x)), _over_points(transform)
        self._gradient = _over_points(lambda lik, x: jax.grad(lambda x: log_p(lik, x))(x))
        self._hessian = _over_points(lambda lik, x: hessian(lambda x: log_p(lik, x), x))

    def log_likelihood(self, x: Any) -> Any:
        """log L, normalised in the measured numbers; −∞ where a prediction failed."""
        return self._call(self._log_l, x)

    def log_prior(self, x: Any) -> Any:
        """log of the prior density, −∞ outside."""
        return self._call(self._prior, x)

    def log_prob(self, x: Any) -> Any:
        """log of likelihood times prior."""
        return self._call(self._log_p, x)

    def gradient(self, x: Any) -> Any:
        """Derivatives of log_prob, shape (…, n)."""
        return self._call(self._gradient, x)

    def hessian(self, x: Any) -> Any:
        """Second derivatives of log_prob, shape (…, n, n)."""
        return self._call(self._hessian, x)

    def prior_transform(self, u: Any) -> Any:
        """θ of a point of the unit cube: uniform u gives θ distributed as the prior."""
        return self._call(self._transform, u)

    def params(self, x: Any) -> dict[str, Any]:
        """θ by name, as `likelihood` takes it."""
        return {name: x[..., i] for i, name in enumerate(self.names)}

    def _log_prior(self, x: Array) -> Array:
        each = [prior.log_density(x[i]) for i, prior in enumerate(self._priors)]
        return sum(each[1:], each[0])

    def _call(self, function: Callable[..., Array], x: Any) -> Any:
        value = function(self.likelihood, jnp.asarray(x, float))
        if isinstance(x, jax.Array):
            return value
        return float(value) if value.ndim == 0 else np.array(value)


def _over_points(function: Callable[..., Array]) -> Callable[..., Array]:
    """A function of one point, compiled for points of any shape (…, n)."""

    @compiled
    def run(lik: Likelihood, x: Array) -> Array:
        if x.ndim == 1:
            return function(lik, x)
        values = jax.vmap(lambda point: function(lik, point))(x.reshape(-1, x.shape[-1]))
        return values.reshape(x.shape[:-1] + values.shape[1:])

    return run


def density(fit: Fit) -> Density:
    """A fit as functions of one vector, for samplers and minimisers of other packages.

    Errors   InputError where the fit samples its nuisances
    """
    return Density(fit)
