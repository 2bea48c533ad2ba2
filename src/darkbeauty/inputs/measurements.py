"""Measured values with their errors and correlations, one block of `data/` per publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial

import numpy as np

from darkbeauty.inputs.blocks import MeasurementBlock, Number
from darkbeauty.inputs.correlations import covariance
from darkbeauty.inputs.lazy import Lazy
from darkbeauty.inputs.library import Library, library


@dataclass(frozen=True)
class Measurement:
    """One publication: observables, values and the covariance of their total experimental errors.

    Values and errors that the source does not give as a Gaussian are NaN. status: "current" or "superseded" (`superseded_by`); config: which
    of several fits to the same data; excluded: per observable why it must not be fitted, or ""; limits: (upper limit, confidence level) or
    None; dataset: the events the numbers come from. The first reference names the analysis. checked, changed: when its numbers were last compared with the source,
    and when what it says last changed.
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
    dataset: tuple[str, ...] = ()
    checked: date | None = None
    changed: date | None = None

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


def measurements_of(data: Library) -> Mapping[str, Measurement]:
    """Every measurement of a library by its id, each read when it is asked for."""
    read = lambda name: measured(data.measurement(name))
    return Lazy(lambda: {name: partial(read, name) for name in data.names("measurement")})


@lru_cache(maxsize=1)
def load_measurements() -> Mapping[str, Measurement]:
    """Every measurement by its id.

    Errors   InputError, when one is asked for whose block is wrong
    """
    return measurements_of(library())


def measured(block: MeasurementBlock) -> Measurement:
    """The measurement that a block describes."""
    return Measurement(
        block.id,
        block.references,
        block.found,
        "superseded" if block.superseded_by else "current",
        tuple(entry.observable for entry in block.entries),
        np.array([_value(entry) for entry in block.entries]),
        covariance(block),
        block.superseded_by,
        block.config,
        block.note,
        tuple(entry.why_not for entry in block.entries),
        tuple(_limit(entry) for entry in block.entries),
        block.dataset,
        block.checked,
        block.changed,
    )


def _value(entry: Number) -> float:
    return np.nan if entry.value is None else entry.value / entry.relative_to


def _limit(entry: Number) -> tuple[float, float] | None:
    return None if entry.limit is None or entry.cl is None else (entry.limit, entry.cl)
