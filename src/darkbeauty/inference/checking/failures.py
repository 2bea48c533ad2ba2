"""Why a point has no likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.likelihood import Likelihood

UNPHYSICAL = "masses in an order the model does not allow"


def name_causes(lik: Likelihood, predictions: np.ndarray, physical: np.ndarray) -> list[str]:
    """One cause per point that has no finite likelihood or gradient: what is not physical, else the first prediction without a value.

    Args     predictions: (points, observables); physical: (points,)
    """
    terms = [term.name for term, (start, stop) in zip(lik.terms, lik.slices) for _ in range(start, stop)]
    causes = []
    for row, allowed in zip(predictions, physical):
        missing = np.flatnonzero(~np.isfinite(row))
        if not allowed:
            causes.append(UNPHYSICAL)
        elif missing.size:
            causes.append(f"{terms[missing[0]]}: no value of {lik.requests[missing[0]].label}")
        else:
            causes.append("no finite gradient")
    return causes


def evaluate(lik: Likelihood, values: Mapping[str, Any]) -> tuple[Array, Array]:
    """What `name_causes` asks for, at a point: predictions, and whether the model allows the masses."""
    return lik.predictions(values), jnp.asarray(lik.model.at(values).is_physical())
