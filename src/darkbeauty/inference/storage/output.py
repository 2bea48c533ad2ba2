"""A run as ArviZ data on disk: draws, predictions, sampler statistics, and everything needed to repeat it."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from darkbeauty.errors import InputError, Problem
from darkbeauty.files import check_folder, unwritable, write_atomically
from darkbeauty.inference.sharding import agreed, is_first_process
from darkbeauty.inference.storage.arviz_groups import size_of
from darkbeauty.inference.storage.checkpoint import package_hash
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.likelihoods import Fit
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


def write_netcdf(data: Any, path: Path) -> None:
    """Write ArviZ data as netCDF so that at any moment the old or the new file is there, whole.

    HDF5 may crash where a disk fills up under it, so the space is taken first, by an ordinary file.
    Errors   InputError if it cannot be written
    """
    beside, size = path.with_name(f".{path.name}.new"), size_of(data)
    try:
        write_atomically(beside, bytes(size + size // 4 + OVERHEAD))
        data.to_netcdf(str(beside))
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError([unwritable(path, error)]) from error
