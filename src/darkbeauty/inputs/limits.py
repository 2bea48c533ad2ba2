"""Upper limits against mass, and the Z′-mass dependence of neutrino tridents, as tables that travel with the inputs.

limits.json is made by tools/make_limits.py, tables/trident.csv by tools/make_trident_table.py; numerics/limit_curves.py reads them.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple, cast

import equinox as eqx
import numpy as np
from jax import Array

LOG10 = float(np.log(10.0))


class Curve(NamedTuple):
    """An upper limit against mass: logarithms at the knots, and the window (lower, upper mass in GeV) where it was set."""

    log_mass: Array | np.ndarray
    log_value: Array | np.ndarray
    window: Array | np.ndarray


class Grid(eqx.Module):
    """An upper limit against mass and lifetime: logarithms, log_value of shape (n_mass, n_lifetime), and windows of mass, shape (k, 2)."""

    log_mass: Array | np.ndarray
    log_lifetime_ps: Array | np.ndarray
    log_value: Array | np.ndarray
    windows: Array | np.ndarray


class Band(eqx.Module):
    """A signal measured against mass: best fit and its upward standard deviation, and the window of mass, shape (2,)."""

    mass: Array | np.ndarray
    best: Array | np.ndarray
    up: Array | np.ndarray
    window: Array | np.ndarray


class Limits(eqx.Module):
    """Every limit with numbers that a model can be held against, by name (see limits.json).

    The curves are rows of common arrays, padded beyond their windows, so that they are few leaves.
    """

    log_mass: Array | np.ndarray
    log_value: Array | np.ndarray
    window: Array | np.ndarray
    grids: dict[str, Grid]
    bands: dict[str, Band]
    numbers: dict[str, Any]
    names: tuple[str, ...] = eqx.field(static=True)

    def __getitem__(self, name: str) -> Any:
        """Curve, Grid, Band or number of that name."""
        if name in self.names:
            row = self.names.index(name)
            return Curve(self.log_mass[row], self.log_value[row], self.window[row])
        for group in (self.grids, self.bands, self.numbers):
            if name in group:
                return group[name]
        raise KeyError(name)


class Trident(eqx.Module):
    """ln F_n = ln⟨1/(m² + K²)ⁿ⟩, n = 1, 2, shape (n_experiment, 2, n_mass), at ln m; axial over vector part of the cross-section.

    Physics: `darkbeauty.leptonic.trident`.
    """

    log_mass: Array | np.ndarray
    log_f: Array | np.ndarray
    axial: Array | np.ndarray
    names: tuple[str, ...] = eqx.field(static=True)


@lru_cache(maxsize=1)
def limit_records() -> dict[str, dict[str, Any]]:
    """Name → entry of limits.json: kind, numbers, quantity, unit, cl, references, found, use and why not fitted."""
    return json.loads(files("darkbeauty.inputs").joinpath("limits.json").read_text(encoding="utf-8"))["limits"]


def mass_windows(name: str) -> tuple[float, ...]:
    """Edges [GeV] of the windows of mass in which a limit against mass was set."""
    record = limit_records()[name]
    return tuple(np.ravel(record.get("windows", [record["mass"][0], record["mass"][-1]])))


@lru_cache(maxsize=1)
def load_limits() -> Limits:
    """The entries of limits.json that have numbers to compare with ("fit" and "draw")."""
    usable = {name: record for name, record in limit_records().items() if record["use"] != "record"}
    of_kind = lambda kind: {name: record for name, record in usable.items() if record["kind"] == kind}
    curves = of_kind("curve")
    size = max(len(record["mass"]) for record in curves.values())
    return Limits(
        np.stack([_padded(np.log(record["mass"]), size, 1.0) for record in curves.values()]),
        np.stack([_padded(np.log(record["value"]), size, 0.0) for record in curves.values()]),
        np.array([[record["mass"][0], record["mass"][-1]] for record in curves.values()]),
        {name: _grid(record) for name, record in of_kind("grid").items()},
        {name: _band(record) for name, record in of_kind("band").items()},
        {name: float(record["value"]) for name, record in of_kind("number").items()},
        tuple(curves),
    )


@lru_cache(maxsize=1)
def load_trident() -> Trident:
    """The table of the trident's mass dependence."""
    text = files("darkbeauty.inputs").joinpath("tables", "trident.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines() if line and not line.startswith("#")][1:]
    names = tuple(dict.fromkeys(row[0] for row in rows))
    data = np.array([[float(x) for x in row[1:]] for row in rows]).reshape(len(names), -1, 4)
    return Trident(np.log(data[0, :, 0]), np.log(data[:, :, 1:3]).swapaxes(1, 2), data[:, 0, 3], names)


def _padded(row: np.ndarray, size: int, step: float) -> np.ndarray:
    """The row continued from its last value in steps."""
    return np.concatenate([row, row[-1] + step * np.arange(1, size - len(row) + 1)])


def _grid(record: dict[str, Any]) -> Grid:
    logs = [np.log(record[key]) for key in ("mass", "lifetime_ps")]
    return Grid(
        *cast("tuple[np.ndarray, np.ndarray]", logs),
        LOG10 * np.array(record["log10_value"]),
        np.array(record["windows"]),
    )


def _band(record: dict[str, Any]) -> Band:
    mass, best, up = (np.array(record[key]) for key in ("mass", "best", "up"))
    return Band(mass, best, up, np.array([max(mass[0], 1e-3), mass[-1]]))
