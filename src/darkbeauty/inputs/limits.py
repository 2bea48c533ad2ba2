"""Upper limits against mass, and the Z′-mass dependence of neutrino tridents, as tables that travel with the inputs.

Limits are `[[limit]]` blocks of `data/`; tables/trident.csv is made by tools/make_trident_table.py. numerics/limit_curves.py reads them.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jax import Array

from darkbeauty.inputs.blocks import COLUMNS, LimitBlock
from darkbeauty.inputs.library import library

LOG10 = float(np.log(10.0))


class Curve(NamedTuple):
    """An upper limit against mass: logarithms at the knots, and the windows of mass [GeV] where it was set, shape (k, 2)."""

    log_mass: Array | np.ndarray
    log_value: Array | np.ndarray
    windows: Array | np.ndarray


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
    """Every limit with numbers that a model can be held against, by name (see `data/`).

    The curves are rows of common arrays, padded beyond their knots, so that they are few leaves; curve_windows: of all of them, one after another.
    """

    log_mass: Array | np.ndarray
    log_value: Array | np.ndarray
    curve_windows: Array | np.ndarray
    grids: dict[str, Grid]
    bands: dict[str, Band]
    numbers: dict[str, Any]
    names: tuple[str, ...] = eqx.field(static=True)
    starts: tuple[int, ...] = eqx.field(static=True)

    def __getitem__(self, name: str) -> Any:
        """Curve, Grid, Band or number of that name."""
        if name in self.names:
            row = self.names.index(name)
            windows = self.curve_windows[self.starts[row] : self.starts[row + 1]]
            return Curve(self.log_mass[row], self.log_value[row], windows)
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


class Search(NamedTuple):
    """A search for the Z′: the quantity it limits, what it decays to ("mumu", "ll" = ee ⊕ μμ, or "inv"), and what makes it.

    quantity, production: "g", "" (radiated off a muon); "epsilon" of a dark photon, "ee" or "pp"; "BR", a branching fraction.
    """

    name: str
    quantity: str
    final: str
    production: str


@lru_cache(maxsize=1)
def limit_blocks() -> dict[str, LimitBlock]:
    """Every limit by its name.

    Errors   InputError with every problem of every block
    """
    return library().every("limit")


@lru_cache(maxsize=1)
def limit_records() -> dict[str, dict[str, Any]]:
    """Name → what a block says, key by key: kind, numbers, quantity, unit, cl, references, found, use and why not fitted."""
    return {name: _record(block) for name, block in limit_blocks().items()}


def limit_observable(name: str) -> str:
    """Name of the observable of a limit: no spaces, as in every observable."""
    return f"limit({name.replace(' ', '_')})"


@lru_cache(maxsize=1)
def searches() -> tuple[Search, ...]:
    """Every search for the Z′ that is fitted: first those that radiate it, then those that need a production."""
    blocks = [block for block in limit_blocks().values() if block.use == "fit" and block.final]
    blocks.sort(key=lambda block: bool(block.production))
    return tuple(Search(b.name, b.quantity, b.final, b.production) for b in blocks)


def mass_windows(name: str) -> tuple[float, ...]:
    """Edges [GeV] of the windows of mass in which a limit against mass was set."""
    block = limit_blocks()[name]
    return tuple(np.ravel(block.windows or (block.mass[0], block.mass[-1])).tolist())


@lru_cache(maxsize=1)
def load_limits() -> Limits:
    """The limits that have numbers to compare with ("fit" and "draw")."""
    usable = [block for block in limit_blocks().values() if block.use != "record"]
    of_kind = lambda kind: {block.name: block for block in usable if block.kind == kind}
    curves = of_kind("curve")
    size = max(len(block.mass) for block in curves.values())
    windows = [np.reshape(mass_windows(name), (-1, 2)) for name in curves]
    return Limits(
        np.stack([_padded(np.log(block.mass), size, 1.0) for block in curves.values()]),
        np.stack([_padded(np.log(np.array(block.value, float)), size, 0.0) for block in curves.values()]),
        np.concatenate(windows),
        {name: _grid(block) for name, block in of_kind("grid").items()},
        {name: _band(block) for name, block in of_kind("band").items()},
        {name: block.value for name, block in of_kind("number").items()},
        tuple(curves),
        tuple(np.cumsum([0, *map(len, windows)]).tolist()),
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


def _grid(block: LimitBlock) -> Grid:
    mass, lifetime, value, windows = block.mass, block.lifetime_ps, block.log10_value, block.windows
    return Grid(np.log(mass), np.log(lifetime), LOG10 * np.array(value), np.array(windows))


def _band(block: LimitBlock) -> Band:
    mass, best, up = (np.array(column) for column in (block.mass, block.best, block.up))
    return Band(mass, best, up, np.array([max(mass[0], 1e-3), mass[-1]]))


def _record(block: LimitBlock) -> dict[str, Any]:
    """What a block says, its columns as lists; no columns that its kind has not."""
    said = {field.name: getattr(block, field.name) for field in dataclasses.fields(block)}
    given = {key: value for key, value in said.items() if key not in COLUMNS or value not in ((), None)}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
