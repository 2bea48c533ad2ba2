"""Commands on points and tables of effective theories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from darkbeauty.commands.many import ManyObservables
from darkbeauty.commands.runs import print_pulls
from darkbeauty.commands.setting import prepare, read_fit
from darkbeauty.errors import Problem, attempt, raise_if_any
from darkbeauty.terminal import number, print_remarks, print_table, reporting, show

commands = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, complex numbers as {re, im}.")]


@commands.command(cls=ManyObservables)
def wcxf(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A WCxf file, JSON or YAML: WET or SMEFT.")],
    obs: Annotated[
        list[str] | None,
        typer.Option("--obs", "--observable", metavar="NAME …", help="Observables to predict; may be repeated."),
    ] = None,
    fit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A fit file of wet: log L and pulls of its terms.")
    ] = None,
    preset: Annotated[str | None, typer.Option(metavar="NAME", help="The same of a preset of wet.")] = None,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the coefficients at 4.8 GeV, as WCxf.")] = None,
    as_json: AsJson = False,
) -> None:
    """Coefficients of a WCxf file at 4.8 GeV: predictions, likelihood and pulls."""
    with reporting():
        prepare()
        from darkbeauty.models.wet import Wet
        from darkbeauty.prediction import parse, predict_in_words
        from darkbeauty.report.eft_point import judge, likelihood_of
        from darkbeauty.report.wcxf import read_wcxf, write_wcxf

        problems: list[Problem] = []
        point = attempt(lambda: read_wcxf(file), problems)
        requests = attempt(lambda: parse(Wet(), obs), problems) if obs else ()
        loaded = attempt(lambda: read_fit(fit), problems) if fit else None
        asked = preset is not None or (fit is not None and loaded is not None)
        lik = attempt(lambda: likelihood_of(loaded, preset, point or {}), problems) if asked else None
        raise_if_any(problems)
        result: dict[str, Any] = {"coefficients": point}
        if requests:
            result["predictions"] = predict_in_words(Wet(), point, [request.label for request in requests])
        if lik is not None:
            result["likelihood"] = judge(lik, point)
        if to is not None:
            write_wcxf(point, to)
            result["written"] = str(to)
        _show_point(result, {request.label: request.observable.unit for request in requests}, as_json)


def _show_point(result: dict[str, Any], units: dict[str, str], as_json: bool) -> None:
    """Coefficients, predictions and likelihood, as far as asked for."""
    predictions, verdict = result.get("predictions", {}), result.get("likelihood")
    warnings = {label: words for label, prediction in predictions.items() if (words := prediction.words)}
    if as_json:
        values = {label: prediction.value for label, prediction in predictions.items()}
        told = {"predictions": values} | ({"warnings": warnings} if warnings else {}) if values else {}
        if verdict is not None:
            told["likelihood"] = {**vars(verdict), "pulls": [vars(row) for row in verdict.pulls]}
        show({**result, **told}, True, (), ())
        return
    print_table(
        ("coefficient", "at 4.8 GeV"), [(name, number(value)) for name, value in result["coefficients"].items()], (1,)
    )
    if predictions:
        typer.echo("")
        rows = [(label, number(prediction.value), units[label]) for label, prediction in predictions.items()]
        print_table(("observable", "value", "unit"), rows, (1,))
        print_remarks(warnings)
    if verdict is not None:
        typer.echo(f"\nlog L = {verdict.log_likelihood:.4f}, Standard Model {verdict.log_likelihood_sm:.4f}")
        typer.echo(f"Δχ² = {verdict.delta_chi2:+.3f} (above 0: better than the Standard Model)\n")
        print_pulls(verdict.pulls)
    if "written" in result:
        typer.echo(f"\nwritten: {result['written']}")
