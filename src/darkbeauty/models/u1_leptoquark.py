"""What the U(1)′ ⊕ leptoquark models give: a Z′, a leptoquark and its loops, two scalars, two mixed Majorana states of which the lighter is dark matter."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models import loops
from darkbeauty.models.annihilation_channels import dark_matter
from darkbeauty.models.running import current_current_factor, run_dipoles
from darkbeauty.models.scalars import scalars
from darkbeauty.models.sectors import GENERATION, LEPTONS, Leptoquark, Pole, Theory, Wilson, ZPrime
from darkbeauty.models.u1_couplings import U1Couplings
from darkbeauty.models.z_prime import fermion_width, hadron_width, majorana_pair_width, majorana_width, scalar_width

B_SCALE = 4.8
MIXING_SCALE = {"bs": 4.2, "bd": 4.2, "sd": 2.0, "cu": 2.0}
"""Scale [GeV] of the matrix element of the mesons of a pair of quarks."""


class U1Leptoquark(U1Couplings):
    """A U(1)′ ⊕ leptoquark model: its sectors."""

    def derive(self) -> Theory:
        leptoquark = self.leptoquark()
        z_prime = self.z_prime(leptoquark)
        return Theory(
            self.sm,
            convention=self.convention,
            wilson=self.wilson(z_prime),
            z_prime=z_prime,
            leptoquark=leptoquark,
            scalars=scalars(self),
            dark_matter=dark_matter(self, z_prime),
        )

    def z_prime(self, leptoquark: Leptoquark) -> ZPrime:
        """Mass, widths and couplings of the Z′, with every open channel; a leptoquark has the |Q′| of N_q, its kinetic mixing is left out."""
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
        partial["LQLQ"] = self.member.leptoquark_states * scalar_width(m, self.m_lq, self.g * self.member.charge)
        return ZPrime(
            jnp.asarray(m, float),
            partial,
            self.lepton_couplings,
            self.neutrino_couplings,
            c,
            {pair: self.quark_pair_coupling(leptoquark, pair) for pair in ("bs", "bd", "sd")},
            self.z_mixing,
            self.pair_factor,
            self.member.chirality,
        )

    def leptoquark(self) -> Leptoquark:
        """The leptoquark, with the penguin it makes."""
        return Leptoquark(
            jnp.asarray(self.m_lq, float),
            jnp.asarray(self.y, float),
            self.quark_ratios,
            self.contents,
            self.mass_ratios,
            self.v_sb(),
            self.member.exchange_quarks,
        )

    # -- loops --------------------------------------------------------------------------------------------------------------------

    def v_sb(self) -> Array:
        """Z′ penguin function V_sb."""
        return loops.v_sb(self.mass_ratios, self.contents)

    def quark_pair_coupling(self, leptoquark: Leptoquark, pair: str = "bs") -> Array:
        r"""g_eff = y_q y_q′ g Q V_sb/(16π²) of the effective vertex g_eff q̄γ^μP q′ Z′_μ of a pair of down-type quarks.

        Q is the member's `vertex_charge`: Q′(N_q) for right-handed quarks, −Q′(N_q) for left-handed ones.
        """
        first, second = (leptoquark.couplings[GENERATION[quark]] for quark in pair)
        return first * second * self.g * self.member.vertex_charge * leptoquark.penguin / (16.0 * jnp.pi**2)

    @property
    def pair_factor(self) -> ArrayLike:
        """What multiplies vertex × dark coupling in b → s N N: 1.

        Printed: cos α/cos χ, which no other coupling has there: g is that of the physical Z′. Not doubled, although N̄γγ₅N is printed with twice g.
        """
        return jnp.cos(self.z_mixing) / jnp.cos(self.chi) / self._doubling if self.convention == "printed" else 1.0

    def wilson(self, z_prime: ZPrime) -> Wilson:
        """What penguins and boxes give: b → s, b → d, s → d, and the mixing of mesons."""
        others = {pair: Wilson(*self.penguins(z_prime, pair)) for pair in ("bd", "sd")}
        return Wilson(*self.penguins(z_prime, "bs"), self.meson_mixing(), others)

    def penguins(self, z_prime: ZPrime, pair: str) -> tuple[dict[str, Array], dict[str, Array], Pole]:
        r"""C₉^ℓ and C^ν on the Z′ pole, C₇ and C₈ of b quarks from the dipole loop, for one chirality of the quarks; everything else vanishes.

        H_eff ∋ −g_eff c_ℓ P(q²) (q̄γPq′)(ℓ̄γℓ), so C₉^(′) = √2 π g_eff c_ℓ P(q²)/(G_F α ξ_t); a left-handed neutrino of coupling
        c ν̄γP_Lν gives C_L, C_R = half of that. Left out: the absorptive part of c_ℓ (a strong phase; 1e-5 of a rate to muons, up to 1e-3 of one to electrons for
        χ = 1e-3 and g = 0.01).
        """
        unit = self.sm.coupling["GF"] * self.sm.coupling["alpha_e_4.8"] * self.sm.ckm.xi("t", pair)
        vertex = jnp.sqrt(2.0) * jnp.pi / unit * jnp.asarray(z_prime.quark_vertex(pair), complex)
        charged, neutral = (vertex * jnp.asarray(c, complex) for c in (z_prime.lepton.real, 0.5 * z_prime.neutrino))
        primed = "p" if self.member.chirality == "R" else ""
        dipoles = self.dipoles(B_SCALE, pair) if "b" in pair else ()
        contact = {f"{name}{primed}": value for name, value in zip(("C7", "C8"), dipoles)}
        return contact, {f"C9{primed}": charged, "CR" if primed else "CL": neutral}, z_prime.pole

    def dipoles(self, scale: ArrayLike | None = None, pair: str = "bs") -> tuple[Array, Array]:
        r"""(C₇, C₈) = (1, −3) · (−√2) y_q y_b/(24 G_F ξ_t M_LQ²) Σ u_i² J₁(χ_i) at M_LQ, or run to `scale`.

        Primed for right-handed quarks. The photon couples to the leptoquark of charge ±1/3 only: the same for S1 and R̃2.
        """
        y, u = [self.quark_couplings[GENERATION[quark]] for quark in pair], self.contents
        loop = u**2 @ loops.dipole_j1(self.mass_ratios)
        coupling = self.sm.coupling["GF"] * self.sm.ckm.xi("t", pair)
        scale_factor = 24.0 * coupling * jnp.asarray(jnp.asarray(self.m_lq) ** 2, complex)
        c7 = jnp.asarray(-jnp.sqrt(2.0) * y[0] * y[1] * loop, complex) / scale_factor
        if scale is None:
            return c7, -3.0 * c7
        return run_dipoles(self.sm, c7, -3.0 * c7, self.m_lq, scale)

    def meson_mixing_at_leptoquark_scale(self) -> dict[str, Array]:
        r"""C = (y_q y_q′*)²/(128π² M_LQ²) Σ_ij u_i²u_j² [F(χ_i,χ_j) − 2√(χ_iχ_j) G(χ_i,χ_j)] of C (q̄γ^μPq′)², by pair of quarks.   [GeV⁻²]"""
        u2, chi = self.contents**2, self.mass_ratios
        i, j = jnp.array([0, 0, 1]), jnp.array([0, 1, 1])
        f, g = loops.boxes(chi[i], chi[j])
        boxes = f - 2.0 * jnp.sqrt(chi[i] * chi[j]) * g
        total = jnp.array([1.0, 2.0, 1.0]) @ (u2[i] * u2[j] * boxes)
        whole = total / (128.0 * jnp.pi**2 * jnp.asarray(self.m_lq) ** 2)
        y = self.couplings_by_quark
        return {pair: (jnp.conj(y[pair[0]]) * y[pair[1]]) ** 2 * whole for pair in MIXING_SCALE if set(pair) <= set(y)}

    def meson_mixing(self) -> dict[str, Array]:
        """The same C, run to the scales of the matrix elements.   [GeV⁻²]"""
        run = {scale: current_current_factor(self.sm, self.m_lq, scale) for scale in set(MIXING_SCALE.values())}
        return {pair: c * run[MIXING_SCALE[pair]] for pair, c in self.meson_mixing_at_leptoquark_scale().items()}

    @property
    def couplings_by_quark(self) -> dict[str, Array]:
        """y of every quark that couples to the leptoquark: of down quarks, and of left-handed up quarks y_u = Σ_q V_uq y_q, as doublets have."""
        down = dict(zip("dsb", self.quark_couplings))
        if self.member.chirality == "R":
            return down
        up = jnp.asarray(self.sm.ckm.matrix()) @ jnp.asarray(self.quark_couplings, complex)
        return down | dict(zip("uct", up))
