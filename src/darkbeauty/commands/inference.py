"""Commands on fit files besides `fit` and `optimise`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from darkbeauty.commands.runs import SIGNALLED
from darkbeauty.commands.setting import read_fit
from darkbeauty.commands.waiting import waiting
from darkbeauty.errors import raise_if_any
from darkbeauty.files import check_places
from darkbeauty.terminal import UNCONVERGED, number, print_table, reporting, show, written

commands = typer.Typer()

FitFile = Annotated[Path, typer.Argument(metavar="FILE", help="A fit file (TOML).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Seed = Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Seed, instead of the file's.")]


@commands.command()
def stress(
    file: FitFile,
    points: Annotated[int, typer.Option("-n", min=1, metavar="N", help="Number of prior draws.")] = 1000,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Likelihood and gradient at prior draws: failures and slow spots by cause; exit code 3 if anything is not finite."""
    with reporting():
        fit = read_fit(file)
        from darkbeauty.inference.checking.stress import stress as run

        with waiting(f"stress {fit.name}", points) as work:
            result = run(fit, points, seed, work.done)
        if as_json:
            show({**vars(result), "slow": [vars(spot) for spot in result.slow], "passed": result.passed}, True, (), ())
        else:
            print_stress(fit.name, result)
        if not result.passed:
            raise typer.Exit(UNCONVERGED)


def print_stress(name: str, result: Any) -> None:
    """Verdict, causes, times."""
    bad, dead = sum(result.not_finite.values()), sum(result.without_likelihood.values())
    verdict = "all finite" if result.passed else f"NOT FINITE at {bad} points"
    typer.echo(f"{name}: {verdict}; {result.points} prior draws, {dead} of them without likelihood")
    typer.echo("value and gradient: median {:.3g} ms, 99 % below {:.3g} ms\n".format(*result.milliseconds))
    rows = [(str(count), "log L = −∞", cause) for cause, count in result.without_likelihood.items()]
    rows += [(str(count), "not finite", cause) for cause, count in result.not_finite.items()]
    spots = [(f"{spot.milliseconds:.3g} ms", "slow", point(spot.point)) for spot in result.slow]
    spots += [("", "not finite at", point(values)) for values in result.worst]
    if rows or spots:
        print_table(("points", "what", "why or where"), rows + spots, (0,))


def point(values: dict[str, float]) -> str:
    """name=value …, as the other commands take it."""
    return " ".join(f"{name}={number(value)}" for name, value in values.items())


@commands.command()
def scan(
    file: FitFile,
    points: Annotated[int, typer.Option("-n", min=1, metavar="N", help="Number of points.")] = 2048,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Output folder; default: runs/NAME-OF-FILE-scan.")
    ] = None,
    random: Annotated[
        bool, typer.Option("--random", help="Independent prior draws instead of a Sobol sequence.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the complete parts that are there.")] = False,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Predictions and likelihood, term by term, at points of the prior, as Parquet files; several processes may share the work."""
    with reporting():
        folder = out or Path("runs") / f"{file.stem}-scan"
        fit = read_fit(file, folder)
        from darkbeauty.inference.scan import scan as run
        from darkbeauty.inference.sharding import is_first_process

        with waiting(f"scan {fit.name}", points) as work:
            result = run(fit, points, folder, seed=seed, random=random, resume=resume, progress=work.done)
        if is_first_process():
            print_scan(fit.name, folder, result, as_json)
        if result.signal:
            raise typer.Exit(SIGNALLED + result.signal)


def print_scan(name: str, folder: Path, result: Any, as_json: bool) -> None:
    """How many points, what failed, the best point, the files."""
    if as_json:
        show({**vars(result), "folder": str(folder)}, True, (), ())
        return
    dead = sum(result.without_likelihood.values())
    verdict = (
        f"interrupted after {result.points} of {result.wanted} points" if result.signal else f"{result.points} points"
    )
    typer.echo(f"{name}: {verdict}, {dead} of them without likelihood; {len(result.files)} files in {folder}")
    typer.echo(f"best: log L = {result.log_likelihood:.4f} at {point(result.best)}")
    if rows := [(str(count), cause) for cause, count in result.without_likelihood.items()]:
        print_table(("points", "no likelihood because"), rows, (0,))


@commands.command()
def profile(
    file: FitFile,
    param: Annotated[list[str], typer.Option("--param", metavar="NAME", help="One parameter, or two: give it twice.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Output folder; default: runs/NAME-OF-FILE-profile.")
    ] = None,
    points: Annotated[
        int | None, typer.Option("-n", min=5, metavar="N", help="Grid points per parameter: 41, or 21 each.")
    ] = None,
    starts: Annotated[int | None, typer.Option(min=1, help="Starts at every point, instead of the file's.")] = None,
    posterior: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Run of the same fit: regions of its posterior beside those of the profile."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Profile likelihood of one or two parameters: table (Parquet), pictures with the numbers they show, and the intervals of one parameter."""
    with reporting():
        folder = out or Path("runs") / f"{file.stem}-profile"
        fit = read_fit(file, folder)
        from darkbeauty.inference.fitting.profile import profile as run
        from darkbeauty.inference.sharding import is_first_process
        from darkbeauty.report.inference_figures import check_posterior, profile_places, write_profile
        from darkbeauty.report.result import read_result

        beside = read_result(posterior) if posterior else None
        unfit = check_posterior(fit, param, beside) if beside else []
        raise_if_any([*check_places(profile_places(param, folder)), *unfit])

        with waiting(f"profile {fit.name} {' '.join(param)}") as work:
            result = run(fit, param, points or (41 if len(param) == 1 else 21), starts, work.stage)
        if not is_first_process():
            return
        files = [str(path) for path in write_profile(fit, result, folder, beside)]
        intervals = [vars(interval) for interval in result.intervals]
        if as_json:
            best = {"best": result.best, "log_likelihood": result.log_likelihood}
            show({**best, "intervals": intervals, "files": files}, True, (), ())
            return
        typer.echo(f"{fit.name}: best fit log L = {result.log_likelihood:.4f} at {point(result.best)}\n")
        edge = lambda value, is_open: f"{number(value)}{' (edge)' if is_open else ''}"
        rows = [(i.confidence, edge(i.low, i.low_open), edge(i.high, i.high_open)) for i in result.intervals]
        if rows:
            print_table(("confidence", "from", "to"), rows, (1, 2))
        typer.echo(written(files))


class Around(StrEnum):
    """Where calibration takes its truths from."""

    auto = "auto"
    prior = "prior"
    posterior = "posterior"


@commands.command()
def calibrate(
    file: FitFile,
    simulations: Annotated[int, typer.Option("-n", min=20, metavar="N", help="Number of simulated data sets.")] = 200,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Output folder; default: runs/NAME-OF-FILE-calibration.")
    ] = None,
    around: Annotated[
        Around, typer.Option(help="Truths from the prior, or from the posterior (auto: for relic fits).")
    ] = Around.auto,
    particles: Annotated[
        int, typer.Option(min=80, metavar="N", help="Particles of every fit; a quarter are ranked.")
    ] = 400,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Simulation-based calibration: ranks of true values among posterior draws of simulated data; exit code 3 if they are not uniform."""
    with reporting():
        folder = out or Path("runs") / f"{file.stem}-calibration"
        fit = read_fit(file, folder)
        from darkbeauty.inference.checking.calibrate import calibrate as run
        from darkbeauty.inference.sharding import is_first_process
        from darkbeauty.report.inference_figures import calibration_places, write_calibration

        raise_if_any(check_places(calibration_places(folder)))

        with waiting(f"calibrate {fit.name}", 100) as work:
            result = run(fit, simulations, around.value, seed, particles + particles % 2, work.stage)
        if not is_first_process():
            raise typer.Exit(0 if result.passed else UNCONVERGED)
        files = [str(path) for path in write_calibration(fit, result, folder)]
        if as_json:
            show(
                {"around": result.around, "p_values": result.p_values, "counts": result.counts, "files": files},
                True,
                (),
                (),
            )
        else:
            verdict = "calibrated" if result.passed else "NOT calibrated"
            typer.echo(f"{fit.name}: {verdict}; {simulations} simulations around the {result.around}\n")
            rows = [(name, f"{p:.3g}", " ".join(map(str, result.counts[name]))) for name, p in result.p_values.items()]
            print_table(("parameter", "p (uniform ranks)", "ranks"), rows, (1,))
            typer.echo(written(files))
        if not result.passed:
            raise typer.Exit(UNCONVERGED)
