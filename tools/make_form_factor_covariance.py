"""Regenerate inputs/tables/form_factor_covariance.npz: covariances of the form-factor coefficients of parameters.toml.

    python tools/make_form_factor_covariance.py            writes the file, in an environment with flavio 2.7.1 and particle < 1
    python tools/make_form_factor_covariance.py --check    compares it with the file, exit code 1 if a number differs

They are the joint normal distributions of flavio 2.7.1 (MIT), which restates the sources named in parameters.toml: B → K arXiv:2305.06301, B → K* and B_s → φ
arXiv:1503.05534 (light-cone sum rules and lattice), B → ρ the same (sum rules), B → π arXiv:2102.07233, Λ_b → Λ(1520) arXiv:2009.09313 and Λ_b → Λ arXiv:1602.01399 (lattice). The order is that of the vectors in parameters.toml.
"""

from __future__ import annotations

import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any

import numpy as np

INPUTS = Path(__file__).parents[1] / "src" / "darkbeauty" / "inputs"
TARGET = INPUTS / "tables" / "form_factor_covariance.npz"
COEFFICIENTS = (" BSZ ", " BCL ", " F", " A")
"""What flavio's names of form-factor coefficients contain: of a z expansion, or of the lattice's F + A (w − 1)."""


BARYON = "Lambdab->Lambda"
BARYON_ORDER = (
    *("a0_fplus", "a1_fplus", "a0_fperp", "a1_fperp", "a0_gpp", "a1_gplus", "a1_gperp", "a0_hplus", "a1_hplus"),
    *("a0_hperp", "a1_hperp", "a0_htildepp", "a1_htildeplus", "a1_htildeperp", "a0_f0", "a1_f0", "a0_g0", "a1_g0"),
)
"""The coefficients of arXiv:1602.01399, f₀ and g₀ of the timelike current last."""


def covariance(transition: str, values: list[float], constraints: list[tuple[Any, tuple[str, ...]]]) -> np.ndarray:
    """Of the coefficients of a transition, shape (n, n); an error if flavio's central values are not `values`."""
    ours = lambda name: name.startswith(f"{transition} ") and any(part in name for part in COEFFICIENTS)
    joint = [distribution for distribution, names in constraints if len(names) == len(values) and all(map(ours, names))]
    if len(joint) != 1 or not np.allclose(joint[0].central_value, values, rtol=1e-5):
        sys.exit(
            f"{transition}: {len(joint)} joint distributions in flavio, or other central values than parameters.toml"
        )
    return np.array(joint[0].covariance)


def nominal_covariance(values: list[float]) -> np.ndarray:
    """Of Λ_b → Λ, from the files of the nominal fit, which flavio's defaults replace by those of a higher-order one."""
    from flavio.physics.bdecays.formfactors.lambdab_12.lattice_parameters import csv_to_dict

    central, joint = (
        csv_to_dict(f"data/arXiv-1602-01399v1/LambdabLambda_{kind}.dat") for kind in ("results", "covariance")
    )
    if not np.allclose([central[name] for name in BARYON_ORDER], values, rtol=1e-12):
        sys.exit(f"{BARYON}: other central values than parameters.toml")
    return np.array([[joint[a, b] for b in BARYON_ORDER] for a in BARYON_ORDER])


def main() -> int:
    """Write or check the file."""
    import flavio

    vectors = tomllib.loads((INPUTS / "parameters.toml").read_text(encoding="utf-8"))["form_factor"]
    constraints = flavio.default_parameters._constraints
    new = {
        name: nominal_covariance(record["value"]) if name == BARYON else covariance(name, record["value"], constraints)
        for name, record in vectors.items()
    }
    if "--check" not in sys.argv:
        np.savez_compressed(TARGET, **new)  # pyright: ignore[reportArgumentType]
        return 0
    with np.load(TARGET) as old:
        same = set(old) == set(new) and all(np.array_equal(old[name], new[name]) for name in new)
    print("up to date" if same else f"{TARGET} differs")
    return 0 if same else 1


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
