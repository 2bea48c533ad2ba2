"""A run as ArviZ data: groups, dimensions and names as ArviZ has them, so that its plots and statistics find what they look for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from darkbeauty.likelihoods import Likelihood
from darkbeauty.likelihoods.part import Gaussian
from darkbeauty.observables import Request

DRAW = ("chain", "draw")


def to_arviz(
    lik: Likelihood,
    values: Mapping[str, np.ndarray],
    predictions: np.ndarray | None,
    stats: Mapping[str, np.ndarray],
    attrs: Mapping[str, Any],
    nuisances: Mapping[str, np.ndarray] | None = None,
) -> Any:
    """ArviZ data of draws (chains, draws).

    posterior: parameters; observed_data: the measured numbers (`value`); constant_data: their total errors and covariance; posterior_predictive: data as they would be
    measured again, by the same name; predictions: mean predictions of everything the terms ask for (`prediction`); log_likelihood: ln L of every term (`terms`); sample_stats.
    Of an unfinished run there are no predictions, no posterior_predictive and no log_likelihood. Symbols, units and meanings are attributes, of predictions coordinates.
    Args     nuisances: draws of the sampled ones by name; they become one variable, `nuisances`, of the posterior
    """
    attrs, measured = plain_attributes(attrs), _labels(lik)[: len(lik.values)]
    at = {"measured": measured, "measured_2": measured}
    groups = {
        "posterior": _posterior(lik, values, nuisances or {}, attrs),
        **_predictive(lik, predictions, int(attrs["seed"])),
        "sample_stats": _dataset(stats),
        "observed_data": xr.Dataset({"value": ("measured", np.asarray(lik.values))}, {"measured": measured}),
        "constant_data": xr.Dataset(
            {
                "sigma": ("measured", np.sqrt(np.diag(lik.covariance))),
                "covariance": (("measured", "measured_2"), lik.covariance),
            },
            at,
        ),
    }
    if version("arviz").startswith("0."):  # ArviZ 1 uses xarray's own tree
        data = az.InferenceData(**groups)  # pyright: ignore[reportArgumentType]
        data.attrs.update(attrs)
        return data
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update(attrs)
    return tree


def groups_of(data: Any) -> dict[str, xr.Dataset]:
    """Groups of ArviZ data, of any version."""
    if isinstance(data, xr.DataTree):
        return {name: node.to_dataset() for name, node in data.children.items()}
    return {name: data[name] for name in data.groups()}


def predictions_of(groups: Mapping[str, xr.Dataset]) -> xr.DataArray | None:
    """Mean predictions (chain, draw, observable); of an older file, from where they stood then; None of an unfinished run."""
    homes = [groups[name] for name in ("predictions", "posterior_predictive") if name in groups]
    return next((home["prediction"] for home in homes if "prediction" in home), None)


def size_of(data: Any) -> int:
    """Bytes of the numbers of ArviZ data."""
    return sum(variable.nbytes for group in groups_of(data).values() for variable in group.variables.values())


def term_log_likelihoods(lik: Likelihood, predictions: np.ndarray) -> dict[str, np.ndarray]:
    """ln L of every term from predictions (…, n), of terms with theory errors in common given the data of the others: what leave-one-out cross-validation takes (arXiv:1810.10559).

    Of independent terms, the sum is ln L.
    """
    by_name = lik.by_term(predictions)
    measured = len(lik.values)
    if not measured:
        return by_name
    precision = lik.whitening.T @ lik.whitening
    residuals = predictions[..., :measured] - lik.values
    for term, (start, stop) in zip(lik.terms, lik.slices):
        if stop <= measured:
            own = slice(start, stop)
            sigma = 1.0 / np.sqrt(np.diag(precision)[own])
            inverse = np.linalg.inv(precision[own, own] * np.outer(sigma, sigma))
            given_others = Gaussian.of(np.zeros(stop - start), inverse * np.outer(sigma, sigma))
            pulled = residuals @ (precision[:, own] @ given_others.covariance)
            value = np.asarray(given_others.log_prob_of(jnp.asarray(pulled)))
            by_name[term.name] = np.where(np.isfinite(value), value, -np.inf)
    return by_name


def _posterior(
    lik: Likelihood, values: Mapping[str, np.ndarray], nuisances: Mapping[str, np.ndarray], attrs: Mapping[str, Any]
) -> xr.Dataset:
    posterior = _dataset(values).assign_attrs(attrs)
    known = {parameter.name: parameter for parameter in lik.model.parameters}
    for name in values:
        parameter = known[name]
        posterior[name].attrs = {"long_name": parameter.meaning, "units": parameter.unit, "tex": parameter.tex}
    if nuisances:
        posterior = posterior.assign_coords(nuisance=list(nuisances))
        posterior["nuisances"] = (*DRAW, "nuisance"), np.stack(list(nuisances.values()), axis=-1)
    return posterior


def _predictive(lik: Likelihood, predictions: np.ndarray | None, seed: int) -> dict[str, xr.Dataset]:
    """Predictions, data that might be measured, and likelihoods of terms."""
    if predictions is None:
        return {}
    measured = len(lik.values)
    at_draws = predictions[..., :measured]
    again = lik.gaussian.simulate(jax.random.key(seed), at_draws.reshape(-1, measured)).reshape(at_draws.shape)
    means = xr.Dataset(
        {"prediction": ((*DRAW, "observable"), predictions)}, {**_counted(predictions), **_signs(lik.requests)}
    )
    predictive = xr.Dataset(
        {"value": ((*DRAW, "measured"), again)}, {**_counted(predictions), "measured": _labels(lik)[:measured]}
    )
    terms = term_log_likelihoods(lik, predictions)
    table = ((*DRAW, "term"), np.stack(list(terms.values()), axis=-1))
    likelihoods = xr.Dataset({"terms": table}, {**_counted(predictions), "term": list(terms)})
    return {"predictions": means, "posterior_predictive": predictive, "log_likelihood": likelihoods}


def _signs(requests: tuple[Request, ...]) -> dict[str, Any]:
    """Labels, symbols and units of predictions as coordinates."""
    columns = {"observable": "label", "tex": "tex", "unit": "unit"}
    return {name: ("observable", [getattr(request, of) for request in requests]) for name, of in columns.items()}


def _labels(lik: Likelihood) -> list[str]:
    return [request.label for request in lik.requests]


def _dataset(columns: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Variables of shape (chains, draws)."""
    counted = _counted(next(iter(columns.values()))) if columns else {}
    return xr.Dataset({name: (DRAW, np.asarray(column)) for name, column in columns.items()}, counted)


def _counted(values: np.ndarray) -> dict[str, np.ndarray]:
    """Coordinates of chains and draws: their numbers."""
    return {name: np.arange(size) for name, size in zip(DRAW, np.shape(values))}


def plain_attributes(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as ArviZ and xarray can compare, join and write them, also when they come back from a file: texts and floats.

    An integer is a float, or a text where that would not be exact; a list has one entry a line.
    """
    return {name: _plain(value) for name, value in attrs.items()}


def _plain(value: Any) -> str | float:
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and int(float(value)) != value else float(value)
