"""What `fit` prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import typer

from darkbeauty.terminal import UNCONVERGED, number, print_remarks, print_table, show, written
from darkbeauty.units import percent

SIGNALLED = 128
"""Exit code of a run that signal n ended: 128 + n, as a shell has it (130 for Ctrl-C, 143 for SIGTERM)."""


def print_run(name: str, run: Any, files: Sequence[str], as_json: bool) -> None:
    """The verdict first, then the summary; exit code 3 for a run that misses a target, 128 + n for one that signal n ended."""
    table, nuisances = by_name(run.summary), by_name(run.nuisances)
    word = "NOT finished" if run.signal else "NOT converged"
    verdict = run.verdict
    headline = "converged" if verdict.converged else f"{word}: " + "; ".join(verdict.missed)
    result = {"converged": verdict.converged, "missed": verdict.missed, "divergences": verdict.divergences}
    result |= {"cut_off_trees": verdict.cut_off, "warnings": verdict.warnings}
    from darkbeauty.inference.sharding import is_first_process

    if not is_first_process():
        pass
    elif as_json:
        details = {"evidence": run.evidence or None, "files": files, "summary": table}
        show({**result, **details} | ({"nuisances": nuisances} if nuisances else {}), True, (), ())
    else:
        typer.echo("\n".join([f"{name}: {headline}", *(f"warning: {text}" for text in verdict.warnings)]))
        print_results(run, files)
    if run.signal:
        raise typer.Exit(SIGNALLED + run.signal)
    if not verdict.converged:
        raise typer.Exit(UNCONVERGED)


def print_results(run: Any, files: Sequence[str]) -> None:
    """Evidence or divergences, parameters, the sampled inputs that moved most, files."""
    if run.signal:
        typer.echo("the same command with --resume goes on from here")
    if not run.summary:
        return
    from darkbeauty.inference.checking.diagnostics import most_moved

    typer.echo(f"{evidence(run.evidence) or divergent(run.verdict)}\n")
    print_summary("parameter", run.summary)
    if run.nuisances:
        typer.echo(
            f"\n{len(run.nuisances)} inputs, in standard deviations from their central values; those that moved most:\n"
        )
        print_summary("input", most_moved(run.nuisances))
    typer.echo(written(files))


def by_name(rows: Sequence[Any]) -> dict[str, dict[str, float]]:
    """Summaries as {name: {column: value}}."""
    return {row.name: {key: value for key, value in vars(row).items() if key != "name"} for row in rows}


def print_summary(what: str, summary: Sequence[Any]) -> None:
    """One line for each of the parameters or inputs."""
    table = by_name(summary)
    columns = list(next(iter(table.values())))
    rows = [(name, *(f"{row[column]:.4g}" for column in columns)) for name, row in table.items()]
    print_table((what, *columns), rows, range(1, len(columns) + 1))


def divergent(verdict: Any) -> str:
    """The share of divergent transitions, and of trees that were cut off."""
    cut_off = f"; trees cut off at their largest depth: {percent(verdict.cut_off)}" if verdict.cut_off else ""
    return f"divergent transitions: {100 * verdict.divergences:.2f} %{cut_off}"


def evidence(numbers: dict[str, Any]) -> str:
    """ln Z with its error, and the Bayes factor against the Standard Model; empty where there is none."""
    if not numbers:
        return ""
    log_z, error = numbers["log_evidence"], numbers["log_evidence_error"]
    factor, log_l = numbers["log_bayes_factor"], numbers["log_likelihood_sm"]
    return (
        f"evidence: ln Z = {log_z:.3f} ± {error:.3f}\n"
        f"Bayes factor against the Standard Model: ln B = {factor:+.3f} (ln L = {log_l:.3f} there)"
    )


def print_optimum(best: Any) -> None:
    """The best point, with errors from the curvature of the likelihood there."""
    typer.echo(f"log L = {best.log_likelihood:.4f}; starts: {', '.join(f'{value:.2f}' for value in best.starts)}")
    if best.log_evidence_laplace is not None:
        typer.echo(f"evidence by Laplace: ln Z = {best.log_evidence_laplace:.3f}")
    if best.delta_chi2 is not None:
        words = "degree of freedom" if len(best.parameters) == 1 else "degrees of freedom"
        typer.echo(
            f"Δχ² to the Standard Model: {best.delta_chi2:.2f}, {best.pull:.2f} σ for {len(best.parameters)} {words}"
        )
    typer.echo("")
    error = lambda name: (
        f"{size:.3g}" if math.isfinite(size := best.errors.get(name, math.inf)) else "none inside its prior"
    )
    rows = [(name, number(value), error(name)) for name, value in best.parameters.items()]
    print_table(("parameter", "best fit", "error (Fisher)"), rows, (1, 2))
    for name, reason in best.reasons.items():
        typer.echo(f"{name} has no error: {reason}")
    typer.echo("")


def print_pulls(rows: Any) -> None:
    """One line for each measured number."""
    cells = [
        (row.term, row.observable, *map(number, (row.prediction, row.measured)), f"{row.pull:+.2f}") for row in rows
    ]
    print_table(("term", "observable", "prediction", "measured", "pull"), cells, (2, 3, 4))
    print_remarks({row.observable: row.remarks for row in rows})
