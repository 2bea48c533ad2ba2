r"""Make src/darkbeauty/inputs/tables/trident.csv: the Z′-mass dependence of neutrino tridents ν_μ N → ν_μ μ⁺μ⁻ N.

    python tools/make_trident_table.py           writes the table
    python tools/make_trident_table.py --check   recomputes it and compares with the file, exit code 1 if they differ

Equivalent-photon approximation (arXiv:1406.2332): the nucleus is a beam of quasi-real photons, and ν γ → ν μ⁺μ⁻ is computed exactly. With
κ = k − k′ the momentum the neutrino loses, K² = −κ², M² = ŝ + K² (ŝ: squared mass of the muon pair) and y = M²/s

    σ ∝ ∫ dŝ dK² K²/M⁴ ∫_{M²}^∞ ds/s P(s) [ (1 − y + y²/2) W_T + (1 − y) W_L ],   P(s) = ∫_{(s/2E)²}^∞ dQ²/Q² F²(Q²),

W_T, W_L: the tensor of γ* γ → μ⁺μ⁻ for transverse and longitudinal γ*, from explicit Dirac matrices, for a vector and an axial current (the
two do not interfere in the total: charge conjugation). A Z′ multiplies the vector amplitude by its propagator, a function of K² alone, so the
cross-section is quadratic in the couplings with the coefficients F_n(m) = ⟨1/(m² + K²)ⁿ⟩, n = 1, 2, averaged over the vector part.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

TABLE = Path(__file__).parents[1] / "src/darkbeauty/inputs/tables/trident.csv"
HEADER = """\
# Neutrino trident in the equivalent-photon approximation (arXiv:1406.2332), by tools/make_trident_table.py: F_n = <1/(m^2+K^2)^n> in GeV^-2n over
# the vector part of the cross-section, axial = axial part over vector part. Beam energy and target: CCFR 160 GeV on iron, CHARM-II 23.7 GeV on
# glass, DUNE 5 GeV on argon (the approximation is rough there: for drawing only).
experiment,mass,F1,F2,axial
"""
MUON, HBARC = 0.1056583755, 0.1973269804
BEAMS = {"CCFR": (160.0, 55.85), "CHARM-II": (23.7, 20.7), "DUNE": (5.0, 39.95)}
"""Experiment → neutrino energy [GeV], mean mass number of the target."""
MASSES = np.geomspace(1e-3, 1e4, 141)

_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_ZERO, _ONE = np.zeros((2, 2)), np.eye(2)
GAMMA = np.array([np.block([[_ONE, _ZERO], [_ZERO, -_ONE]]), *(np.block([[_ZERO, s], [-s, _ZERO]]) for s in _PAULI)])
GAMMA5 = np.block([[_ZERO, _ONE], [_ONE, _ZERO]])
METRIC = np.diag([1.0, -1.0, -1.0, -1.0])


def slash(p: np.ndarray) -> np.ndarray:
    """p̸ of four-vectors (…, 4): matrices (…, 4, 4)."""
    return np.einsum("...a,ab,bij->...ij", p, METRIC, GAMMA)


def rule(lo: np.ndarray | float, hi: np.ndarray | float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes and weights; the last axis is new."""
    x, w = np.polynomial.legendre.leggauss(n)
    half = 0.5 * (np.asarray(hi) - lo)[..., None]
    return np.asarray(lo)[..., None] + half * (1.0 + x), half * w


def tensors(s_hat: np.ndarray, k2: np.ndarray, n: int = 32) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{"V", "A"} → (W_T, W_L) of γ*(κ) γ(q) → μ⁺μ⁻, in the rest frame of the pair, per e²; averaged over the photon's polarisation."""
    root = np.sqrt(s_hat)
    k = 0.5 * (s_hat + k2) / root
    beta = np.sqrt(1.0 - 4.0 * MUON**2 / s_hat)
    u, weight = rule(-np.arctanh(beta), np.arctanh(beta), n)
    cosine = np.tanh(u) / beta[..., None]
    jacobian = weight / (np.cosh(u) ** 2 * beta[..., None]) * (beta / (16.0 * np.pi))[..., None]
    e, zero = 0.5 * root[..., None] + 0.0 * cosine, 0.0 * cosine
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 0.0))
    momentum = beta[..., None] * e
    minus = np.stack([e, momentum * sine, zero, momentum * cosine], -1)
    plus = np.stack([e, -momentum * sine, zero, -momentum * cosine], -1)
    photon = np.stack([k[..., None] + zero, zero, zero, -k[..., None] + zero], -1)
    longitudinal = np.stack([k, 0.0 * k, 0.0 * k, root - k], -1)[..., None, :] / np.sqrt(k2)[..., None, None]
    unit = np.eye(4)
    one = np.eye(4) * MUON
    left = (slash(minus - photon) + one) / (-2.0 * _dot(minus, photon))[..., None, None]
    right = (slash(photon - plus) + one) / (-2.0 * _dot(plus, photon))[..., None, None]
    out, spin_minus, spin_plus = {}, slash(minus) + one, slash(plus) - one
    for name, vertex in (("V", np.eye(4)), ("A", GAMMA5)):
        found = []
        for directions in ((unit[1], unit[2]), (longitudinal,)):
            total = 0.0
            for direction in directions:
                current = slash(direction) @ vertex
                for polarisation in (unit[1], unit[2]):
                    eps = slash(polarisation)
                    amplitude = eps @ left @ current + current @ right @ eps
                    bar = GAMMA[0] @ np.conj(np.swapaxes(amplitude, -1, -2)) @ GAMMA[0]
                    total = (
                        total + np.einsum("...ij,...jk,...kl,...li->...", spin_minus, amplitude, spin_plus, bar).real
                    )
            found.append(0.5 * np.sum(total * jacobian, -1) / len(directions))
        out[name] = (found[0], found[1])
    return out


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("...a,ab,...b->...", a, METRIC, b)


def form_factor(q2: np.ndarray, mass_number: float) -> np.ndarray:
    """Woods–Saxon charge form factor, r₀ = 1.126 fm A^{1/3}, a = 0.523 fm (arXiv:1406.2332), by its exponentially accurate closed form."""
    a, r0 = 0.523 / HBARC, 1.126 * mass_number ** (1.0 / 3.0) / HBARC
    x = np.sqrt(q2) * np.pi * a
    damp, qr = np.exp(-x), np.sqrt(q2) * r0
    sinh, coth = 0.5 * (1.0 - damp**2), (1.0 + damp**2) / (1.0 - damp**2)
    shape = np.pi * a / r0 * coth * np.sin(qr) - np.cos(qr)
    return 3.0 * np.pi * a * damp / (r0**2 + np.pi**2 * a**2) / (np.sqrt(q2) * sinh) * shape


def photon_weights(energy: float, mass_number: float, m2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """∫_{M²}^∞ ds/s P(s) (1 − y + y²/2) and the same with (1 − y), at M² = m2, from one grid in ln s."""
    log_s = np.linspace(np.log(4.0 * MUON**2), np.log((2.0 * energy) ** 2), 20001)
    log_q = np.linspace(2.0 * np.log(4.0 * MUON**2 / (2.0 * energy)), np.log(4.0), 20001)
    density = form_factor(np.exp(log_q), mass_number) ** 2
    above = np.append(_backward(density, log_q), 0.0)
    p = np.interp(2.0 * (log_s - np.log(2.0 * energy)), log_q, above)
    tail = lambda power: np.append(_backward(p * np.exp(-power * log_s), log_s), 0.0)
    moments = [np.interp(np.log(m2), log_s, tail(power), right=0.0) * m2**power for power in range(3)]
    return moments[0] - moments[1] + 0.5 * moments[2], moments[0] - moments[1]


def _backward(f: np.ndarray, x: np.ndarray) -> np.ndarray:
    """∫_x^end f by the trapezoidal rule, at every x but the last."""
    return np.cumsum((0.5 * (f[1:] + f[:-1]) * np.diff(x))[::-1])[::-1]


class Grid(NamedTuple):
    """Nodes in (ŝ, K²), shape (n/2, n), the weight of each with K²/M⁴, and the tensors there."""

    s_hat: np.ndarray
    k2: np.ndarray
    weight: np.ndarray
    parts: dict[str, tuple[np.ndarray, np.ndarray]]


def grid(n: int = 96) -> Grid:
    """The nodes common to all beams: even in ln K², quadratic in ln ŝ above threshold."""
    t, w_t = rule(np.log(1e-10), np.log(4e2), n)
    a, w_a = rule(0.0, 1.0, n // 2)
    s_hat, k2 = np.broadcast_arrays(4.0 * MUON**2 * np.exp(a**2 * np.log(1e5))[:, None], np.exp(t))
    weight = (w_a * 2.0 * a * np.log(1e5))[:, None] * w_t * s_hat * k2**2 / (s_hat + k2) ** 2
    return Grid(s_hat, k2, weight, tensors(s_hat, k2))


def distribution(nodes: Grid, energy: float, mass_number: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """K² nodes and, at each, the vector and axial parts of the cross-section (weights included, arbitrary common unit)."""
    transverse, longitudinal = photon_weights(energy, mass_number, nodes.s_hat + nodes.k2)
    vector, axial = (
        np.sum(nodes.weight * (transverse * nodes.parts[c][0] + longitudinal * nodes.parts[c][1]), 0) for c in "VA"
    )
    return nodes.k2[0], vector, axial


def table() -> str:
    lines, nodes = [], grid()
    for name, (energy, mass_number) in BEAMS.items():
        k2, vector, axial = distribution(nodes, energy, mass_number)
        for mass in MASSES:
            f1, f2 = (np.sum(vector / (mass**2 + k2) ** n) / np.sum(vector) for n in (1, 2))
            lines.append(f"{name},{mass:.9g},{f1:.9e},{f2:.9e},{np.sum(axial) / np.sum(vector):.9e}")
    return HEADER + "\n".join(lines) + "\n"


def main() -> int:
    text = table()
    if "--check" not in sys.argv:
        TABLE.write_text(text, encoding="utf-8")
        return 0
    numbers = lambda t: np.array([line.split(",")[1:] for line in t.splitlines() if line[0] not in "#e"], float)
    agrees = np.allclose(numbers(text), numbers(TABLE.read_text(encoding="utf-8")), rtol=1e-6)
    print("agrees" if agrees else "differs")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
