"""Is the posterior converged? R̂, effective sample sizes, divergences and energy against the targets of the fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import arviz as az
import numpy as np

from darkbeauty.inference.checking.warnings import warnings_of
from darkbeauty.inference.samplers.sampler import Draws
from darkbeauty.likelihoods.fit_schema import TargetSection
from darkbeauty.units import percent

FEW = 4
"""Draws per chain below which nothing can be said about convergence."""
MOVED = 8
"""How many sampled inputs are worth a line."""


@dataclass(frozen=True)
class ParameterSummary:
    """Posterior of one parameter: mean, standard deviation, 5 %, 50 % and 95 % quantiles, R̂, bulk and tail effective sample size."""

    name: str
    mean: float
    sd: float
    low: float
    median: float
    high: float
    r_hat: float
    ess_bulk: float
    ess_tail: float


@dataclass(frozen=True)
class Verdict:
    """Convergence of a run: the fraction of divergent transitions, what misses its target (empty: converged), the fraction of trees cut off, and what to read it with."""

    divergences: float
    missed: tuple[str, ...]
    cut_off: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        return not self.missed


def summarise(draws: dict[str, np.ndarray]) -> list[ParameterSummary]:
    """Summary of every parameter from draws of shape (chains, draws)."""
    summaries = []
    for name, values in draws.items():
        low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
        measures = _measures(values) if values.shape[1] >= FEW else (np.nan,) * 3
        summaries.append(
            ParameterSummary(
                name, float(values.mean()), float(values.std()), float(low), float(median), float(high), *measures
            )
        )
    return summaries


def most_moved(nuisances: Sequence[ParameterSummary]) -> list[ParameterSummary]:
    """The few sampled inputs whose means are farthest from their central values."""
    return sorted(nuisances, key=lambda summary: -abs(summary.mean))[:MOVED]


def _measures(values: np.ndarray) -> tuple[float, float, float]:
    r_hat = float(az.rhat(values)) if len(values) > 1 else np.nan
    tail = az.ess(values, method="tail", prob=(0.05, 0.95))  # what ArviZ < 1 means by itself
    return r_hat, float(az.ess(values, method="bulk")), float(tail)


def judge(
    parameters: list[ParameterSummary],
    draws: Draws,
    targets: TargetSection,
    nuisances: Sequence[ParameterSummary] = (),
) -> Verdict:
    """Compare a run with its targets; of the nuisances that miss one, the first is named and the others are counted."""
    missed = [*draws.missed, *(text for summary in parameters for text in _misses(summary, draws, targets))]
    late = [texts for summary in nuisances if (texts := _misses(summary, draws, targets))]
    if late:
        others = f" (nuisance; {len(late) - 1} more miss a target)" if len(late) > 1 else " (nuisance)"
        missed += [text + others for text in late[0]]
    if dead := float(np.mean(draws.stats.get("lp", np.zeros(1)) == -np.inf)):
        missed.append(f"{percent(dead)} of the draws have no likelihood")
    fraction = float(np.mean(draws.stats.get("diverging", 0.0)))
    if fraction > targets.divergences:
        missed.append(f"divergences = {100 * fraction:.2f} % > {100 * targets.divergences:g} %")
    if (cut_off := _cut_off(draws)) > targets.depth:
        words = f"{percent(cut_off)} of the trees cut off at their largest depth"
        missed.append(f"{words} > {100 * targets.depth:g} %: a larger max_depth, or narrower priors")
    if not (share := draws.attrs.get("surprise", 0.0)) <= targets.surprise:
        missed.append(
            f"surprise = {100 * share:.1f} % of the posterior where little was expected > {100 * targets.surprise:g} %"
        )
    lowest = float(np.min(bfmi(draws.stats["energy"]))) if "energy" in draws.stats else np.nan
    if "energy" in draws.stats and not lowest >= targets.bfmi:
        missed.append(f"E-BFMI = {lowest:.2f} < {targets.bfmi:g}")
    warnings = () if missed else warnings_of(draws, targets, cut_off, lowest)
    return Verdict(fraction, tuple(missed), cut_off, warnings)


def _cut_off(draws: Draws) -> float:
    """Share of the trees that reached their largest depth before they turned."""
    return draws.attrs.get("longest_trees", 0) / draws.q[..., 0].size


def _misses(summary: ParameterSummary, draws: Draws, targets: TargetSection) -> list[str]:
    """Targets that one parameter misses."""
    missed = []
    if np.isnan(summary.r_hat):
        missed.append(f"R̂({summary.name}) has no value (it needs two chains)")
    elif summary.r_hat > targets.r_hat:
        missed.append(f"R̂({summary.name}) = {summary.r_hat:.3f} > {targets.r_hat:g}")
    if not (ess := float(np.min([summary.ess_bulk, summary.ess_tail, draws.ess]))) >= targets.ess:
        missed.append(f"ESS({summary.name}) = {ess:.0f} < {targets.ess:g}")
    return missed


def bfmi(energy: np.ndarray) -> np.ndarray:
    """Energy Bayesian fraction of missing information of each chain, from energies (chains, draws) (arXiv:1604.00695)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.var(energy, axis=1)
