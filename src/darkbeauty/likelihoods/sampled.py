r"""A likelihood in which the uncertain inputs are parameters: theory errors without the linear approximation, and shared by all terms.

log L(θ, ν) has the experimental covariance and predictions at the inputs that ν gives. Terms with a relative theory error keep it as a Gaussian, and are
evaluated at central inputs, as where theory errors are in the covariance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import InputError, Problem
from darkbeauty.evaluation import Values, evaluate
from darkbeauty.flavour.nodal_rates import NodalRates, nodal_rates
from darkbeauty.flavour.verification import NODAL_TOLERANCE, nodal_deviations
from darkbeauty.inputs import SMInputs
from darkbeauty.likelihoods.build import Likelihood, TermReport, with_covariance
from darkbeauty.likelihoods.covariance import jacobian_of, shifted, with_theory
from darkbeauty.likelihoods.nuisances import Nuisances, split
from darkbeauty.likelihoods.term import Term
from darkbeauty.likelihoods.theory import at_inputs
from darkbeauty.models import Model
from darkbeauty.models.base import sectors_of
from darkbeauty.models.sectors import Theory
from darkbeauty.models.wet import Wet
from darkbeauty.numerics.compiled import compiled
from darkbeauty.observables import Results, Source
from darkbeauty.prediction import parse
from darkbeauty.tables import Tabulated, accurate, channel_of, slots_of

STEPS, DELTA = 5, 0.1
"""Gauss–Newton steps towards the most probable ν, and half the step of its differences."""


class ShiftedRates(eqx.Module):
    """Binned b → sℓℓ rates of a likelihood at any inputs: of every process, and what they are."""

    rates: tuple[NodalRates, ...]
    contents: tuple[Tabulated, ...] = eqx.field(static=True)

    def results(self, p: Theory) -> dict[Source, Results]:
        """Results as the sources themselves would give, of the rates that somebody reads."""
        return {tabulated.source: tabulated.results(rates(p)) for rates, tabulated in zip(self.rates, self.contents)}


class Frame(NamedTuple):
    """Of a point θ: the parameters, the middle of ν | θ, predictions that ν does not shift."""

    params: dict[str, Array]
    centre: Array
    fixed: Values


class SampledLikelihood(eqx.Module):
    r"""log L(θ, ν) of the terms of a likelihood, ν being independent standard normal numbers.

    given: the likelihood of given predictions, with the errors that ν does not stand for; shifted: places of the predictions that ν shifts;
    start: the most probable ν of the Standard Model, where the next two are from: step times (ν; data − predictions) leads from a ν close to the
    most probable one to it, and root rootᵀ is the covariance of ν given θ.
    """

    given: Likelihood
    nuisances: Nuisances
    rates: ShiftedRates
    start: np.ndarray
    step: np.ndarray
    root: np.ndarray
    shifted: tuple[int, ...] = eqx.field(static=True)

    @property
    def size(self) -> int:
        """How many nuisances are parameters."""
        return self.nuisances.size

    @property
    def nuisance_names(self) -> tuple[str, ...]:
        """Names of the uncertain inputs whose pulls `observe` gives."""
        return self.nuisances.names

    @property
    def terms(self) -> tuple[Term, ...]:
        return self.given.terms

    @property
    def model(self) -> Model:
        return self.given.model

    def log_prob(self, params: Mapping[str, Any], nu: Array) -> Array:
        """log L(θ, ν) p(ν), normalised in data and ν: its integral over ν is the marginal likelihood. −inf as there.

        Pure: jit, vmap, differentiate. Args     nu: shape (size,)
        """
        return self._log_prob_of(nu, self.predictions(params, nu))

    def evaluate(self, params: Mapping[str, Any], nu: Array) -> Values:
        """Predictions of every entry of every term, NaN where there is none, and how each ended; shape (n,)."""
        return self._joined(self._fixed(params), self._moved(params, nu))

    def predictions(self, params: Mapping[str, Any], nu: Array) -> Array:
        """Predictions of every entry of every term, shape (n,)."""
        return self.evaluate(params, nu).value

    def log_density(self, params: Mapping[str, Any], eta: Array) -> Array:
        """log L(θ, ν) p(ν) |∂ν/∂η| at standard normal numbers η, with which ν | θ has about its posterior distribution."""
        return self.log_density_in(self.frame(params), eta)

    def frame(self, params: Mapping[str, Any]) -> Frame:
        """Everything that does not depend on η."""
        moved = self._moved(params, jnp.asarray(self.start)).value
        values = self.given.values[np.asarray(self.shifted)]
        residual = values - jnp.where(jnp.isfinite(moved), moved, values)
        centre: Any = self.start + self.step @ jnp.concatenate([self.start, residual])
        return Frame(dict(params), centre, self._fixed(params))

    def log_density_in(self, frame: Frame, eta: Array) -> Array:
        """log density of η in the frame of θ."""
        nu = self._nu(frame, eta)
        predictions = self._joined(frame.fixed, self._moved(frame.params, nu)).value
        log_volume = jnp.sum(jnp.log(jnp.diag(self.root)))
        return self._log_prob_of(nu, predictions) + log_volume

    def observe(self, params: Mapping[str, Any], eta: Array) -> tuple[Values, Array]:
        """Predictions and pulls of the inputs at η."""
        nu = self._nu(self.frame(params), eta)
        return self.evaluate(params, nu), self.nuisances.pulls(nu)

    def explain(self, params: Mapping[str, Any], nu: Array | None = None) -> list[TermReport]:
        """Prediction, data and pull (in experimental errors) of every observable, at central inputs unless ν is given."""
        nu = jnp.zeros(self.size) if nu is None else nu
        return self.given.report(*_values(self, self.given.arrays(params), jnp.asarray(nu)))

    def _nu(self, frame: Frame, eta: Array) -> Array:
        return frame.centre + self.root @ eta

    def _joined(self, fixed: Values, moved: Values) -> Values:
        """Predictions in their order."""
        return jax.tree.map(lambda whole, part: whole.at[np.asarray(self.shifted)].set(part), fixed, moved)

    def _moved(self, params: Mapping[str, Any], nu: Array) -> Values:
        inputs = self.nuisances.inputs(nu)
        requests = tuple(self.given.requests[i] for i in self.shifted)
        return evaluate(at_inputs(self.model.at(params), inputs), requests, self.rates.results)

    def _fixed(self, params: Mapping[str, Any]) -> Values:
        """Predictions that ν does not shift, 0 in place of the others."""
        size = len(self.given.requests)
        places = tuple(i for i in range(size) if i not in self.shifted)
        nothing = Values(jnp.zeros(size), jnp.zeros(size, int))
        if not places:
            return nothing
        requests = tuple(self.given.requests[i] for i in places)
        own = evaluate(self.model.at(params), requests, self.given.tables.missing_energy)
        return jax.tree.map(lambda whole, part: whole.at[np.asarray(places)].set(part), nothing, own)

    def _log_prob_of(self, nu: Array, predictions: Array) -> Array:
        log_prior = -0.5 * nu @ nu - 0.5 * self.size * np.log(2.0 * np.pi)
        return self.given.log_prob_of(predictions) + log_prior


@compiled
def _values(lik: SampledLikelihood, params: dict[str, Any], nu: Array) -> tuple[Array, Array]:
    """Predictions, and how each ended."""
    values = lik.evaluate(params, nu)
    return values.value, values.status


def sample_nuisances(lik: Likelihood) -> SampledLikelihood:
    """The likelihood with the same terms whose nuisances are parameters; those too weak to matter stay in the covariance.

    Errors   InputError where none is strong enough
    """
    places = shifted(lik.terms)
    error = np.sqrt(np.diag(lik.covariance))[list(places)]
    nuisances, rest = split(lik.model.sm, jacobian_of(lik.terms), error)
    if not nuisances.size:
        reason = "no uncertain input moves two predictions of the fit: there is nothing to be sampled"
        raise InputError([Problem("likelihood.theory", reason, "marginal, correlated")])
    given = with_covariance(lik, with_theory(lik.terms, rest))
    rates = _rates(lik)
    labels = tuple(label for term in lik.terms if term.relative_theory is None for label in term.observables)
    own = (given.values[list(places)], given.whitening[np.ix_(places, places)])
    return SampledLikelihood(
        given, nuisances, rates, *most_probable(lik.model.sm, labels, nuisances, rates, *own), places
    )


def most_probable(
    sm: SMInputs,
    labels: tuple[str, ...],
    nuisances: Nuisances,
    rates: ShiftedRates,
    values: np.ndarray,
    whitening: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The most probable ν of the Standard Model by Gauss–Newton steps, the matrix of such a step there, and a root of the covariance."""
    model = Wet(sm=sm)
    requests = parse(model, labels)

    @compiled
    def shift(model, nuisances, rates, points):
        at = lambda nu: evaluate(at_inputs(model, nuisances.inputs(nu)), requests, rates.results).value
        return jax.lax.map(at, points)

    unit = np.eye(nuisances.size)
    nu = np.zeros(nuisances.size)
    for _ in range(STEPS):
        shifted = np.asarray(
            shift(model, nuisances, rates, np.concatenate([nu + DELTA * unit, nu - DELTA * unit, nu[None]]))
        )
        up, down = shifted[:-1].reshape(2, nuisances.size, len(labels))
        slope = whitening @ (up - down).T / (2.0 * DELTA)
        root = np.linalg.inv(np.linalg.cholesky(unit + slope.T @ slope)).T
        step = root @ root.T @ np.concatenate([-unit, slope.T @ whitening], axis=1)
        start, nu = nu, nu + step @ np.concatenate([nu, values - shifted[-1]])
    return start, step, root


def _rates(lik: Likelihood) -> ShiftedRates:
    """What the tables of a likelihood hold, but for bins that nodes miss: those stay with the amplitude code."""
    sm, wilson = lik.model.sm, sectors_of(lik.model).wilson
    rates, contents = [], []
    for tabulated in (tabulated for group in lik.tables.contents for tabulated in group):
        channel = channel_of(lik.model, tabulated)
        process = channel.integrand.mode, channel.integrand.lepton
        made = nodal_rates(sm, *process, tabulated.bins, tabulated.names)
        good = nodal_deviations(sm, channel, made, *slots_of(wilson.of(tabulated.quarks))) <= NODAL_TOLERANCE
        if left := accurate(channel, good, NODAL_TOLERANCE):
            contents.append(tabulated._replace(bins=left))
            rates.append(made if np.all(good) else nodal_rates(sm, *process, left, tabulated.names))
    return ShiftedRates(tuple(rates), tuple(contents))
