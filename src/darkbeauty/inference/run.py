"""Run a fit: coordinates, chains, diagnostics, files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.errors import InputError, Problem
from darkbeauty.inference.checking.bayes_factor import with_bayes_factor
from darkbeauty.inference.checking.diagnostics import ParameterSummary, Verdict, judge, summarise
from darkbeauty.inference.checking.failures import name_causes
from darkbeauty.inference.posterior import MakeCoordinates, Posterior, in_box
from darkbeauty.inference.resonance import resonance_coordinates
from darkbeauty.inference.samplers.sampler import Draws, Progress, Sampler
from darkbeauty.inference.samplers.table import identity_of, sampler_of
from darkbeauty.inference.sharding import Spread, is_first_process
from darkbeauty.inference.storage.arviz_groups import to_arviz
from darkbeauty.inference.storage.checkpoint import Checkpoint, Journal
from darkbeauty.inference.storage.lock import held
from darkbeauty.inference.storage.output import attributes, identity, prepare_folder, write_netcdf
from darkbeauty.likelihoods import Fit, checked_seed
from darkbeauty.likelihoods.fit_schema import SamplerSection


@dataclass(frozen=True)
class Run:
    """A run: the fit, ArviZ data, summary of every parameter, verdict, what was drawn, and where the netCDF file is.

    nuisances: summary of every sampled nuisance. signal: what interrupted it, or 0; data is None if there was no draw yet. evidence: ln Z and ln of
    the Bayes factor against the Standard Model, where the sampler gives them.
    """

    fit: Fit
    data: Any
    summary: list[ParameterSummary]
    verdict: Verdict
    posterior: Posterior
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
    checked_seed(fit, None)
    settings, seed = fit.settings(draws=draws, chains=chains, seed=seed)
    sampler = sampler_of(settings, fit.theory)  # refused before a folder is made
    folder = None if out is None else prepare_folder(out)
    with held(folder):
        return _execute(fit, folder, sampler, settings, seed, resume, progress or (lambda stage, done, diverging: None))


def _execute(
    fit: Fit, folder: Path | None, sampler: Sampler, settings: SamplerSection, seed: int, resume: bool, notify: Progress
) -> Run:
    """`execute` in a folder that nobody else writes into."""
    attrs = attributes(fit, seed)
    store = Checkpoint(folder / "checkpoint", identity(fit, attrs, identity_of(settings)), resume) if folder else None
    posterior = Posterior.of(
        fit, coordinates=coordinates_of(settings, sampler), progress=lambda stage: notify(stage, 0, 0)
    )
    notify("compilation", 0, 0)
    journal = Journal(store)
    draws_made = sampler.draw(posterior, settings, seed, notify, journal)
    run = conclude(fit, posterior, draws_made, attrs | {"method": settings.method}, folder, journal.interruption.signal)
    if journal.failure:
        reason = journal.failure.strerror or str(journal.failure)
        raise InputError([Problem(f"output folder {folder}", f"cannot be written: {reason}; {draws_made.unfinished}")])
    return run


def coordinates_of(settings: SamplerSection, sampler: Sampler) -> MakeCoordinates:
    """How the coordinates are made that a fit asks for; of the sampler's own choice, where it does not ask."""
    return {"box": in_box, "resonance": resonance_coordinates}.get(settings.coordinates, sampler.coordinates)


def conclude(
    fit: Fit,
    posterior: Posterior,
    draws: Draws,
    attrs: dict[str, Any],
    folder: Path | None,
    signal: int,
) -> Run:
    """Translate, judge and write what was drawn. An unfinished run has no predictions: there may be seconds left before a second signal."""
    unfinished, lik = [draws.unfinished] if draws.unfinished else [], posterior.likelihood
    if not draws.q.shape[1]:
        return Run(fit, None, [], Verdict(0.0, tuple(unfinished)), posterior, None, signal)
    predictions, pulls = None, {}
    if unfinished:
        values = posterior.parameter_draws(draws.q)
    else:
        values, predictions, pulls, causes = translate(posterior, draws.q, draws.failed)
        attrs |= {"failures": json.dumps(causes, ensure_ascii=False)}
    summary, nuisances = summarise(values), summarise(pulls)
    verdict = judge(summary, draws, fit.targets, nuisances)
    verdict = replace(verdict, missed=(*unfinished, *verdict.missed))
    proof = with_bayes_factor(fit, lik, draws.evidence) if draws.evidence else {}
    attrs |= {
        "converged": int(verdict.converged),
        "missed_targets": list(verdict.missed),
        "warnings": list(verdict.warnings),
        **draws.attrs,
        **proof,
    }
    attrs |= {"sampled_nuisances": posterior.nuisances.size}
    data = to_arviz(lik, values, predictions, draws.stats, attrs, pulls)
    path = None
    if folder is not None and is_first_process():
        path = folder / "posterior.nc"
        write_netcdf(data, path)
    return Run(fit, data, summary, verdict, posterior, path, signal, proof, nuisances)


class Translated(NamedTuple):
    """Draws as physics: parameters, predictions (chains, draws, observables), pulls of the sampled nuisances; causes of the failed points."""

    values: dict[str, np.ndarray]
    predictions: np.ndarray
    pulls: dict[str, np.ndarray]
    causes: dict[str, int]


def translate(posterior: Posterior, q: np.ndarray, failed: np.ndarray) -> Translated:
    """What the draws q mean, by name {name: (chains, draws)}, and why the failed points failed."""
    lik, size = posterior.likelihood, len(posterior.names)

    def of_point(posterior: Posterior, q: jax.Array) -> tuple[jax.Array, jax.Array]:
        observed = posterior.observe(q)
        ordered = jnp.stack([observed.parameters[name] for name in posterior.names])
        return jnp.concatenate([ordered, observed.predictions, observed.pulls]), observed.status

    table, statuses = Spread(of_point, posterior)(np.concatenate([q.reshape(-1, q.shape[-1]), failed]))
    values, predictions, pulls = np.split(table, [size, size + len(lik.requests)], axis=1)
    drawn = q.shape[0] * q.shape[1]
    share = lambda table: table[:drawn].reshape(*q.shape[:2], -1)
    columns = lambda table, names: {name: share(table)[..., i] for i, name in enumerate(names)}
    causes = Counter(name_causes(lik, predictions[drawn:], statuses[drawn:]))
    return Translated(
        columns(values, posterior.names),
        share(predictions),
        columns(pulls, posterior.nuisances.names),
        dict(causes.most_common()),
    )
