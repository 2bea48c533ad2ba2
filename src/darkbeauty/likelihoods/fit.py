"""A fit is data, from a file or from Python, validated whole before anything compiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

from darkbeauty.errors import Problem, attempt, raise_if_any
from darkbeauty.likelihoods.build import Likelihood, likelihood
from darkbeauty.likelihoods.covariance import CORRELATED, MARGINAL
from darkbeauty.likelihoods.fit_checks import (
    check_conditions,
    check_fixed,
    check_model,
    check_priors,
    check_terms,
    with_values,
)
from darkbeauty.likelihoods.fit_schema import FitFile, SamplerSection, TargetSection, check_seed, read
from darkbeauty.likelihoods.fit_text import ModelSource, content, source_of, to_text
from darkbeauty.likelihoods.prior import Prior
from darkbeauty.models import Model
from darkbeauty.models.catalogue import CHOICES


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Fit:
    """A validated fit: model with its fixed parameters, priors of the free ones, terms, settings (arguments: `darkbeauty.Fit`)."""

    name: str
    about: str
    model: Model
    priors: dict[str, Prior]
    terms: tuple[str, ...]
    theory: str
    relic: str
    sampler: SamplerSection
    targets: TargetSection
    seed: int
    source: ModelSource
    text: str
    """The TOML that it came from or that gives it again; of a model object without a name in the catalogue, a description of the same form."""
    path: str

    def __init__(
        self,
        *,
        model: str | Model,
        priors: Mapping[str, Prior | Mapping[str, Any]],
        terms: Sequence[str] | None = None,
        preset: str | None = None,
        add: Sequence[str] = (),
        drop: Sequence[str] = (),
        theory: str = "marginal",
        relic: str = "freeze_out",
        fixed: Mapping[str, float] | None = None,
        sampler: Mapping[str, Any] | None = None,
        targets: Mapping[str, Any] | None = None,
        seed: int = 1,
        name: str = "fit",
        about: str = "",
        convention: str = "canonical",
        extra_channels: Sequence[str] = (),
        gstar: str = "BORSANYI2016",
    ):
        section = {"preset": preset, "terms": terms, "add": add, "drop": drop, "theory": theory, "relic": relic}
        entries = {"name": name, "about": about, "model": model, "priors": priors, "likelihood": section, "seed": seed}
        choices = {"convention": convention, "extra_channels": extra_channels, "gstar": gstar}
        sections = {"fixed": fixed, "sampler": sampler, "targets": targets}
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
        priors, terms = {}, ()
        if model is not None:
            priors, more = check_priors(model, file.priors)
            problems += more + check_fixed(model, file.fixed, file.priors)
            problems += check_conditions(model, file.fixed, priors)
            model = with_values(model, file.fixed)
            terms, more = check_terms(model, file, failed)
            problems += more
        problems += self.check_sampler(file)
        prefix = f"{path}: " if path else ""
        raise_if_any([dataclasses.replace(problem, path=prefix + problem.path) for problem in problems])
        assert model is not None
        source = source_of(model, file, tuple(priors))
        parts = {"name": file.name, "about": file.about, "model": model, "priors": priors, "terms": terms}
        settings = {"sampler": file.sampler, "targets": file.targets, "seed": file.seed}
        self._set(**parts, **settings, theory=file.likelihood.theory, source=source, path=path)
        self._set(relic=file.likelihood.relic)
        self._set(text=to_text(self) if text is None else text)

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

    def likelihood(self) -> Likelihood:
        """The likelihood of the fit's terms, theory errors in its covariance: correlated ones where the fit samples them."""
        theory = MARGINAL if self.theory == MARGINAL else CORRELATED
        return likelihood(self.model, None, terms=self.terms, theory=theory, relic=self.relic)

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
