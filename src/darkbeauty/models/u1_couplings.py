"""Parameters of the U(1)′ ⊕ leptoquark models, and the spectrum and couplings that follow from them alone.

A model of this kind is a member of the family (`u1_member`: charges, leptoquark, which N couples to quarks); everything else is here and in `u1_leptoquark`.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array

from darkbeauty.errors import InputError, unknown
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import kinetic_mixing
from darkbeauty.models.base import AtMost, Below, Model, Resonance, Value
from darkbeauty.models.sectors import LEPTONS
from darkbeauty.models.u1_member import Member

CONVENTIONS = ("canonical", "printed")
EXTRA_CHANNELS = ("flavour_violating", "higgs", "coannihilation", "z_prime_pairs")
"""Channels that are off unless a model is built with extra_channels: q_i q̄_j and ℓ_i ℓ̄_j with i ≠ j by scalar exchange; f f̄, WW and ZZ through H1 and H2;
pairs with the heavier Majorana state (by Z′, leptoquark and η exchange; of ℓ_i ℓ̄_j, of the scalars and of Z′Z′, only the light pair); Z′Z′, Z′H1 and Z′H2."""


class U1Couplings(Model):
    r"""Parameters of a U(1)′ ⊕ leptoquark model, and what follows from them alone.

    The two Majorana states mix the flavour N_q that couples to quarks (contents u = (u_ℓ, u_h) of the light and the heavy state) with the flavour
    N_p that does not. Leptons couple as −g Q′ f̄γ^μf Z′_μ, plus a photon-like piece where kinetic mixing is allowed.
    """

    conditions: ClassVar[tuple[Below, ...]] = (
        Below("m_dm", "m_heavy", "the lighter state ({smaller}) is not lighter than m_heavy ({larger})"),
        Below("m_dm", "m_lq", "dark matter ({smaller}) is not lighter than the leptoquark ({larger})"),
        Below(
            "m_dm", "m_eta", "dark matter ({smaller}) is not lighter than the inert doublet ({larger})", unless="y_eta"
        ),
    )
    resonance: ClassVar[Resonance | None] = Resonance("m_zp", "m_dm")
    member: ClassVar[Member]
    """What gauge invariance says of it; a field of the family itself."""
    conventions: ClassVar[tuple[str, ...]] = CONVENTIONS
    printed_doubling: ClassVar[float] = 1.0
    printed_omega_constant: ClassVar[float] = 1.07e9
    """What the slides print: coupling of N and ν over its canonical value; the constant of Ωh² [1/GeV]."""

    y: Value = None
    g: Value = None
    m_zp: Value = None
    m_dm: Value = None
    m_lq: Value = 1200.0
    m_heavy: Value = 500.0
    sin_mix: Value = 0.5
    m_h1: Value = 125.0
    m_h2: Value = 500.0
    sin_zeta: Value = 5e-3
    chi: Value = 1e-3
    y_eta: Value = 0.0
    m_eta: Value = 400.0
    r_d: Value = 1.0
    r_s: Value = 1.0
    r_b: Value = 1.0
    sm: SMInputs = eqx.field(default_factory=load_sm)
    convention: str = eqx.field(static=True, default="canonical")
    extra_channels: tuple[str, ...] = eqx.field(static=True, default=())
    loop_mixing: bool = eqx.field(static=True, default=False)
    perturbative: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        problems = [
            unknown(where, kind, str(name), allowed)
            for where, kind, names, allowed in (
                ("convention", "convention", (self.convention,), self.conventions),
                ("extra_channels", "channel", self.extra_channels, EXTRA_CHANNELS),
            )
            for name in names
            if name not in allowed
        ]
        if problems:
            raise InputError(problems)

    @property
    def all_conditions(self) -> tuple[Below | AtMost, ...]:
        """With `perturbative`, f_N ≤ √(4π) and λ_φ ≤ 4π, too."""
        return (*self.conditions, *self._perturbativity) if self.perturbative else self.conditions

    @property
    def _perturbativity(self) -> tuple[AtMost, ...]:
        def yukawa(g: Any, m_zp: Any, m_dm: Any, m_heavy: Any, sin_mix: Any) -> Any:
            values = {"g": g, "m_zp": m_zp, "m_dm": m_dm, "m_heavy": m_heavy, "sin_mix": sin_mix}
            return self.with_values(values).yukawa

        def self_coupling(g: Any, m_zp: Any, m_h2: Any) -> Any:
            return self.with_values({"g": g, "m_zp": m_zp, "m_h2": m_h2}).self_coupling

        message = "the model is not perturbative: {} = {{value}} is above {{limit}}"
        return (
            AtMost(
                ("g", "m_zp", "m_dm", "m_heavy", "sin_mix"), yukawa, math.sqrt(4.0 * math.pi), message.format("f_N")
            ),
            AtMost(("g", "m_zp", "m_h2"), self_coupling, 4.0 * math.pi, message.format("lambda_phi")),
        )

    # -- spectrum and couplings ---------------------------------------------------------------------------------------------------

    @property
    def cos_mix(self) -> Array:
        """Cosine of the mixing angle of the two N."""
        return _cosine(self.sin_mix)

    @property
    def cos_zeta(self) -> Array:
        """Cosine of the scalar mixing angle."""
        return _cosine(self.sin_zeta)

    @property
    def contents(self) -> Array:
        """u = (u_ℓ, u_h): N_q content of the light and the heavy state, (cos, sin) of the mixing angle where the light one is N_q without mixing, else (sin, cos)."""
        sine, cosine = jnp.asarray(self.sin_mix, float), self.cos_mix
        return jnp.stack([cosine, sine] if self.member.light == self.member.couples else [sine, cosine])

    @property
    def charge_matrix(self) -> Array:
        """Q of L = −½ g Q_ij N̄_iγ^μγ₅N_j Z′_μ, shape (2, 2): Q′(N_q) (2u_iu_j − δ_ij)."""
        u = self.contents
        return self.member.charge * (2.0 * jnp.outer(u, u) - jnp.eye(2))

    @property
    def epsilon(self) -> Array:
        r"""ε_em = e (cos θ_W tan χ − ε_loop(m_Z′²)), the photon-like coupling of a light Z′ (α at the B scale): L = ε_em Q f̄γ^μf Z′_μ.

        The loop of charged leptons has the sign of g: with χ = 0 an electron couples opposite to a muon. Taken on the pole of the Z′ everywhere, above 2m_μ complex, without
        the leptoquark's loop, which renormalises χ. Where kinetic mixing is off, that of e and μ is below 1e-7 g for m_Z′ > 50 GeV, and left out.
        """
        e = jnp.sqrt(4.0 * jnp.pi * self.sm.coupling["alpha_e_4.8"])
        tree = e * jnp.sqrt(1.0 - self.sm.coupling["s2w"]) * jnp.tan(self.chi)
        if not (self.member.kinetic_mixing and self.loop_mixing):
            return tree
        charged = [i for i, charge in enumerate(self.member.charges) if charge]
        masses = jnp.stack([jnp.asarray(self.sm.mass[LEPTONS[i]], float) for i in charged])
        couplings = self.g * jnp.array([self.member.charges[i] for i in charged])
        return tree - e**2 * kinetic_mixing.loop_mixing(jnp.asarray(self.m_zp, float) ** 2, couplings, masses)

    @property
    def lepton_couplings(self) -> Array:
        """Vector couplings c_ℓ of L = −c_ℓ ℓ̄γ^μℓ Z′_μ for e, μ, τ: g Q′ + ε_em."""
        return self.g * jnp.array(self.member.charges) + self.epsilon

    @property
    def neutrino_couplings(self) -> Array:
        """Couplings c of L = −c ν̄_Lγ^μν_L Z′_μ for ν_e, ν_μ, ν_τ: g Q′ (printed: doubled)."""
        return self._doubling * self.g * jnp.array(self.member.charges)

    @property
    def dark_couplings(self) -> Array:
        """c_ij = g Q_ij of L = −½ c_ij N̄_iγ^μγ₅N_j Z′_μ, shape (2, 2) (printed: doubled)."""
        return self._doubling * self.g * self.charge_matrix

    @property
    def omega_constant(self) -> float:
        """The constant of Ωh² = constant/(√g_* M_Pl J).   [1/GeV]"""
        return self.printed_omega_constant if self.convention == "printed" else 1.07e9

    @property
    def _doubling(self) -> float:
        return self.printed_doubling if self.convention == "printed" else 1.0

    @property
    def z_mixing(self) -> Array:
        r"""Z–Z′ mixing angle α: tan 2α = 2 M_Z² s_W sin χ cos χ / (M_Z²(cos²χ − s_W² sin²χ) − m²)."""
        m_z2, s2w = self.sm.mass["Z"] ** 2, self.sm.coupling["s2w"]
        sine, cosine = jnp.sin(self.chi), jnp.cos(self.chi)
        gap = m_z2 * (cosine**2 - s2w * sine**2) - jnp.asarray(self.m_zp) ** 2
        return 0.5 * jnp.arctan(2.0 * m_z2 * jnp.sqrt(s2w) * sine * cosine / jnp.where(gap == 0.0, 1e-12, gap))

    @property
    def quark_ratios(self) -> Array:
        """r_d, r_s, r_b."""
        return jnp.stack([jnp.asarray(r, float) for r in (self.r_d, self.r_s, self.r_b)])

    @property
    def quark_couplings(self) -> Array:
        """y_d, y_s, y_b."""
        return self.y * self.quark_ratios

    @property
    def masses(self) -> Array:
        """Of the light and the heavy Majorana state, shape (2,)."""
        return jnp.stack([jnp.asarray(self.m_dm, float), jnp.asarray(self.m_heavy, float)])

    @property
    def mass_ratios(self) -> Array:
        """χ_i = M_i²/M_LQ² of the light and the heavy state."""
        return (self.masses / self.m_lq) ** 2

    @property
    def flavour_contents(self) -> Array:
        """Contents of the light and the heavy state (rows of a rotation) in N_e, N_μ, N_τ, shape (2, 3)."""
        u = self.contents
        partner = jnp.stack([u[1], -u[0]])
        return jnp.zeros((2, 3)).at[:, self.member.quark_flavour].set(u).at[:, self.member.partner_flavour].set(partner)

    @property
    def inverse_vacuum(self) -> Any:
        """1/v₂ = 2|Q′|g/m_zp, Q′ the charge of N_q: φ₂ has twice that.   [1/GeV]"""
        return 2.0 * abs(self.member.charge) * self.g / self.m_zp

    @property
    def scalar_couplings(self) -> Array:
        r"""λ_ij of L = −½ λ_ij N̄_iN_j φ₂, shape (2, 2): what φ₂ gives the two flavours, M_ff/v₂, between mass states.

        Of the light state: [M_ℓ(u⁴ + w⁴) + 2M_h u²w²]/v₂, u and w its two contents.
        """
        states, masses = self._flavour_masses
        return (states * masses[None]) @ states.T * self.inverse_vacuum

    @property
    def yukawa(self) -> Array:
        r"""f = √2 |M_ff|/v₂ of the flavour with the larger mass term M_ff: above √(4π) the model is not perturbative."""
        return jnp.sqrt(2.0) * jnp.max(jnp.abs(self._flavour_masses[1])) * self.inverse_vacuum

    @property
    def self_coupling(self) -> Array:
        """λ_φ = m_h2²/(2v₂²): above 4π the model is not perturbative."""
        return 0.5 * (jnp.asarray(self.m_h2, float) * self.inverse_vacuum) ** 2

    @property
    def _flavour_masses(self) -> tuple[Array, Array]:
        """Contents of the mass states (rows) in N_q and N_p, and the mass terms M_ff of these that v₂ gives."""
        u = self.contents
        states = jnp.stack([u, jnp.stack([u[1], -u[0]])], axis=1)
        return states, self.masses @ states**2


def _cosine(sine: Value) -> Array:
    """√(1 − sine²), whose square has the right slope at |sine| = 1, too."""
    s = jnp.asarray(sine, float)
    return jnp.sqrt((1.0 - s) * (1.0 + s) + 1e-30)
