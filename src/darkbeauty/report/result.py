"""A finished run as reports see it: everything read back from posterior.nc."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from darkbeauty.errors import InputError, Problem
from darkbeauty.inference.checking.diagnostics import ParameterSummary, most_moved, summarise
from darkbeauty.inference.storage.arviz_groups import groups_of, predictions_of
from darkbeauty.likelihoods import Fit
from darkbeauty.likelihoods.part import Gaussian, Part
from darkbeauty.likelihoods.term import gaussian
from darkbeauty.observables import Request
from darkbeauty.prediction import parse, words_of
from darkbeauty.report.stored_run import FILE, Groups, data_of, entries, fit_of, read_groups
from darkbeauty.status import Status


@dataclass(frozen=True)
class TermFit:
    """A likelihood term at the best draw: χ² of how many numbers, and its pulls by what is compared."""

    name: str
    about: str
    chi2: float
    size: int
    pulls: dict[str, float]

    @property
    def worst(self) -> str:
        """What has the largest pull."""
        return max(self.pulls, key=lambda name: abs(self.pulls[name]))

    @property
    def worst_pull(self) -> float:
        return self.pulls[self.worst]


@dataclass(frozen=True)
class Result:
    """Draws of the parameters, (chains, draws) each; predictions, (chains, draws, n); sampler statistics; data; attributes of the run.

    inputs: draws of sampled Standard-Model inputs, in standard deviations from their central values.
    """

    fit: Fit
    draws: dict[str, np.ndarray]
    predictions: np.ndarray
    stats: dict[str, np.ndarray]
    labels: tuple[str, ...]
    values: np.ndarray
    sigma: np.ndarray
    attrs: dict[str, Any]
    stored_covariance: np.ndarray | None = None
    inputs: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def missed(self) -> tuple[str, ...]:
        """Convergence targets that the run missed."""
        return entries(self.attrs["missed_targets"])

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a converged run should be read with; of runs that were judged without, nothing."""
        return entries(self.attrs.get("warnings", ()))

    @property
    def headline(self) -> str:
        """ "converged", or "NOT converged" with what is missed."""
        return "NOT converged: " + "; ".join(self.missed) if self.missed else "converged"

    @cached_property
    def summary(self) -> list[ParameterSummary]:
        """Mean, quantiles, R̂ and effective sample sizes of every parameter."""
        return summarise(self.draws)

    @cached_property
    def moved(self) -> list[ParameterSummary]:
        """The sampled inputs that moved most."""
        return most_moved(summarise(self.inputs))

    @cached_property
    def measured(self) -> np.ndarray:
        """Places of the predictions that measured numbers stand beside."""
        return np.flatnonzero(np.isfinite(self.sigma))

    @cached_property
    def gaussian(self) -> Gaussian:
        """The measured numbers with their total covariance, as stored or built again from the terms of the fit file."""
        stored = self.stored_covariance
        covariance = (
            self.fit.likelihood().covariance if stored is None else stored[np.ix_(self.measured, self.measured)]
        )
        return Gaussian.of(self.values[self.measured], covariance)

    @cached_property
    def slices(self) -> dict[str, tuple[int, ...]]:
        """Term → places of its observables."""
        sizes = {name: len(self.fit.known[name].predicted(self.fit.model)) for name in entries(self.attrs["terms"])}
        ends = np.cumsum(list(sizes.values()))
        return {name: tuple(range(end - size, end)) for (name, size), end in zip(sizes.items(), ends)}

    @cached_property
    def experiment(self) -> np.ndarray:
        """Errors of the data alone, shape (n,); NaN where there is no measured number."""
        errors = np.full(len(self.labels), np.nan)
        for term in gaussian(self.fit.known[name] for name in self.slices):
            errors[list(self.slices[term.name])] = np.sqrt(np.diag(term.data().covariance))
        return errors

    @property
    def theory(self) -> np.ndarray:
        """Theory errors, shape (n,): what the total error has besides the experiment's."""
        return np.sqrt(np.maximum(self.sigma**2 - self.experiment**2, 0.0))

    @cached_property
    def alone(self) -> dict[str, Part]:
        """Every term as a part of its own."""
        parts: dict[str, Part] = {}
        for name, places in self.slices.items():
            own = slice(places[0], places[-1] + 1)
            measured = self.measured.size > places[0]
            parts[name] = self.gaussian.alone(own) if measured else self.fit.known[name].part(self.fit.model)
        return parts

    @cached_property
    def chi2(self) -> dict[str, np.ndarray]:
        """χ² of every term alone, with its correlations, at every draw: (chains, draws)."""
        return {name: part.chi2(self.predictions[..., self.slices[name]]) for name, part in self.alone.items()}

    @cached_property
    def total_chi2(self) -> np.ndarray:
        """χ² of all terms at every draw: the sum over terms where these have no theory errors in common."""
        whole = self.gaussian.chi2(self.predictions[..., self.measured])
        return whole + sum(chi2 for name, chi2 in self.chi2.items() if self.slices[name][0] >= self.measured.size)

    @property
    def size(self) -> int:
        """How many measured numbers χ² compares."""
        return sum(part.size for part in self.alone.values())

    @cached_property
    def best(self) -> tuple[int, int]:
        """(chain, draw) of the smallest total χ²."""
        total = np.where(np.isfinite(self.total_chi2), self.total_chi2, np.inf)
        chain, draw = np.unravel_index(np.argmin(total), total.shape)
        return int(chain), int(draw)

    def terms(self) -> list[TermFit]:
        """Every term at the best draw."""
        rows = []
        for name, part in self.alone.items():
            places = list(self.slices[name])
            compared = part.rows([self.labels[i] for i in places], self.predictions[self.best][places])
            chi2 = float(self.chi2[name][self.best])
            pulls = {row.observable: row.pull for row in compared}
            rows.append(TermFit(name, self.fit.known[name].about, chi2, part.size, pulls))
        return rows

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The predictions as what is known of them."""
        return parse(self.fit.model, self.labels)

    @cached_property
    def remarks(self) -> dict[str, tuple[str, ...]]:
        """What a reader should know of predictions at the best draw, by observable."""
        model = self.fit.model
        values = zip(self.requests, self.predictions[self.best])
        return {request.label: words_of(model, request, value, Status.SUCCESS) for request, value in values}

    def points(self, n: int) -> list[dict[str, float]]:
        """n parameter points spread evenly over the draws of all chains (all of them if there are fewer)."""
        flat = {name: values.ravel() for name, values in self.draws.items()}
        size = len(next(iter(flat.values())))
        return [
            {name: float(values[i]) for name, values in flat.items()}
            for i in np.unique(np.linspace(0, size - 1, n).astype(int))
        ]


def read_result(folder: str | Path, fit: Fit | None = None) -> Result:
    """The run in a folder.

    Args     fit: whose run it is, where its model is an object that no fit file gives again
    Errors   InputError as `stored_run.read_groups`
    """
    result = _assemble(*read_groups(folder, fit))
    if (size := sum(map(len, result.slices.values()))) != len(result.labels):
        message = f"its terms have {size} observables, and the data {len(result.labels)}"
        raise InputError([Problem(str(Path(folder) / FILE), message)])
    return result


def result_of(data: Any, fit: Fit | None = None) -> Result:
    """The same from ArviZ data in memory."""
    groups = groups_of(data)
    return _assemble(fit or fit_of(groups["posterior"].attrs), groups)


def _assemble(fit: Fit, groups: Groups) -> Result:
    posterior, stats, observed = groups["posterior"], groups["sample_stats"], data_of(groups)
    names = [str(name) for name in posterior["nuisance"].values] if "nuisances" in posterior else []
    return Result(
        fit=fit,
        draws={name: np.asarray(posterior[name]) for name in fit.parameters},
        predictions=np.asarray(predictions_of(groups)),
        stats={str(name): np.asarray(column) for name, column in stats.data_vars.items()},
        labels=tuple(str(label) for label in observed["observable"].values),
        values=np.asarray(observed["value"]),
        sigma=np.asarray(observed["sigma"]),
        attrs=dict(posterior.attrs),
        inputs={name: np.asarray(posterior["nuisances"][..., i]) for i, name in enumerate(names)},
        stored_covariance=np.asarray(observed["covariance"]) if "covariance" in observed else None,
    )
