"""The (C₉, C₁₀) fit of fits/wet_c9_c10.toml done twice, by flavio and by darkbeauty, on one list of measurements.

    python tools/flavio_wet_fit.py OUT [--flavio-python PYTHON] [--samples 200] [--threads 2] [--picture FILE.png]

flavio (its own interpreter if it is not installed beside darkbeauty) gets every block of measurements through its measurement API, builds a
FastLikelihood, whose theory covariance comes from `samples` random points, and evaluates log L on a grid in (C9_bsmumu, C10_bsmumu).
darkbeauty evaluates its own likelihood on the same grid. OUT then holds measurements.json, flavio.json (kept: a second run reads it) and
result.json; the table is printed, the figure written. flavio needs about half an hour on two cores, darkbeauty two minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

TERMS = ("b->smumu", "BR(Bs->mumu)")
C9, C10 = np.linspace(-2.0, 0.4, 9), np.linspace(-0.8, 1.0, 9)
EXPERIMENT_SAMPLES = 20000
TWO_DIMENSIONAL = (2.2957, 6.1801, 11.8292)  # Δχ² of 1, 2, 3σ regions of two parameters


# -- flavio, in its own interpreter -------------------------------------------------------------------------------------------------------


def flavio_part(folder: Path, samples: int, threads: int) -> None:
    """measurements.json → flavio.json: observables, predictions and log L on the grid, theory covariance."""
    import flavio
    from flavio.statistics.likelihood import FastLikelihood

    np.random.seed(20261122)  # noqa: NPY002  flavio draws from the global state
    data = json.loads((folder / "measurements.json").read_text(encoding="utf-8"))
    names = [register(flavio, block) for block in data["blocks"]]
    observables = list(dict.fromkeys(as_flavio(label) for block in data["blocks"] for label in block["observables"]))
    fast = FastLikelihood("wet", observables=observables, include_measurements=names)
    fast.make_measurement(N=samples, Nexp=EXPERIMENT_SAMPLES, threads=threads)
    parameters, likelihood = flavio.default_parameters.get_central_all(), fast.likelihood.measurement_likelihood
    predictions, values = [], []
    for c9, c10 in data["points"]:
        coefficients = flavio.WilsonCoefficients()
        coefficients.set_initial({"C9_bsmumu": c9, "C10_bsmumu": c10}, scale=4.8)
        predicted = likelihood.get_predictions_par(parameters, coefficients)
        predictions.append([float(np.real(predicted[one])) for one in observables])
        values.append(float(likelihood.log_likelihood_pred(predicted)))
    result = {
        "flavio": flavio.__version__,
        "samples": samples,
        "observables": [as_label(one) for one in observables],
        "predictions": predictions,
        "log_likelihood": values,
        "theory_covariance": fast.sm_covariance.get(force=False, N=100).tolist(),
    }
    (folder / "flavio.json").write_text(json.dumps(result), encoding="utf-8")


def register(flavio, block: dict) -> str:
    """A block as a measurement of flavio; its name."""
    from flavio.statistics.probability import MultivariateNormalDistribution, NormalDistribution

    measurement = flavio.Measurement(f"darkbeauty {block['id']}")
    observables = [as_flavio(label) for label in block["observables"]]
    if len(observables) == 1:
        normal = NormalDistribution(block["values"][0], block["covariance"][0][0] ** 0.5)
    else:
        normal = MultivariateNormalDistribution(block["values"], np.array(block["covariance"]))
    measurement.add_constraint(observables, normal)
    return measurement.name


def as_flavio(label: str) -> str | tuple:
    """An observable as flavio's API takes it: its name, or (name, q2min, q2max)."""
    name, _, bracket = label.partition("[")
    return (name, *(float(text) for text in bracket.rstrip("]").split(","))) if bracket else name


def as_label(observable: str | tuple) -> str:
    """The same for both codes, however the edges of a bin were written."""
    return observable if isinstance(observable, str) else f"{observable[0]}[{observable[1]:g},{observable[2]:g}]"


# -- darkbeauty ---------------------------------------------------------------------------------------------------------------------------


def export(folder: Path) -> None:
    """measurements.json: the terms' data, taken apart into blocks that are not correlated with each other."""
    from scipy.sparse.csgraph import connected_components

    from darkbeauty.likelihoods import TERMS as KNOWN

    blocks = []
    for term in TERMS:
        data = KNOWN[term].data()
        count, place = connected_components(data.covariance != 0.0, directed=False)
        for i in range(count):
            part = data.take(list(np.flatnonzero(place == i)))
            blocks.append(
                {
                    "id": f"{term} {i}",
                    "observables": [as_label(as_flavio(label)) for label in part.observables],
                    "values": part.values.tolist(),
                    "covariance": part.covariance.tolist(),
                }
            )
    points = [(float(c9), float(c10)) for c9 in C9 for c10 in C10]
    text = json.dumps({"points": points, "blocks": blocks})
    (folder / "measurements.json").write_text(text, encoding="utf-8")


def darkbeauty_part(flavio: dict) -> dict:
    """log L on the grid: darkbeauty's, and with this or that replaced by flavio's; how far the predictions are apart."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import darkbeauty as db
    from darkbeauty.likelihoods.theory import theory_covariance

    lik = db.likelihood("wet", None, terms=list(TERMS))
    labels = tuple(request.label for request in lik.requests)
    place = [flavio["observables"].index(as_label(as_flavio(label))) for label in labels]
    ours, theirs = predictions_on_grid(lik), np.array(flavio["predictions"])[:, place]
    experiment = np.zeros_like(lik.covariance)
    for term, (start, stop) in zip(lik.terms, lik.slices):
        experiment[start:stop, start:stop] = term.data().covariance
    joint, sampled = theory_covariance(labels), np.array(flavio["theory_covariance"])[np.ix_(place, place)]
    surface = lambda predictions, covariance: log_normal(predictions - lik.values, covariance)
    return {
        "darkbeauty": surface(ours, lik.covariance),
        "darkbeauty, theory errors of the two terms correlated": surface(ours, experiment + joint),
        "that with flavio's predictions": surface(theirs, experiment + joint),
        "that with flavio's theory covariance": surface(ours, experiment + sampled),
        "resampled": [surface(ours, experiment + one) for one in resampled(joint, flavio["samples"])],
        "largest shift": np.max(np.abs(ours - theirs) / np.sqrt(np.diag(lik.covariance))),
    }


def predictions_on_grid(lik) -> np.ndarray:
    """Predictions of a likelihood at all points of the grid."""
    import equinox as eqx
    import jax

    def one(lik, point):
        return lik.predictions({"C9_bsmumu": point[0], "C10_bsmumu": point[1]})

    points = np.stack([axis.ravel() for axis in np.meshgrid(C9, C10, indexing="ij")], axis=1)
    return np.asarray(eqx.filter_jit(lambda lik, p: jax.lax.map(lambda x: one(lik, x), p, batch_size=9))(lik, points))


def resampled(theory: np.ndarray, samples: int) -> list[np.ndarray]:
    """darkbeauty's theory covariance as it comes out when estimated from as many random points as flavio's, 40 times."""
    rng = np.random.default_rng(1)
    value, vector = np.linalg.eigh(theory)
    root = vector * np.sqrt(np.maximum(value, 0.0))
    return [np.cov(root @ rng.standard_normal((len(root), samples))) for _ in range(40)]


def log_normal(residual: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """−χ²/2 of every row of residuals."""
    return -0.5 * np.einsum("ij,ji->i", residual, np.linalg.solve(covariance, residual.T))


# -- what the two say ---------------------------------------------------------------------------------------------------------------------


class Surface:
    """log L between the points of the grid, its maximum, errors there, and Δχ² and pull of the Standard Model."""

    def __init__(self, values: np.ndarray):
        from scipy.interpolate import RectBivariateSpline
        from scipy.optimize import minimize
        from scipy.stats import chi2, norm

        self.spline = RectBivariateSpline(C9, C10, -2.0 * np.reshape(values, (len(C9), len(C10))), kx=4, ky=4)
        found = minimize(
            lambda x: float(self.spline(*x)[0, 0]), (-0.9, 0.1), method="Nelder-Mead", options={"xatol": 1e-5}
        )
        self.best, self.least = found.x, found.fun
        at = lambda dx, dy: float(self.spline(*self.best, dx=dx, dy=dy)[0, 0])
        covariance = 2.0 * np.linalg.inv([[at(2, 0), at(1, 1)], [at(1, 1), at(0, 2)]])
        self.errors = np.sqrt(np.diag(covariance))
        self.rho = covariance[0, 1] / np.prod(self.errors)
        self.delta_chi2 = float(self.spline(0.0, 0.0)[0, 0]) - self.least
        self.pull = float(norm.isf(0.5 * chi2.sf(self.delta_chi2, 2)))

    def row(self) -> dict[str, float]:
        (c9, c10), (e9, e10) = self.best, self.errors
        numbers = (c9, e9, c10, e10, self.rho, self.delta_chi2, self.pull)
        return dict(
            zip(("C9", "error C9", "C10", "error C10", "correlation", "Delta chi2", "pull"), map(float, numbers))
        )


def draw(surfaces: dict[str, Surface], path: Path) -> None:
    """1, 2, 3σ regions of both codes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 5.2))
    axis = figure.subplots()
    x, y = np.linspace(-1.5, 0.15, 300), np.linspace(-0.35, 0.9, 300)
    for (name, surface), colour, style, marker in zip(surfaces.items(), ("#1b4f72", "#d35400"), ("-", "--"), "o^"):
        delta = surface.spline(x, y).T - surface.least
        axis.contour(x, y, delta, levels=TWO_DIMENSIONAL, colors=colour, linestyles=style, linewidths=1.4)
        axis.plot(*surface.best, marker, color=colour, markersize=7, label=f"{name}: best fit, 1, 2, 3σ")
    axis.plot(0.0, 0.0, "*", color="black", markersize=11, label="Standard Model")
    axis.set_xlabel(r"$C_9^{bs\mu\mu}$ (new physics)")
    axis.set_ylabel(r"$C_{10}^{bs\mu\mu}$ (new physics)")
    axis.legend(frameon=False, loc="lower left", fontsize=9)
    axis.set_title(r"$b\to s\mu\mu$ and $B_s\to\mu\mu$, one list of measurements", fontsize=11)
    figure.savefig(path, dpi=140, bbox_inches="tight")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--flavio-python", default=sys.executable)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--flavio-part", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.flavio_part:
        flavio_part(given.out, given.samples, given.threads)
        return
    given.out.mkdir(parents=True, exist_ok=True)
    export(given.out)
    if not (given.out / "flavio.json").exists():
        options = ["--flavio-part", f"--samples={given.samples}", f"--threads={given.threads}"]
        subprocess.run([given.flavio_python, __file__, str(given.out), *options], check=True)
    flavio = json.loads((given.out / "flavio.json").read_text(encoding="utf-8"))
    found = darkbeauty_part(flavio)
    shift, toys = float(found.pop("largest shift")), [Surface(one).row() for one in found.pop("resampled")]
    surfaces = {"darkbeauty": Surface(found.pop("darkbeauty")), "flavio": Surface(np.array(flavio["log_likelihood"]))}
    rows = {name: one.row() for name, one in (surfaces | {k: Surface(v) for k, v in found.items()}).items()}
    toy = {key: [float(np.mean([t[key] for t in toys])), float(np.std([t[key] for t in toys]))] for key in toys[0]}
    result = {"fits": rows, "largest shift of a prediction": shift, "resampled: mean and scatter": toy}
    (given.out / "result.json").write_text(json.dumps(result, indent=1, ensure_ascii=False), encoding="utf-8")
    print(json.dumps(result, indent=1, ensure_ascii=False))
    draw(surfaces, given.picture or given.out / "wet_c9_c10.png")


if __name__ == "__main__":
    main()
