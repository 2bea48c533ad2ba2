"""Magnetic moments, neutrino tridents, Bhabha scattering, and the strength s = signal/limit of every limit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jax import Array

from darkbeauty.dark import direct_detection, today
from darkbeauty.inputs import SMInputs
from darkbeauty.inputs.limits import limit_records
from darkbeauty.leptonic import bhabha, collider_limits, g_minus_2, trident
from darkbeauty.models.portal import Portal
from darkbeauty.numerics.limit_curves import strength
from darkbeauty.observables import pseudoscalar_rows, vector_rows
from darkbeauty.observables.entry import Observable, itself, source

B_TO_X = {
    "LHCb B+->KX(mumu)": ("BR(B+->KZp)", collider_limits.visible_decay),
    "LHCb B0->K*X(mumu)": ("BR(B0->K*Zp)", collider_limits.visible_decay),
    "Belle II B+->KX(inv)": ("BR(B+->KZp)", collider_limits.invisible_decay),
    "BaBar B->KX(inv)": ("BR(B+->KZp)", collider_limits.invisible_decay),
    "BaBar B->K*X(inv)": ("BR(B0->K*Zp)", collider_limits.invisible_decay),
}
"""Search → the production it is compared with (BaBar combines both charges) and what the Z′ does after."""

RADIATED = {"BaBar 4mu": "mumu", "CMS Z->4mu": "mumu", "Belle II invisible 2019": "inv"}

_BY_QUANTITY = {"sigma_SD(p)": 0, "sigma_SD(n)": 1}


def limit_name(name: str) -> str:
    """Name of the observable of a limit: no spaces, as in every observable."""
    return f"limit({name.replace(' ', '_')})"


def moments() -> tuple[Observable, ...]:
    """New-physics parts of the anomalous magnetic moments."""
    return tuple(
        Observable(
            f"a_{flavour}(NP)",
            (source(g_minus_2.a_lepton, flavour=flavour),),
            itself,
            tex=rf"\Delta a_{{{tex}}}",
            references=("Nucl.Phys.B137(1978)63",),
            needs="mediator",
            about="Z′ contribution to the anomalous magnetic moment",
        )
        for flavour, tex in (("e", "e"), ("mu", r"\mu"))
    )


def scattering() -> tuple[Observable, ...]:
    """Cross-sections over their Standard-Model values."""
    tridents = tuple(
        Observable(
            f"trident({experiment})",
            (source(trident.ratio_to_sm, experiment=experiment),),
            itself,
            tex=rf"\sigma/\sigma_\mathrm{{SM}}(\nu N \to \nu\mu\mu N)_\mathrm{{{experiment}}}",
            references=("arXiv:1406.2332",),
            needs="mediator",
            about=about,
        )
        for experiment, about in (
            ("CCFR", "neutrino trident at 160 GeV on iron over the SM"),
            ("CHARM-II", "neutrino trident at 24 GeV on glass over the SM"),
            ("DUNE", "neutrino trident at 5 GeV on argon over the SM: a projection, for drawing"),
        )
    )
    pairs = Observable(
        "R(ee->ee)",
        (source(bhabha.ratio_to_sm),),
        itself,
        ("E", "cosmin", "cosmax"),
        tex=r"R(e^+e^- \to e^+e^-)",
        references=("arXiv:1302.3415",),
        needs="mediator",
        domain=_scattering_bin,
        about="Bhabha scattering at energy E [GeV] in a bin of cos θ over the SM",
    )
    return (*tridents, pairs)


def _scattering_bin(sm: SMInputs, arguments: tuple[float, ...]) -> str:
    energy, low, high = arguments
    if not sm.mass["Z"] + 5.0 < energy < 1000.0:
        return f"E = {energy:g} GeV is not well above the Z"
    return "" if -1.0 <= low < high < 1.0 else f"[{low:g}, {high:g}] is not a bin of cos θ below 1"


def limit_row(name: str, sources: tuple, combine: Any, needs: str) -> Observable:
    """The observable of one limit; what it is and where from is in limits.json."""
    record = limit_records()[name]
    level = "in upward standard deviations" if record["kind"] == "band" else f"1 at {100 * record['cl']:g} % CL"
    return Observable(
        limit_name(name),
        sources,
        combine,
        tex=rf"s(\mathrm{{{name.replace('->', ' to ')}}})",
        references=tuple(record["references"]),
        needs=needs,
        about=f"signal over limit of {name} on {record['quantity']}, {level}",
    )


def collider() -> tuple[Observable, ...]:
    """Limits from colliders."""
    rows = [
        limit_row(search, (source(collider_limits.radiated_z_prime, search=search, final=final),), itself, "mediator")
        for search, final in RADIATED.items()
    ]
    rates = {row.name: row for row in (*pseudoscalar_rows.ROWS, *vector_rows.ROWS)}
    for search, (rate, decay) in B_TO_X.items():
        production = rates[rate]
        combine = partial(_after_production, production=production, search=search, decay=decay)
        rows.append(limit_row(search, production.sources, combine, production.needs))
    rows.append(limit_row("ATLAS LQ->bnu", (source(collider_limits.leptoquark_pairs),), itself, "dark"))
    return tuple(rows)


def _after_production(
    p: Portal, arguments: tuple, *results: Any, production: Observable, search: str, decay: Callable[..., Array]
) -> Array:
    return decay(p, search, production.combine(p, arguments, *results))


def dark() -> tuple[Observable, ...]:
    """Limits on the dark matter itself."""
    rows = []
    for name, record in limit_records().items():
        if record["use"] == "fit" and record["quantity"] in _BY_QUANTITY:
            combine = partial(_at_dark_mass, name=name, index=_BY_QUANTITY[record["quantity"]])
            rows.append(limit_row(name, (source(direct_detection.sigma_sd),), combine, "dark"))
        elif record["use"] == "fit" and record["quantity"] == "sigma_SI":
            rows.append(
                limit_row(name, (source(direct_detection.sigma_si),), partial(_at_dark_mass, name=name), "dark")
            )
    rows.append(limit_row("Planck p_ann", (source(today.p_ann),), partial(_over_number, name="Planck p_ann"), "dark"))
    return tuple(rows)


def _at_dark_mass(p: Portal, arguments: tuple, result: Any, name: str, index: int | None = None) -> Array:
    return strength(p.sm.limits[name], p.m_dm, result if index is None else result[index])


def _over_number(p: Portal, arguments: tuple, result: Array, name: str) -> Array:
    return result / p.sm.limits[name]


ROWS: tuple[Observable, ...] = (*moments(), *scattering(), *collider())
DARK_LIMIT_ROWS: tuple[Observable, ...] = dark()
