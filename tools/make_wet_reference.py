"""Writes tests/reference/wet_operators.json: flavio's predictions with scalar, tensor and lepton-flavour-violating operators, in an environment that has flavio 2.7.1.

python tools/make_wet_reference.py tests/reference/wet_operators.json
"""

from __future__ import annotations

import json
import sys
import warnings
from itertools import permutations
from pathlib import Path

import flavio
import numpy as np
from flavio.physics.bdecays.bvll import observables

POINTS = 12
LEPTONS = ("e", "mu", "tau")
MAGNITUDES = {"C7": 0.05, "C9": 1.0, "C10": 1.0, "CS": 0.15, "CP": 0.15}
"""Standard deviation of the real and of the imaginary part, primed and not; scalars in 1/GeV."""
PSEUDOSCALAR = ("dBR/dq2", "FH", "AFB", "ACP")
VECTOR = ("dBR/dq2", "FL", "AFB", "ACP", "S3", "S4", "S5", "S6c", "S7", "S8", "S9", "A5", "A7", "P1", "P2", "P5p")
UNTAGGED = ("dBR/dq2", "FL", "S3", "S4", "S7")

BARYON = ("dBR/dq2", "FL", "AFBl", "AFBh", "AFBlh", "K1c", "K2ss", "K2cc", "K3sc", "K3s", "K4sc", "K4s")
SHARED = {"fA0": ("fA0", "fAperp"), "fT50": ("fT50", "fT5perp")}
"""Form factors of Λ_b → Λ with a common a₀."""


def baryon_coefficients() -> list[float]:
    """a₀ and a₁ of the form factors that flavio uses for Λ_b → Λ, in the order of `darkbeauty`."""
    of = lambda name: flavio.default_parameters.get_central(f"Lambdab->Lambda SSE {name}")
    values = []
    for first in ("fV0", "fVperp", "fA0", "fT0", "fTperp", "fT50", "fVt", "fAt"):
        values += [of(f"a0_{first}"), *(of(f"a1_{name}") for name in SHARED.get(first, (first,)))]
    return values


def labels() -> list[tuple[str, tuple[float, ...]]]:
    """Observables with their arguments."""
    at = lambda names, process, *points: [(f"{name}({process})", (q2,)) for name in names for q2 in points]
    bins = lambda names, process, *edges: [(f"<{name}>({process})", pair) for name in names for pair in edges]
    listed = [
        *at(PSEUDOSCALAR, "B+->Kmumu", 0.5, 3.0, 16.0),
        *at(PSEUDOSCALAR, "B0->Ktautau", 16.0),
        *at(PSEUDOSCALAR, "B+->Kee", 3.0),
        *bins(PSEUDOSCALAR, "B+->Kmumu", (1.1, 6.0), (15.0, 22.0)),
        *at(VECTOR, "B0->K*mumu", 0.5, 3.0, 16.0),
        *at(VECTOR, "B+->K*tautau", 16.0),
        *at(VECTOR, "B0->K*ee", 3.0),
        *bins(("dBR/dq2", "AFB", "S5", "S6c", "FL"), "B0->K*mumu", (1.1, 6.0), (15.0, 19.0)),
        *at(UNTAGGED, "Bs->phimumu", 3.0, 17.0),
        *at(UNTAGGED, "Bs->phitautau", 17.0),
    ]
    for process in ("Lambdab->Lambdamumu", "Lambdab->Lambdaee"):
        listed += [*at(BARYON, process, 3.0, 16.0), *bins(("dBR/dq2", "FL", "AFBl"), process, (1.1, 6.0), (15.0, 20.0))]
    for lepton in LEPTONS:
        process = f"Bs->{lepton}{lepton}"
        listed += [(f"BR({process})", ()), (f"ADeltaGamma({process})", ()), (f"tau_{lepton}{lepton}", ())]
    for first, second in permutations(LEPTONS, 2):
        modes = ("Bs->", "B+->K", "B0->K", "B0->K*", "B+->K*", "Bs->phi")
        listed += [(f"BR({mode}{first}{second})", ()) for mode in modes]
    return listed


def draw(random: np.random.Generator) -> dict[str, complex]:
    """Complex coefficients of every pair of leptons."""
    point = {}
    for operator, size in MAGNITUDES.items():
        pairs = [f"{a}{b}" for a in LEPTONS for b in LEPTONS] if operator != "C7" else [""]
        names = [f"{operator}{prime}_bs{pair}" for pair in pairs for prime in ("", "p")]
        for name in names:
            point[name] = complex(*np.round(random.normal(scale=size, size=2), 4))
    return point


def value(name: str, arguments: tuple[float, ...], wilson: flavio.WilsonCoefficients) -> float:
    """flavio's prediction, to ten digits."""
    return float(f"{flavio.np_prediction(name, wilson, *arguments):.10g}")


def with_tensors(points: list[dict[str, complex]], random: np.random.Generator) -> dict:
    """B⁰ → K*ℓℓ by the general formulas inside flavio, given the tensor coefficients that its operators do not have, at points with scalars."""
    every, rows = [], {}
    total, effective = observables.wctot_dict, observables.get_wceff

    def with_t(q2, wc, *rest):
        c, (t, t5) = effective(q2, wc, *rest), (wc["CT"], wc["CT5"])
        return {**c, "t": t + t5, "tp": t - t5}

    for point in points:
        tensors = {name: complex(*np.round(random.normal(scale=0.5, size=2), 4)) for name in ("CT", "CT5")}
        observables.wctot_dict = lambda *given, tensors=tensors: {**total(*given), **tensors}
        observables.get_wceff = with_t
        wilson = flavio.WilsonCoefficients()
        wilson.set_initial(point, scale=4.8)
        both = {f"{name}_bs{pair}": c for name, c in tensors.items() for pair in ("mumu", "tautau")}
        every.append({**{name: c for name, c in point.items() if name.endswith(("bs", "mumu", "tautau"))}, **both})
        for process, q2 in (("B0->K*mumu", 3.0), ("B0->K*mumu", 16.0), ("B0->K*tautau", 16.0)):
            for name in (name for name in VECTOR if not name.startswith("P")):
                rows.setdefault(f"{name}({process})[{q2}]", []).append(value(f"{name}({process})", (q2,), wilson))
    observables.wctot_dict, observables.get_wceff = total, effective
    parts = [{name: [c.real, c.imag] for name, c in point.items()} for point in every]
    return {"wilson": parts, "observables": rows}


def main(path: str) -> None:
    """All observables in the Standard Model and at the points."""
    warnings.simplefilter("ignore")
    random = np.random.default_rng(20261128)
    points = [{}, *(draw(random) for _ in range(POINTS))]
    columns = []
    for point in points:
        wilson = flavio.WilsonCoefficients()
        wilson.set_initial(point, scale=4.8)
        columns.append([value(name, arguments, wilson) for name, arguments in labels()])
    written = [f"{name}[{','.join(map(str, at))}]" if at else name for name, at in labels()]
    data = {
        "source": f"flavio {flavio.__version__} at its default parameters; columns: one value per entry of wilson (new-physics shifts at 4.8 GeV, flavio basis, [re, im])",
        "wilson": [{name: [c.real, c.imag] for name, c in point.items()} for point in points],
        "observables": dict(zip(written, map(list, zip(*columns)))),
    }
    data["baryon_form_factors"] = baryon_coefficients()
    data["tensors"] = with_tensors(points[1:7], random)
    lines = [f'  "{key}": {json.dumps(data[key])}' for key in ("source", "wilson", "baryon_form_factors", "tensors")]
    rows = ",\n".join(f"    {json.dumps(label)}: {json.dumps(row)}" for label, row in data["observables"].items())
    lines.append('  "observables": {\n' + rows + "\n  }")
    Path(path).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
