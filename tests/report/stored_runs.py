"""Files of runs from random numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from darkbeauty.likelihoods import TERMS

FIT = """name = "two_terms"
about = "a test with <angles> & ampersands"
model = "wet"
seed = 5
[priors]
C9_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
C10_bsmumu = { kind = "normal", mean = 0.0, sigma = 0.5 }
[likelihood]
terms = ["R_K", "BR(Bs->mumu)"]
"""
LABELS = [*TERMS["R_K"].observables, *TERMS["BR(Bs->mumu)"].observables]
VALUES = np.concatenate([TERMS[name].data().values for name in ("R_K", "BR(Bs->mumu)")])
COVARIANCE = np.zeros((3, 3))
COVARIANCE[:2, :2] = TERMS["R_K"].data().covariance + 1e-4
COVARIANCE[2:, 2:] = TERMS["BR(Bs->mumu)"].data().covariance + 1e-20
SHAPE = (2, 30)


def groups(missed: list[str]) -> dict[str, xr.Dataset]:
    """A run as `darkbeauty fit` writes it, from random numbers."""
    random = np.random.default_rng(3)
    draw = lambda scale=1.0: (("chain", "draw"), scale * random.normal(size=SHAPE))
    attrs = {
        "fit_name": "two_terms",
        "fit_file": FIT,
        "seed": 5,
        "terms": ["R_K", "BR(Bs->mumu)"],
        "input_sha256": "0123abcd",
        "device": "cpu",
        "python": "3.11.0",
        "version_darkbeauty": "0.1.0",
        "version_jax": "0.10.2",
        "converged": int(not missed),
        "missed_targets": missed,
    }
    table = VALUES * (1.0 + 0.05 * random.normal(size=(*SHAPE, 3)))
    stats = {"energy": draw(), "n_steps": draw(), "diverging": (("chain", "draw"), np.zeros(SHAPE, bool))}
    return {
        "posterior": xr.Dataset({"C9_bsmumu": draw(0.2), "C10_bsmumu": draw(0.2)}, attrs=attrs),
        "posterior_predictive": xr.Dataset(
            {"prediction": (("chain", "draw", "observable"), table)}, {"observable": LABELS}
        ),
        "sample_stats": xr.Dataset(stats),
        "observed_data": xr.Dataset(
            {
                "value": ("observable", VALUES),
                "sigma": ("observable", np.sqrt(np.diag(COVARIANCE))),
                "covariance": (("observable", "other"), COVARIANCE),
            },
            {"observable": LABELS},
        ),
    }


def write(folder: Path, missed: list[str]) -> dict[str, xr.Dataset]:
    """posterior.nc in a folder."""
    made = groups(missed)
    for i, (name, data) in enumerate(made.items()):
        data.to_netcdf(folder / "posterior.nc", mode="a" if i else "w", group=name, engine="h5netcdf")
    return made
