"""The annihilation channels of a U(1)′ ⊕ leptoquark model, listed for the dark-matter calculation."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import jax.numpy as jnp
from jax import Array

from darkbeauty.models.base import LEPTONS, Channels, DarkSector, Exchange
from darkbeauty.models.z_prime import HADRON_STEPS

if TYPE_CHECKING:
    from darkbeauty.models.portal import Portal

EXTRA_CHANNELS = ("flavour_violating",)
"""Channels that are off unless a model is built with extra_channels: q_i q̄_j and ℓ_i ℓ̄_j with i ≠ j by scalar exchange."""


def dark_sector(p: Portal) -> DarkSector:
    """Z′ (with η exchange) to leptons and, with kinetic mixing, hadrons; leptoquark exchange to quarks."""
    channels = Channels(*_columns(_lepton_rows(p) + _hadron_rows(p)), _lepton_finals(p) + _hadron_finals(p))
    finals, rows = zip(*_exchange_rows(p))
    return DarkSector(
        jnp.asarray(p.m_dm, float),
        p.dark_coupling,
        p.z_prime(),
        channels,
        Exchange(*_columns(rows), finals),
        jnp.asarray(p.m_eta, float),
        jnp.asarray(p.omega_constant, float),
    )


def _charged(p: Portal) -> list[int]:
    return [i for i, charge in enumerate(p.charges) if charge or p.kinetic_mixing]


def _neutral(p: Portal) -> list[int]:
    return [i for i, charge in enumerate(p.charges) if charge]


def _lepton_finals(p: Portal) -> tuple[str, ...]:
    return (*(2 * LEPTONS[i] for i in _charged(p)), *("nunu" for _ in _neutral(p)))


def _lepton_rows(p: Portal) -> list[tuple]:
    """mass, colours, g_V, g_A, lowest s, coupling to the doublet η."""
    eta = p.y_eta * p.light_contents
    mass, charged, half = p.sm.mass, p.lepton_couplings, 0.5 * p.neutrino_couplings
    rows = [(mass[LEPTONS[i]], 1.0, charged[i], 0.0, 4.0 * mass[LEPTONS[i]] ** 2, eta[i]) for i in _charged(p)]
    return rows + [(0.0, 1.0, half[i], -half[i], 0.0, eta[i]) for i in _neutral(p)]


def _hadron_finals(p: Portal) -> tuple[str, ...]:
    return tuple("hadrons" for _ in HADRON_STEPS) if p.kinetic_mixing else ()


def _hadron_rows(p: Portal) -> list[tuple]:
    if not p.kinetic_mixing:
        return []
    return [(0.0, rise, p.epsilon, 0.0, 4.0 * p.sm.mass[meson] ** 2, 0.0) for meson, rise in HADRON_STEPS]


def _exchange_rows(p: Portal) -> list[tuple[str, tuple]]:
    """(final state, (two masses, colours, product of the two couplings, mass of the scalar))."""
    y = p.quark_couplings * p.light_contents[p.quark_flavour]
    quarks = {q: (p.sm.quark[f"dark_{q}"], y["dsb".index(partner)]) for q, partner in p.exchange_quarks}
    rows = [(q + q, (m, m, 3.0, c**2, p.m_lq)) for q, (m, c) in quarks.items()]
    if "flavour_violating" not in p.extra_channels:
        return rows
    families = [[q for q in quarks if q in "dsb"], [q for q in quarks if q in "uct"]]
    pairs = [pair for family in families for pair in combinations(family, 2)]
    rows += [(a + b, (quarks[a][0], quarks[b][0], 6.0, quarks[a][1] * quarks[b][1], p.m_lq)) for a, b in pairs]
    return rows + _mixed_lepton_rows(p)


def _mixed_lepton_rows(p: Portal) -> list[tuple[str, tuple]]:
    i, j = sorted((p.quark_flavour, p.partner_flavour))
    product = jnp.asarray(p.y_eta) ** 2 * p.light_contents[i] * p.light_contents[j]
    masses = (p.sm.mass[LEPTONS[i]], p.sm.mass[LEPTONS[j]])
    charged = (LEPTONS[i] + LEPTONS[j], (*masses, 2.0, product, p.m_eta))
    return [charged, ("nunu", (0.0, 0.0, 2.0, product, p.m_eta))]


def _columns(rows: list[tuple] | tuple[tuple, ...]) -> list[Array]:
    return [jnp.stack([jnp.asarray(x, float) for x in column]) for column in zip(*rows)]
