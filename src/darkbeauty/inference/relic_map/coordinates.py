r"""Coordinates that straighten the sheet Ωh² = measured.

For a fit with a relic-density term, (y, g, m_zp, m_dm) is concentrated on a thin curved surface with a funnel at the resonance r = m_zp/2m_dm = 1,
and a narrow Z′ cuts off the quark coupling y where it enters a bin. A quick survey of the posterior (`darkbeauty.inference.relic_map.survey`) gives
nested conditional quantile functions of m_zp, r, y and g (`darkbeauty.inference.relic_map.quantile_maps`). The survey only has to be roughly right: the
density that is drawn from carries the exact Jacobian, so the posterior does not depend on it. Because a logistic distribution of q is then close to the
posterior, draws of it also serve as proposals that cross from mode to mode.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
from jax import Array

from darkbeauty.inference.coordinates import BoxCoordinates, Coordinates, box_of, log_logistic
from darkbeauty.inference.relic_map.quantile_maps import RelicMaps, RelicNames
from darkbeauty.inference.relic_map.survey import survey_likelihood
from darkbeauty.likelihoods import Fit, Likelihood


class RelicCoordinates(Coordinates):
    """Coordinates along and across the relic-density sheet for (g, m_zp, m_dm); box coordinates for the rest."""

    names: tuple[str, ...] = eqx.field(static=True)
    box: BoxCoordinates
    maps: RelicMaps
    follows_posterior: ClassVar[bool] = True

    def to_parameters(self, q: Array) -> tuple[dict[str, Array], Array]:
        values, total = self.maps.to_parameters(dict(zip(self.names, q)))
        for name, prior, x in zip(self.names, self.box.priors, q):
            if name in values:
                total = total + prior.log_density(values[name])
            else:
                values[name] = prior.quantile(jax.nn.sigmoid(x))
                total = total + log_logistic(x)
        return values, total


def relic_coordinates(fit: Fit, lik: Likelihood) -> BoxCoordinates | RelicCoordinates:
    """Relic coordinates for a fit with a relic-density term and free (g, m_zp, m_dm), unless the fit file asks for box coordinates."""
    box = box_of(fit.priors)
    names = RelicNames("g", "m_zp", "m_dm", "y" if "y" in fit.priors else None)
    needed = {names.coupling, names.z_prime, names.dark}
    flat = all(fit.priors[name].flat for name in needed & set(fit.priors))
    if fit.sampler.coordinates == "box" or "Omega_h2" not in fit.terms or not needed <= set(fit.priors) or not flat:
        return box
    special = {*needed, names.quark}
    others = {name: float(prior.quantile(0.5)) for name, prior in fit.priors.items() if name not in special}
    return RelicCoordinates(box.names, box, survey_likelihood(lik, others, names, fit.priors))
