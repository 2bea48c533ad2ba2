"""A finished run as reports see it: everything read back from posterior.nc."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from darkbeauty.errors import InputError, Problem
from darkbeauty.inference.checking.diagnostics import ParameterSummary, most_moved, summarise
from darkbeauty.likelihoods import TERMS, Fit
from darkbeauty.likelihoods.covariance import whiten
from darkbeauty.prediction import parse, words_of
from darkbeauty.report.stored_run import FILE, GROUPS, Groups, entries, fit_of, read_groups
from darkbeauty.status import Status


@dataclass(frozen=True)
class TermFit:
    """A likelihood term at the best draw: its observables' places in the vector of predictions, χ², and the largest pull."""

    name: str
    about: str
    places: tuple[int, ...]
    chi2: float
    worst: str
    worst_pull: float


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
    def covariance(self) -> np.ndarray:
        """Total covariance of the data, as stored or built again from the terms of the fit file."""
        return self.fit.likelihood().covariance if self.stored_covariance is None else self.stored_covariance

    @cached_property
    def slices(self) -> dict[str, tuple[int, ...]]:
        """Term → places of its observables."""
        sizes = {name: len(TERMS[name].predicted(self.fit.model)) for name in entries(self.attrs["terms"])}
        ends = np.cumsum(list(sizes.values()))
        return {name: tuple(range(end - size, end)) for (name, size), end in zip(sizes.items(), ends)}

    @cached_property
    def experiment(self) -> np.ndarray:
        """Errors of the data alone, shape (n,)."""
        return np.concatenate([np.sqrt(np.diag(TERMS[name].data().covariance)) for name in self.slices])

    @property
    def theory(self) -> np.ndarray:
        """Theory errors, shape (n,): what the total error has besides the experiment's."""
        return np.sqrt(np.maximum(self.sigma**2 - self.experiment**2, 0.0))

    @cached_property
    def chi2(self) -> dict[str, np.ndarray]:
        """χ² of every term alone, with its correlations, at every draw: (chains, draws)."""
        return {name: self._chi2(list(places)) for name, places in self.slices.items()}

    @cached_property
    def total_chi2(self) -> np.ndarray:
        """χ² of all terms at every draw: the sum over terms where these have no theory errors in common."""
        return self._chi2(list(range(len(self.values))))

    def _chi2(self, places: list[int]) -> np.ndarray:
        whitening, _ = whiten(self.covariance[np.ix_(places, places)])
        return np.sum(((self.predictions - self.values)[..., places] @ whitening.T) ** 2, axis=-1)

    @cached_property
    def best(self) -> tuple[int, int]:
        """(chain, draw) of the smallest total χ²."""
        total = np.where(np.isfinite(self.total_chi2), self.total_chi2, np.inf)
        chain, draw = np.unravel_index(np.argmin(total), total.shape)
        return int(chain), int(draw)

    @cached_property
    def pulls(self) -> np.ndarray:
        """(prediction − data)/σ at the best draw, shape (n,)."""
        return (self.predictions[self.best] - self.values) / self.sigma

    def terms(self) -> list[TermFit]:
        """Every term at the best draw."""
        rows = []
        for name, places in self.slices.items():
            worst = max(places, key=lambda i: abs(self.pulls[i]))
            chi2 = float(self.chi2[name][self.best])
            rows.append(TermFit(name, TERMS[name].about, places, chi2, self.labels[worst], float(self.pulls[worst])))
        return rows

    @cached_property
    def remarks(self) -> dict[str, tuple[str, ...]]:
        """What a reader should know of predictions at the best draw, by observable."""
        model = self.fit.model
        values = zip(parse(model, self.labels), self.predictions[self.best])
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
    groups = {name: _dataset(data[name]) for name in GROUPS}
    return _assemble(fit or fit_of(groups["posterior"].attrs), groups)


def _assemble(fit: Fit, groups: Groups) -> Result:
    posterior, stats, observed = groups["posterior"], groups["sample_stats"], groups["observed_data"]
    names = [str(name) for name in posterior["nuisance"].values] if "nuisances" in posterior else []
    return Result(
        fit=fit,
        draws={name: np.asarray(posterior[name]) for name in fit.parameters},
        predictions=np.asarray(groups["posterior_predictive"]["prediction"]),
        stats={str(name): np.asarray(column) for name, column in stats.data_vars.items()},
        labels=tuple(str(label) for label in observed["observable"].values),
        values=np.asarray(observed["value"]),
        sigma=np.asarray(observed["sigma"]),
        attrs=dict(posterior.attrs),
        inputs={name: np.asarray(posterior["nuisances"][..., i]) for i, name in enumerate(names)},
        stored_covariance=np.asarray(observed["covariance"]) if "covariance" in observed else None,
    )


def _dataset(group: Any) -> xr.Dataset:
    return group if isinstance(group, xr.Dataset) else group.to_dataset()
