"""What is written behind a command: a model with its choices, a point as name=value, observables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from darkbeauty.commands.setting import prepare
from darkbeauty.errors import InputError, Problem, attempt, quoted

MEMBER = 'charges = { e = 1, tau = -1 }, leptoquark = "S1", couples = "e"'
ASSIGNMENT = re.compile(r"^\s*(?P<name>\w+)\s*=(?P<value>.*)$", re.DOTALL)


def choices(
    convention: str,
    channels: Sequence[str] | None,
    loop_mixing: bool,
    perturbative: bool,
    gstar: str,
    member: str,
    scale: float | None = None,
) -> dict[str, Any]:
    """Static choices of a model, as `resolve_model` takes them.

    Errors   InputError where `member` is no TOML
    """
    switches = {"loop_mixing": loop_mixing, "perturbative": perturbative}
    return {
        "convention": convention,
        "extra_channels": tuple(channels or ()),
        **switches,
        "gstar": gstar,
        **({} if scale is None else {"scale": scale}),
    } | read_settings(member)


def read_settings(member: str) -> dict[str, Any]:
    """The settings of a member of a family of models, written as in a fit file; nothing of an empty text."""
    if not member:
        return {}
    try:
        return tomllib.loads(f"member = {{ {member} }}")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError([Problem("--member", f"{quoted(member)} is not as in a fit file: {error}", MEMBER)]) from None


def read_request(
    model: str, assignments: Sequence[str], obs: Sequence[str], options: dict[str, Any]
) -> tuple[Any, dict[str, Any], dict[str, str]]:
    """The model, the point as a mapping, and the observables with their units.

    Errors   InputError listing every problem of the model's name, the point and the observables
    """
    prepare()
    from darkbeauty.models import MODELS, resolve_model
    from darkbeauty.models.catalogue import settings_of
    from darkbeauty.prediction import parse

    problems: list[Problem] = []
    point, malformed = read_point(assignments)
    if "coefficients" in settings_of(model):
        options = {**options, "coefficients": tuple(point)}
    template = attempt(lambda: resolve_model(model, **options), problems)
    problems += malformed
    if not obs:
        problems.append(Problem("--obs", "at least one observable is needed", "see darkbeauty list observables"))
    if model not in MODELS:
        raise InputError([*problems, *unknown_everywhere(obs)])
    if template is None and "coefficients" in options:
        point = {}  # its names are those that were refused
    template = template or resolve_model(model)
    requests = parse(template, obs, problems + template.check(point))
    return template, point, {request.label: request.observable.unit for request in requests}


def unknown_everywhere(obs: Sequence[str]) -> list[Problem]:
    """Observables that no model has as written, for when the model itself is unknown."""
    from darkbeauty.models import MODELS, resolve_model
    from darkbeauty.prediction import check_observable

    models = [resolve_model(name) for name in MODELS]
    of_models = [[check_observable(model, label, f"observables.{label}") for model in models] for label in obs]
    return [first for first, *others in of_models if first is not None and all(others)]


def read_range(text: Any) -> tuple[float, float] | None:
    """low:high as two numbers; None for anything else."""
    ends = [read_number(part) for part in text.split(":")] if isinstance(text, str) else []
    if len(ends) != 2 or not all(isinstance(end, float) for end in ends):
        return None
    return tuple(ends)  # pyright: ignore[reportReturnType]


def read_point(assignments: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
    """name=value … as a mapping, and what is malformed; a value that is no number stays text, for the model to report."""
    point: dict[str, Any] = {}
    problems = []
    for text in assignments:
        match = ASSIGNMENT.match(text)
        if match is None:
            problems.append(Problem(f"point.{text}", "cannot read this as a parameter", "name=value, e.g. y=0.3"))
        elif (name := match["name"]) in point:
            problems.append(Problem(f"point.{name}", f"given more than once, again as {match['value']}"))
        else:
            point[name] = read_number(match["value"])
    return point, problems


def read_number(text: str) -> float | complex | str:
    """A float, else a complex number, else the text as it is: also one with "_" or digits of other scripts, which Python would read."""
    for kind in (float, complex) if text.isascii() and "_" not in text else ():
        try:
            return kind(text)
        except ValueError:
            continue
    return text
