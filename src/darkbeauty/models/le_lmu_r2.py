"""Gauged Le − Lμ with the scalar leptoquark R̃2 (arXiv:2409.16961): a heavy Z′, Majorana dark matter, left-handed quark doublets."""

from __future__ import annotations

from typing import ClassVar

from darkbeauty.models.base import Parameter, Value
from darkbeauty.models.sectors import Wilson, ZPrime
from darkbeauty.models.u1_leptoquark import U1Leptoquark
from darkbeauty.models.u1_member import Member, read_member
from darkbeauty.models.u1_parameters import u1_parameters


class LeLmuR2(U1Leptoquark):
    r"""The Le − Lμ ⊕ R̃2 model.

    Quark doublets couple as −y_q (Q̄_L R̃2 N_μR), leptons as −g Q′ f̄γ^μf Z′_μ with Q′(e) = +1, Q′(μ) = −1; N_τ is decoupled and kinetic mixing
    absent. The N_μ content of the light (heavy) Majorana state is sin δ (cos δ). D⁰ mixing has the CKM rotation of the up quarks; elsewhere y_u = y_d,
    y_c = y_s, y_t = y_b.
    """

    name: ClassVar[str] = "le_lmu_r2"
    title: ClassVar[str] = "gauged Le−Lμ with leptoquark R̃2"
    parameters: ClassVar[tuple[Parameter, ...]] = u1_parameters(
        sin_mix=Parameter("sin_mix", "sine of the mixing angle of the two N", "", 0.22, -1.0, 1.0, tex=r"\sin\theta_N"),
        chi=Parameter("chi", "kinetic mixing: absent in this model", "", 0.0, 0.0, 0.0, tex=r"\chi"),
    )
    member: ClassVar[Member] = read_member(
        {"charges": {"e": 1, "mu": -1}, "leptoquark": "R2~", "couples": "mu", "light": "e", "kinetic_mixing": False}
    )

    sin_mix: Value = 0.22
    chi: Value = 0.0

    def wilson(self, z_prime: ZPrime) -> Wilson:
        """As in every U(1)′ ⊕ leptoquark model; printed: C₉^μ = −√2 y² g² V_sb/(16π G_F α V_tbV_ts* m²), of the other sign and without q² dependence."""
        w = super().wilson(z_prime)
        if self.convention == "canonical":
            return w
        printed = w.residue["C9"] / z_prime.mass**2
        return Wilson({**w.contact, "C9": printed}, {"CL": w.residue["CL"]}, w.pole, w.meson_mixing, w.transitions)
