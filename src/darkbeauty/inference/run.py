"""Run a fit: coordinates, chains, diagnostics, files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.inference.coordinates import BoxCoordinates, RelicCoordinates, make_coordinates
from darkbeauty.inference.diagnostics import ParameterSummary, Verdict, judge, summarise
from darkbeauty.inference.nuts import Draws, sample
from darkbeauty.inference.output import attributes, prepare_folder, to_arviz
from darkbeauty.likelihood import Fit, Likelihood

BLOCK = 20


@dataclass(frozen=True)
class Run:
    """A finished run: the fit, ArviZ data, summary of every parameter, verdict, the likelihood, and where the netCDF file is."""

    fit: Fit
    data: Any
    summary: list[ParameterSummary]
    verdict: Verdict
    likelihood: Likelihood
    netcdf: Path | None


def run_fit(
    fit: Fit,
    out: str | Path | None = None,
    *,
    draws: int | None = None,
    chains: int | None = None,
    seed: int | None = None,
) -> Any:
    """Sample the posterior of a fit with NUTS; ArviZ data, also written as posterior.nc into `out` if that is given.

    Args     draws, chains, seed: instead of the fit file's
    Errors   InputError if the folder cannot be written, before anything is computed
    """
    return execute(fit, out, draws=draws, chains=chains, seed=seed).data


def execute(
    fit: Fit,
    out: str | Path | None = None,
    *,
    draws: int | None = None,
    chains: int | None = None,
    seed: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Run:
    """`run_fit` with all it knows; progress(stage, done, diverging) is called at every stage and after every block of transitions."""
    folder = None if out is None else prepare_folder(out)
    settings = fit.file.sampler
    seed = fit.file.seed if seed is None else seed
    attrs = attributes(fit, seed)
    notify = progress or (lambda stage, done, diverging: None)
    notify("likelihood", 0, 0)
    lik = fit.likelihood()
    notify("coordinates", 0, 0)
    coordinates = make_coordinates(fit, lik)
    start_key, chain_key = jax.random.split(jax.random.key(seed))
    start = 0.5 * jax.random.logistic(start_key, (chains or settings.chains, len(fit.parameters)), float)
    notify("compilation", 0, 0)
    found = sample(
        lambda q: log_density(lik, coordinates, q),
        start,
        chain_key,
        warmup=settings.warmup,
        draws=draws or settings.draws,
        block=BLOCK,
        target_accept=settings.target_accept,
        max_depth=settings.max_depth,
        global_moves=coordinates.global_moves,
        progress=notify,
    )
    values, predictions = translate(fit, lik, coordinates, found)
    summary = summarise(values)
    targets = fit.file.targets
    verdict = judge(summary, found.diverging, targets.r_hat, targets.ess, targets.divergences)
    attrs |= {"converged": int(verdict.converged), "missed_targets": list(verdict.missed)}
    data = to_arviz(fit, lik, values, predictions, found, attrs)
    path = None
    if folder is not None:
        path = folder / "posterior.nc"
        data.to_netcdf(str(path))
    return Run(fit, data, summary, verdict, lik, path)


def log_density(lik: Likelihood, coordinates: BoxCoordinates | RelicCoordinates, q: jax.Array) -> jax.Array:
    """log posterior density of the coordinates, up to the evidence."""
    values, log_prior = coordinates.to_parameters(q)
    return lik.log_prob(values) + log_prior


def translate(
    fit: Fit, lik: Likelihood, coordinates: BoxCoordinates | RelicCoordinates, draws: Draws
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Parameters and predictions of every draw: {name: (chains, draws)}, (chains, draws, observables)."""

    @eqx.filter_jit
    def one_by_one(lik, coordinates, points):
        def one(q):
            values = coordinates.to_parameters(q)[0]
            return jnp.stack([values[name] for name in fit.parameters]), lik.predictions(values)

        return jax.lax.map(one, points, batch_size=8)

    shape = draws.q.shape
    values, predictions = (
        np.asarray(a) for a in one_by_one(lik, coordinates, jnp.asarray(draws.q.reshape(-1, shape[-1])))
    )
    table = values.reshape(*shape[:2], -1)
    return {name: table[..., i] for i, name in enumerate(fit.parameters)}, predictions.reshape(*shape[:2], -1)
