"""The samplers there are, by the names that fit files call them by, and what is wrong with a choice of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from darkbeauty.errors import Problem, raise_if_any, unknown
from darkbeauty.inference.samplers import nested, nuts, smc
from darkbeauty.inference.samplers.sampler import Sampler
from darkbeauty.likelihoods.fit_schema import SamplerSection

SAMPLERS: dict[str, Sampler] = {
    "nuts": nuts.SAMPLER,
    "smc": smc.SAMPLER,
    "nested": nested.SAMPLER,
}


def sampler_of(settings: SamplerSection, theory: str) -> Sampler:
    """The sampler that settings ask for, of a fit with such theory errors.

    Errors   InputError if there is none, or if it cannot sample the theory errors
    """
    raise_if_any(check(vars(settings), theory))
    return SAMPLERS[settings.method]


def identity_of(settings: SamplerSection) -> dict[str, str]:
    """What draws depend on of the settings, by name: a run goes on where all of it is the same."""
    sampler = SAMPLERS[settings.method]
    names = ("coordinates", *(name for name in sampler.settings if name not in sampler.extends))
    return {"sampler": settings.method} | {sampler.labels.get(n, n): str(getattr(settings, n)) for n in names}


def check(settings: Mapping[str, Any], theory: Any) -> list[Problem]:
    """What is wrong with the choice of a sampler; entries that the schema does not allow are left to the schema."""
    method = settings.get("method", SamplerSection().method)
    if not isinstance(method, str):
        return []
    if method not in SAMPLERS:
        return [unknown("sampler.method", "sampler", method, SAMPLERS)]
    sampler, problems = SAMPLERS[method], []
    if theory == "sampled" and sampler.no_nuisances:
        able = ", ".join(name for name, other in SAMPLERS.items() if not other.no_nuisances)
        problems.append(Problem("sampler.method", sampler.no_nuisances, able))
    return problems
