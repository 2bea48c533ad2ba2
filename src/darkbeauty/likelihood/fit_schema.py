"""The schema of a fit file: its sections, what their entries may be, and problems in words where they are not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkbeauty.errors import InputError, Problem, unknown
from darkbeauty.likelihood.priors import KINDS

LARGEST_SEED = 2**63 - 1


class Section(BaseModel):
    """What all sections share: nothing unknown, nothing changed, no number that is none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class UniformPrior(Section):
    """Flat in the parameter, or in its logarithm, between lower and upper."""

    kind: Literal["uniform", "log_uniform"]
    lower: float
    upper: float


class NormalPrior(Section):
    """Gaussian with mean and sigma, cut off at the ends of the parameter's domain."""

    kind: Literal["normal"]
    mean: float
    sigma: Annotated[float, Field(gt=0.0)]


class LikelihoodSection(Section):
    """Terms by preset or by name, with additions and removals, and what becomes of theory errors.

    theory: marginal, in the covariance, linear around the Standard Model, of each term by itself; correlated, the same with what terms share;
    or sampled, the uncertain inputs being parameters beside the model's.
    """

    preset: str | None = None
    terms: list[str] | None = None
    add: list[str] = []
    drop: list[str] = []
    theory: Literal["marginal", "correlated", "sampled"] = "marginal"


class SamplerSection(Section):
    """Settings of the sampler, of the coordinates and of the optimiser's starts.

    method: a name of `darkbeauty.inference.samplers`, which says what the other settings mean to it.
    """

    method: str = "nuts"
    chains: Annotated[int, Field(ge=1)] = 4
    warmup: Annotated[int, Field(ge=20)] = 300
    draws: Annotated[int, Field(ge=20)] = 500
    target_accept: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.85
    max_depth: Annotated[int, Field(ge=1, le=12)] = 8
    coordinates: Literal["auto", "box"] = "auto"
    starts: Annotated[int, Field(ge=1)] = 8

    def changed(self, **settings: int | None) -> SamplerSection:
        """With other settings, those that are not None.

        Errors   InputError naming every one that is not allowed
        """
        given = {name: value for name, value in settings.items() if value is not None}
        try:
            return SamplerSection.model_validate({**self.model_dump(), **given})
        except ValidationError as error:
            raise InputError([_problem(item) for item in error.errors()]) from None


class TargetSection(Section):
    """What a run must reach to count as converged.

    surprise: share of the posterior, of SMC in relic coordinates, where these expected less than e⁻⁴ of it.
    """

    r_hat: Annotated[float, Field(gt=1.0)] = 1.01
    ess: Annotated[float, Field(gt=0.0)] = 400.0
    divergences: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    bfmi: Annotated[float, Field(ge=0.0)] = 0.2
    surprise: Annotated[float, Field(ge=0.0, le=1.0)] = 0.03


class FitFile(Section):
    """The schema of a fit file."""

    name: Annotated[str, Field(pattern=r"^\w[\w .+-]*$")]
    about: str = ""
    model: str
    convention: str = "canonical"
    extra_channels: list[str] = []
    gstar: str = "BORSANYI2016"
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 1
    fixed: dict[str, float] = {}
    priors: dict[str, Annotated[UniformPrior | NormalPrior, Field(discriminator="kind")]]
    likelihood: LikelihoodSection
    sampler: SamplerSection = SamplerSection()
    targets: TargetSection = TargetSection()


def read(raw: dict[str, Any]) -> tuple[FitFile | None, list[Problem]]:
    """A file that follows the schema, or what does not."""
    try:
        return FitFile.model_validate(raw), []
    except ValidationError as error:
        return None, [_problem(item) for item in error.errors()]


def _problem(item: Any) -> Problem:
    place = ".".join(str(part) for part in item["loc"] if part not in KINDS)
    if item["type"] == "extra_forbidden":
        return unknown(place, "entry", str(item["loc"][-1]), _fields_beside(item["loc"]))
    if item["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return Problem(f"{place}.kind", "unknown or missing kind of prior", ", ".join(KINDS))
    return Problem(place, item["msg"])


def _fields_beside(place: tuple[Any, ...]) -> list[str]:
    """Names that would have been valid where an unknown one was given."""
    sections: dict[Any, type[BaseModel]] = {
        "likelihood": LikelihoodSection,
        "sampler": SamplerSection,
        "targets": TargetSection,
    }
    if place[0] == "priors":
        return list((NormalPrior if "normal" in place else UniformPrior).model_fields)
    return list((sections[place[0]] if len(place) > 1 and place[0] in sections else FitFile).model_fields)
