"""Which results of a list of requests come from tables of quadratic forms instead of the amplitude code, and the tables."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.flavour.quadratic import Channel, QuadraticRates, lepton_integrand, tabulate
from darkbeauty.models import Model
from darkbeauty.observables import Request, Source

ROWS = {b_to_p_ll.binned: 3, b_to_v_ll.binned: 20}
"""Functions with tables, and how many rows their results have."""

Key = tuple[Source, tuple[float, ...]]


class RateTables(eqx.Module):
    """Binned b → sℓℓ rates of a likelihood, without and with B_s mixing."""

    groups: tuple[QuadraticRates, ...]
    keys: tuple[tuple[tuple[Key, tuple[int, ...]], ...], ...] = eqx.field(static=True)
    """For every group and each of its results in order: the key, and its rows."""

    def results(self, p: Model) -> dict[Key, Array]:
        """Results by source and arguments, as the sources themselves would give; rows that nobody asked for are 0."""
        found: dict[Key, Array] = {}
        for group, keys in zip(self.groups, self.keys):
            phase = b_to_v_ll.mixing_phase(p) if group.mixing else 1.0
            for row, (key, kept) in zip(group(p.wilson(), phase), keys):
                full = jnp.zeros(ROWS[key[0].function])
                found[key] = full.at[np.asarray(kept)].set(row[: len(kept)])
        return found


def make_tables(model: Model, requests: tuple[Request, ...]) -> RateTables:
    """Tables for every binned rate among the requests, at the model's Standard-Model inputs."""
    wanted: dict[Source, dict[tuple[float, ...], None]] = {}
    rows: dict[Source, set[int]] = {}
    for request in requests:
        for i, source in enumerate(request.observable.sources):
            if source.function in ROWS:
                wanted.setdefault(source, {})[request.arguments] = None
                rows.setdefault(source, set()).update(_rows_used(model, request, i))
    groups, keys = [], []
    for mixing in (False, True):
        channels, names = [], []
        for source, bins in wanted.items():
            options = dict(source.options)
            integrand = lepton_integrand(model.sm, options["mode"], options["lepton"])
            if integrand.mixing == mixing:
                kept = tuple(sorted(rows[source]))
                channels.append(Channel(integrand, LEPTON_INDEX[options["lepton"]], kept, tuple(bins)))
                names += [((source, one), kept) for one in bins]
        if channels:
            groups.append(tabulate(model.sm, channels, model.wilson_slots))
            keys.append(tuple(names))
    return RateTables(tuple(groups), tuple(keys))


def _rows_used(model: Model, request: Request, index: int) -> set[int]:
    """Rows of one source that change an observable, by trying."""
    observable = request.observable
    random = np.random.default_rng(1)
    results: list[Any] = [jnp.asarray(random.uniform(0.5, 1.5, ROWS.get(s.function, 1))) for s in observable.sources]
    with jax.ensure_compile_time_eval():
        value = lambda: complex(observable.combine(model, request.arguments, *results))
        results[index] = signed = results[index] * _signs(len(results[index]))
        base, used = value(), set()
        for row in range(len(signed)):
            results[index] = signed.at[row].multiply(1.1)
            if value() != base:
                used.add(row)
        return used


def _signs(rows: int) -> np.ndarray:
    """All positive, but for J₂c of vector modes, which is negative."""
    signs = np.ones(rows)
    if rows == ROWS[b_to_v_ll.binned]:
        signs[b_to_v_ll.COEFFICIENTS.index("2c")] = -1.0
    return signs
