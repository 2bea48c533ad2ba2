"""A real scalar S with L = −½ λ S²|H|² (arXiv:1706.07433): annihilation through the Higgs boson just above threshold, scattering on what has a mass.

Σ|M|² of S f → S f is 2N_c λ²m_f²(4m_f² − t)/(t − m_h²)²; σv = 2λ²v² Γ_h(√s)/√s/[(s − m_h²)² + m_h²Γ²]. Both are derived from the vertices −iλv and −im_f/v.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline
from second_solution import X_START, Second, panels

HIGGS, VACUUM, WIDTH = 125.1, 246.22, 4.07e-3
# colours, mass in the coupling (running), mass in the kinematics
FERMIONS = ((3.0, 2.8, 4.8), (3.0, 0.62, 1.67), (1.0, 1.777, 1.777), (3.0, 0.055, 0.095), (1.0, 0.1057, 0.1057))


class Singlet(Second):
    degrees = 1.0

    def __init__(self, mass: float, coupling: float):
        self.coupling = coupling
        invisible = (
            (coupling * VACUUM) ** 2 / (32.0 * np.pi * HIGGS) * np.sqrt(max(1.0 - (2.0 * mass / HIGGS) ** 2, 0.0))
        )
        self._begin(HIGGS, mass, WIDTH + invisible)

    @cached_property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        excess, weight = self._nodes([])
        root = 2.0 * self.mass * (1.0 + excess)
        beta = np.sqrt(excess * (2.0 + excess)) / (1.0 + excess)
        partial = sum(
            n * m**2 * root / (8.0 * np.pi * VACUUM**2) * (1.0 - (2.0 * m / root) ** 2) ** 1.5 for n, m, _ in FERMIONS
        )
        reduced = (self.coupling * VACUUM) ** 2 * root * partial * self._propagator2(excess) * beta  # σ s β²
        return excess, reduced * root * 2.0 * root * 2.0 * self.mass * weight

    @cached_property
    def log_gamma(self) -> CubicSpline:
        log_x = np.linspace(np.log(X_START), np.log(1e5), 160)
        return CubicSpline(log_x, np.log(self.gamma(self.mass * np.exp(-log_x)) + 1e-280))

    def gamma(self, temperature: np.ndarray) -> np.ndarray:
        """Of all but c and b (scenario B of that paper) and their antiparticles, by quadrature over momentum; ∫dτ τ Σ|M|² in the second one."""
        (v, share), (part, weight) = panels(np.array([0.0, 2.0, 6.0]), 16), panels(np.array([0.0, 1.0]), 8)
        total = np.zeros_like(temperature)
        t = temperature[:, None]
        for colours, in_coupling, m_f in FERMIONS[2:]:
            kinetic = t * v**2
            omega, k2 = m_f + kinetic, kinetic * (kinetic + 2.0 * m_f)
            largest = 4.0 * self.mass**2 * k2 / (self.mass**2 + m_f**2 + 2.0 * self.mass * omega)
            tau = largest[..., None] * part
            squares = 2.0 * colours * (self.coupling * in_coupling) ** 2 * (4.0 * m_f**2 + tau) / (tau + HIGGS**2) ** 2
            inner = largest * ((tau * squares) @ weight)
            occupied = 1.0 / (np.exp(np.minimum(omega / t, 600.0)) + 1.0)
            flow = occupied * (1.0 - occupied) / (128.0 * np.pi**3 * self.mass**2) * inner * 2.0 * v * share * t
            total += 2.0 * np.sum(flow, axis=1) / (3.0 * self.mass * temperature)
        return total
