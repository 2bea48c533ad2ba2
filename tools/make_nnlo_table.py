"""Regenerate inputs/tables/nnlo_bsll.csv, the two-loop matrix elements of O₁, O₂ and O₈ in b → sℓℓ, with flavio (extra `reference`).

    python tools/make_nnlo_table.py            writes the table
    python tools/make_nnlo_table.py --check    compares it with the file, exit code 1 if they differ

δC_i(q²) = t_i(q²) − (ξ_u/ξ_t) u_i(q²), i = 7, 9, at μ = 4.8 GeV and flavio's default inputs. The table is read linearly, so its knots
are: every 0.1 GeV² (0.05 below 1), the nodes of the grid that flavio itself reads linearly in q²/m_b² (where its functions have kinks),
and steps even in ln q² below 1 GeV², down to the e⁺e⁻ threshold, because δC₉ grows like ln q².
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from flavio import WilsonCoefficients, default_parameters
from flavio.physics import ckm
from flavio.physics.bdecays import matrixelements
from flavio.physics.bdecays.wilsoncoefficients import wctot_dict
from flavio.physics.common import conjugate_par
from flavio.physics.running import running

TABLE = Path(__file__).parents[1] / "src/darkbeauty/inputs/tables/nnlo_bsll.csv"
HEADER = """\
# Two-loop matrix elements of O1, O2 and O8 in b->sll at mu = 4.8 GeV: delta_C = t - (xi_u/xi_t) u; arXiv:0810.4077, hep-ph/0403185, hep-ph/0312063,
# evaluated with flavio 2.7.1 at its default inputs by tools/make_nnlo_table.py
q2,delta_C7_t_re,delta_C7_t_im,delta_C7_u_re,delta_C7_u_im,delta_C9_t_re,delta_C9_t_im,delta_C9_u_re,delta_C9_u_im
"""
SCALE = 4.8
LOWEST, HIGHEST = 1e-6, 22.9


def knots(par: dict[str, float]) -> np.ndarray:
    """q² of the table's rows [GeV²], increasing."""
    even = np.concatenate([0.05 * np.arange(1, 20), 0.1 * np.arange(10, 230)])
    grid = matrixelements._f_z[1:] * running.get_mb_pole(par) ** 2
    logarithmic = np.concatenate([np.geomspace(LOWEST, 0.05, 48), np.geomspace(0.05, 1.0, 48)])
    candidates = np.concatenate([logarithmic, grid[grid < HIGHEST]])
    distance = np.abs(candidates[:, None] - even).min(axis=1)
    return np.unique(np.concatenate([even.round(2), candidates[distance > 0.02 * np.minimum(candidates, 0.1)]]))


def matrix_elements(par: dict[str, float], wc: dict[str, complex], q2: float) -> tuple[complex, ...]:
    """(t₇, u₇, t₉, u₉): δC is linear in ξ_u/ξ_t, so the decay and its CP conjugate give both parts."""
    conjugate = conjugate_par(par)
    ratio = ckm.xi("u", "bs")(par) / ckm.xi("t", "bs")(par)
    row = []
    for delta in (matrixelements.delta_C7, matrixelements.delta_C9):
        value, value_bar = (delta(each, wc, q2, SCALE, "bs") for each in (par, conjugate))
        u = (value_bar - value) / (ratio - ratio.conjugate())
        row += [value + ratio * u, u]
    return tuple(row)


def table() -> str:
    par = default_parameters.get_central_all()
    wc = wctot_dict(WilsonCoefficients(), "bsee", SCALE, par)
    lines = []
    for q2 in knots(par):
        numbers = np.array(matrix_elements(par, wc, q2)).view(float)
        lines.append(",".join([f"{q2:.9g}", *(f"{x:.12e}" for x in numbers)]))
    return HEADER + "\n".join(lines) + "\n"


def main() -> int:
    text = table()
    if "--check" not in sys.argv:
        TABLE.write_text(text, encoding="utf-8")
        return 0
    new, old = (np.loadtxt(t.splitlines()[3:], delimiter=",") for t in (text, TABLE.read_text(encoding="utf-8")))
    agrees = new.shape == old.shape and np.allclose(new, old, rtol=1e-9, atol=1e-12)
    print("agrees" if agrees else "differs")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
