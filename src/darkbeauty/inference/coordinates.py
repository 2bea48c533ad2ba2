r"""Unconstrained coordinates q ∈ ℝⁿ of a fit, and the density that prior and change of variables give to q.

Box coordinates map every parameter on its own: q → u = 1/(1+e^{−q}) → prior quantile of u, so that prior × Jacobian is u(1−u) exactly.

Relic coordinates straighten the sheet Ωh² = measured. For a fit with a relic-density term, (y, g, m_zp, m_dm) is concentrated on a thin curved
surface with a funnel at the resonance r = m_zp/2m_dm = 1, and a narrow Z′ cuts off the quark coupling y where it enters a bin. A quick scan of the
posterior (`darkbeauty.inference.scan`) gives nested conditional quantile functions of m_zp, r, y and g (`darkbeauty.inference.quantile_maps`).
The scan only has to be roughly right: the sampled density carries the exact Jacobian, so the posterior does not depend on it. Because a logistic
distribution of q is then close to the posterior, draws of it also serve as proposals that cross from mode to mode (`global_moves` per transition).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from darkbeauty.inference.quantile_maps import RelicMaps, RelicNames
from darkbeauty.inference.scan import scan_likelihood
from darkbeauty.likelihood import Fit, Likelihood
from darkbeauty.likelihood.priors import Prior


class BoxCoordinates(eqx.Module):
    """Every parameter on its own, by the quantile function of its prior."""

    names: tuple[str, ...] = eqx.field(static=True)
    priors: tuple[Prior, ...] = eqx.field(static=True)
    global_moves: ClassVar[int] = 0

    def to_parameters(self, q: Array) -> tuple[dict[str, Array], Array]:
        """Parameters at q, shape (n,), and log[prior(θ) |∂θ/∂q|]."""
        values = {name: prior.quantile(jax.nn.sigmoid(x)) for name, prior, x in zip(self.names, self.priors, q)}
        return values, jnp.sum(log_logistic(q))

    def from_parameters(self, values: Mapping[str, Any]) -> Array:
        """q of a parameter point (inside the prior box)."""
        return jnp.stack(
            [jax.scipy.special.logit(prior.cdf(values[name])) for name, prior in zip(self.names, self.priors)]
        )


class RelicCoordinates(eqx.Module):
    """Coordinates along and across the relic-density sheet for (g, m_zp, m_dm); box coordinates for the rest."""

    box: BoxCoordinates
    maps: RelicMaps
    global_moves: ClassVar[int] = 3

    @property
    def names(self) -> tuple[str, ...]:
        return self.box.names

    def to_parameters(self, q: Array) -> tuple[dict[str, Array], Array]:
        """Parameters at q, shape (n,), and log[prior(θ) |∂θ/∂q|]."""
        values, total = self.maps.to_parameters(dict(zip(self.names, q)))
        for name, prior, x in zip(self.names, self.box.priors, q):
            if name in values:
                total = total + prior.log_density(values[name])
            else:
                values[name] = prior.quantile(jax.nn.sigmoid(x))
                total = total + log_logistic(x)
        return values, total


def log_logistic(q: Array) -> Array:
    """log of the standard logistic density: log u(1−u), u = 1/(1+e^{−q})."""
    return jax.nn.log_sigmoid(q) + jax.nn.log_sigmoid(-q)


def make_coordinates(fit: Fit, lik: Likelihood) -> BoxCoordinates | RelicCoordinates:
    """Relic coordinates for a fit with a relic-density term and free (g, m_zp, m_dm), unless the fit file asks for box coordinates."""
    box = BoxCoordinates(fit.parameters, tuple(fit.priors.values()))
    names = RelicNames("g", "m_zp", "m_dm", "y" if "y" in fit.priors else None)
    needed = {names.coupling, names.mediator, names.dark}
    flat = all(fit.priors[name].flat for name in needed & set(fit.priors))
    if fit.sampler.coordinates == "box" or "Omega_h2" not in fit.terms or not needed <= set(fit.priors) or not flat:
        return box
    special = {*needed, names.quark}
    others = {name: float(prior.quantile(0.5)) for name, prior in fit.priors.items() if name not in special}
    return RelicCoordinates(box, scan_likelihood(lik, others, names, fit.priors))
