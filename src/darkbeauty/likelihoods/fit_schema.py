"""The schema of a fit: its sections, what their entries may be, and problems in words where they are not."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from darkbeauty.errors import InputError, Problem, raise_if_any, unknown

LARGEST_SEED = 2**63 - 1
MOST_DRAWS = 10**7
"""Draws of all chains together: a run holds them in memory and in one file, 8 bytes for every parameter and prediction of each."""
MOST_TRANSITIONS, MOST_STARTS = 10**7, 10**5
Entries = Mapping[str, Any]
Place = tuple[Any, ...]


def plain(value: Any) -> Any:
    """What Python gives where TOML has only tables, lists and numbers: mappings, tuples, arrays and NumPy's scalars as dict, list and number."""
    if isinstance(value, Mapping):
        return {name: entry.item() if isinstance(entry, np.generic) else entry for name, entry in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value.item() if isinstance(value, np.generic) else value


Plain = BeforeValidator(plain)
Names = Annotated[list[str], Plain]


class Section(BaseModel):
    """What all sections share: nothing unknown, nothing changed, no type taken for another, no number that is none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, entries: Any) -> Any:
        return plain(entries)


class HistFactorySection(Section):
    """A term of the fit's own: a pyhf workspace and the densities of its signal, files as seen from where the fit is run (`histfactory_term`)."""

    name: Annotated[str, Field(min_length=1)]
    workspace: str
    densities: str
    signal: Names
    spectrum: str
    about: str = ""
    references: Names = []
    dataset: Names = []


def deeply_plain(value: Any) -> Any:
    """The same for lists of lists."""
    value = plain(value)
    return [deeply_plain(entry) for entry in value] if isinstance(value, list) else value


Deep = BeforeValidator(deeply_plain)
Numbers = Annotated[list[float], Plain]
Matrix = Annotated[list[Numbers], Deep]


class OwnSection(Section):
    """A term of the fit's own (`own_terms`): what it reads, and of one kind what was measured; files as seen from the fit's own.

    Anything: what `own_terms` looks at, as it is a number or a list, or no entry of a file.
    """

    name: Annotated[str, Field(min_length=1)]
    observable: str | None = None
    observables: Names | None = None
    value: float | None = None
    error: Annotated[Any, Deep] = None
    limit: float | None = None
    cl: float | None = None
    values: Numbers | None = None
    errors: Numbers | None = None
    correlation: Matrix | None = None
    covariance: Matrix | None = None
    file: str | None = None
    correlation_file: str | None = None
    axes: Annotated[Any, Deep] = None
    minus_two_log_l: Annotated[Any, Deep] = None
    table_file: str | None = None
    interpolation: Literal["cubic", "linear"] | None = None
    function: Any = None
    simulate: Any = None
    data: Numbers | None = None
    largest: float | None = None
    theory: Annotated[float, Field(ge=0.0)] | None = None
    about: str = ""
    references: Names = []
    dataset: Names = []
    independent_of: Names = []


class LikelihoodSection(Section):
    """Terms by preset or by name, with additions and removals, and what becomes of theory errors.

    theory: marginal, in the covariance, linear around the Standard Model, of each term by itself; correlated, the same with what terms share;
    or sampled, the uncertain inputs being parameters beside the model's. relic: how the relic density of the term Omega_h2 is computed (by default as `relic_choice` says). own: tables of
    `OwnSection`, each looked at by itself, or such sections; own_files: of files with more of them.
    """

    preset: str | None = None
    terms: Names | None = None
    add: Names = []
    drop: Names = []
    theory: Literal["marginal", "correlated", "sampled"] = "marginal"
    histfactory: Annotated[list[HistFactorySection], Plain] = []
    own: Annotated[list[Any], Plain] = []
    own_files: Names = []
    relic: Literal["freeze_out", "boltzmann", "kinetic", "phase_space"] | None = None


class SamplerSection(Section):
    """Settings of the sampler, of the coordinates and of the optimiser's starts.

    method: a name of `darkbeauty.inference.samplers`, which says what the other settings mean to it; "nuts" by default where theory errors are sampled.
    """

    method: str = "nested"
    chains: Annotated[int, Field(ge=1)] = 4
    warmup: Annotated[int, Field(ge=20, le=MOST_TRANSITIONS)] = 300
    draws: Annotated[int, Field(ge=20)] = 500
    target_accept: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.85
    max_depth: Annotated[int, Field(ge=1, le=12)] = 8
    coordinates: Literal["auto", "box", "resonance"] = "auto"
    starts: Annotated[int, Field(ge=1, le=MOST_STARTS)] = 8
    live: Annotated[int, Field(ge=100, le=MOST_STARTS)] | None = None

    @model_validator(mode="after")
    def _fits_in_memory(self) -> Self:
        if self.chains * self.draws > MOST_DRAWS:
            words = f"chains × draws is more than {MOST_DRAWS:,}: a run holds all draws in memory and in one file"
            raise PydanticCustomError("too_many_draws", words)  # pyright: ignore[reportArgumentType]
        return self

    def changed(self, **settings: int | None) -> SamplerSection:
        """With other settings, those that are not None.

        Errors   InputError naming every one that is not allowed
        """
        given = {name: value for name, value in settings.items() if value is not None}
        try:
            return SamplerSection(**{**dict(self), **given})
        except ValidationError as error:
            raise InputError([_problem(item, SamplerSection) for item in error.errors(include_input=False)]) from None


class TargetSection(Section):
    """What a run must reach to count as converged.

    depth: share of the trees of NUTS that may be cut off at max_depth. surprise: share of the posterior, of SMC in relic coordinates, where these expected less than e⁻⁴ of it; of
    nested sampling, in shells that hold twice what exploration expected or more.
    """

    r_hat: Annotated[float, Field(gt=1.0)] = 1.01
    ess: Annotated[float, Field(gt=0.0)] = 400.0
    divergences: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    bfmi: Annotated[float, Field(ge=0.0)] = 0.2
    depth: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    surprise: Annotated[float, Field(ge=0.0, le=1.0)] = 0.03


class FitFile(Section):
    """The schema of a fit file. What a model, a prior and a parameter may be is not its business: `fit_checks` and `priors` see to these."""

    name: Annotated[str, Field(pattern=r"^\w[\w .+-]*$")]
    about: str = ""
    model: Any
    convention: str = "canonical"
    extra_channels: Names = []
    loop_mixing: bool = False
    perturbative: bool = False
    gstar: str = "BORSANYI2016"
    member: Annotated[dict[str, Any], Plain] = {}
    coefficients: Names = []
    scale: Annotated[float, Plain] = 1000.0
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 1
    fixed: Annotated[dict[str, float], Plain] = {}
    tied: Annotated[dict[str, str], Plain] = {}
    priors: Annotated[dict[str, Any], Plain]
    likelihood: LikelihoodSection
    sampler: SamplerSection = SamplerSection()
    targets: TargetSection = TargetSection()

    @property
    def choices(self) -> dict[str, Any]:
        """Static choices of the model, as `resolve_model` takes them."""
        switches = {"loop_mixing": self.loop_mixing, "perturbative": self.perturbative}
        return {
            "convention": self.convention,
            "extra_channels": tuple(self.extra_channels),
            **switches,
            "gstar": self.gstar,
            "member": self.member,
            "coefficients": tuple(self.coefficients),
            "scale": self.scale,
        }


NEEDED: dict[str, Any] = {"name": "unnamed", "model": "", "priors": {}, "likelihood": {}}
"""What stands in for needed entries that are missing or wrong, while the rest is looked at."""


def read(entries: Entries) -> tuple[FitFile, list[Problem], frozenset[str]]:
    """A fit's entries that follow the schema; what does not, and in which entry of which section."""
    problems: list[Problem] = []
    places: list[Place] = []
    while True:
        try:
            file = FitFile.model_validate(entries)
            return _able(file), problems, frozenset(".".join(map(str, place[:2])) for place in places)
        except ValidationError as error:
            items = error.errors(include_input=False)
        wrong = [tuple(part for part in item["loc"] if part != "[key]") for item in items]
        problems += [_problem(item, FitFile) for item in items]
        places += wrong
        kept = functools.reduce(_without, wrong, entries)
        if kept == entries:  # keys that are no texts are called otherwise in a place
            kept = functools.reduce(_without, [place[:1] for place in wrong], entries)
        entries = {**NEEDED, **kept}


def _able(file: FitFile) -> FitFile:
    """With a sampler that can sample theory errors, where that is asked for and no sampler is."""
    if file.likelihood.theory != "sampled" or "method" in file.sampler.model_fields_set:
        return file
    return file.model_copy(update={"sampler": file.sampler.model_copy(update={"method": "nuts"})})


def read_own(entries: Any, path: str) -> OwnSection:
    """The section of a term of one's own.

    Errors   InputError with what does not follow the schema
    """
    if isinstance(entries, OwnSection):
        return entries
    if not isinstance(entries, Mapping):
        raise InputError([Problem(path, "is no table", "name, observable, …")])
    try:
        return OwnSection.model_validate(entries)
    except ValidationError as error:
        problems = [_problem(item, OwnSection) for item in error.errors(include_input=False)]
        raise InputError([replace(problem, path=f"{path}.{problem.path}") for problem in problems]) from None


def check_seed(seed: Any) -> int:
    """A seed, where it is one.

    Errors   InputError
    """
    seed = plain(seed)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise InputError([Problem("seed", "Input should be a valid integer", f"0 to {LARGEST_SEED}")])
    raise_if_any([] if 0 <= seed <= LARGEST_SEED else [Problem("seed", "is out of range", f"0 to {LARGEST_SEED}")])
    return seed


def count_problems(path: str, value: Any, least: int, most: int) -> list[Problem]:
    """What is wrong with a number of points or the like."""
    value = plain(value)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return []
    return [Problem(path, f"is not an integer from {least} to {most}")]


def _without(entries: Any, place: Place) -> Any:
    """Entries without the one at a place, or without the list that it is in."""
    head, *rest = place
    if not isinstance(entries, Mapping) or head not in entries:
        return entries
    kept = {name: value for name, value in entries.items() if name != head}
    inner = plain(entries[head])
    return {**kept, head: _without(inner, tuple(rest))} if rest and isinstance(inner, dict) else kept


def _problem(item: Any, top: type[Section]) -> Problem:
    place = ".".join(str(part) for part in item["loc"] if part != "[key]")
    if item["type"] == "extra_forbidden":
        return unknown(place, "entry", str(item["loc"][-1]), _fields_beside(item["loc"], top))
    return Problem(place or "sampler", item["msg"])


def _fields_beside(place: Place, top: type[Section]) -> list[str]:
    """Names that would have been valid where an unknown one was given."""
    inner: Any = top
    for part in place[:-1]:
        if isinstance(part, str):
            annotation = inner.model_fields[part].annotation
            inner = next(iter(get_args(annotation)), annotation)
    return list(inner.model_fields)
