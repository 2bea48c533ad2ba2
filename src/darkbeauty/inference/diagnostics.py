"""Is the posterior converged? R̂, effective sample sizes and divergences against the targets of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import arviz as az
import numpy as np


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
    """Convergence of a run: the fraction of divergent transitions, and what misses its target (empty: converged)."""

    divergences: float
    missed: tuple[str, ...]

    @property
    def converged(self) -> bool:
        return not self.missed


def summarise(draws: dict[str, np.ndarray]) -> list[ParameterSummary]:
    """Summary of every parameter from draws of shape (chains, draws)."""
    rows = []
    for name, values in draws.items():
        low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
        measures = float(az.rhat(values)), float(az.ess(values, method="bulk")), float(az.ess(values, method="tail"))
        rows.append(
            ParameterSummary(
                name, float(values.mean()), float(values.std()), float(low), float(median), float(high), *measures
            )
        )
    return rows


def judge(rows: list[ParameterSummary], diverging: np.ndarray, r_hat: float, ess: float, divergences: float) -> Verdict:
    """Compare a run with its targets."""
    missed = []
    for row in rows:
        if not row.r_hat <= r_hat:
            missed.append(f"R̂({row.name}) = {row.r_hat:.3f} > {r_hat:g}")
        if not min(row.ess_bulk, row.ess_tail) >= ess:
            missed.append(f"ESS({row.name}) = {min(row.ess_bulk, row.ess_tail):.0f} < {ess:g}")
    fraction = float(np.mean(diverging))
    if fraction > divergences:
        missed.append(f"divergences = {100 * fraction:.2f} % > {100 * divergences:g} %")
    return Verdict(fraction, tuple(missed))
