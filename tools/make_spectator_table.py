"""Regenerate inputs/tables/spectator_bvll.csv, spectator scattering in B → Vℓℓ, from the table inside flavio (extra `reference`).

    python tools/make_spectator_table.py            writes the table
    python tools/make_spectator_table.py --check    compares it with the file, exit code 1 if they differ

flavio ("QCDF interpolated") stores the amplitudes of weak annihilation, chromomagnetic and quark-loop spectator scattering (QCD
factorisation, hep-ph/0106067, hep-ph/0412400) for the decay and its CP conjugate, every 0.1 GeV², with the photon pole taken out:
q² H₋ and √q² H₀ (H₊ = 0). Here they are given in units of iN, N = (4G_F/√2) ξ_t α/4π, and split by CKM factor, H = t + (ξ_u/ξ_t) u,
so that they follow the CKM parameters of a fit and one table serves both decays.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from flavio import default_parameters
from flavio.physics import ckm
from flavio.physics.bdecays.bvll import amplitudes, qcdf_interpolate

TABLE = Path(__file__).parents[1] / "src/darkbeauty/inputs/tables/spectator_bvll.csv"
HEADER = """\
# Spectator scattering in B->Vll below 9 GeV^2 (QCD factorisation, hep-ph/0106067, hep-ph/0412400): q2 H_minus [GeV^3] and sqrt(q2) H_0 [GeV^2]
# in units of i N, N = 4 GF/sqrt(2) xi_t alpha_e/(4 pi), as H = t + (xi_u/xi_t) u; the numbers of flavio 2.7.1's interpolation table, by tools/make_spectator_table.py
transition,q2,minus_t_re,minus_t_im,minus_u_re,minus_u_im,zero_t_re,zero_t_im,zero_u_re,zero_u_im
"""
MODES = (("B0", "K*0"), ("B+", "K*+"), ("Bs", "phi"))
MINUS, ZERO = 1, 2


def table() -> str:
    par = default_parameters.get_central_all()
    ratio = ckm.xi("u", "bs")(par) / ckm.xi("t", "bs")(par)
    lines = []
    for b, final in MODES:
        unit = 1j * amplitudes.prefactor(None, par, b, final)
        unit_bar = -unit.conjugate()  # i N̄: the CKM phase changes sign, the i does not
        name = f"{b}->{final}"
        decay, conjugate = (qcdf_interpolate.data[f"{name}{which} all"] for which in ("", " CP conjugate"))
        columns = []
        for helicity in (MINUS, ZERO):
            h, h_bar = decay[:, helicity] / unit, conjugate[:, helicity] / unit_bar
            u = (h - h_bar) / (ratio - ratio.conjugate())
            columns += [h - ratio * u, u]
        for q2, row in zip(qcdf_interpolate.q2_arr, np.stack(columns, axis=1), strict=False):
            lines.append(",".join([name, f"{q2:.9g}", *(f"{x:.12e}" for x in row.view(float))]))
    return HEADER + "\n".join(lines) + "\n"


def main() -> int:
    text = table()
    if "--check" not in sys.argv:
        TABLE.write_text(text, encoding="utf-8")
        return 0
    agrees = text == TABLE.read_text(encoding="utf-8")
    print("agrees" if agrees else "differs")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
