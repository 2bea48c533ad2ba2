"""The U(1)′ ⊕ scalar-leptoquark family: any of its members from settings alone."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx

from darkbeauty.errors import Problem, raise_if_any
from darkbeauty.models.base import AtMost, Below, Parameter, Value
from darkbeauty.models.u1_leptoquark import U1Leptoquark
from darkbeauty.models.u1_member import Member, read_member
from darkbeauty.models.u1_parameters import u1_parameters

NO_MIXING = AtMost(("chi",), abs, 0.0, "kinetic mixing {value} in a member without it (kinetic_mixing = false)")


class U1Family(U1Leptoquark):
    r"""A member of the U(1)′ ⊕ leptoquark family (settings: `u1_member.read_member`).

    Quarks couple as −y_q (d̄^c_qR S1 N_R) or −y_q (Q̄_qL R̃2 N_R), leptons as −g Q′ f̄γ^μf Z′_μ, with a photon-like piece from kinetic mixing. Z₂ (odd: N, the leptoquark,
    the inert doublet) forbids couplings of the leptoquark to leptons and pairs of quarks, and keeps the lightest N stable; the third N has no charge and is decoupled.
    """

    name: ClassVar[str] = "u1_leptoquark"
    title: ClassVar[str] = "gauged L_i−L_j with leptoquark S1 or R̃2, by settings"
    parameters: ClassVar[tuple[Parameter, ...]] = u1_parameters(
        chi=Parameter("chi", "kinetic mixing (sin χ/2 B̂V̂)", "", 0.0, -0.1, 0.1, tex=r"\chi")
    )
    conventions: ClassVar[tuple[str, ...]] = ("canonical",)

    chi: Value = 0.0
    member: Member = eqx.field(static=True, converter=read_member, default_factory=lambda: read_member({}))

    def __check_init__(self) -> None:
        if self.loop_mixing and not self.member.kinetic_mixing:
            raise_if_any(
                [Problem("loop_mixing", "is kinetic mixing, which this member has not (kinetic_mixing = false)")]
            )

    @property
    def all_conditions(self) -> tuple[Below | AtMost, ...]:
        """Those of every model of this kind, and no χ in a member without kinetic mixing."""
        inherited = super().all_conditions
        return inherited if self.member.kinetic_mixing else (*inherited, NO_MIXING)
