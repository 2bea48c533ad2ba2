r"""Searches for a dark photon, as strengths s = signal/limit of a Z′ that is one only in part."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from darkbeauty.leptonic.collider_limits import share
from darkbeauty.models.sectors import LEPTONS, E, Theory
from darkbeauty.models.z_prime import fermion_width, hadron_width, squared
from darkbeauty.numerics.limit_curves import coupling_strength

VISIBLE = {"mumu": ("mumu",), "ll": ("ee", "mumu")}
"""Final states of a search that sees the Z′."""


def mixed_z_prime(p: Theory, search: str, production: str, final: str) -> Array:
    r"""Strength of a search for e⁺e⁻ → γA′ or pp → A′ that quotes a limit on ε, for L = −ε e Q f̄γ^μf A′_μ.   [1]

    s = P/ε² · B(Z′ → final)/B(A′ → final), P = |c_e|²/e² ("ee") or Γ(Z′ → hadrons)/Γ(A′ → hadrons at ε = 1) ("pp"), α at the B scale as in ε_em; couplings on the pole
    of the Z′, loops with their absorptive parts. Limits on invisible decays are for B(A′ → inv) = 1.
    Args     production: "ee" or "pp"; final: "mumu", "ll" (ee ⊕ μμ, of which A′ has its own mixture) or "inv"
    Domain   0 outside the search's masses. "pp" is exact for couplings like the photon's, and 0 below 2m_π. The Z′ must be narrow and decay at once: true of
             every open decay with a coupling above 1e-5
    """
    standard = _dark_photon_widths(p)
    made = squared(p.z_prime.lepton[E]) / _unit(p)
    if production == "pp":
        made = share(jnp.asarray(p.z_prime.partial_width("hadrons")), standard["hadrons"])
    return coupling_strength(p.sm.limits[search], p.z_prime.mass, made * _decay(p, final, standard))


def _decay(p: Theory, final: str, standard: dict[str, Array]) -> Array:
    """B(Z′ → final) over that of the dark photon, of the Z′ alone where it is invisible."""
    if final == "inv":
        return p.z_prime.branching(final)
    ours = sum(p.z_prime.branching(pair) for pair in VISIBLE[final])
    seen = sum(standard[pair] for pair in VISIBLE[final])
    return share(jnp.asarray(ours * sum(standard.values())), jnp.asarray(seen))


def _dark_photon_widths(p: Theory) -> dict[str, Array]:
    """Partial widths of a dark photon with ε = 1.   [GeV]"""
    m, e = p.z_prime.mass, jnp.sqrt(_unit(p))
    widths = {flavour + flavour: fermion_width(m, p.sm.mass[flavour], e, 0.0) for flavour in LEPTONS}
    return widths | {"hadrons": hadron_width(p.sm, m, e)}


def _unit(p: Theory) -> Array:
    """e² = 4πα."""
    return 4.0 * jnp.pi * p.sm.coupling["alpha_e_4.8"]
