"""The annihilation channels of a U(1)′ ⊕ leptoquark model, listed for the dark-matter calculation."""

from __future__ import annotations

from itertools import combinations
from typing import cast

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.scalars import scalar_channels, scalars
from darkbeauty.models.sectors import (
    HEAVY,
    LEPTONS,
    LIGHT,
    Channels,
    DarkMatter,
    Exchange,
    InitialState,
    ZPrime,
    ZPrimePairs,
)
from darkbeauty.models.u1_couplings import U1Couplings
from darkbeauty.models.z_prime import HADRON_STEPS


def dark_matter(p: U1Couplings, z_prime: ZPrime) -> DarkMatter:
    """Z′ (with η exchange) to leptons and, with kinetic mixing, hadrons; leptoquark exchange to quarks; what extra_channels asks for."""
    coannihilation = "coannihilation" in p.extra_channels
    return DarkMatter(
        p.masses[LIGHT],
        p.dark_couplings[LIGHT, LIGHT],
        z_prime,
        _channels(p, LIGHT, LIGHT),
        _exchange(p, LIGHT, LIGHT),
        None if _is_zero(p.y_eta) else jnp.asarray(p.m_eta, float),
        jnp.asarray(p.omega_constant, float),
        scalar_channels(p) if "higgs" in p.extra_channels else None,
        _z_prime_pairs(p) if "z_prime_pairs" in p.extra_channels else None,
        p.masses[HEAVY] if coannihilation else None,
        (_companion(p, LIGHT, HEAVY, 2.0), _companion(p, HEAVY, HEAVY, 1.0)) if coannihilation else (),
    )


def _is_zero(value: ArrayLike) -> bool:
    """Whether it is the number 0, not a value to be: exchange of a doublet without coupling would triple the cost of a spectrum."""
    return isinstance(value, int | float) and value == 0


def _companion(p: U1Couplings, i: int, j: int, count: float) -> InitialState:
    """N_i N_j, i and j being 0 for the light and 1 for the heavy state."""
    return InitialState(
        p.masses[i], p.masses[j], p.dark_couplings[i, j], _channels(p, i, j), _exchange(p, i, j), count, i == j
    )


def _z_prime_pairs(p: U1Couplings) -> ZPrimePairs:
    both = scalars(p)
    return ZPrimePairs(
        jnp.asarray(p.m_zp, float),
        p.masses,
        p.dark_couplings[LIGHT],
        p.scalar_couplings[LIGHT],
        jnp.asarray(p.inverse_vacuum, float),
        both.mass,
        both.m_gamma,
        jnp.stack([-jnp.asarray(p.sin_zeta, float), p.cos_zeta]),
    )


def _channels(p: U1Couplings, i: int, j: int) -> Channels:
    return Channels(
        *cast("tuple[Array, Array, Array, Array, Array, Array]", _columns(_lepton_rows(p, i, j) + _hadron_rows(p))),
        _lepton_finals(p) + _hadron_finals(p),
    )


def _exchange(p: U1Couplings, i: int, j: int) -> Exchange:
    finals, rows = zip(*_exchange_rows(p, i, j))
    return Exchange(*cast("tuple[Array, Array, Array, Array, Array]", _columns(rows)), finals)


def _charged(p: U1Couplings) -> list[int]:
    return [i for i, charge in enumerate(p.member.charges) if charge or p.member.kinetic_mixing]


def _neutral(p: U1Couplings) -> list[int]:
    return [i for i, charge in enumerate(p.member.charges) if charge]


def _lepton_finals(p: U1Couplings) -> tuple[str, ...]:
    neutrinos = 1 if _is_zero(p.y_eta) else len(_neutral(p))
    return (*(2 * LEPTONS[i] for i in _charged(p)), *("nunu",) * neutrinos)


def _lepton_rows(p: U1Couplings, i_dark: int, j_dark: int) -> list[tuple]:
    """mass, colours, g_V, g_A, lowest s, product of the couplings of the two N to the doublet η. Without η, all neutrinos are one row."""
    contents = p.flavour_contents
    eta = jnp.asarray(p.y_eta) ** 2 * contents[i_dark] * contents[j_dark]
    mass, charged, half = p.sm.mass, p.lepton_couplings, 0.5 * p.neutrino_couplings
    rows = [(mass[LEPTONS[i]], 1.0, charged[i], 0.0, 4.0 * mass[LEPTONS[i]] ** 2, eta[i]) for i in _charged(p)]
    if _is_zero(p.y_eta):
        first, *_ = neutral = _neutral(p)
        count = sum((p.member.charges[i] / p.member.charges[first]) ** 2 for i in neutral)
        return [*rows, (0.0, count, half[first], -half[first], 0.0, 0.0)]
    return rows + [(0.0, 1.0, half[i], -half[i], 0.0, eta[i]) for i in _neutral(p)]


def _hadron_finals(p: U1Couplings) -> tuple[str, ...]:
    return tuple("hadrons" for _ in HADRON_STEPS) if p.member.kinetic_mixing else ()


def _hadron_rows(p: U1Couplings) -> list[tuple]:
    if not p.member.kinetic_mixing:
        return []
    return [(0.0, rise, p.epsilon, 0.0, 4.0 * p.sm.mass[meson] ** 2, 0.0) for meson, rise in HADRON_STEPS]


def _exchange_rows(p: U1Couplings, i: int, j: int) -> list[tuple[str, tuple]]:
    """(final state, (two masses, colours, product of the two couplings, mass of the scalar))."""
    y, u2 = p.quark_couplings, p.contents[i] * p.contents[j]
    quarks = {q: (p.sm.quark[f"dark_{q}"], y["dsb".index(partner)]) for q, partner in p.member.exchange_quarks}
    rows = [(q + q, (m, m, 3.0, u2 * c**2, p.m_lq)) for q, (m, c) in quarks.items()]
    if "flavour_violating" not in p.extra_channels:
        return rows
    families = [[q for q in quarks if q in "dsb"], [q for q in quarks if q in "uct"]]
    pairs = [pair for family in families for pair in combinations(family, 2)]
    rows += [(a + b, (quarks[a][0], quarks[b][0], 6.0, u2 * quarks[a][1] * quarks[b][1], p.m_lq)) for a, b in pairs]
    return rows + (_mixed_lepton_rows(p) if i == j == LIGHT else [])


def _mixed_lepton_rows(p: U1Couplings) -> list[tuple[str, tuple]]:
    i, j = sorted((p.member.quark_flavour, p.member.partner_flavour))
    product = jnp.asarray(p.y_eta) ** 2 * p.flavour_contents[LIGHT, i] * p.flavour_contents[LIGHT, j]
    masses = (p.sm.mass[LEPTONS[i]], p.sm.mass[LEPTONS[j]])
    charged = (LEPTONS[i] + LEPTONS[j], (*masses, 2.0, product, p.m_eta))
    return [charged, ("nunu", (0.0, 0.0, 2.0, product, p.m_eta))]


def _columns(rows: list[tuple] | tuple[tuple, ...]) -> list[Array]:
    kind = lambda column: complex if any(jnp.iscomplexobj(x) for x in column) else float
    return [jnp.stack([jnp.asarray(x, kind(column)) for x in column]) for column in zip(*rows)]
