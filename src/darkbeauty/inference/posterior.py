r"""The posterior density of a fit: what every command samples, optimises, profiles, scans and calibrates.

q holds unconstrained coordinates of the parameters and, after these, as many nearly standard normal numbers η as nuisances are sampled. Whether any are is
known here alone: `NoNuisances` and `SampledNuisances` are the two answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.evaluation import Values
from darkbeauty.inference.coordinates import Coordinates, box_of
from darkbeauty.likelihoods import Fit, Likelihood, SampledLikelihood, sample_nuisances

MakeCoordinates = Callable[[Fit, Likelihood], Coordinates]
"""How coordinates of a fit's posterior are made."""


def in_box(fit: Fit, likelihood: Likelihood) -> Coordinates:
    """Box coordinates, also where the fit allows for others."""
    return box_of(fit.priors)


class Observed(NamedTuple):
    """At a point: the parameters, predictions of every observable and how each ended, and pulls of the sampled nuisances."""

    parameters: dict[str, Array]
    predictions: Array
    status: Array
    pulls: Array


class NoNuisances(eqx.Module):
    """Parameters alone: all theory errors are in the covariance of the likelihood."""

    likelihood: Likelihood
    names: ClassVar[tuple[str, ...]] = ()
    size: ClassVar[int] = 0

    def frame(self, values: Mapping[str, Any]) -> Array:
        """All of the density: log L."""
        return self.likelihood.log_prob(values)

    def log_density_in(self, frame: Array, eta: Array) -> Array:
        """log L, which depends on no η."""
        return frame

    def observe(self, values: Mapping[str, Any], eta: Array) -> tuple[Values, Array]:
        """Predictions, and pulls of no inputs."""
        return self.likelihood.evaluate(values), eta


class SampledNuisances(eqx.Module):
    """Uncertain inputs beside the parameters (`darkbeauty.likelihoods.sampled`).

    names: of the inputs whose pulls `observe` gives; size: how many η; likelihood: of given predictions, with the errors that η does not stand for.
    """

    joint: SampledLikelihood

    @property
    def likelihood(self) -> Likelihood:
        return self.joint.given

    @property
    def names(self) -> tuple[str, ...]:
        return self.joint.nuisance_names

    @property
    def size(self) -> int:
        return self.joint.size

    def frame(self, values: Mapping[str, Any]) -> Any:
        """Everything that does not depend on η."""
        return self.joint.frame(values)

    def log_density_in(self, frame: Any, eta: Array) -> Array:
        """log L p(ν) |∂ν/∂η| in the frame of a parameter point."""
        return self.joint.log_density_in(frame, eta)

    def observe(self, values: Mapping[str, Any], eta: Array) -> tuple[Values, Array]:
        """Predictions, and pulls of the inputs."""
        return self.joint.observe(values, eta)


class Posterior(eqx.Module):
    """log posterior density of coordinates q, up to the evidence. A pytree: the argument of compiled functions.

    `Posterior.of(fit)`; names and size of q; log_density(q), to_parameters(q), observe(q) at a point q (n,), parameter_draws(q) of many;
    likelihood of given predictions; with_data(data).
    Args     likelihood: with sampled nuisances or without
    """

    nuisances: NoNuisances | SampledNuisances
    coordinates: Coordinates

    def __init__(self, likelihood: Likelihood | SampledLikelihood, coordinates: Coordinates):
        sampled = isinstance(likelihood, SampledLikelihood)
        self.nuisances = SampledNuisances(likelihood) if sampled else NoNuisances(likelihood)
        self.coordinates = coordinates

    @classmethod
    def of(
        cls,
        fit: Fit,
        *,
        coordinates: MakeCoordinates = in_box,
        marginal: bool = False,
        progress: Callable[[str], None] = lambda stage: None,
    ) -> Posterior:
        """The posterior of a fit.

        Args     coordinates: how to make them; those that follow the posterior take minutes; marginal: with all theory errors in the covariance, correlated ones
                 where the fit samples them
        """
        progress("likelihood")
        likelihood = fit.likelihood()
        progress("coordinates")
        made = coordinates(fit, likelihood)
        sampled = fit.theory == "sampled" and not marginal
        return cls(sample_nuisances(likelihood) if sampled else likelihood, made)

    def __hash__(self) -> int:
        """Of the object, so that `jax.jit(posterior.log_density)` works."""
        return id(self)

    @property
    def likelihood(self) -> Likelihood:
        """The likelihood of given predictions: terms, data and their errors."""
        return self.nuisances.likelihood

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order of their coordinates."""
        return self.coordinates.names

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return len(self.names) + self.nuisances.size

    @property
    def follows(self) -> bool:
        """Whether the standard logistic distribution of the parameters' coordinates is a guess of the posterior."""
        return self.coordinates.follows_posterior

    def log_density(self, q: Array) -> Array:
        """log of the density of q, shape (n,); −inf where there is no likelihood."""
        own, eta = self._split(q)
        return self.log_density_in(self.frame(own), eta)

    def frame(self, q: Array) -> tuple[Any, Array]:
        """Everything at coordinates of the parameters that does not depend on η."""
        values, log_prior = self.coordinates.to_parameters(q)
        return self.nuisances.frame(values), log_prior

    def log_density_in(self, frame: tuple[Any, Array], eta: Array) -> Array:
        """log of the density at η in the frame of the parameters' coordinates."""
        return self.nuisances.log_density_in(frame[0], eta) + frame[1]

    def to_parameters(self, q: Array) -> dict[str, Array]:
        """The parameters at q, by name."""
        return self.coordinates.to_parameters(self._split(q)[0])[0]

    def observe(self, q: Array) -> Observed:
        """What the model says at q."""
        values = self.to_parameters(q)
        predictions, pulls = self.nuisances.observe(values, self._split(q)[1])
        return Observed(values, predictions.value, predictions.status, pulls)

    def parameter_draws(self, q: np.ndarray) -> dict[str, np.ndarray]:
        """Parameters at draws q (chains, draws, n): {name: (chains, draws)}."""
        values = jax.jit(jax.vmap(self.to_parameters))(jnp.asarray(q.reshape(-1, q.shape[-1])))
        return {name: np.asarray(values[name]).reshape(q.shape[:2]) for name in self.names}

    def with_data(self, data: Sequence[Any]) -> Posterior:
        """The same for other data, one array for each part of the likelihood."""
        return eqx.tree_at(lambda posterior: posterior.likelihood, self, self.likelihood.with_data(data))

    def _split(self, q: Array) -> tuple[Array, Array]:
        """Coordinates of the parameters, and η."""
        return q[: len(self.names)], q[len(self.names) :]
