"""Relic density and annihilation."""

from __future__ import annotations

from functools import partial

from jax import Array

from darkbeauty.dark import freeze_out, thermal_average
from darkbeauty.models.base import Model
from darkbeauty.observables.entry import Observable, at_least_one, field, itself, scaled, source
from darkbeauty.units import CM3_S_PER_INVERSE_GEV2


def _sigma_v(p: Model, x: Array) -> Array:
    return thermal_average.sigma_v(p.dark_sector(), x)


def relic() -> tuple[Observable, ...]:
    """Relic density and annihilation."""
    relic, average = (source(freeze_out.freeze_out),), (source(_sigma_v),)
    gondolo = ("Nucl.Phys.B360(1991)145",)
    return (
        Observable(
            "Omega_h2",
            relic,
            partial(field, field="omega_h2"),
            tex=r"\Omega h^2",
            references=gondolo,
            needs="dark",
            about="relic density by freeze-out",
        ),
        Observable(
            "x_f",
            relic,
            partial(field, field="x_f"),
            tex="x_f",
            references=gondolo,
            needs="dark",
            about="m_dm/T at freeze-out",
        ),
        Observable(
            "sigmav",
            average,
            itself,
            ("x",),
            "GeV^-2",
            r"\langle\sigma v\rangle",
            gondolo,
            "dark",
            domain=at_least_one,
            about="thermally averaged annihilation cross section",
        ),
        Observable(
            "sigmav[cm3/s]",
            average,
            partial(scaled, factor=CM3_S_PER_INVERSE_GEV2),
            ("x",),
            "cm3/s",
            r"\langle\sigma v\rangle",
            gondolo,
            "dark",
            domain=at_least_one,
            about="thermally averaged annihilation cross section",
        ),
    )


ROWS: tuple[Observable, ...] = relic()
