r"""b → s ℓ₁⁺ℓ₂⁻ with leptons of different flavour: B_s → ℓ₁ℓ₂, B → P and V with such a pair. There is no Standard-Model part and no charm loop.

A pair "emu" is e⁺μ⁻, made by (s̄ b)(μ̄ e), and its coefficients are those that flavio calls `C9_bsemu`. Decays are those of B̄ mesons, prompt ones of B_s.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.b_to_v_ll import hadronic
from darkbeauty.flavour.bs_to_ll import prefactor, spin_0_factor
from darkbeauty.flavour.common import abs2, integrate_pair, kallen, normalisation
from darkbeauty.flavour.form_factors import b_to_p
from darkbeauty.flavour.modes import MODES, PSEUDOSCALARS
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import LEPTON_PAIRS, Theory


class Strengths(NamedTuple):
    """Squared form factors of spin 1 that go with C + C′ and with C − C′, and of spin 0 with C + parity · C′."""

    even: ArrayLike
    odd: ArrayLike
    spin_0: Array
    parity: float


def br_bs(p: Theory, pair: str) -> Array:
    r"""BR(B_s → ℓ₁⁺ℓ₂⁻) = N² f² m³ τ √λ/(32π m²) (|P|² + |S|²) (arXiv:1602.00881, eq. 5).

    P = β₋ [(m₁+m₂)/m (C₁₀−C₁₀′) + m r (C_P−C_P′)], S = β₊ [(m₂−m₁)/m (C₉−C₉′) + m r (C_S−C_S′)], β_±² = 1 − (m₁±m₂)²/m², r = m_b/(m_b+m_s).
    """
    sm, m = p.sm, p.sm.mass["Bs"]
    first, second = (sm.mass[lepton] for lepton in LEPTON_PAIRS[pair])
    chiral = spin_0_factor(sm)
    odd = lambda slot: _coefficient(p, pair, slot) - _coefficient(p, pair, f"{slot}p")
    above, apart = 1.0 - (first + second) ** 2 / m**2, 1.0 - (first - second) ** 2 / m**2
    pseudoscalar = apart * abs2((first + second) / m * odd("C10") + chiral * odd("CP"))
    scalar = above * abs2((second - first) / m * odd("C9") + chiral * odd("CS"))
    return prefactor(p) * jnp.sqrt(above * apart) * (pseudoscalar + scalar)


def br(p: Theory, mode: str, pair: str) -> Array:
    """Branching fraction of B̄ → M ℓ₁⁺ℓ₂⁻ over all of phase space."""
    ends = phase_space(p.sm, mode, pair)
    total = integrate_pair(None, lambda q2, _: density(p, mode, pair, q2), ends, ends, photon=False)
    return p.sm.lifetime[MODES[mode].b] * total


def phase_space(sm: SMInputs, mode: str, pair: str) -> tuple[Array | float, Array | float]:
    """((m₁ + m₂)², (m_B − m_M)²).   [GeV²]"""
    first, second = (sm.mass[lepton] for lepton in LEPTON_PAIRS[pair])
    return (first + second) ** 2, (sm.mass[MODES[mode].b] - sm.mass[MODES[mode].final]) ** 2


def density(p: Theory, mode: str, pair: str, q2: Array) -> Array:
    r"""dΓ/dq² = N² √(λ λ_ℓ)/(128π³ m_B³ q²) { t₋(2 + M₊²/q²)/3 h₁(C₉) + t₊(2 + M₋²/q²)/3 h₁(C₁₀) + t₊|S|² + t₋|P|² }.   [GeV⁻¹]

    M_± = m₂ ± m₁, t_± = q² − M_±²; S = h₀ (C_S + M₋/q² C₉), P = h₀ (C_P + M₊/q² C₁₀) of C + parity · C′; h₁ and h₀: `Strengths` (arXiv:1506.03970).
    flavio 2.7.1 has m₁ − m₂ for M₋ here, against its own operators and its B_s → ℓ₁ℓ₂.

    Domain   (m₁ + m₂)² < q² < (m_B − m_M)²
    """
    sm, of, f = p.sm, MODES[mode], strengths(p.sm, mode, q2)
    first, second = (sm.mass[lepton] for lepton in LEPTON_PAIRS[pair])
    plus, minus = second + first, second - first
    near, far = q2 - plus**2, q2 - minus**2
    both = lambda slot, sign: _coefficient(p, pair, slot) + sign * _coefficient(p, pair, f"{slot}p")
    spin_1 = lambda slot: (f.even * abs2(both(slot, 1.0)) + f.odd * abs2(both(slot, -1.0))) / 3.0
    spin_0 = lambda slot, mass, current: f.spin_0 * abs2(both(slot, f.parity) + mass / q2 * both(current, f.parity))
    rate = far * ((2.0 + plus**2 / q2) * spin_1("C9") + spin_0("CP", plus, "C10"))
    rate = rate + near * ((2.0 + minus**2 / q2) * spin_1("C10") + spin_0("CS", minus, "C9"))
    root = jnp.sqrt(kallen(sm.mass[of.b] ** 2, sm.mass[of.final] ** 2, q2) * near * far)
    return normalisation(p) ** 2 * root / (128.0 * jnp.pi**3 * sm.mass[of.b] ** 3 * q2) * rate


def strengths(sm: SMInputs, mode: str, q2: Array) -> Strengths:
    r"""P: even = λf₊²/4q², spin_0 = (m_B²−m_P²)²f₀²/4. V: those of the amplitudes of `b_to_v_ll.hadronic`: perpendicular, the two others, λA₀²/4."""
    of = MODES[mode]
    m_b, m_m = sm.mass[of.b], sm.mass[of.final]
    if mode in PSEUDOSCALARS:
        f = b_to_p(sm, of.transition, q2)
        lam = kallen(m_b**2, m_m**2, q2)
        return Strengths(lam * f.plus**2 / (4.0 * q2), 0.0, 0.25 * (m_b**2 - m_m**2) ** 2 * f.zero**2, 1.0)
    f = hadronic(sm, mode, q2)
    perp, para, zero = f.current**2
    return Strengths(perp, para + zero, (0.5 * q2 * f.timelike) ** 2, -1.0)


def _coefficient(p: Theory, pair: str, slot: str) -> Array:
    return jnp.asarray(p.wilson.violating.get(pair, {}).get(slot, 0.0), complex)
