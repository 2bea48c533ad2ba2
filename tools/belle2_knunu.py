"""Belle II's likelihood of B⁺ → K⁺ and missing energy (arXiv:2507.12393, HEPData 10.17182/hepdata.166082) as the package and the worked example have it.

    python tools/belle2_knunu.py FOLDER [OUT]

FOLDER holds the published numbers: workspace.json (pyhf), densities.json (number densities against generated q²: regA, regB, hta, a first column below q² = 0,
then q2_edges) and belle2_knunu.json, of which the spectrum of the Standard Model that the signal was generated with, br_sm, is taken. OUT: the package.
Written are examples/belle2_knunu (workspace.json and densities.csv) and src/darkbeauty/inputs/data/counts/belle_ii_bp_k_nunu.json.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from darkbeauty.inputs.workspace import histogram_of, read_densities

ROOT = Path(__file__).resolve().parents[1]
REGIONS = {"regA": "_zoomSR_Y4S", "regB": "_zoomCR_Y4S", "hta": "sgn1_had"}
"""Table of densities → end of the name of its channel."""
SIGNALS = ("signal", "sgn_1_had")
ABOUT = {
    "source": "Belle II, arXiv:2507.12393, HEPData 10.17182/hepdata.166082: full statistical model and number densities",
    "made_by": "tools/belle2_knunu.py from examples/belle2_knunu; histosys arrays that move no bin by 0.3 % left out, 24 principal shapes",
}


def table(workspace: dict, densities: dict, spectrum: list[float]) -> str:
    """The densities as csv."""
    low, high, count = densities["q2_edges"]
    edges = np.round(np.linspace(low, high, count + 1), 9).tolist()
    header = ["channel", "bin", "fixed:0", *(f"{a:g}:{b:g}" for a, b in pairwise(edges))]
    lines = [header, ["reference", "", "0", *map(repr, spectrum)]]
    for channel in (channel["name"] for channel in workspace["channels"]):
        for name, ending in REGIONS.items():
            if channel.endswith(ending):
                lines += [[channel, str(i), *map(repr, row)] for i, row in enumerate(densities[name])]
    about = "# Expected signal events by bin and generated q² [GeV²]; reference: branching fraction of the Standard Model in each bin of q².\n"
    return about + "\n".join(",".join(line) for line in lines) + "\n"


def main(folder: Path, root: Path) -> None:
    read = lambda name: json.loads((folder / name).read_text(encoding="utf-8"))
    workspace = read("workspace.json")
    csv = table(workspace, read("densities.json"), read("belle2_knunu.json")["br_sm"])
    found = histogram_of(workspace, read_densities(csv, "densities.csv"), "workspace.json", SIGNALS)
    example, counts = root / "examples" / "belle2_knunu", root / "src" / "darkbeauty" / "inputs" / "data" / "counts"
    for place in (example, counts):
        place.mkdir(parents=True, exist_ok=True)
    (example / "workspace.json").write_text(json.dumps(workspace, indent=None) + "\n", encoding="utf-8")
    (example / "densities.csv").write_text(csv, encoding="utf-8")
    (counts / "belle_ii_bp_k_nunu.json").write_text(found.to_json(**ABOUT), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT)
