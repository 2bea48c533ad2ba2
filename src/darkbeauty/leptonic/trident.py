r"""Neutrino tridents ν_μ N → ν_μ μ⁺μ⁻ N with a Z′ of any mass (arXiv:1406.2332)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from darkbeauty.models.sectors import MU, Theory
from darkbeauty.numerics.interpolation import monotone


def ratio_to_sm(p: Theory, experiment: str) -> Array:
    r"""σ/σ_SM for the beam and target of an experiment: "CCFR", "CHARM-II" or "DUNE".   [1]

    = [C_V² + 2C_V δ F₁ + δ² F₂ + r C_A²]/[C_V² + r C_A²], C_V = ½ + 2s_W², C_A = ½, δ = c_μ c_ν/(√2 G_F). F_n = ⟨1/(m² + K²)ⁿ⟩ averages the
    propagator over the momentum K the neutrino transfers; r: axial over vector cross-section (tables/trident.csv). For m² ≫ K² and r = 1 it is
    [1 + (1 + 4s_W² + 2v²c_μc_ν/m²)²]/[1 + (1 + 4s_W²)²].
    Domain   1 MeV ≤ m_zp ≤ 10 TeV, constant coefficients beyond
    Accuracy of the table 1e-4; of the equivalent photons, one beam energy and no cuts: the published CCFR contour is met within 7 % in the
             coupling for m_zp = 0.3 … 53 GeV, and lies up to 17 % lower below. DUNE: for drawing only
    Omits    incoherent scattering, radiative corrections to C_V and C_A, axial couplings of the Z′
    """
    table = p.sm.trident
    row = table.names.index(experiment)
    log_mass = jnp.log(p.z_prime.mass)
    f_1, f_2 = (jnp.exp(monotone(log_mass, table.log_mass, table.log_f[row, n])) for n in (0, 1))
    c_v = 0.5 + 2.0 * p.sm.coupling["s2w"]
    axial = table.axial[row] * 0.25
    delta = p.z_prime.lepton[MU].real * p.z_prime.neutrino[MU] / (jnp.sqrt(2.0) * p.sm.coupling["GF"])
    return 1.0 + (2.0 * c_v * delta * f_1 + delta**2 * f_2) / (c_v**2 + axial)
