"""The points of physics_2.md §15 and the model there, for the tests of kinetic decoupling."""

from __future__ import annotations

from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import Theory

NAMES = ("y", "g", "m_zp", "m_dm", "chi")
A_I = (2.0, 0.002, 4.0, 1.7, 0.0)
MEDIAN = (0.326, 0.00168, 3.69, 1.62, 0.0)
FUNNEL = lambda ratio, g=0.002: (0.3, g, 3.4 * ratio, 1.7, 0.0)
POINTS = (
    A_I,
    (2.0, 0.008, 4.8, 1.8, 0.0),
    MEDIAN,
    (*MEDIAN[:4], 1e-3),
    (0.2, 0.003, 5.2, 2.3, 1e-3),
    FUNNEL(0.97),
    FUNNEL(1.01),
    FUNNEL(1.05),
    FUNNEL(1.10),
    FUNNEL(1.20),
    FUNNEL(1.20, 0.008),
)
MODEL = resolve_model("lmu_ltau_s1")
M_LQ, NO_LEPTOQUARK = 1200.0, 1e5
"""[GeV]; the second one leaves scattering on leptons alone, and moves Ωh² by less than 10⁻³ otherwise."""


def theory_at(values, m_lq=M_LQ) -> Theory:
    """Sectors at a point."""
    return MODEL.at({**dict(zip(NAMES, values)), "m_lq": m_lq}).derive()
