"""Gauged Lμ − Lτ with the scalar leptoquark S1 (arXiv:2106.03735): a light Z′, Majorana dark matter, right-handed down quarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.errors import Problem
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import loops
from darkbeauty.models.base import LEPTONS, Channels, DarkSector, Exchange, Mediator, Model, Parameter, Solution, Wilson
from darkbeauty.models.running import current_current_factor, run_dipoles
from darkbeauty.models.z_prime import HADRON_STEPS, fermion_width, hadron_width, majorana_pair_width, majorana_width

B_SCALE, MIXING_SCALE = 4.8, 4.2
CHARGES = (0.0, 1.0, -1.0)
DOWN_QUARKS = ("d", "s", "b")


class LmuLtauS1(Model):
    r"""Parameters of the Lμ − Lτ ⊕ S1 model.

    Quarks couple as −y_q (d̄^c_qR S1 N_μ), leptons as −g Q′ f̄γ^μf Z′_μ with Q′(μ) = +1, Q′(τ) = −1, and every charged particle
    gets a photon-like piece from kinetic mixing. The N_μ content of the light (heavy) Majorana state is cos β (sin β).
    """

    name: ClassVar[str] = "lmu_ltau_s1"
    title: ClassVar[str] = "gauged Lμ−Lτ with leptoquark S1"
    has_mediator: ClassVar[bool] = True
    has_dark_matter: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("y", "leptoquark–quark–N coupling y_qR", lower=0.0, upper=2.0 * jnp.pi**0.5),
        Parameter("g", "U(1)′ gauge coupling g_μτ", lower=0.0, upper=2.0 * jnp.pi**0.5),
        Parameter("m_zp", "Z′ mass", "GeV", lower=1e-3, upper=1e4),
        Parameter("m_dm", "mass of the lighter Majorana state N₋", "GeV", lower=1e-3, upper=1e4),
        Parameter("m_lq", "leptoquark mass", "GeV", 1200.0, 100.0, 1e5),
        Parameter("m_heavy", "mass of the heavier Majorana state N₊", "GeV", 500.0, 1e-3, 1e5),
        Parameter("sin_mix", "sin β, mixing of N_μ and N_τ", "", 0.5, -1.0, 1.0),
        Parameter("m_h1", "mass of the Standard-Model-like scalar", "GeV", 125.0, 1.0, 1e4),
        Parameter("m_h2", "mass of the second scalar", "GeV", 500.0, 1.0, 1e5),
        Parameter("sin_zeta", "sine of the scalar mixing angle", "", 5e-3, -1.0, 1.0),
        Parameter("chi", "kinetic mixing (sin χ/2 B̂V̂)", "", 1e-3, -0.1, 0.1),
        Parameter("y_eta", "Yukawa coupling Y_ℓℓ of the inert doublet", "", 0.0, 0.0, 2.0 * jnp.pi**0.5),
        Parameter("m_eta", "mass of the inert doublet", "GeV", 400.0, 1.0, 1e5),
        Parameter("r_d", "y_d / y", "", 1.0, -10.0, 10.0),
        Parameter("r_s", "y_s / y", "", 1.0, -10.0, 10.0),
        Parameter("r_b", "y_b / y", "", 1.0, -10.0, 10.0),
    )

    y: ArrayLike | None = None
    g: ArrayLike | None = None
    m_zp: ArrayLike | None = None
    m_dm: ArrayLike | None = None
    m_lq: ArrayLike = 1200.0
    m_heavy: ArrayLike = 500.0
    sin_mix: ArrayLike = 0.5
    m_h1: ArrayLike = 125.0
    m_h2: ArrayLike = 500.0
    sin_zeta: ArrayLike = 5e-3
    chi: ArrayLike = 1e-3
    y_eta: ArrayLike = 0.0
    m_eta: ArrayLike = 400.0
    r_d: ArrayLike = 1.0
    r_s: ArrayLike = 1.0
    r_b: ArrayLike = 1.0
    sm: SMInputs = eqx.field(default_factory=load_sm)
    solution: Solution | None = None

    # -- spectrum and couplings ---------------------------------------------------------------------------------------------------

    @property
    def contents(self) -> Array:
        """N_μ content of (light, heavy): (cos β, sin β)."""
        return jnp.stack([jnp.sqrt(1.0 - jnp.asarray(self.sin_mix) ** 2), jnp.asarray(self.sin_mix, float)])

    @property
    def charge_matrix(self) -> Array:
        """Q of L = −½ g Q_ij N̄_iγ^μγ₅N_j Z′_μ, shape (2, 2): Q_ℓℓ = cos 2β = −Q_hh, |Q_ℓh| = sin 2β."""
        u = self.contents
        return 2.0 * jnp.outer(u, u) - jnp.eye(2)

    @property
    def epsilon(self) -> Array:
        """ε_em = e cos θ_W tan χ, the photon-like coupling of the Z′ (α at the B scale)."""
        e = jnp.sqrt(4.0 * jnp.pi * self.sm.coupling["alpha_e_4.8"])
        return e * jnp.sqrt(1.0 - self.sm.coupling["s2w"]) * jnp.tan(self.chi)

    @property
    def lepton_couplings(self) -> Array:
        """Vector couplings c_ℓ of L = −c_ℓ ℓ̄γ^μℓ Z′_μ for e, μ, τ: g Q′ + ε_em."""
        return self.g * jnp.array(CHARGES) + self.epsilon

    @property
    def dark_coupling(self) -> Array:
        """c = g Q_ℓℓ of L = −½ c N̄_ℓγ^μγ₅N_ℓ Z′_μ."""
        return self.g * self.charge_matrix[0, 0]

    @property
    def z_mixing(self) -> Array:
        r"""Z–Z′ mixing angle α: tan 2α = 2 M_Z² s_W sin χ cos χ / (M_Z²(cos²χ − s_W² sin²χ) − m²)."""
        m_z2, s2w = self.sm.mass["Z"] ** 2, self.sm.coupling["s2w"]
        sine, cosine = jnp.sin(self.chi), jnp.cos(self.chi)
        return 0.5 * jnp.arctan2(
            2.0 * m_z2 * jnp.sqrt(s2w) * sine * cosine, m_z2 * (cosine**2 - s2w * sine**2) - jnp.asarray(self.m_zp) ** 2
        )

    @property
    def quark_couplings(self) -> Array:
        """y_d, y_s, y_b."""
        return self.y * jnp.stack([jnp.asarray(r, float) for r in (self.r_d, self.r_s, self.r_b)])

    def compute_mediator(self) -> Mediator:
        """Mass and widths of the Z′, with every open channel."""
        m, neutrino = self.m_zp, 0.5 * self.g
        q = self.g * self.charge_matrix
        partial = {
            flavour + flavour: fermion_width(m, self.sm.mass[flavour], self.lepton_couplings[i], 0.0)
            for i, flavour in enumerate(LEPTONS)
        }
        partial["nunu"] = 2.0 * fermion_width(m, 0.0, neutrino, neutrino)
        partial["NN"] = majorana_width(m, self.m_dm, q[0, 0])
        partial["NNheavy"] = majorana_width(m, self.m_heavy, q[1, 1]) + majorana_pair_width(
            m, self.m_dm, self.m_heavy, q[0, 1]
        )
        partial["hadrons"] = hadron_width(self.sm, m, self.epsilon)
        width = sum(partial.values())
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
        r"""g_eff = y_s y_b g V_sb/(16π²) of the effective vertex g_eff s̄γ^μP_R b Z′_μ."""
        y = self.quark_couplings
        return y[1] * y[2] * self.g * self.v_sb() / (16.0 * jnp.pi**2)

    def majorana_pair_coupling(self) -> Array:
        r"""g_eff g Q_ℓℓ cos α/cos χ: G(q²)/P(q²) of the amplitude G [s̄γ^μP_R b][N̄γ_μγ₅N]."""
        return self.quark_pair_coupling() * self.dark_coupling * jnp.cos(self.z_mixing) / jnp.cos(self.chi)

    def compute_wilson(self) -> Wilson:
        r"""C₉′^ℓ, C_R^ν on the Z′ pole and C₇′, C₈′ from the dipole loop; everything else vanishes.

        H_eff ∋ −g_eff c_ℓ P(q²) (s̄γP_Rb)(ℓ̄γℓ), so C₉′ = √2 π g_eff c_ℓ P(q²)/(G_F α V_tbV_ts*); a left-handed neutrino of coupling
        c ν̄γP_Lν gives C_R = half of that.
        """
        factor = (
            jnp.sqrt(2.0) * jnp.pi / (self.sm.coupling["GF"] * self.sm.coupling["alpha_e_4.8"] * self.sm.ckm.xi("t"))
        )
        vertex = factor * self.quark_pair_coupling()
        neutrino = self.g * jnp.array(CHARGES)
        residue = {"C9p": vertex * self.lepton_couplings, "CR": 0.5 * vertex * neutrino}
        zero = jnp.zeros(3, complex)
        contact = {name: zero for name in ("C9", "C9p", "C10", "C10p", "CL", "CR")}
        c7p, c8p = self.dipoles(B_SCALE)
        return Wilson(0.0, c7p, 0.0, c8p, contact, residue, self.z_prime().pole)

    def dipoles(self, scale: ArrayLike | None = None) -> tuple[Array, Array]:
        r"""(C₇′, C₈′) = (1, −3) · (−√2) y_s y_b/(24 G_F V_tbV_ts* M_LQ²) Σ u_i² J₁(χ_i) at M_LQ, or run to `scale`."""
        y, u = self.quark_couplings, self.contents
        loop = u**2 @ loops.dipole_j1(self.mass_ratios)
        scale_factor = 24.0 * self.sm.coupling["GF"] * self.sm.ckm.xi("t") * jnp.asarray(self.m_lq) ** 2
        c7p = -jnp.sqrt(2.0) * y[1] * y[2] * loop / scale_factor
        if scale is None:
            return c7p, -3.0 * c7p
        return run_dipoles(self.sm, c7p, -3.0 * c7p, self.m_lq, scale)

    def mixing_at_leptoquark_scale(self) -> Array:
        r"""C = (y_s y_b)²/(128π² M_LQ²) Σ_ij u_i²u_j² [F(χ_i,χ_j) − 2√(χ_iχ_j) G(χ_i,χ_j)] of C (s̄γ^μP_Rb)².   [GeV⁻²]"""
        y, u2, chi = self.quark_couplings, self.contents**2, self.mass_ratios
        i, j = jnp.array([0, 0, 1]), jnp.array([0, 1, 1])
        boxes = loops.box_f(chi[i], chi[j]) - 2.0 * jnp.sqrt(chi[i] * chi[j]) * loops.box_g(chi[i], chi[j])
        total = jnp.array([1.0, 2.0, 1.0]) @ (u2[i] * u2[j] * boxes)
        return (y[1] * y[2]) ** 2 / (128.0 * jnp.pi**2 * jnp.asarray(self.m_lq) ** 2) * total

    def mixing(self) -> Array:
        return self.mixing_at_leptoquark_scale() * current_current_factor(self.sm, self.m_lq, MIXING_SCALE)

    # -- dark matter --------------------------------------------------------------------------------------------------------------

    def dark_sector(self) -> DarkSector:
        """Annihilation channels of N₋: Z′ to leptons and (kinetic mixing) hadrons, S1 to d, s, b."""
        neutrino = 0.5 * self.g
        mass, couplings = self.sm.mass, self.lepton_couplings
        rows = [(mass[flavour], 1.0, couplings[i], 0.0, 4.0 * mass[flavour] ** 2) for i, flavour in enumerate(LEPTONS)]
        rows.append((0.0, 2.0, neutrino, neutrino, 0.0))
        rows += [(0.0, rise, self.epsilon, 0.0, 4.0 * mass[meson] ** 2) for meson, rise in HADRON_STEPS]
        channels = Channels(*(jnp.stack([jnp.asarray(x, float) for x in column]) for column in zip(*rows)))
        quarks = jnp.stack([jnp.asarray(self.sm.quark[f"dark_{q}"], float) for q in DOWN_QUARKS])
        exchange = Exchange(
            quarks, jnp.full(3, 3.0), self.quark_couplings * self.contents[0], jnp.asarray(self.m_lq, float)
        )
        return DarkSector(jnp.asarray(self.m_dm, float), self.dark_coupling, self.z_prime(), channels, exchange)

    def check_together(self, values: Mapping[str, Any], path: str) -> list[Problem]:
        light, heavy, leptoquark = (_number(values[name]) for name in ("m_dm", "m_heavy", "m_lq"))
        problems = []
        if light is not None and heavy is not None and light >= heavy:
            problems.append(
                Problem(f"{path}.m_dm", f"the lighter state ({light:g}) is not lighter than m_heavy ({heavy:g})")
            )
        if light is not None and leptoquark is not None and light >= leptoquark:
            problems.append(
                Problem(f"{path}.m_dm", f"dark matter ({light:g}) is not lighter than the leptoquark ({leptoquark:g})")
            )
        return problems


def _number(value: Any) -> float | None:
    """A concrete scalar as float; None for tracers and arrays, which are not compared."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
