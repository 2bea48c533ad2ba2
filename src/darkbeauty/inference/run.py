"""Run a fit: coordinates, chains, diagnostics, files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.errors import InputError, Problem
from darkbeauty.inference.bayes_factor import with_bayes_factor
from darkbeauty.inference.checkpoint import Checkpoint, Journal
from darkbeauty.inference.coordinates import BoxCoordinates, RelicCoordinates, make_coordinates
from darkbeauty.inference.diagnostics import ParameterSummary, Verdict, judge, summarise
from darkbeauty.inference.failures import name_causes
from darkbeauty.inference.gibbs import Conditional
from darkbeauty.inference.lock import held
from darkbeauty.inference.output import attributes, identity, prepare_folder, to_arviz, write_netcdf
from darkbeauty.inference.sampled import Density, Progress, Sampled, draw
from darkbeauty.inference.sharding import Spread, is_first_process
from darkbeauty.likelihood import Fit, Likelihood, SampledLikelihood, sample_nuisances
from darkbeauty.likelihood.fit_schema import SamplerSection

Coordinates = BoxCoordinates | RelicCoordinates
AnyLikelihood = Likelihood | SampledLikelihood


@dataclass(frozen=True)
class Run:
    """A run: the fit, ArviZ data, summary of every parameter, verdict, the likelihood, and where the netCDF file is.

    nuisances: summary of every sampled nuisance. signal: what interrupted it, or 0; data is None if there was no draw yet. evidence: ln Z and ln of
    the Bayes factor against the Standard Model, where the sampler gives them.
    """

    fit: Fit
    data: Any
    summary: list[ParameterSummary]
    verdict: Verdict
    likelihood: AnyLikelihood
    netcdf: Path | None
    signal: int = 0
    evidence: dict[str, Any] = field(default_factory=dict)
    nuisances: list[ParameterSummary] = field(default_factory=list)


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
    settings = fit.file.sampler.changed(draws=draws, chains=chains)
    folder = None if out is None else prepare_folder(out)
    seed = fit.file.seed if seed is None else seed
    with held(folder):
        return _execute(fit, folder, settings, seed, resume, progress or (lambda stage, done, diverging: None))


def _execute(fit: Fit, folder: Path | None, settings: SamplerSection, seed: int, resume: bool, notify: Progress) -> Run:
    """`execute` in a folder that nobody else writes into."""
    attrs = attributes(fit, seed)
    store = Checkpoint(folder / "checkpoint", identity(attrs, settings), resume) if folder else None
    notify("likelihood", 0, 0)
    lik = fit.likelihood()
    notify("coordinates", 0, 0)
    coordinates = make_coordinates(fit, lik)
    if fit.file.likelihood.theory == "sampled":
        lik = sample_nuisances(lik)
    notify("compilation", 0, 0)
    journal = Journal(store)
    found = draw(to_be_sampled(lik, coordinates), settings, seed, notify, journal)
    run = conclude(fit, lik, coordinates, found, attrs, folder, journal.interruption.signal)
    if journal.failure:
        reason = journal.failure.strerror or str(journal.failure)
        raise InputError([Problem(f"output folder {folder}", f"cannot be written: {reason}; {found.unfinished}")])
    return run


def conclude(
    fit: Fit,
    lik: AnyLikelihood,
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
    predictions, pulls = None, {}
    if unfinished:
        values = parameters(fit, coordinates, found.q)
    else:
        values, predictions, pulls, causes = translate(fit, lik, coordinates, found.q, found.failed)
        attrs |= {"failures": json.dumps(causes, ensure_ascii=False)}
    summary, nuisances = summarise(values), summarise(pulls)
    verdict = judge(summary, found, fit.file.targets, nuisances)
    verdict = Verdict(verdict.divergences, (*unfinished, *verdict.missed))
    proof = with_bayes_factor(fit, lik.given, found.evidence) if found.evidence else {}
    attrs |= {"converged": int(verdict.converged), "missed_targets": list(verdict.missed), **found.attrs, **proof}
    attrs |= {"sampled_nuisances": lik.size}
    data = to_arviz(lik.given, values, predictions, found.stats, attrs, pulls)
    path = None
    if folder is not None and is_first_process():
        path = folder / "posterior.nc"
        columns = len(values) + len(pulls) + len(found.stats) + len(lik.given.values)
        write_netcdf(data, path, 8 * columns * found.q.shape[0] * found.q.shape[1])
    return Run(fit, data, summary, verdict, lik, path, signal, proof, nuisances)


def to_be_sampled(lik: AnyLikelihood, coordinates: Coordinates) -> Density:
    """The posterior density of the coordinates of parameters and nuisances."""
    target = lambda tree, q: log_density(*cast("tuple[AnyLikelihood, Coordinates]", tree), q)
    conditional = None
    if isinstance(lik, SampledLikelihood):

        def frame(q: jax.Array) -> tuple[Any, jax.Array]:
            values, log_prior = coordinates.to_parameters(q)
            return lik.frame(values), log_prior

        conditional = Conditional(frame, lambda given, eta: lik.log_density_in(given[0], eta) + given[1], lik.size)
    size = len(coordinates.names) + lik.size
    return Density(target, (lik, coordinates), size, coordinates.global_moves, conditional)


def log_density(lik: AnyLikelihood, coordinates: Coordinates, q: jax.Array) -> jax.Array:
    """log posterior density of the coordinates of parameters and, after these, of nuisances, up to the evidence."""
    size = len(coordinates.names)
    values, log_prior = coordinates.to_parameters(q[:size])
    return lik.log_density(values, q[size:]) + log_prior


def parameters(fit: Fit, coordinates: Coordinates, q: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters at q (chains, draws, n): {name: (chains, draws)}."""
    point = jax.jit(jax.vmap(lambda x: coordinates.to_parameters(x)[0]))
    values = point(jnp.asarray(q.reshape(-1, q.shape[-1])))
    return {name: np.asarray(values[name]).reshape(q.shape[:2]) for name in fit.parameters}


class Translated(NamedTuple):
    """Draws as physics: parameters, predictions (chains, draws, observables), pulls of the sampled nuisances; causes of the failed points."""

    values: dict[str, np.ndarray]
    predictions: np.ndarray
    pulls: dict[str, np.ndarray]
    causes: dict[str, int]


def translate(fit: Fit, lik: AnyLikelihood, coordinates: Coordinates, q: np.ndarray, failed: np.ndarray) -> Translated:
    """What the draws q mean, by name {name: (chains, draws)}, and why the failed points failed."""
    size = len(fit.parameters)

    def one(tree, q):
        lik, coordinates = tree
        values = coordinates.to_parameters(q[:size])[0]
        found = jnp.stack([values[name] for name in fit.parameters])
        return jnp.concatenate([found, *lik.observe(values, q[size:])]), lik.is_physical(values)

    table, physical = Spread(one, (lik, coordinates))(np.concatenate([q.reshape(-1, q.shape[-1]), failed]))
    values, predictions, pulls = np.split(table, [size, size + len(lik.given.values)], axis=1)
    drawn = q.shape[0] * q.shape[1]
    share = lambda table: table[:drawn].reshape(*q.shape[:2], -1)
    columns = lambda table, names: {name: share(table)[..., i] for i, name in enumerate(names)}
    causes = Counter(name_causes(lik.given, predictions[drawn:], physical[drawn:]))
    return Translated(
        columns(values, fit.parameters),
        share(predictions),
        columns(pulls, lik.nuisance_names),
        dict(causes.most_common()),
    )
