"""Why a point has no likelihood."""

from __future__ import annotations

import numpy as np

from darkbeauty.likelihoods import Likelihood
from darkbeauty.status import Status


def name_causes(lik: Likelihood, predictions: np.ndarray, statuses: np.ndarray) -> list[str]:
    """One cause per point that has no finite likelihood or gradient: the first prediction without a value, and why it has none.

    Args     predictions, statuses: (points, observables)
    """
    terms = [term.name for term, (start, stop) in zip(lik.terms, lik.slices) for _ in range(start, stop)]
    causes = []
    for row, ended in zip(predictions, statuses):
        missing = np.flatnonzero(~np.isfinite(row) | (ended != Status.SUCCESS))
        if not missing.size:
            alone = lik.by_term(row)
            outside = [name for name, value in alone.items() if not np.isfinite(value)]
            causes.append(f"{outside[0]}: no likelihood there" if outside else "no finite gradient")
            continue
        first = missing[0]
        status, place = Status(int(ended[first])), f"{terms[first]}: no value of {lik.requests[first].label}"
        if status == Status.NOT_ALLOWED:
            causes.append(status.words)
        else:
            causes.append(place if status == Status.SUCCESS else f"{place}: {status.words}")
    return causes
