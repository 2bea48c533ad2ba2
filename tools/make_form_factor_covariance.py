"""Regenerate inputs/tables/form_factor_covariance.npz: covariances of the form-factor coefficients of parameters.toml.

    python tools/make_form_factor_covariance.py            writes the file, in an environment with flavio 2.7.1 and particle < 1
    python tools/make_form_factor_covariance.py --check    compares it with the file, exit code 1 if a number differs

They are the joint normal distributions of flavio 2.7.1 (MIT), which restates the sources named in parameters.toml: B → K arXiv:2305.06301, B → K* and B_s → φ
arXiv:1503.05534 (light-cone sum rules and lattice), B → ρ the same (sum rules), B → π arXiv:2102.07233, Λ_b → Λ(1520) arXiv:2009.09313 (lattice). The order is that of the vectors in parameters.toml.
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


def covariance(transition: str, values: list[float], constraints: list[tuple[Any, tuple[str, ...]]]) -> np.ndarray:
    """Of the coefficients of a transition, shape (n, n); an error if flavio's central values are not `values`."""
    ours = lambda name: name.startswith(f"{transition} ") and any(part in name for part in COEFFICIENTS)
    joint = [distribution for distribution, names in constraints if len(names) == len(values) and all(map(ours, names))]
    if len(joint) != 1 or not np.allclose(joint[0].central_value, values, rtol=1e-5):
        sys.exit(
            f"{transition}: {len(joint)} joint distributions in flavio, or other central values than parameters.toml"
        )
    return np.array(joint[0].covariance)


def main() -> int:
    """Write or check the file."""
    import flavio

    vectors = tomllib.loads((INPUTS / "parameters.toml").read_text(encoding="utf-8"))["form_factor"]
    constraints = flavio.default_parameters._constraints
    new = {name: covariance(name, record["value"], constraints) for name, record in vectors.items()}
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
