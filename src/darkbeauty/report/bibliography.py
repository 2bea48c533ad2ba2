"""From references to BibTeX: inputs/references.bib, and what a run used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from darkbeauty.inference.samplers.table import SAMPLERS
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.likelihoods import Fit
from darkbeauty.models.base import sectors_of
from darkbeauty.observables import Request

MODELS = {
    "lmu_ltau_s1": ("arXiv:2106.03735",),
    "le_lmu_r2": ("arXiv:2409.16961",),
    "u1_leptoquark": ("arXiv:2106.03735", "arXiv:2409.16961"),
    "wet": ("arXiv:1810.08132",),
    "smeft": ("arXiv:1804.05033", "arXiv:1810.08132"),
}
SOFTWARE = ("JAX", "Kidger:2021", "ArviZ")
DEGREES = {"BORSANYI2016": ("arXiv:1606.07494",), "SS2018": ("arXiv:1803.01038",)}
"""Tables of degrees of freedom, for fits with dark matter."""
INPUTS = ("arXiv:1810.08132",)
"""What every prediction rests on: flavio's values of the Standard-Model inputs."""
_ENTRY = re.compile(r"^@\w+\{(?P<key>[^,]+),.*?^\}", re.DOTALL | re.MULTILINE)
_IDS = re.compile(r"^\s*ids\s*=\s*\{(?P<ids>.*)\},?$", re.MULTILINE)
_ARXIV = re.compile(r"arXiv:\d{4}\.\d{4,5}")


@lru_cache(maxsize=1)
def entries() -> dict[str, str]:
    """Every name of a reference (key or one of `ids`) → its BibTeX entry."""
    text = files("darkbeauty.inputs").joinpath("references.bib").read_text(encoding="utf-8")
    by_name: dict[str, str] = {}
    for match in _ENTRY.finditer(text):
        ids = _IDS.search(match[0])
        for name in (match["key"], *(ids["ids"].split("; ") if ids else ())):
            by_name[name] = match[0]
    return by_name


def bibtex(references: Iterable[str]) -> str:
    """The entries of references, each once, in their order; a comment for what has no entry."""
    known, references = entries(), (references,) if isinstance(references, str) else references
    return "\n\n".join(dict.fromkeys(known.get(name, f"% {name}: no entry") for name in references))


def used(fit: Fit, requests: Sequence[Request]) -> dict[str, tuple[str, ...]]:
    """What is cited, by role: the model, formulas of the observables, measurements, inputs, software."""
    sources = [record["source"] for record in parameter_records().values()]
    method = fit.sampler.method
    degrees = DEGREES.get(fit.gstar, ()) if sectors_of(fit.model).dark_matter is not None else ()
    groups: Mapping[str, Iterable[str]] = {
        "model": MODELS.get(fit.model.name, ()),
        "theory": (reference for request in requests for reference in request.observable.references),
        "measurements": (reference for name in fit.terms for reference in fit.known[name].references),
        "inputs": (*INPUTS, *degrees, *(paper for source in sources for paper in _ARXIV.findall(source))),
        "sampling": (*SOFTWARE, *(SAMPLERS[method].references if method in SAMPLERS else ())),
    }
    seen: set[str] = set()
    cited = {}
    for role, references in groups.items():
        unique = {entries().get(name, name): name for name in references}
        cited[role] = tuple(name for entry, name in unique.items() if entry not in seen)
        seen |= set(unique)
    return cited
