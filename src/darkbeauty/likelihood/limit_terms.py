r"""Terms of leptonic measurements and of limits.

A limit with strength s = signal/limit at confidence level CL enters as the Gaussian s = 0 ± 1/Φ⁻¹((1 + CL)/2): as s ≥ 0, that is the half-normal
of which exactly CL lies at s ≤ 1.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache, partial
from importlib.resources import files
from statistics import NormalDist
from typing import Any

import numpy as np

from darkbeauty.inputs.limits import limit_records
from darkbeauty.inputs.measurements import Measurement
from darkbeauty.likelihood.term import Term
from darkbeauty.observables.limits import B_TO_X, RADIATED, limit_name


def z_score(cl: float) -> float:
    """Φ⁻¹((1 + CL)/2): 1.645 at 90 %, 1.960 at 95 %."""
    return NormalDist().inv_cdf(0.5 * (1.0 + cl))


def limit_data(name: str) -> Measurement:
    """s = 0 ± 1/z for a limit on s = 1 at its confidence level; 0 ± 1 for a band, whose strength counts standard deviations."""
    record = limit_records()[name]
    sigma = 1.0 if record["kind"] == "band" else 1.0 / z_score(record["cl"])
    return _measurement(name, record, [limit_name(name)], [0.0], np.array([[sigma**2]]))


def measured(id: str) -> Measurement:
    """A block of leptonic.toml."""
    block = next(block for block in _data()["block"] if block["id"] == id)
    values, errors = (np.array([entry[key] for entry in block["entries"]]) for key in ("value", "error"))
    return _measurement(id, block, [entry["obs"] for entry in block["entries"]], values, np.diag(errors**2))


def bhabha_labels() -> tuple[str, ...]:
    """R(ee->ee) at every energy, bin by bin of cos θ."""
    block = _data()["bhabha"]
    return tuple(f"R(ee->ee)[{e},{low},{high}]" for low, high in block["bins"] for e in block["energies"])


def bhabha() -> Measurement:
    """LEP-II Bhabha cross-sections over the Standard Model, with experimental correlations and the Standard Model's uncertainty."""
    block = _data()["bhabha"]
    sm, values, errors = (np.array(block[key], float).ravel() for key in ("standard_model", "values", "errors"))
    size = len(block["energies"])
    correlation = np.eye(len(sm))
    correlation[-size:, -size:] = block["forward_correlation"]
    theory = np.kron(np.diag(np.square(block["theory"])), np.ones((size, size)))
    covariance = correlation * np.outer(errors / sm, errors / sm) + theory
    return _measurement(block["id"], block, bhabha_labels(), values / sm, covariance)


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return tomllib.loads(files("darkbeauty.inputs").joinpath("leptonic.toml").read_text(encoding="utf-8"))


def _measurement(id: str, record: dict[str, Any], labels: Any, values: Any, covariance: np.ndarray) -> Measurement:
    return Measurement(
        id,
        tuple(record["references"]),
        record["found"],
        "current",
        tuple(labels),
        np.asarray(values, float),
        covariance,
        note=record.get("note", ""),
        excluded=("",) * len(labels),
        limits=(None,) * len(labels),
    )


def _limit_term(name: str) -> Term:
    record = limit_records()[name]
    if record["kind"] == "band":
        about = f"{name}: {record['quantity']} against the measured band, one-sided"
    else:
        side = "above" if record["quantity"] == "m_lq" else "below"
        about = f"{name}: {record['quantity']} {side} its limit at {100 * record['cl']:g} % CL"
    needs = "" if name in RADIATED else "dark"
    return Term(f"limit {name}", name, (limit_name(name),), 0.0, needs, about, partial(limit_data, name))


_MEASURED = (
    ("a_mu", "Muon g-2 2025", "a_mu(NP)", "muon g−2: experiment 2025 against the White Paper 2025"),
    ("a_e", "Electron g-2 2023", "a_e(NP)", "electron g−2, error covering both measurements of α"),
    ("trident CCFR", "CCFR trident", "trident(CCFR)", "neutrino trident (CCFR)"),
    ("trident CHARM-II", "CHARM-II trident", "trident(CHARM-II)", "neutrino trident (CHARM-II)"),
)
LIMIT_TERMS: tuple[Term, ...] = (
    *(Term(name, id, (label,), 0.0, "", about, partial(measured, id)) for name, id, label, about in _MEASURED),
    Term(
        "LEP-II Bhabha",
        "LEP-II Bhabha",
        bhabha_labels(),
        0.0,
        "",
        "e⁺e⁻ → e⁺e⁻ at 189–207 GeV (LEP combination)",
        bhabha,
    ),
    *(_limit_term(name) for name in (*RADIATED, *B_TO_X, "ATLAS LQ->bnu")),
)
DARK_LIMIT_TERMS: tuple[Term, ...] = tuple(
    _limit_term(name)
    for name, record in limit_records().items()
    if record["use"] == "fit" and record["quantity"] in ("sigma_SD(p)", "sigma_SD(n)", "sigma_SI", "p_ann")
)
