"""Measured values with their errors and correlations, one block per publication (measurements.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np


@dataclass(frozen=True)
class Measurement:
    """One publication: observables, values and the covariance of their total experimental errors."""

    id: str
    references: tuple[str, ...]
    found: str
    status: str
    observables: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray

    def select(self, observables: tuple[str, ...]) -> Measurement:
        """The same publication restricted to some of its observables, in the order given."""
        index = [self.observables.index(name) for name in observables]
        return Measurement(
            self.id,
            self.references,
            self.found,
            self.status,
            observables,
            self.values[index],
            self.covariance[np.ix_(index, index)],
        )


@lru_cache(maxsize=1)
def load_measurements() -> dict[str, Measurement]:
    """Every block by its id."""
    text = files("darkbeauty.inputs").joinpath("measurements.toml").read_text(encoding="utf-8")
    return {block["id"]: _measurement(block) for block in tomllib.loads(text)["block"]}


def _measurement(block: dict) -> Measurement:
    entries = block["entries"]
    sigma = np.array([_total_error(entry["errors"]) for entry in entries])
    correlation = np.array(block.get("correlation", np.eye(len(entries))))
    return Measurement(
        block["id"],
        tuple(block["references"]),
        block["found"],
        block["status"],
        tuple(entry["obs"] for entry in entries),
        np.array([entry["value"] for entry in entries]),
        correlation * np.outer(sigma, sigma),
    )


def _total_error(errors: list[list[float]]) -> float:
    """Quadratic sum of several errors, an asymmetric pair entering as √(up·down)."""
    return float(np.sqrt(sum(up * down for up, down in errors)))
