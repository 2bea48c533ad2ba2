"""Gauged Lμ − Lτ with the scalar leptoquark S1 (arXiv:2106.03735): a light Z′, Majorana dark matter, right-handed down quarks."""

from __future__ import annotations

from typing import ClassVar

from darkbeauty.models.base import Parameter
from darkbeauty.models.u1_leptoquark import U1Leptoquark
from darkbeauty.models.u1_member import Member, read_member
from darkbeauty.models.u1_parameters import u1_parameters


class LmuLtauS1(U1Leptoquark):
    r"""The Lμ − Lτ ⊕ S1 model.

    Quarks couple as −y_q (d̄^c_qR S1 N_μ), leptons as −g Q′ f̄γ^μf Z′_μ with Q′(μ) = +1, Q′(τ) = −1, and every charged particle
    gets a photon-like piece from kinetic mixing. The N_μ content of the light (heavy) Majorana state is cos β (sin β).
    """

    name: ClassVar[str] = "lmu_ltau_s1"
    title: ClassVar[str] = "gauged Lμ−Lτ with leptoquark S1"
    parameters: ClassVar[tuple[Parameter, ...]] = u1_parameters()
    member: ClassVar[Member] = read_member(
        {"charges": {"mu": 1, "tau": -1}, "leptoquark": "S1", "couples": "mu", "light": "mu"}
    )
    printed_doubling: ClassVar[float] = 2.0
    printed_omega_constant: ClassVar[float] = 2.14e9
