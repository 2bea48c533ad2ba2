"""Run a fit: coordinates, chains, diagnostics, files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.errors import InputError, Problem
from darkbeauty.inference.bayes_factor import with_bayes_factor
from darkbeauty.inference.checkpoint import Checkpoint, Journal
from darkbeauty.inference.coordinates import BoxCoordinates, RelicCoordinates, make_coordinates
from darkbeauty.inference.diagnostics import ParameterSummary, Verdict, judge, summarise
from darkbeauty.inference.failures import name_causes
from darkbeauty.inference.output import attributes, identity, prepare_folder, to_arviz, write_netcdf
from darkbeauty.inference.sampled import Progress, Sampled, draw
from darkbeauty.inference.sharding import is_first_process
from darkbeauty.likelihood import Fit, Likelihood

Coordinates = BoxCoordinates | RelicCoordinates


@dataclass(frozen=True)
class Run:
    """A run: the fit, ArviZ data, summary of every parameter, verdict, the likelihood, and where the netCDF file is.

    signal: what interrupted it, or 0; data is None if there was no draw yet. evidence: ln Z and ln of the Bayes factor against the Standard Model,
    where the sampler gives them.
    """

    fit: Fit
    data: Any
    summary: list[ParameterSummary]
    verdict: Verdict
    likelihood: Likelihood
    netcdf: Path | None
    signal: int = 0
    evidence: dict[str, Any] = field(default_factory=dict)


def run_fit(
    fit: Fit,
    out: str | Path | None = None,
    *,
    draws: int | None = None,
    chains: int | None = None,
    seed: int | None = None,
    resume: bool = False,
) -> Any:
    """Sample the posterior of a fit; ArviZ data, also written as posterior.nc into `out` if that is given.

    Every block of draws is stored in `out` at once. Ctrl-C and SIGTERM act after the current block, and what there is is written.
    Args     draws, chains, seed: instead of the fit file's; resume: go on with the run that is in `out`, with the draws it would have had anyway
    Errors   InputError if the folder cannot be written or holds a different run, before anything is computed; KeyboardInterrupt
    """
    run = execute(fit, out, draws=draws, chains=chains, seed=seed, resume=resume)
    if run.signal:
        raise KeyboardInterrupt(run.verdict.missed[0])
    return run.data


def execute(
    fit: Fit,
    out: str | Path | None = None,
    *,
    draws: int | None = None,
    chains: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Run:
    """`run_fit` with all it knows; progress(stage, done, diverging) is called at every stage and after every block of transitions.

    Errors   InputError as `run_fit`, and where the disk fills up: what is stored by then can be resumed
    """
    folder = None if out is None else prepare_folder(out)
    settings = fit.file.sampler.model_copy(
        update={name: value for name, value in (("draws", draws), ("chains", chains)) if value}
    )
    seed = fit.file.seed if seed is None else seed
    attrs = attributes(fit, seed)
    store = Checkpoint(folder / "checkpoint", identity(attrs, settings.chains), resume) if folder else None
    notify = progress or (lambda stage, done, diverging: None)
    notify("likelihood", 0, 0)
    lik = fit.likelihood()
    notify("coordinates", 0, 0)
    coordinates = make_coordinates(fit, lik)
    notify("compilation", 0, 0)
    journal = Journal(store)
    target = lambda tree, q: log_density(*tree, q)
    found = draw(
        target, (lik, coordinates), len(fit.parameters), coordinates.global_moves, settings, seed, notify, journal
    )
    run = conclude(fit, lik, coordinates, found, attrs, folder, journal.interruption.signal)
    if journal.failure:
        reason = journal.failure.strerror or str(journal.failure)
        raise InputError([Problem(f"output folder {folder}", f"cannot be written: {reason}; {found.unfinished}")])
    return run


def conclude(
    fit: Fit,
    lik: Likelihood,
    coordinates: Coordinates,
    found: Sampled,
    attrs: dict[str, Any],
    folder: Path | None,
    signal: int,
) -> Run:
    """Translate, judge and write what was sampled. An unfinished run has no predictions: there may be seconds left before a second signal."""
    unfinished = [found.unfinished] if found.unfinished else []
    if not found.q.shape[1]:
        return Run(fit, None, [], Verdict(0.0, tuple(unfinished)), lik, None, signal)
    predictions = None
    if unfinished:
        values = parameters(fit, coordinates, found.q)
    else:
        values, predictions, causes = translate(fit, lik, coordinates, found.q, found.failed)
        attrs |= {"failures": json.dumps(causes, ensure_ascii=False)}
    summary = summarise(values)
    verdict = judge(summary, found, fit.file.targets)
    verdict = Verdict(verdict.divergences, (*unfinished, *verdict.missed))
    proof = with_bayes_factor(fit, lik, found.evidence) if found.evidence else {}
    attrs |= {"converged": int(verdict.converged), "missed_targets": list(verdict.missed), **found.attrs, **proof}
    data = to_arviz(lik, values, predictions, found.stats, attrs)
    path = None
    if folder is not None and is_first_process():
        path = folder / "posterior.nc"
        columns = len(values) + len(found.stats) + len(lik.values)
        write_netcdf(data, path, 8 * columns * found.q.shape[0] * found.q.shape[1])
    return Run(fit, data, summary, verdict, lik, path, signal, proof)


def log_density(lik: Likelihood, coordinates: Coordinates, q: jax.Array) -> jax.Array:
    """log posterior density of the coordinates, up to the evidence."""
    values, log_prior = coordinates.to_parameters(q)
    return lik.log_prob(values) + log_prior


def parameters(fit: Fit, coordinates: Coordinates, q: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters at q (chains, draws, n): {name: (chains, draws)}."""
    point = jax.jit(jax.vmap(lambda x: coordinates.to_parameters(x)[0]))
    values = point(jnp.asarray(q.reshape(-1, q.shape[-1])))
    return {name: np.asarray(values[name]).reshape(q.shape[:2]) for name in fit.parameters}


def translate(
    fit: Fit, lik: Likelihood, coordinates: Coordinates, q: np.ndarray, failed: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray, dict[str, int]]:
    """Parameters and predictions of every draw, {name: (chains, draws)} and (chains, draws, observables), and why the failed points failed."""

    @eqx.filter_jit
    def one_by_one(lik, coordinates, points):
        def one(q):
            values = coordinates.to_parameters(q)[0]
            physical = jnp.asarray(lik.model.at(values).is_physical())
            return jnp.stack([values[name] for name in fit.parameters]), lik.predictions(values), physical

        return jax.lax.map(one, points, batch_size=8)

    points = np.concatenate([q.reshape(-1, q.shape[-1]), failed])
    values, predictions, physical = (np.asarray(a) for a in one_by_one(lik, coordinates, jnp.asarray(points)))
    drawn = q.shape[0] * q.shape[1]
    table = values[:drawn].reshape(*q.shape[:2], -1)
    causes = Counter(name_causes(lik, predictions[drawn:], physical[drawn:]))
    return (
        {name: table[..., i] for i, name in enumerate(fit.parameters)},
        predictions[:drawn].reshape(*q.shape[:2], -1),
        dict(causes.most_common()),
    )
