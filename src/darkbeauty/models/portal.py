"""What the two U(1)′ ⊕ leptoquark models share: a Z′, two mixed Majorana states, a leptoquark that couples one of them to quarks.

A model of this kind states its charges, the flavour of N that couples to quarks, and the chirality of those quarks; everything else is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.errors import InputError, Problem, unknown
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import loops
from darkbeauty.models.base import LEPTONS, DarkSector, Mediator, Model, Solution, Value, Wilson
from darkbeauty.models.portal_dark import EXTRA_CHANNELS, dark_sector
from darkbeauty.models.running import current_current_factor, run_dipoles
from darkbeauty.models.z_prime import fermion_width, hadron_width, majorana_pair_width, majorana_width, scalar_width

B_SCALE, MIXING_SCALE = 4.8, 4.2
CONVENTIONS = ("canonical", "printed")


class Portal(Model):
    r"""Parameters of a U(1)′ ⊕ leptoquark model, and what follows from them alone.

    The two Majorana states mix the flavour N_q that couples to quarks (contents u = (u_ℓ, u_h) of the light and the heavy state) with the flavour
    N_p that does not. Leptons couple as −g Q′ f̄γ^μf Z′_μ, plus a photon-like piece where kinetic mixing is allowed.
    """

    has_mediator: ClassVar[bool] = True
    has_dark_matter: ClassVar[bool] = True
    charges: ClassVar[tuple[float, float, float]]
    """Q′ of e, μ, τ and of the N of the same flavour."""
    quark_flavour: ClassVar[int]
    partner_flavour: ClassVar[int]
    """Lepton flavour (index of charges) of N_q and N_p."""
    quark_chirality: ClassVar[str]
    """"L" or "R": chirality of the quarks that couple to the leptoquark."""
    exchange_quarks: ClassVar[tuple[tuple[str, str], ...]]
    """(quark, generation d, s or b) of every quark that couples to the leptoquark."""
    leptoquark_states: ClassVar[int]
    """Colours times members of the weak multiplet."""
    kinetic_mixing: ClassVar[bool] = True
    """Whether the Z′ couples to the electromagnetic current."""
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
    solution: Solution | None = None
    convention: str = eqx.field(static=True, default="canonical")
    extra_channels: tuple[str, ...] = eqx.field(static=True, default=())

    def __check_init__(self) -> None:
        problems = [
            unknown(where, kind, str(name), allowed)
            for where, kind, names, allowed in (
                ("convention", "convention", (self.convention,), CONVENTIONS),
                ("extra_channels", "channel", self.extra_channels, EXTRA_CHANNELS),
            )
            for name in names
            if name not in allowed
        ]
        if problems:
            raise InputError(problems)

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
        """u = (u_ℓ, u_h): N_q content of the light and the heavy state."""
        raise NotImplementedError

    @property
    def charge_matrix(self) -> Array:
        """Q of L = −½ g Q_ij N̄_iγ^μγ₅N_j Z′_μ, shape (2, 2): Q′(N_q) (2u_iu_j − δ_ij)."""
        u = self.contents
        return self.charges[self.quark_flavour] * (2.0 * jnp.outer(u, u) - jnp.eye(2))

    @property
    def epsilon(self) -> Array:
        """ε_em = e cos θ_W tan χ, the photon-like coupling of a light Z′ (α at the B scale)."""
        e = jnp.sqrt(4.0 * jnp.pi * self.sm.coupling["alpha_e_4.8"])
        return e * jnp.sqrt(1.0 - self.sm.coupling["s2w"]) * jnp.tan(self.chi)

    @property
    def lepton_couplings(self) -> Array:
        """Vector couplings c_ℓ of L = −c_ℓ ℓ̄γ^μℓ Z′_μ for e, μ, τ: g Q′ + ε_em."""
        return self.g * jnp.array(self.charges) + self.epsilon

    @property
    def neutrino_couplings(self) -> Array:
        """Couplings c of L = −c ν̄_Lγ^μν_L Z′_μ for ν_e, ν_μ, ν_τ: g Q′ (printed: doubled)."""
        return self._doubling * self.g * jnp.array(self.charges)

    @property
    def dark_couplings(self) -> Array:
        """c_ij = g Q_ij of L = −½ c_ij N̄_iγ^μγ₅N_j Z′_μ, shape (2, 2) (printed: doubled)."""
        return self._doubling * self.g * self.charge_matrix

    @property
    def dark_coupling(self) -> Array:
        """c = g Q_ℓℓ of the light state."""
        return self.dark_couplings[0, 0]

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
    def quark_couplings(self) -> Array:
        """y_d, y_s, y_b."""
        return self.y * jnp.stack([jnp.asarray(r, float) for r in (self.r_d, self.r_s, self.r_b)])

    def compute_mediator(self) -> Mediator:
        """Mass and widths of the Z′, with every open channel; a leptoquark has |Q′| = 1, its kinetic mixing is left out."""
        m, c = self.m_zp, self.dark_couplings
        partial = {
            flavour + flavour: fermion_width(m, self.sm.mass[flavour], self.lepton_couplings[i], 0.0)
            for i, flavour in enumerate(LEPTONS)
        }
        half = 0.5 * self.neutrino_couplings
        partial["nunu"] = jnp.sum(fermion_width(m, 0.0, half, half))
        partial["NN"] = majorana_width(m, self.m_dm, c[0, 0])
        partial["NNheavy"] = majorana_width(m, self.m_heavy, c[1, 1]) + majorana_pair_width(
            m, self.m_dm, self.m_heavy, c[0, 1]
        )
        partial["hadrons"] = hadron_width(self.sm, m, self.epsilon)
        partial["LQLQ"] = self.leptoquark_states * scalar_width(m, self.m_lq, self.g)
        width: Any = sum(partial.values())
        return Mediator(jnp.asarray(m, float), width, {**partial, "inv": partial["nunu"] + partial["NN"]})

    # -- loops --------------------------------------------------------------------------------------------------------------------

    @property
    def mass_ratios(self) -> Array:
        """χ_i = M_i²/M_LQ² of the light and the heavy state."""
        masses = jnp.stack([jnp.asarray(self.m_dm, float), jnp.asarray(self.m_heavy, float)])
        return (masses / self.m_lq) ** 2

    def v_sb(self) -> Array:
        """Z′ penguin function V_sb."""
        return loops.v_sb(self.mass_ratios, self.contents)

    def quark_pair_coupling(self) -> Array:
        r"""g_eff = y_s y_b g V_sb/(16π²) of the effective vertex g_eff s̄γ^μP b Z′_μ.

        P is that of `quark_chirality`. The sign is the same for right-handed quarks with Q′(N_q) = +1 and left-handed ones with Q′(N_q) = −1.
        """
        y = self.quark_couplings
        return y[1] * y[2] * self.g * self.v_sb() / (16.0 * jnp.pi**2)

    def majorana_pair_coupling(self) -> Array:
        r"""g_eff g Q_ℓℓ: G(q²)/P(q²) of the amplitude G [s̄γ^μP b][v̄γ_μγ₅u].

        Printed: times cos α/cos χ, which no other coupling has there: g is that of the physical Z′. Not doubled, although N̄γγ₅N is printed with twice g.
        """
        mixing = jnp.cos(self.z_mixing) / jnp.cos(self.chi) if self.convention == "printed" else 1.0
        return self.quark_pair_coupling() * self.g * self.charge_matrix[0, 0] * mixing

    def compute_wilson(self) -> Wilson:
        r"""C₉^ℓ and C^ν on the Z′ pole, C₇ and C₈ from the dipole loop, for one chirality of the quarks; everything else vanishes.

        H_eff ∋ −g_eff c_ℓ P(q²) (s̄γPb)(ℓ̄γℓ), so C₉^(′) = √2 π g_eff c_ℓ P(q²)/(G_F α V_tbV_ts*); a left-handed neutrino of coupling
        c ν̄γP_Lν gives C_L, C_R = half of that.
        """
        factor = (
            jnp.sqrt(2.0) * jnp.pi / (self.sm.coupling["GF"] * self.sm.coupling["alpha_e_4.8"] * self.sm.ckm.xi("t"))
        )
        vertex = factor * self.quark_pair_coupling()
        zero = jnp.zeros(3, complex)
        contact = {name: zero for name in ("C9", "C9p", "C10", "C10p", "CL", "CR")}
        charged, neutral = vertex * self.lepton_couplings, 0.5 * vertex * self.neutrino_couplings
        c7, c8 = self.dipoles(B_SCALE)
        pole = self.z_prime().pole
        if self.quark_chirality == "R":
            return Wilson(0.0, c7, 0.0, c8, contact, {"C9p": charged, "CR": neutral}, pole)
        return Wilson(c7, 0.0, c8, 0.0, contact, {"C9": charged, "CL": neutral}, pole)

    def dipoles(self, scale: ArrayLike | None = None) -> tuple[Array, Array]:
        r"""(C₇, C₈) = (1, −3) · (−√2) y_s y_b/(24 G_F V_tbV_ts* M_LQ²) Σ u_i² J₁(χ_i) at M_LQ, or run to `scale`.

        Primed for right-handed quarks. The photon couples to the leptoquark of charge ±1/3 only: the same in both models.
        """
        y, u = self.quark_couplings, self.contents
        loop = u**2 @ loops.dipole_j1(self.mass_ratios)
        scale_factor = 24.0 * self.sm.coupling["GF"] * self.sm.ckm.xi("t") * jnp.asarray(self.m_lq) ** 2
        c7 = -jnp.sqrt(2.0) * y[1] * y[2] * loop / scale_factor
        if scale is None:
            return c7, -3.0 * c7
        return run_dipoles(self.sm, c7, -3.0 * c7, self.m_lq, scale)

    def mixing_at_leptoquark_scale(self) -> Array:
        r"""C = (y_s y_b)²/(128π² M_LQ²) Σ_ij u_i²u_j² [F(χ_i,χ_j) − 2√(χ_iχ_j) G(χ_i,χ_j)] of C (s̄γ^μPb)².   [GeV⁻²]"""
        y, u2, chi = self.quark_couplings, self.contents**2, self.mass_ratios
        i, j = jnp.array([0, 0, 1]), jnp.array([0, 1, 1])
        f, g = loops.boxes(chi[i], chi[j])
        boxes = f - 2.0 * jnp.sqrt(chi[i] * chi[j]) * g
        total = jnp.array([1.0, 2.0, 1.0]) @ (u2[i] * u2[j] * boxes)
        return (y[1] * y[2]) ** 2 / (128.0 * jnp.pi**2 * jnp.asarray(self.m_lq) ** 2) * total

    def compute_mixing(self) -> Array:
        return self.mixing_at_leptoquark_scale() * current_current_factor(self.sm, self.m_lq, MIXING_SCALE)

    # -- dark matter --------------------------------------------------------------------------------------------------------------

    def dark_sector(self) -> DarkSector:
        """Annihilation channels of the light state."""
        return dark_sector(self)

    @property
    def flavour_contents(self) -> Array:
        """Contents of the light and the heavy state (rows of a rotation) in N_e, N_μ, N_τ, shape (2, 3)."""
        u = self.contents
        partner = jnp.stack([u[1], -u[0]])
        return jnp.zeros((2, 3)).at[:, self.quark_flavour].set(u).at[:, self.partner_flavour].set(partner)

    @property
    def scalar_couplings(self) -> Array:
        r"""λ_ij of L = −½ λ_ij N̄_iN_j φ₂, shape (2, 2): what φ₂ gives the two flavours, M_ff/v₂ with v₂ = m_zp/(2g), between mass states.

        Of the light state: [M_ℓ(u⁴ + w⁴) + 2M_h u²w²]/v₂, u and w its two contents.
        """
        u = self.contents
        states = jnp.stack([u, jnp.stack([u[1], -u[0]])], axis=1)
        masses = jnp.stack([jnp.asarray(self.m_dm, float), jnp.asarray(self.m_heavy, float)])
        return (states * (masses @ states**2)) @ states.T * 2.0 * self.g / self.m_zp

    def is_physical(self) -> Array:
        """Dark matter is lighter than the other Majorana state, than the leptoquark, and than the inert doublet where that couples to it."""
        light, no_doublet = jnp.asarray(self.m_dm), jnp.asarray(self.y_eta) == 0.0
        return (light < self.m_heavy) & (light < self.m_lq) & (no_doublet | (light < self.m_eta))

    def check_together(self, values: Mapping[str, Any], path: str) -> list[Problem]:
        light, heavy, leptoquark, doublet, y = (
            _number(values[name]) for name in ("m_dm", "m_heavy", "m_lq", "m_eta", "y_eta")
        )
        problems = []
        if light is not None and heavy is not None and light >= heavy:
            problems.append(
                Problem(f"{path}.m_dm", f"the lighter state ({light:g}) is not lighter than m_heavy ({heavy:g})")
            )
        if light is not None and leptoquark is not None and light >= leptoquark:
            problems.append(
                Problem(f"{path}.m_dm", f"dark matter ({light:g}) is not lighter than the leptoquark ({leptoquark:g})")
            )
        if light is not None and doublet is not None and y and light >= doublet:
            problems.append(
                Problem(f"{path}.m_dm", f"dark matter ({light:g}) is not lighter than the inert doublet ({doublet:g})")
            )
        return problems


def _cosine(sine: Value) -> Array:
    """√(1 − sine²), whose square has the right slope at |sine| = 1, too."""
    s = jnp.asarray(sine, float)
    return jnp.sqrt((1.0 - s) * (1.0 + s) + 1e-30)


def _number(value: Any) -> float | None:
    """A concrete scalar as float; None for tracers and arrays, which are not compared."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
