"""Command line: parse, call, print. No physics here, and nothing heavy is imported before a command needs it."""

from __future__ import annotations

import math
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from darkbeauty.commands import eft, export, pages
from darkbeauty.commands.inference import Seed, commands
from darkbeauty.commands.many import ManyObservables
from darkbeauty.commands.reading import choices, read_point, read_range, read_request
from darkbeauty.commands.runs import print_optimum, print_pulls, print_run
from darkbeauty.commands.setting import check_picture, prepare, read_fit
from darkbeauty.commands.waiting import waiting
from darkbeauty.errors import Problem, attempt, raise_if_any
from darkbeauty.files import check_places
from darkbeauty.terminal import (
    INTERRUPTED,
    UNCONVERGED,
    console,
    flat,
    number,
    print_remarks,
    reporting,
    safe_streams,
    show,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    """What --version does."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"darkbeauty {version('darkbeauty')}")
        raise typer.Exit


@app.callback()
def darkbeauty(
    about: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Differentiable flavour and dark-matter observables, fits and posteriors."""


class Kind(StrEnum):
    """What `list` can list."""

    models = "models"
    observables = "observables"
    terms = "terms"
    measurements = "measurements"


ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of a model: darkbeauty list models.")]
Assignments = Annotated[
    list[str] | None, typer.Argument(metavar="name=value …", help="Parameters, e.g. y=0.3; complex ones as 0.3+0.1j.")
]
Observables = Annotated[
    list[str] | None, typer.Option("--obs", metavar="NAME …", help="Observables, bins in brackets; may be repeated.")
]
Convention = Annotated[
    str, typer.Option(metavar="NAME", help="canonical, or printed: as in the slides behind the model.")
]
Channels = Annotated[
    list[str] | None,
    typer.Option("--channel", metavar="NAME", help="An annihilation channel that is off by default; may be repeated."),
]
LoopMixing = Annotated[bool, typer.Option("--loop-mixing", help="With the mixing of Z′ and photon by lepton loops.")]
Perturbative = Annotated[bool, typer.Option("--perturbative", help="Refuse points that are not perturbative.")]
Table = Annotated[
    str, typer.Option(metavar="NAME", help="Degrees of freedom of the early Universe: BORSANYI2016 or SS2018.")
]
Settings = Annotated[
    str, typer.Option(metavar="TOML", help='Settings of u1_leptoquark, e.g. \'couples = "tau", leptoquark = "R2~"\'.')
]
Scale = Annotated[float | None, typer.Option(metavar="GEV", help="Scale of the coefficients of smeft; default: 1000.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, complex numbers as {re, im}.")]
FitFile = Annotated[Path, typer.Argument(metavar="FILE", help="A fit file (TOML).")]


# -- commands ---------------------------------------------------------------------------------------------------------------------------


@app.command(cls=ManyObservables)
def predict(
    model: ModelName,
    point: Assignments = None,
    obs: Observables = None,
    convention: Convention = "canonical",
    channel: Channels = None,
    loop_mixing: LoopMixing = False,
    perturbative: Perturbative = False,
    gstar: Table = "BORSANYI2016",
    member: Settings = "",
    scale: Scale = None,
    as_json: AsJson = False,
) -> None:
    """Values of observables at a parameter point."""
    with reporting():
        options = choices(convention, channel, loop_mixing, perturbative, gstar, member, scale)
        template, values, units = read_request(model, point or [], obs or [], options)
        from darkbeauty.prediction import predict_in_words

        with waiting(f"predict {model}"):
            predictions = predict_in_words(template, values, list(units))
        result = {label: prediction.value for label, prediction in predictions.items()}
        rows = [(label, number(value), units[label]) for label, value in result.items()]
        show_with_warnings(result, predictions, as_json, ("observable", "value", "unit"), rows, (1,))


def show_with_warnings(
    result: dict[str, Any], predictions: dict[str, Any], as_json: bool, columns: Any, rows: Any, right: Any
) -> None:
    """A result with what is to be said of its observables."""
    warnings = {label: words for label, prediction in predictions.items() if (words := prediction.words)}
    show(result | {"warnings": warnings} if warnings else result, as_json, columns, rows, right)
    if not as_json:
        print_remarks(warnings)


@app.command(cls=ManyObservables)
def gradient(
    model: ModelName,
    point: Assignments = None,
    obs: Observables = None,
    convention: Convention = "canonical",
    channel: Channels = None,
    loop_mixing: LoopMixing = False,
    perturbative: Perturbative = False,
    gstar: Table = "BORSANYI2016",
    member: Settings = "",
    scale: Scale = None,
    as_json: AsJson = False,
) -> None:
    """Exact derivatives of observables with respect to the parameters given (all parameters if none is)."""
    with reporting():
        options = choices(convention, channel, loop_mixing, perturbative, gstar, member, scale)
        template, values, units = read_request(model, point or [], obs or [], options)
        from darkbeauty.prediction import gradient_in_words

        with waiting(f"gradient {model}"):
            slopes, predictions = gradient_in_words(template, values, list(units))
        rows = [(name, by, number(value)) for name, row in slopes.items() for by, value in row.items()]
        show_with_warnings(slopes, predictions, as_json, ("observable", "derivative by", "value"), rows, (2,))


@app.command()
def fit(
    file: FitFile,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Output folder; default: runs/NAME-OF-FILE.")] = None,
    draws: Annotated[int | None, typer.Option(min=20, help="Draws per chain, instead of the file's.")] = None,
    chains: Annotated[int | None, typer.Option(min=1, help="Number of chains, instead of the file's.")] = None,
    seed: Seed = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, if there is one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Posterior of a fit file: netCDF, summary and pictures in the output folder."""
    with reporting():
        folder = out or Path("runs") / file.stem
        loaded = read_fit(file, folder, resume)
        from darkbeauty.report.figures import places, write_figures
        from darkbeauty.report.progress import watch

        raise_if_any(check_places(places(folder)))
        overrides = {"draws": draws, "chains": chains, "seed": seed, "resume": resume}
        run = watch(loaded, folder, overrides, console(sys.stderr))
        pictures = write_figures(run, folder) if run.netcdf and not run.signal else []
        print_run(loaded.name, run, [str(path) for path in (run.netcdf, *pictures) if path], as_json)


@app.command()
def optimise(file: FitFile, as_json: AsJson = False) -> None:
    """Best fit of a fit file, from many starting points."""
    with reporting():
        loaded = read_fit(file)
        import darkbeauty as db

        with waiting(f"optimise {loaded.name}"):
            best = db.optimise(loaded)
        if as_json:
            show({**vars(best), "pulls": [vars(row) for row in best.pulls]}, True, (), ())
        elif math.isfinite(best.log_likelihood):
            print_optimum(best)
            print_pulls(best.pulls)
        else:
            typer.echo(
                f"{loaded.name}: NO best fit: log L = −∞ at all {len(best.starts)} starts; darkbeauty stress says why"
            )
        if not math.isfinite(best.log_likelihood):
            raise typer.Exit(UNCONVERGED)


@app.command()
def relic(
    model: ModelName,
    point: Assignments = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Picture: PNG, PDF or SVG by its ending.")] = Path(
        "relic.png"
    ),
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="freeze_out, boltzmann, kinetic or phase_space; may be repeated."),
    ] = None,
    convention: Convention = "canonical",
    channel: Channels = None,
    loop_mixing: LoopMixing = False,
    perturbative: Perturbative = False,
    gstar: Table = "BORSANYI2016",
    member: Settings = "",
    as_json: AsJson = False,
) -> None:
    """Picture of the relic density along one parameter or over two, given as name=low:high; of Y, temperature and momenta of dark matter at a point."""
    with reporting():
        prepare()
        from darkbeauty.models import resolve_model
        from darkbeauty.report.relic import check

        values, problems = read_point(point or [])
        ranges = {name: pair for name, text in values.items() if (pair := read_range(text))}
        fixed = {name: value for name, value in values.items() if name not in ranges}
        refused: list[Problem] = []
        options = choices(convention, channel, loop_mixing, perturbative, gstar, member)
        template = attempt(lambda: resolve_model(model, **options), refused)
        unfit = check(template, fixed, ranges, method or ()) if template else []
        raise_if_any([*refused, *problems, *unfit, *check_picture(out)])
        pages.relic(template, fixed, ranges, method or (), out, as_json)


@app.command()
def explain(
    observable: Annotated[str, typer.Argument(metavar="OBS", help="An observable, bin in brackets.")],
    at: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL] [name=value …]", help="A model and a point of it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Formula, sources, inputs, slopes and error budget of an observable."""
    with reporting():
        prepare()
        model = at[0] if at and "=" not in at[0] else None
        point, problems = read_point((at or [])[0 if model is None else 1 :])
        pages.explain(observable, model, point, problems, as_json)


@app.command(name="list")
def list_(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    since: Annotated[
        str | None,
        typer.Option("--changed-since", metavar="DATE", help="Only measurements that changed on that day or later."),
    ] = None,
    words: Annotated[
        str | None, typer.Option("--filter", metavar="TEXT", help="Only what has this text in one of its columns.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What there is: models, observables, likelihood terms or measurements."""
    with reporting():
        from darkbeauty.report.listing import LISTINGS, changed_since, with_text

        every = LISTINGS[kind.value]()
        rows = every if since is None else changed_since(kind.value, every, since)
        rows = rows if words is None else with_text(kind.value, rows, words)
        columns = [column for column in every[0] if column not in ("references", "parameters")]
        show({kind.value: rows}, as_json, columns, [[flat(row[column]) for column in columns] for row in rows])


app.add_typer(commands)
app.add_typer(pages.commands)
app.add_typer(eft.commands)
app.add_typer(export.commands)


def main() -> None:
    """Entry point of the `darkbeauty` command."""
    try:
        with safe_streams():
            app()
    except (SystemExit, KeyboardInterrupt) as end:
        if getattr(end, "code", INTERRUPTED) != INTERRUPTED:
            raise
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # at once: JAX interrupted inside a compilation may crash on an orderly way out
