"""posterior.nc as it is on disk, checked against what a run writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any
from darkbeauty.inference.storage.arviz_groups import predictions_of
from darkbeauty.likelihoods import TERMS, Fit
from darkbeauty.likelihoods.fit_file import parse_fit

FILE = "posterior.nc"
GROUPS, CONSTANT = ("posterior", "sample_stats", "observed_data"), "constant_data"
"""Groups that every file has; the one of errors, which in older files stand with the data, NaN where a prediction has no measured number beside it."""
ATTRIBUTES = ("fit_name", "fit_file", "seed", "terms", "missed_targets", "input_sha256", "device", "python")
"""Attributes that every run has."""
Groups = Mapping[str, xr.Dataset]


def read_groups(folder: str | Path, fit: Fit | None = None) -> tuple[Fit, Groups]:
    """The fit and the data of the run in a folder.

    Args     fit: whose run it is, where its model is an object that no fit file gives again
    Errors   InputError if there is none, or naming everything that is missing or of another shape than a run writes, or a fit file that this
             version of the package cannot read
    """
    path = Path(folder) / FILE
    if not path.is_file():
        raise InputError([Problem(str(folder), f"holds no {FILE}", "the output folder of darkbeauty fit")])
    try:
        with h5py.File(path) as file:
            names = [*GROUPS, *({CONSTANT, "predictions", "posterior_predictive"} & set(file))]
        groups = {name: xr.load_dataset(path, group=name, engine="h5netcdf") for name in names}
    except Exception as error:  # whatever HDF5 makes of it
        raise InputError([Problem(str(path), f"cannot be read as a posterior: {error}")]) from error
    problems: list[Problem] = []
    fit = fit or attempt(lambda: fit_of(groups["posterior"].attrs), problems)
    problems += _check_data(groups, fit)
    raise_if_any([replace(problem, path=f"{path}: {problem.path}") for problem in problems])
    assert fit is not None
    return fit, groups


def fit_of(attrs: Mapping[Any, Any]) -> Fit:
    """The fit that the attributes of a run hold.

    Errors   InputError naming every attribute that is missing, or the problems of the fit file
    """
    raise_if_any(
        [Problem(name, "this attribute of the posterior is missing") for name in ATTRIBUTES if name not in attrs]
    )
    seed_of(attrs)
    problems: list[Problem] = []
    fit = attempt(lambda: parse_fit(str(attrs["fit_file"]), f"{attrs['fit_name']}.toml"), problems)
    known = fit.known if fit else TERMS
    problems += [Problem("terms", f"unknown term {name!r}") for name in entries(attrs["terms"]) if name not in known]
    raise_if_any(problems)
    assert fit is not None
    return fit


def seed_of(attrs: Mapping[Any, Any]) -> int:
    """The seed of a run, which is stored as a number or, where that is not exact, as a text.

    Errors   InputError if it is none
    """
    try:
        return int(attrs["seed"])
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError([Problem("seed", f"{attrs['seed']!r} is no seed")]) from error


def entries(attribute: Any) -> tuple[Any, ...]:
    """The entries of an attribute that is a list: one a line; of older files an array, or a string where there is only one."""
    return tuple(attribute.splitlines()) if isinstance(attribute, str) else tuple(np.ravel(attribute).tolist())


def _check_data(groups: Groups, fit: Fit | None) -> list[Problem]:
    """Variables that are missing or have the wrong shape."""
    posterior, predictions = groups["posterior"], predictions_of(groups)
    if predictions is None:
        return [Problem(FILE, "is of an unfinished run", "darkbeauty fit … --resume finishes it")]
    if len(predictions.shape) != 3 or 0 in predictions.shape:
        return [Problem("prediction", f"has shape {predictions.shape}", "(chains, draws, observables)")]
    draws, size = predictions.shape[:2], predictions.shape[2]
    wanted = _wanted_data(groups, size)
    wanted |= {
        f"sample_stats.{name}": (groups["sample_stats"], name, draws) for name in groups["sample_stats"].data_vars
    }
    wanted |= {f"posterior.{name}": (posterior, name, draws) for name in (fit.parameters if fit else ())}
    if "nuisances" in posterior:
        known = posterior["nuisance"].shape if "nuisance" in posterior.coords else (0,)
        wanted["posterior.nuisances"] = posterior, "nuisances", (*draws, *known)
    return [problem for place, what in wanted.items() for problem in _check_variable(place, *what)]


def _wanted_data(groups: Groups, predictions: int) -> dict[str, tuple[xr.Dataset, Any, tuple[int, ...]]]:
    """Measured numbers, their errors and covariance: by place the group, the name and the shape; of an older file, in one group and as many as predictions."""
    observed = groups["observed_data"]
    if CONSTANT in groups:
        size = observed.sizes.get("measured", 0)
        errors = groups[CONSTANT]
        return {
            "observed_data.value": (observed, "value", (size,)),
            f"{CONSTANT}.sigma": (errors, "sigma", (size,)),
            f"{CONSTANT}.covariance": (errors, "covariance", (size, size)),
            "predictions.observable": (groups["predictions"], "observable", (predictions,)),
        }
    size = predictions
    wanted = {f"observed_data.{name}": (observed, name, (size,)) for name in ("observable", "value", "sigma")}
    covariance = (
        {"observed_data.covariance": (observed, "covariance", (size, size))} if "covariance" in observed else {}
    )
    return wanted | covariance


def data_of(groups: Groups) -> xr.Dataset:
    """`value`, `sigma` and, but for the oldest files, `covariance` by `observable`, NaN where a prediction has no measured number beside it."""
    if CONSTANT not in groups:
        return groups["observed_data"]
    labels = groups["predictions"]["observable"].values
    errors = groups[CONSTANT]
    parts = {
        "value": groups["observed_data"]["value"].values,
        "sigma": errors["sigma"].values,
        "covariance": errors["covariance"].values,
    }
    padded = {name: np.pad(part, (0, len(labels) - len(part)), constant_values=np.nan) for name, part in parts.items()}
    places = {"value": "observable", "sigma": "observable", "covariance": ("observable", "observable_2")}
    return xr.Dataset({name: (places[name], part) for name, part in padded.items()}, {"observable": labels})


def _check_variable(place: str, group: xr.Dataset, name: Any, shape: tuple[int, ...]) -> Iterator[Problem]:
    if name not in group:
        yield Problem(place, "is missing")
    elif group[name].shape != shape:
        yield Problem(place, f"has shape {group[name].shape}", str(shape))
    elif name != "observable" and group[name].dtype.kind not in "fiub":
        yield Problem(place, "has no numbers")
