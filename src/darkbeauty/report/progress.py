"""A fit with a progress bar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from darkbeauty.inference.run import Run, execute
from darkbeauty.inference.samplers.table import sampler_of
from darkbeauty.likelihoods import Fit


def watch(fit: Fit, folder: Path, overrides: dict[str, Any], console: Console) -> Run:
    """Run a fit, showing every stage and block of transitions on a console; elsewhere one line for every stage."""
    if not console.is_terminal:
        return execute(fit, folder, progress=_announce(console), **overrides)
    settings = fit.sampler.changed(draws=overrides["draws"], chains=overrides["chains"])
    totals = sampler_of(settings, fit.theory).stages(settings)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        return execute(fit, folder, progress=_bars(bar, totals), **overrides)


def _announce(console: Console) -> Callable[[str, int, int], None]:
    seen: set[str] = set()

    def progress(stage: str, done: int, diverging: int) -> None:
        if stage not in seen:
            console.print(f"{stage} …")
        seen.add(stage)

    return progress


def _bars(bar: Progress, totals: dict[str, int]) -> Callable[[str, int, int], None]:
    tasks: dict[str, Any] = {}

    def progress(stage: str, done: int, diverging: int) -> None:
        if stage not in tasks:
            for task in tasks.values():
                bar.stop_task(task)
            tasks[stage] = bar.add_task(stage, total=totals.get(stage), note="")
        note = f"{diverging} divergent" if stage == "sampling" else ""
        bar.update(tasks[stage], completed=done, note=note)

    return progress
