"""What a sampler is, and what it hands over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from darkbeauty.inference.posterior import MakeCoordinates, Posterior, in_box
from darkbeauty.inference.storage.checkpoint import Journal
from darkbeauty.likelihoods.fit_schema import SamplerSection

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and the divergent transitions so far."""


@dataclass(frozen=True)
class Draws:
    """Draws q of shape (chains, draws, n), and what the sampler says of them.

    stats: (chains, draws) by name, log densities as "lp"; failed: points without likelihood that were tried, (k, n); attrs: for the output file;
    unfinished: how far it came, if it did not reach its end; ess: an upper limit of the effective sample size; evidence: log_evidence and its error, if the
    sampler gives them; missed: why it has not converged, beside what is asked of every sampler.
    """

    q: np.ndarray
    stats: dict[str, np.ndarray]
    failed: np.ndarray
    attrs: dict[str, Any]
    unfinished: str = ""
    ess: float = float("inf")
    evidence: dict[str, Any] = field(default_factory=dict)
    missed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sampler:
    """A way to sample: an entry of `SAMPLERS`, by the name that a fit file calls it by (`sampler.method`).

    draw: stores every block in the journal, calls progress after it, and stops before its end where the journal says so.
    settings: entries of the fit file's sampler section that it reads.
    extends: those of them that may grow from a run to the one that goes on with it, by --resume; all others must be the same.
    labels: what these are called there, where that is not their name.
    stages: those it reports to progress, each with its total.
    coordinates: those that it samples in where the fit does not ask for others.
    no_nuisances: why it cannot sample theory errors, if it cannot.
    references: of the method, for the bibliography of a run.
    """

    draw: Callable[[Posterior, SamplerSection, int, Progress, Journal], Draws]
    settings: tuple[str, ...]
    stages: Callable[[SamplerSection], dict[str, int]]
    extends: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    coordinates: MakeCoordinates = in_box
    no_nuisances: str = ""
    references: tuple[str, ...] = ()


def stopped(journal: Journal, progress: str) -> str:
    """What a run that did not reach its end says first."""
    if not journal.stop:
        return ""
    return f"{'stopped' if journal.failure else 'interrupted'} after {progress}"
