"""The hundred random parameter points behind flavio's theory errors of the reference, as inputs of darkbeauty.

    python tools/make_flavio_draws.py tests/likelihoods/flavio_draws.npz      in an environment with flavio 2.7.1

np.random.seed(42); flavio.default_parameters.get_random_all(size=100) are the points of flavio.sm_uncertainty(N=100) in the reference.
The file holds one array per path of parameters.toml that has an error, shape (100,) or (100, coefficients).
"""

from __future__ import annotations

import sys
import tomllib
import warnings
from pathlib import Path

import numpy as np

SEED, SIZE = 42, 100
PARAMETERS = Path(__file__).parents[1] / "src" / "darkbeauty" / "inputs" / "parameters.toml"
NAMES = {
    "quark.mb_mb": "m_b",
    "quark.mc_mc": "m_c",
    "quark.ms_2": "m_s",
    "quark.mc_bvgamma": "m_c BVgamma",
    "quark.mt_pole": "m_t",
    "coupling.alpha_e_MZ": "alpha_e",
    "coupling.alpha_s_MZ": "alpha_s",
    "nunu.Xt": "Xt_di->djnunu",
    "xsgamma.BR_Xcenu": "BR(B->Xcenu)_exp",
    "xsgamma.delta": "delta_BXsgamma",
    "mixing.bag_Bs": "bag_Bs_1",
    "branching.Lambda(1520)->NKbar": "BR(Lambda(1520)->NKbar)_exp",
}
PREFIX = {"mass": "m_", "lifetime": "tau_"}
LATTICE = (" F", " A")


def flavio_name(group: str, name: str, known: dict) -> str:
    """flavio's name of an input."""
    choices = (
        NAMES.get(f"{group}.{name}"),
        PREFIX.get(group, "") + name,
        name,
        f"Lambdab->Lambda(1520) {name} uncertainty" if group == "form_factor_mcn" else None,
    )
    return next(choice for choice in choices if choice in known)


def coefficients(transition: str, values: list[float], central: dict) -> list[str]:
    """flavio's names of the coefficients of a transition, in its order, which is that of parameters.toml: the values tell."""
    own = [name for name in central if name.startswith(transition + " ")]
    names = [name for name in own if " BSZ " in name or name.endswith(LATTICE)]
    if not np.allclose([central[name] for name in names], values, rtol=1e-5):
        sys.exit(f"the central values of {transition} are not flavio's")
    return names


def main(out: str) -> None:
    """Draw, rename, check the spread of every scalar against its error, write."""
    import flavio

    central = flavio.default_parameters.get_central_all()
    np.random.seed(SEED)  # noqa: NPY002  flavio draws from the global state
    drawn = flavio.default_parameters.get_random_all(size=SIZE)
    table = {}
    for group, records in tomllib.loads(PARAMETERS.read_text(encoding="utf-8")).items():
        for name, record in records.items():
            if group == "form_factor":
                names = coefficients(name, record["value"], central)
                table[f"{group}.{name}"] = np.stack([drawn[one] for one in names], axis=1)
            elif isinstance(record, dict) and "error" in record:
                table[f"{group}.{name}"] = np.asarray(drawn[flavio_name(group, name, central)])
                if not 0.7 < table[f"{group}.{name}"].std() / record["error"] < 1.3:
                    sys.exit(f"{group}.{name}: spread {table[f'{group}.{name}'].std()}, error {record['error']}")
    np.savez_compressed(out, **{path: values.astype(np.float32) for path, values in table.items()})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
