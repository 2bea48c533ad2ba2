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
from darkbeauty.inference.nuts import Draws
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.likelihood import Fit, Likelihood

PACKAGES = ("darkbeauty", "jax", "numpyro", "equinox", "optimistix", "arviz", "numpy")


def prepare_folder(out: str | Path) -> Path:
    """Create the output folder and prove that it can be written.

    Errors   InputError if not
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".write-test"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InputError([Problem(f"output folder {folder}", f"cannot be written: {error.strerror}")]) from error
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
        "terms": list(fit.terms),
        "input_sha256": input_hash(),
        "device": jax.devices()[0].device_kind,
        "python": platform.python_version(),
        **{f"version_{name}": version(name) for name in PACKAGES},
    }


def to_arviz(
    fit: Fit,
    lik: Likelihood,
    values: dict[str, np.ndarray],
    predictions: np.ndarray,
    draws: Draws,
    attrs: dict[str, Any],
) -> Any:
    """ArviZ data: posterior, posterior_predictive (mean predictions), sample_stats, observed_data."""
    labels = [request.label for request in lik.requests]
    stats = {
        "lp": -draws.potential,
        "n_steps": draws.steps,
        "acceptance_rate": draws.accept,
        "diverging": draws.diverging,
        "energy": draws.energy,
    }
    groups = {
        "posterior": _dataset(values, attrs),
        "posterior_predictive": xr.Dataset(
            {"prediction": (("chain", "draw", "observable"), predictions)}, {"observable": labels}
        ),
        "sample_stats": _dataset(stats, {}),
        "observed_data": xr.Dataset(
            {"value": (("observable",), lik.values), "sigma": (("observable",), np.sqrt(np.diag(lik.covariance)))},
            {"observable": labels},
        ),
    }
    if hasattr(az, "InferenceData"):
        data = az.InferenceData(**groups)
        data.attrs.update(attrs)
        return data
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update(attrs)
    return tree


def _dataset(columns: dict[str, np.ndarray], attrs: dict[str, Any]) -> xr.Dataset:
    return xr.Dataset({name: (("chain", "draw"), np.asarray(column)) for name, column in columns.items()}, attrs=attrs)
