"""Commands that write pages and pictures, and what `explain` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from darkbeauty.commands.setting import prepare
from darkbeauty.commands.waiting import waiting
from darkbeauty.errors import Problem, attempt, raise_if_any
from darkbeauty.files import check_folder, check_places
from darkbeauty.terminal import number, print_table, reporting, show, written
from darkbeauty.units import percent

if TYPE_CHECKING:
    from darkbeauty.models import Model
    from darkbeauty.report.explain import Numbers

commands = typer.Typer()

SHOWN_INPUTS = 12
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@commands.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Output folder of a fit.")], as_json: AsJson = False
) -> None:
    """One HTML page about a run, and its figures as PNG and PDF, from the posterior.nc of its folder."""
    with reporting():
        prepare()
        from darkbeauty.report.page import write_report
        from darkbeauty.report.result import read_result

        result = read_result(folder)
        with waiting(f"report {result.fit.name}") as work:
            page = write_report(result, folder, work.stage)
        files = [str(page), *sorted(str(path) for path in (folder / "figures").iterdir())]
        if as_json:
            show({"converged": not result.missed, "missed": result.missed, "files": files}, True, (), ())
        else:
            typer.echo(f"{result.fit.name}: {result.headline}\n{written(files)}")


@commands.command()
def figures(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Output folder.")] = Path("figures"),
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="One figure; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every figure and table of the slides behind the models, recomputed (some ten minutes for all)."""
    with reporting():
        prepare()
        from darkbeauty.report.deck import choose, places, write

        problems = check_folder(out)
        exhibits = attempt(lambda: choose(only or ()), problems)
        raise_if_any(
            [*problems, *(problem for exhibit in exhibits or () for problem in check_places(places(exhibit, out)))]
        )
        made = {}
        for exhibit in exhibits:
            with waiting(f"figure {exhibit.name}"):
                made[exhibit.name] = write(exhibit, out)
        files = [str(path) for paths in made.values() for path in paths]
        if as_json:
            show({"files": files}, True, (), ())
        else:
            typer.echo(written(files).lstrip())


def relic(
    model: Model,
    point: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    methods: Sequence[str],
    out: Path,
    as_json: bool,
) -> None:
    """Draw the relic density over one or two ranges, or what happens at a point; print what there is to say in numbers."""
    from darkbeauty.report import relic as over
    from darkbeauty.report import relic_figures, relic_history

    title = f"{model.name}: " + ", ".join(f"{name} = {value}" for name, value in point.items())
    if not ranges:
        with waiting(f"relic {model.name} at a point"):
            history = relic_history.at_point(model, point, methods)
        relic_history.draw(history, out, title)
        rows = relic_history.rows(history)
        if as_json:
            show({"file": str(out), **relic_history.as_mapping(history)}, True, (), ())
        else:
            print_table(("method", "Omega_h2", "with half and twice the scattering", ""), rows, (1,))
            typer.echo(f"\nwritten: {out}")
        return
    with waiting(f"relic {model.name} over {' and '.join(ranges)}"):
        result = over.over_ranges(model, point, ranges, methods)
    relic_figures.draw(result, out, title, model.axis)
    if as_json:
        show({"file": str(out), **asdict(result)}, True, (), ())
        return
    for method, causes in result.without_value.items() if isinstance(result, over.Line) else ():
        typer.echo(
            "".join(f"{method}: no value at {count} points: {words}\n" for words, count in causes.items()), nl=False
        )
    typer.echo(f"written: {out}")


def explain(label: str, model: str | None, point: dict[str, Any], problems: list[Problem], as_json: bool) -> None:
    """Print what is behind an observable; `problems` met before are reported with those of the name and the point."""
    from darkbeauty.report.explain import explain as explained

    with waiting(f"explain {label}"):
        explanation = attempt(lambda: explained(label, model, point), problems)
    raise_if_any(problems)
    if as_json:
        show(asdict(explanation), True, (), ())
        return
    unit = f"   [{explanation.unit}]" if explanation.unit else ""
    typer.echo(f"{explanation.usage}: {explanation.about}{unit}\nreferences: {', '.join(explanation.references)}")
    for place, text in explanation.formulas:
        typer.echo(f"\n-- {place}\n{text}")
    if explanation.left_out:
        typer.echo("\n-- limits")
        typer.echo("\n".join(f"{label.lower()}: {words}" for label, words in explanation.left_out))
    if explanation.numbers is None:
        typer.echo(f"\nnumbers need a point: darkbeauty explain '{label}' {explanation.model} name=value …")
    else:
        _print_numbers(explanation.model, explanation.numbers)


def _print_numbers(model: str, numbers: Numbers) -> None:
    point = " ".join(f"{name}={value:g}" for name, value in numbers.point.items()) or "all defaults"
    typer.echo(f"\n-- model {model}, {point}")
    if math.isnan(abs(numbers.value)):
        typer.echo(f"no value: {'; '.join(numbers.warnings)}")
        return
    typer.echo(f"{number(numbers.value)} ± {numbers.error:.3g} (from inputs)")
    typer.echo("".join(f"{words}\n" for words in numbers.warnings))
    size = abs(numbers.value)
    share = lambda effect: percent(effect / size) if size else f"{effect:.3g}"
    slopes = [
        (
            slope.parameter,
            f"{slope.value:g}",
            slope.unit,
            f"{slope.derivative:.4g}",
            "" if slope.relative is None else f"{slope.relative:.3g}",
        )
        for slope in numbers.slopes
    ]
    of = "derivative of modulus" if isinstance(numbers.value, complex) else "derivative"
    print_table(("parameter", "value", "unit", of, "relative"), slopes, (1, 3, 4))
    rows = [
        (
            nuisance.path,
            "vector" if nuisance.value is None else f"{nuisance.value:.6g}",
            "" if nuisance.error is None else f"{nuisance.error:.2g}",
            share(nuisance.effect),
            nuisance.source,
        )
        for nuisance in numbers.inputs[:SHOWN_INPUTS]
    ]
    typer.echo("")
    print_table(("input", "value", "error", "effect of 1σ", "source"), rows, (1, 2, 3))
    if (more := len(numbers.inputs) - SHOWN_INPUTS) > 0:
        typer.echo(f"and {more} smaller ones (--json lists them)")
    typer.echo("")
    budget = [(family, share(error)) for family, error in numbers.budget.items()]
    print_table(("theory error from", "size"), [*budget, ("together", share(numbers.error))], (1,))
