r"""Box coordinates that are wide where the relic density is narrow: at the resonance, mediator = 2 × dark matter.

Ωh² is as measured on a sheet that is the thinner the closer it is to the resonance; a percent of it can be a hundred times thinner than the rest, and what draws bounds or
takes steps in the prior box passes it by. So the prior fraction v of one of the two masses is v = v₀ + δ sinh t, v₀ its value on the resonance, given the other mass, and
t even between the ends of the prior: exact, the same for every likelihood, and nothing to be surveyed before.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from darkbeauty.inference.coordinates import BoxCoordinates, Coordinates, box_of
from darkbeauty.likelihoods import Fit, Likelihood
from darkbeauty.likelihoods.build import by_name
from darkbeauty.likelihoods.relic_choice import depends

DELTA = 1e-3
"""Prior fraction, of the mass that is stretched, within which t is as even as v."""


class ResonanceCoordinates(Coordinates):
    """Every parameter by its prior, but `stretched` around `ratio` times the parameter (or number) `other`."""

    names: tuple[str, ...] = eqx.field(static=True)
    box: BoxCoordinates
    stretched: str = eqx.field(static=True)
    other: str | float = eqx.field(static=True)
    ratio: float = eqx.field(static=True)
    follows_posterior: ClassVar[bool] = False

    def to_parameters(self, q: Array) -> tuple[dict[str, Array], Array]:
        values, log_prior = self.box.to_parameters(q)
        i = self.names.index(self.stretched)
        prior = self.box.priors[i]
        centre = self.ratio * (values[self.other] if isinstance(self.other, str) else jnp.asarray(self.other))
        v, log_slope = stretch(jax.nn.sigmoid(q[i]), prior.cdf(jnp.clip(centre, *prior.bounds)))
        return values | {self.stretched: prior.quantile(v)}, log_prior + log_slope


def stretch(u: Array, centre: Array) -> tuple[Array, Array]:
    """v = v₀ + δ sinh t with t even between the ends of 0 ≤ v ≤ 1, and ln dv/du."""
    first, last = jnp.arcsinh(-centre / DELTA), jnp.arcsinh((1.0 - centre) / DELTA)
    t = first + (last - first) * u
    v = jnp.clip(centre + DELTA * jnp.sinh(t), 0.0, 1.0)
    return v, jnp.log(DELTA * (last - first)) + jnp.log(jnp.cosh(t))


def resonance_coordinates(fit: Fit, lik: Likelihood) -> BoxCoordinates | ResonanceCoordinates:
    """Of a fit with a relic density, a model that says where it is resonant, and one of the two masses free; the box's for any other."""
    box, resonance = box_of(fit.priors), fit.model.resonance
    if resonance is None or not depends(by_name(fit.terms, fit.own)):
        return box
    value = lambda name: name if name in fit.priors else float(getattr(lik.model, name))
    if resonance.dark in fit.priors:
        return ResonanceCoordinates(box.names, box, resonance.dark, value(resonance.mediator), 0.5)
    if resonance.mediator in fit.priors:
        return ResonanceCoordinates(box.names, box, resonance.mediator, value(resonance.dark), 2.0)
    return box
