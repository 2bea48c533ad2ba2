"""Writes the limits on dark photons of inputs/data/curves from digitised ones, and prints the windows between their gaps.

    python tools/make_dark_photon_curves.py FOLDER

FOLDER has a csv file per search: lines `mass [GeV],ε`, ε = nan where a gap or the range ends. Curves with more than MANY points, which jump from point to point by factors, become geometric
means in logarithmic bins of WIDTH of the mass.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

import numpy as np

CURVES = {
    "BaBar_darkphoton_ll": "babar_gamma_ll",
    "BaBar_darkphoton_invisible": "babar_gamma_inv",
    "LHCb_darkphoton_mumu_prompt": "lhcb_pp_mumu",
    "NA64e_darkphoton_invisible_2019": "na64e_inv",
    "BESIII_darkphoton_ll": "besiii_gamma_ll",
    "KLOE_darkphoton_combined": "kloe_gamma_mumu_pipi",
    "CMS_darkphoton_mumu_2019": "cms_pp_mumu",
    "LEP_monophoton_darkphoton_invisible": "lep_gamma_inv",
}
MANY, WIDTH = 200, 0.03
OUT = Path(__file__).resolve().parents[1] / "src" / "darkbeauty" / "inputs" / "data" / "curves"


def pieces(path: Path) -> list[np.ndarray]:
    """The curve between its gaps: arrays of (mass, ε)."""
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    points = np.array([[float(x) for x in line] for line in lines])
    runs = [
        points[list(run)] for finite, run in groupby(range(len(points)), lambda i: np.isfinite(points[i, 1])) if finite
    ]
    return [run for run in runs if len(run) > 1]


def binned(points: np.ndarray) -> np.ndarray:
    """Geometric means in logarithmic bins of equal width."""
    log = np.log(points)
    bins = max(1, round((log[-1, 0] - log[0, 0]) / WIDTH))
    place = np.minimum(((log[:, 0] - log[0, 0]) / (log[-1, 0] - log[0, 0]) * bins).astype(int), bins - 1)
    return np.exp([log[place == i].mean(axis=0) for i in range(bins) if np.any(place == i)])


def main() -> None:
    for name, short in CURVES.items():
        runs = pieces(Path(sys.argv[1]) / f"{name}.csv")
        windows = [[float(f"{run[0, 0]:.5g}"), float(f"{run[-1, 0]:.5g}")] for run in runs]
        knots = np.concatenate([binned(run) for run in runs] if sum(map(len, runs)) > MANY else runs)
        rows = [f"{mass:.5g},{value:.4g}" for mass, value in knots]
        (OUT / f"{short}.csv").write_text(
            "\n".join([f"# {name}: limit on epsilon against mass [GeV]", "mass,value", *rows]) + "\n", encoding="utf-8"
        )
        print(short, len(rows), windows)


if __name__ == "__main__":
    main()
