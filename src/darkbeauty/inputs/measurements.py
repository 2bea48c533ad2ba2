"""Measured values with their errors and correlations, one block per publication.

measurements.toml holds the blocks written by hand, measurements_collected.json those that tools/make_measurements.py restates.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

import numpy as np


@dataclass(frozen=True)
class Measurement:
    """One publication: observables, values and the covariance of their total experimental errors.

    Values and errors that the source does not give as a Gaussian are NaN. status: "current" or "superseded" (`superseded_by`); config: which
    of several fits to the same data; excluded: per observable why it must not be fitted, or ""; limits: (upper limit, confidence level) or
    None. The first reference names the analysis.
    """

    id: str
    references: tuple[str, ...]
    found: str
    status: str
    observables: tuple[str, ...]
    values: np.ndarray
    covariance: np.ndarray
    superseded_by: str = ""
    config: str = ""
    note: str = ""
    excluded: tuple[str, ...] = ()
    limits: tuple[tuple[float, float] | None, ...] = ()

    @property
    def analysis(self) -> str:
        """What blocks of one analysis share: their first reference."""
        return self.references[0]

    def select(self, observables: tuple[str, ...]) -> Measurement:
        """The same publication restricted to some of its observables, in the order given."""
        return self.take([self.observables.index(name) for name in observables])

    def take(self, index: list[int]) -> Measurement:
        """The same publication restricted to the entries at some places."""
        pick = lambda entries: tuple(entries[i] for i in index)
        return replace(
            self,
            observables=pick(self.observables),
            values=self.values[index],
            covariance=self.covariance[np.ix_(index, index)],
            excluded=pick(self.excluded),
            limits=pick(self.limits),
        )

    def why_not_fitted(self, place: int) -> str:
        """Why the entry at a place must not enter a fit, or ""."""
        if self.status == "superseded":
            return f"superseded by {self.superseded_by}"
        return self.excluded[place]


@lru_cache(maxsize=1)
def load_measurements() -> dict[str, Measurement]:
    """Every block by its id."""
    folder = files("darkbeauty.inputs")
    by_hand = tomllib.loads(folder.joinpath("measurements.toml").read_text(encoding="utf-8"))["block"]
    collected = json.loads(folder.joinpath("measurements_collected.json").read_text(encoding="utf-8"))["blocks"]
    return {block["id"]: _measurement(block) for block in (*by_hand, *collected)}


def _measurement(block: dict) -> Measurement:
    entries = block["entries"]
    sigma = np.array([_total_error(entry.get("errors")) for entry in entries])
    correlation = _correlation(block.get("correlation"), len(entries))
    limits = (entry.get("limit") for entry in entries)
    return Measurement(
        block["id"],
        tuple(block["references"]),
        block["found"],
        block["status"],
        tuple(entry["obs"] for entry in entries),
        np.array([entry.get("value", np.nan) for entry in entries]),
        correlation * np.outer(sigma, sigma),
        block.get("superseded_by", ""),
        block.get("config", ""),
        block.get("note", ""),
        tuple(entry.get("fit", "") for entry in entries),
        tuple((limit[0], limit[1]) if limit else None for limit in limits),
    )


def _total_error(errors: list[list[float]] | None) -> float:
    """Quadratic sum of several errors, an asymmetric pair entering as √(up·down); NaN if there is none."""
    return float(np.sqrt(sum(up * down for up, down in errors))) if errors else np.nan


def _correlation(rows: list[list[float]] | None, size: int) -> np.ndarray:
    """The full matrix from all of it, from its rows right of the diagonal, or from nothing (no correlation)."""
    if rows is None:
        return np.eye(size)
    if len(rows) == size:
        return np.array(rows)
    matrix = np.zeros((size, size))
    for i, row in enumerate(rows):
        matrix[i, i + 1 :] = row
    return matrix + matrix.T + np.eye(size)
