"""A run as ArviZ data on disk: draws, predictions, sampler statistics, and everything needed to repeat it."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import arviz as az
import jax
import numpy as np
import xarray as xr

from darkbeauty.errors import InputError, Problem
from darkbeauty.files import check_folder, unwritable, write_atomically
from darkbeauty.inference.sharding import agreed, is_first_process
from darkbeauty.inference.storage.checkpoint import package_hash
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.likelihoods import Fit, Likelihood
from darkbeauty.likelihoods.term import ordered

PACKAGES = ("darkbeauty", "jax", "numpyro", "equinox", "arviz", "numpy")
OVERHEAD = 2**18
"""Bytes of a netCDF file besides its numbers."""
NUMERICAL = ("jax", "jaxlib", "numpyro", "equinox", "numpy", "scipy")
"""Packages whose version may change the last digit of a draw."""


def prepare_folder(out: str | Path) -> Path:
    """Create the output folder and prove that it can be written (the first process does, where there are several).

    Errors   InputError if not, in every process
    """
    folder, problems = Path(out), []
    if is_first_process():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            problems = check_folder(folder)
        except OSError as error:
            problems = [unwritable(f"output folder {folder}", error)]
    if agreed(bool(problems)):
        raise InputError(problems or [Problem(f"output folder {folder}", "cannot be written by the first process")])
    return folder


def input_hash() -> str:
    """SHA-256 of all Standard-Model inputs with their errors and sources."""
    return hashlib.sha256(json.dumps(parameter_records(), sort_keys=True).encode()).hexdigest()


def attributes(fit: Fit, seed: int) -> dict[str, Any]:
    """What identifies a run: fit file, seed, versions, machine, hash of the inputs."""
    return {
        "fit_name": fit.name,
        "fit_file": fit.text,
        "seed": seed,
        "terms": [term.name for term in ordered(fit.known[name] for name in fit.terms)],
        "input_sha256": input_hash(),
        "device": jax.devices()[0].device_kind,
        "python": platform.python_version(),
        **{f"version_{name}": version(name) for name in PACKAGES},
    }


def identity(fit: Fit, attrs: dict[str, Any], sampler: dict[str, str]) -> dict[str, str]:
    """What the draws of a run depend on, by name: a run is resumed only where all of it is the same. sampler: what they depend on of its settings."""
    names = {"seed": "seed", "input_sha256": "inputs", "device": "device"}
    versions = {f"version of {name}": version(name) for name in NUMERICAL}
    return {
        **fit.content(),
        **sampler,
        **{label: str(attrs[name]) for name, label in names.items()},
        "devices": str(jax.device_count()),
        "code and data of darkbeauty": package_hash(),
        **versions,
    }


def to_arviz(
    lik: Likelihood,
    values: dict[str, np.ndarray],
    predictions: np.ndarray | None,
    stats: dict[str, np.ndarray],
    attrs: dict[str, Any],
    nuisances: dict[str, np.ndarray] | None = None,
) -> Any:
    """ArviZ data: posterior, posterior_predictive (mean predictions, if there are any), sample_stats, observed_data.

    Observed values, errors and covariances are NaN for predictions that no measured number stands beside.
    Args     nuisances: draws of the sampled ones by name; they become one variable, `nuisances`, of the posterior
    """
    labels, attrs = [request.label for request in lik.requests], plain_attributes(attrs)
    padded = lambda array: np.pad(array, (0, len(labels) - len(array)), constant_values=np.nan)
    table = {} if predictions is None else {"prediction": (("chain", "draw", "observable"), predictions)}
    posterior = _dataset(values, attrs)
    if nuisances:
        posterior = posterior.assign_coords(nuisance=list(nuisances))
        posterior["nuisances"] = ("chain", "draw", "nuisance"), np.stack(list(nuisances.values()), axis=-1)
    groups = {
        "posterior": posterior,
        "posterior_predictive": xr.Dataset(table, {"observable": labels}),
        "sample_stats": _dataset(stats, {}),
        "observed_data": xr.Dataset(
            {
                "value": (("observable",), padded(lik.values)),
                "sigma": (("observable",), padded(np.sqrt(np.diag(lik.covariance)))),
                "covariance": (("observable", "observable_2"), padded(lik.covariance)),
            },
            {"observable": labels},
        ),
    }
    if version("arviz").startswith("0."):  # ArviZ 1 uses xarray's own tree
        data = az.InferenceData(**groups)  # pyright: ignore[reportArgumentType]
        data.attrs.update(attrs)
        return data
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update(attrs)
    return tree


def plain_attributes(attrs: dict[str, Any]) -> dict[str, Any]:
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


def write_netcdf(data: Any, path: Path, size: int) -> None:
    """Write ArviZ data of `size` bytes as netCDF so that at any moment the old or the new file is there, whole.

    HDF5 may crash where a disk fills up under it, so the space is taken first, by an ordinary file.
    Errors   InputError if it cannot be written
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        write_atomically(beside, bytes(size + size // 4 + OVERHEAD))
        data.to_netcdf(str(beside))
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError([unwritable(path, error)]) from error


def _dataset(columns: dict[str, np.ndarray], attrs: dict[str, Any]) -> xr.Dataset:
    return xr.Dataset({name: (("chain", "draw"), np.asarray(column)) for name, column in columns.items()}, attrs=attrs)
