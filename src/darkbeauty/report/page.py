"""One self-contained HTML page about a run, and its figures as PNG and PDF."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from darkbeauty.errors import by_remark, raise_if_any
from darkbeauty.files import check_places, write
from darkbeauty.inference.checking.diagnostics import bfmi
from darkbeauty.inference.storage.output import PACKAGES, prepare_folder
from darkbeauty.likelihoods import Term
from darkbeauty.likelihoods.tied import untied
from darkbeauty.models.base import sectors_of
from darkbeauty.prediction import parse
from darkbeauty.report import chain_figures, data_figures, figures, spectra
from darkbeauty.report.bibliography import bibtex, used
from darkbeauty.report.pictures import numbers, save
from darkbeauty.report.regions import FEWEST, LEAST_EFFECTIVE
from darkbeauty.report.result import Result
from darkbeauty.report.stored_run import entries, seed_of

DPI = 200
ROLES = {
    "model": "Model",
    "theory": "Formulas and form factors",
    "measurements": "Data",
    "inputs": "Standard-Model inputs",
    "sampling": "Software",
}


STATISTICS = {"acceptance_rate": "mean acceptance", "n_steps": "mean number of leapfrog steps"}
SHOWN = (
    *(
        "fit_name",
        "fit_file",
        "seed",
        "terms",
        "input_sha256",
        "device",
        "python",
        "converged",
        "missed_targets",
        "warnings",
    ),
    *("created_at", "inference_library", "creation_library", "creation_library_version", "creation_library_language"),
)
"""Attributes of a run that stand elsewhere on the page, or say nothing."""
ATTRIBUTES = {
    "failures": "points without likelihood, by cause",
    "failed": "proposals without likelihood",
    "step_size": "step size of each chain",
    "longest_trees": "transitions at the largest depth of the trees",
    "global_proposals": "global proposals",
    "global_accept": "share of them accepted",
    "global_failed": "of them without likelihood",
    "evaluations": "evaluations of the likelihood",
    "without_likelihood": "share of the prior points without likelihood",
    "last_acceptance": "share of moves accepted at the end",
    "sampled_nuisances": "inputs sampled",
    "log_evidence": "ln Z",
    "log_evidence_error": "its error, from the runs",
    "log_evidence_runs": "ln Z of each run",
    "log_likelihood_sm": "ln L of the Standard Model",
    "log_bayes_factor": "ln of the Bayes factor against the Standard Model",
}


@dataclass(frozen=True)
class Picture:
    """A figure of the page: file name, caption, what it shows in words, width on screen, and the PNG itself."""

    name: str
    caption: str
    alt: str
    wide: bool
    png: str


def write_report(result: Result, folder: str | Path, progress: Callable[[str], None] = lambda stage: None) -> Path:
    """folder/report.html, with every figure as PNG, PDF and the numbers that it shows (CSV) in folder/figures.

    Args     progress: called with the name of every figure
    Errors   InputError if the folder cannot be written
    """
    page = Path(folder) / "report.html"
    raise_if_any(check_places([page]))
    pictures = {
        picture.name: picture for picture in _pictures(result, prepare_folder(Path(folder) / "figures"), progress)
    }
    return write(page, render(result, pictures))


def render(result: Result, pictures: dict[str, Picture]) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("darkbeauty.report", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["short"] = lambda value: f"{value:.4g}"
    return environment.get_template("template.html").render(_context(result) | {"pictures": pictures})


def _context(result: Result) -> dict[str, Any]:
    fit, attrs = result.fit, result.attrs | {"seed": seed_of(result.attrs)}
    terms = result.terms()
    chains, draws = next(iter(result.draws.values())).shape
    chi2 = float(result.total_chi2[result.best])
    return {
        "fit": fit,
        "missed": result.missed,
        "warnings": result.warnings,
        "model": fit.model,
        "priors": [_prior_row(result, name) for name in fit.parameters],
        "fixed": _fixed(result),
        "summary": result.summary,
        "moved": result.moved,
        "inputs": len(result.inputs),
        "terms": terms,
        "measured": {term.name: _measured(fit.known[term.name]) for term in terms},
        "remarks": by_remark(result.remarks),
        "chi2": chi2,
        "size": result.size,
        "best": {name: values[result.best] for name, values in result.draws.items()},
        "chains": chains,
        "draws": draws,
        "sampler": list(_sampler(result)),
        "attrs": attrs,
        "versions": _versions(attrs),
        "command": f"darkbeauty fit {fit.name}.toml --seed {attrs['seed']} --chains {chains} --draws {draws}",
        "citations": _citations(result),
        "version": version("darkbeauty"),
    }


def _prior_row(result: Result, name: str) -> dict[str, str]:
    known = {parameter.name: parameter for parameter in result.fit.model.parameters}
    parameter = known[name]
    return {
        "name": name,
        "meaning": parameter.meaning,
        "unit": parameter.unit,
        "prior": result.fit.priors[name].words,
    }


def _fixed(result: Result) -> list[tuple[str, str, str]]:
    """Name, value and meaning of the parameters that are not free, expressions first: of many that are 0, only the others."""
    model, tied = result.fit.model, result.fit.source.tied
    about = {parameter.name: parameter.meaning for parameter in untied(model).parameters}
    rows = [
        (parameter, getattr(model, parameter.name))
        for parameter in model.parameters
        if parameter.name not in result.fit.priors
    ]
    shown = [(parameter, value) for parameter, value in rows if value is not None and np.all(value != 0.0)]
    fixed = [(parameter.name, f"{value:g} {parameter.unit}".strip(), parameter.meaning) for parameter, value in shown]
    return [*((name, text, about[name]) for name, text in tied.items()), *fixed]


def _measured(term: Term) -> str:
    """Publications of a term: the first few, and how many more."""
    references = list(term.references)
    return ", ".join(references[:3]) + (f" and {len(references) - 3} more" if len(references) > 3 else "")


def _sampler(result: Result) -> Iterator[tuple[str, str]]:
    """What the sampler recorded: means over the draws, energy, and every other attribute of the run."""
    if "diverging" in result.stats:
        yield "divergent transitions", f"{100.0 * np.mean(result.stats['diverging']):.2f} %"
    for name, words in STATISTICS.items():
        if name in result.stats:
            yield words, f"{np.mean(result.stats[name]):.3g}"
    if "energy" in result.stats:
        yield "smallest E-BFMI of a chain", f"{np.min(bfmi(result.stats['energy'])):.2f}"
    for name, value in result.attrs.items():
        if name not in SHOWN and not name.startswith("version_"):
            text = ", ".join(_short(entry, ".3f" if name.startswith("log_") else ".4g") for entry in entries(value))
            yield ATTRIBUTES.get(name, name.replace("_", " ")), "none" if text == "{}" else text


def _short(entry: Any, form: str) -> str:
    """A number, also one that is stored as text, with as many digits as a table has room for; another text as it is."""
    try:
        return f"{float(entry):{form}}"
    except ValueError:
        return str(entry)


def _versions(attrs: dict[str, Any]) -> dict[str, str]:
    """Versions of the packages that a run used: only of ours, and only what looks like a version, as they become part of a command."""
    recorded = {name: str(attrs.get(f"version_{name}", "")) for name in PACKAGES}
    return {name: number for name, number in recorded.items() if re.fullmatch(r"\d[\w.+!-]{0,40}", number, re.ASCII)}


def _citations(result: Result) -> list[tuple[str, str]]:
    requests = parse(result.fit.model, result.labels)
    groups = used(result.fit, requests)
    return [(ROLES[role], bibtex(references)) for role, references in groups.items() if references]


def _pictures(result: Result, folder: Path, progress: Callable[[str], None]) -> Iterator[Picture]:
    for name, figure, caption, alt, wide in _figures(result):
        save(figure, folder / f"{name}.pdf", DPI)
        write(folder / f"{name}.csv", numbers(figure))
        png = save(figure, folder / f"{name}.png", DPI)
        progress(f"{name} drawn")
        yield Picture(name, caption, alt, wide, base64.b64encode(png).decode("ascii"))


def _words_of_corner(result: Result) -> str:
    """What the corner plot shows."""
    names = list(result.draws)
    if len(names) > 1 and figures.regions_of(result, *names[:2]) is not None:
        return "Regions of 68 % and 95 % probability of every pair of parameters; the central 68 % of each."
    return f"The draws: fewer than {FEWEST} of them, or than {LEAST_EFFECTIVE:g} effective ones, make no regions."


def _words_of_bands(result: Result) -> str:
    """What the spectra show."""
    if not spectra.has_bands(result):
        return f"some of the draws (bands need {spectra.FEWEST})"
    return f"{len(result.points(spectra.DRAWS))} draws"


def _figures(result: Result) -> Iterator[tuple[str, Figure, str, str, bool]]:
    """Name, figure, caption, text in place of the picture, whether it needs the width of a desk screen."""
    yield (
        "corner",
        figures.corner(result),
        _words_of_corner(result),
        "corner plot of the posterior",
        False,
    )
    yield (
        "pulls",
        data_figures.pulls(result, result.terms()),
        "Pulls at the best draw; χ² with the correlations of each term, over its number of observables.",
        "pulls by term",
        False,
    )
    binned = data_figures.panels(result)
    if binned:
        yield (
            "against_q2",
            data_figures.against_q2(result, binned),
            "Binned observables: data with experimental errors, posterior median with theory error and 68 % range.",
            "binned observables against q squared",
            True,
        )
    inside = {place for places in binned.values() for place in places}
    if rest := [place for place in result.measured if place not in inside]:
        caption = "Predictions in units of the total error; the theory error is drawn around the posterior's median."
        yield "predictions", figures.predictions(result, rest), caption, "predictions and data", True
    if sectors_of(result.fit.model).dark_matter is not None:
        caption = (
            f"Missing energy = νν̄ and dark matter, {_words_of_bands(result)}, smeared with σ(q²) = {spectra.RESOLUTION:g} GeV² "
            "for the picture (no experiment's resolution); theory errors are not in it."
        )
        yield "spectra", spectra.spectra(result), caption, "missing-energy spectra", True
    caption = "Traces, and the distribution of ranks over the chains: flat where all chains agree."
    yield "chains", chain_figures.chains(result), caption, "traces and ranks of the chains", True
    if "energy" in result.stats:
        caption = "Energy and its change between draws: as wide, if the chains reach the tails."
        yield "energy", chain_figures.energy(result), caption, "energy of the chains", False
