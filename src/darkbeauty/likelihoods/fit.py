"""A fit is data, from a file or from Python, validated whole before anything compiles."""

from __future__ import annotations

import dataclasses
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any
from darkbeauty.likelihoods.build import Likelihood, by_name, likelihood, with_own
from darkbeauty.likelihoods.covariance import CORRELATED, MARGINAL
from darkbeauty.likelihoods.fit_checks import (
    check_conditions,
    check_fixed,
    check_model,
    check_priors,
    check_terms,
    with_values,
)
from darkbeauty.likelihoods.fit_schema import (
    FitFile,
    HistFactorySection,
    SamplerSection,
    TargetSection,
    check_seed,
    count_problems,
    read,
)
from darkbeauty.likelihoods.fit_text import ModelSource, content, source_of, to_text
from darkbeauty.likelihoods.own_terms import has_files, with_terms_in_place
from darkbeauty.likelihoods.prior import Prior
from darkbeauty.likelihoods.relic_choice import default_relic
from darkbeauty.likelihoods.term import Term
from darkbeauty.likelihoods.tied import tie
from darkbeauty.models import Model
from darkbeauty.models.catalogue import CHOICES


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Fit:
    """A validated fit: model with its fixed parameters, priors of the free ones, terms (own: those it brings), settings (arguments: `darkbeauty.Fit`)."""

    name: str
    about: str
    model: Model
    priors: dict[str, Prior]
    terms: tuple[str, ...]
    own: dict[str, Term]
    histfactory: tuple[HistFactorySection, ...]
    theory: str
    relic: str
    sampler: SamplerSection
    targets: TargetSection
    seed: int
    source: ModelSource
    text: str
    """The TOML that it came from or that gives it again, numbers of files of own terms written out; of a model object without a name in the catalogue, a
    description of the same form."""
    path: str

    def __init__(
        self,
        *,
        model: str | Model,
        priors: Mapping[str, Prior | Mapping[str, Any]],
        terms: Sequence[str | Term] | None = None,
        preset: str | None = None,
        add: Sequence[str | Term] = (),
        drop: Sequence[str] = (),
        histfactory: Sequence[Mapping[str, Any]] = (),
        own: Sequence[Mapping[str, Any]] = (),
        own_files: Sequence[str] = (),
        theory: str = "marginal",
        relic: str | None = None,
        fixed: Mapping[str, float] | None = None,
        tied: Mapping[str, str] | None = None,
        sampler: Mapping[str, Any] | None = None,
        targets: Mapping[str, Any] | None = None,
        seed: int = 1,
        name: str = "fit",
        about: str = "",
        convention: str = "canonical",
        extra_channels: Sequence[str] = (),
        loop_mixing: bool = False,
        perturbative: bool = False,
        gstar: str = "BORSANYI2016",
        member: Mapping[str, Any] | None = None,
        coefficients: Sequence[str] = (),
        scale: float = 1000.0,
    ):
        section = {"preset": preset, "terms": terms, "add": add, "drop": drop, "theory": theory, "relic": relic}
        section |= {"histfactory": list(histfactory), "own": list(own), "own_files": own_files}
        section = with_terms_in_place(section)
        entries = {"name": name, "about": about, "model": model, "priors": priors, "likelihood": section, "seed": seed}
        choices = {"convention": convention, "extra_channels": extra_channels, "gstar": gstar}
        choices |= {
            "loop_mixing": loop_mixing,
            "perturbative": perturbative,
            "member": {} if member is None else member,
            "coefficients": coefficients,
            "scale": scale,
        }
        sections = {"fixed": fixed, "tied": tied, "sampler": sampler, "targets": targets}
        given = {name: section for name, section in sections.items() if section is not None}
        self._fill({**entries, **given, **choices}, "", None)

    @classmethod
    def of(cls, entries: Mapping[str, Any], path: str, text: str) -> Self:
        """The fit that the entries of a file describe; `path` is what its problems begin with."""
        fit = cls.__new__(cls)
        fit._fill(entries, path, text)
        return fit

    def _fill(self, entries: Mapping[str, Any], path: str, text: str | None) -> None:
        """Check the entries, all of them, and become the fit that they describe."""
        file, problems, failed = read(entries)
        model, more = (None, []) if "model" in failed else check_model(file)
        problems += more
        priors, terms, own, relic = {}, (), {}, file.likelihood.relic
        if model is not None:
            model, more = tie(model, file.tied, file.priors, file.fixed)
            given, fixed = (_without(entries, file.tied) for entries in (file.priors, file.fixed))
            problems += more
            priors, more = check_priors(model, given)
            problems += more + check_fixed(model, fixed, given)
            problems += check_conditions(model, fixed, priors)
            model = with_values(model, fixed).opened(priors)
            terms, own, more = check_terms(model, file, failed, Path(path).parent if Path(path).is_file() else Path())
            problems += more
            relic = relic or default_relic(model, file.likelihood.preset, by_name(terms, own))
        problems += self.check_sampler(file)
        prefix = f"{path}: " if path else ""
        raise_if_any([dataclasses.replace(problem, path=prefix + problem.path) for problem in problems])
        assert model is not None
        source = source_of(model, file, tuple(priors))
        parts = {"name": file.name, "about": file.about, "model": model, "priors": priors, "terms": terms}
        settings = {"sampler": file.sampler, "targets": file.targets, "seed": file.seed}
        self._set(
            **parts,
            **settings,
            own=own,
            histfactory=tuple(file.likelihood.histfactory),
            theory=file.likelihood.theory,
            relic=relic,
            source=source,
            path=path,
        )
        self._set(text=to_text(self) if text is None or has_files(file.likelihood) else text)

    def check_sampler(self, file: FitFile) -> list[Problem]:
        """What is wrong with the choice of a sampler: nothing here, where none is known; what runs fits knows them."""
        return []

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Fit({self.name!r}, model={self.source.name!r}, parameters={self.parameters}, terms={self.terms})"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the free parameters, in the order in which they were given."""
        return tuple(self.priors)

    @property
    def gstar(self) -> str:
        """Name of the table of degrees of freedom, empty where a model object brought its own."""
        return self.source.choices.get("gstar", CHOICES["gstar"]) if self.source.named else ""

    def likelihood(self, model: Model | None = None) -> Likelihood:
        """The likelihood of the fit's terms, theory errors in its covariance: correlated ones where the fit samples them; of its model, or of another one."""
        terms = by_name(self.terms, self.own)
        theory = MARGINAL if self.theory == MARGINAL else CORRELATED
        return likelihood(model or self.model, None, terms=terms, theory=theory, relic=self.relic)

    @property
    def known(self) -> Mapping[str, Term]:
        """All terms there are, and the fit's own, those of the fit with its relic density."""
        known = with_own(self.own)
        return ChainMap(
            {name: known[name].with_relic(self.relic) for name in self.terms}, cast("dict[str, Term]", known)
        )

    def settings(self, *, seed: int | None = None, **changes: int | None) -> tuple[SamplerSection, int]:
        """Sampler settings and seed of a run, with those that are not None in place of the fit's own.

        Errors   InputError naming every one that is not allowed
        """
        problems: list[Problem] = []
        sampler = attempt(lambda: self.sampler.changed(**changes), problems)
        seed = attempt(lambda: check_seed(self.seed if seed is None else seed), problems)
        raise_if_any(problems)
        return sampler, cast(int, seed)

    def content(self) -> dict[str, str]:
        """What its posterior is, by name: model, values, priors, terms, whatever way these were written."""
        return content(self)


def _without(entries: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Entries but for some names."""
    return {name: entry for name, entry in entries.items() if name not in names}


def checked_seed(fit: Any, seed: Any, counts: Mapping[str, tuple[Any, int, int]] | None = None) -> int:
    """The seed of a call on a fit, the fit's own where it is None.

    Args     counts: further numbers of the call by name, with the least and the most that they may be
    Errors   InputError for what is no fit, and naming every number that is not allowed
    """
    if isinstance(fit, type) or not all(hasattr(fit, name) for name in ("priors", "likelihood", "seed")):
        message = f"expected a fit, got {type(fit).__name__}"
        raise InputError([Problem("fit", message, "darkbeauty.load_fit(path), darkbeauty.Fit(…)")])
    problems: list[Problem] = []
    seed = attempt(lambda: check_seed(fit.seed if seed is None else seed), problems)
    raise_if_any([*problems, *(p for path, count in (counts or {}).items() for p in count_problems(path, *count))])
    return seed
