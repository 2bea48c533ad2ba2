"""Reference numbers of flavio 2.7.1 for radiative b → s and B → πℓ⁺ℓ⁻, in the Standard Model and at six points with complex coefficients.

    python tools/make_radiative_reference.py tests/reference      in an environment with flavio 2.7.1 and particle < 1

Writes radiative.json and b_to_pi_ll.json. Bins of B → πℓ⁺ℓ⁻ are flavio's integrands on six Gauss–Legendre nodes per 0.1 GeV² (its own integrals are good to 0.5 %).
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import flavio
import numpy as np
from flavio.physics.bdecays import bpll

SCALE, SEED, POINTS, CELL = 4.8, 20261128, 6, 0.1
RADIATIVE = (
    *(f"{what}({mode}gamma)" for what in ("BR", "ACP") for mode in ("B0->K*", "B+->K*", "Bs->phi")),
    "S_K*gamma",
    "S_phigamma",
    "ADeltaGamma(Bs->phigamma)",
    "BR(B0->K*gamma)/BR(Bs->phigamma)",
)
LOW_Q2 = tuple(f"<{what}>(B0->K*ee)" for what in ("FL", "P1", "P2", "ATIm"))
BIN = (0.0008, 0.257)
PION_BINS, PION_Q2 = ((2.0, 4.0), (4.0, 6.0), (15.0, 22.0)), (0.5, 3.0, 17.0, 22.0)


def points(size: dict[str, float]) -> list[dict[str, complex]]:
    """The Standard Model, and points with |Re|, |Im| of each coefficient up to a size."""
    rng = np.random.default_rng(SEED)
    draw = lambda limit: complex(*np.round(rng.uniform(-limit, limit, 2), 4))
    return [{}, *({name: draw(limit) for name, limit in size.items()} for _ in range(POINTS))]


def shifted(point: dict[str, complex]) -> flavio.WilsonCoefficients:
    coefficients = flavio.WilsonCoefficients()
    coefficients.set_initial(point, scale=SCALE)
    return coefficients


def radiative() -> dict:
    wilson = points({"C7_bs": 0.08, "C7p_bs": 0.12})
    values = {name: [flavio.np_prediction(name, shifted(point)) for point in wilson] for name in RADIATIVE}
    for name in LOW_Q2:
        label = f"{name}[{BIN[0]:g},{BIN[1]:g}]"
        values[label] = [flavio.np_prediction(name, shifted(point), *BIN) for point in wilson]
    return {"wilson": wilson, "observables": values}


def pion() -> dict:
    sizes = {"C7_bd": 0.1, "C7p_bd": 0.1, "C9_bdmumu": 1.5, "C9p_bdmumu": 1.0, "C10_bdmumu": 1.5, "C10p_bdmumu": 1.0}
    wilson, par = points(sizes), flavio.default_parameters.get_central_all()
    values: dict[str, list[float]] = {}
    for mode, (b, final) in {"B+->pimumu": ("B+", "pi+"), "B0->pimumu": ("B0", "pi0")}.items():
        for q2 in PION_Q2:
            of = lambda point, q2=q2, b=b, final=final: bpll.bpll_dbrdq2(q2, shifted(point), par, b, final, "mu")
            values[f"dBR/dq2({mode})[{q2:g}]"] = [of(point) for point in wilson]
        for low, high in PION_BINS:
            label = f"<dBR/dq2>({mode})[{low:g},{high:g}]"
            values[label] = [binned(shifted(point), par, b, final, low, high) for point in wilson]
    return {"wilson": wilson, "observables": values}


def binned(wilson: flavio.WilsonCoefficients, par: dict, b: str, final: str, low: float, high: float) -> float:
    x, weight = np.polynomial.legendre.leggauss(6)
    edges = np.linspace(low, high, round((high - low) / CELL) + 1)
    q2 = (edges[:-1, None] + 0.5 * (x + 1.0) * np.diff(edges)[:, None]).ravel()
    rates = np.array([bpll.bpll_dbrdq2(s, wilson, par, b, final, "mu") for s in q2]).reshape(-1, x.size)
    return float(np.sum(rates @ weight * 0.5 * np.diff(edges)) / (high - low))


def as_pairs(value: complex) -> list[float]:
    return [value.real, value.imag]


def main(folder: str) -> None:
    for name, table in (("radiative", radiative()), ("b_to_pi_ll", pion())):
        about = "flavio 2.7.1 by tools/make_radiative_reference.py; wilson: shifts at 4.8 GeV [Re, Im]; observables: one value per point, the first the Standard Model"
        text = json.dumps({"source": about, **table}, indent=1, default=as_pairs)
        Path(folder, f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
