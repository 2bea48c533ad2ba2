"""Covariance of a fit: of the data, and of the theory, each term by itself or all terms together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from darkbeauty.likelihoods.term import GaussianTerm, Term, gaussian
from darkbeauty.likelihoods.theory import correlation, nuisances, theory_covariance, theory_jacobian

MARGINAL, CORRELATED = "marginal", "correlated"
KINDS = (MARGINAL, CORRELATED)
"""Theory errors in the covariance: independent from term to term, so that log L is a sum over terms, or with everything that terms share."""


def total_covariance(terms: Sequence[Term], kind: str) -> np.ndarray:
    """Of all measured numbers of all terms, shape (n, n)."""
    if kind == MARGINAL:
        theory = [theory_covariance(term.observables) for term in terms if term.relative_theory is None]
        return with_theory(terms, block_diag(*theory) if theory else np.zeros((0, 0)))  # pyright: ignore[reportArgumentType]
    jacobian = jacobian_of(terms)
    return with_theory(terms, jacobian @ correlation(*nuisances()) @ jacobian.T)


def with_theory(terms: Sequence[Term], theory: np.ndarray) -> np.ndarray:
    """Of the data, with relative theory errors, and with a theory covariance of the predictions that nuisances shift."""
    blocks = [term.data().covariance + np.diag(_relative(term) ** 2) for term in gaussian(terms)]
    whole: Any = block_diag(*blocks) if blocks else np.zeros((0, 0))
    places = shifted(terms)
    whole[np.ix_(places, places)] += theory
    return whole


def jacobian_of(terms: Sequence[Term]) -> np.ndarray:
    """Of the shifted predictions by all whitened nuisances: each term's own, one below the other."""
    rows = [theory_jacobian(term.observables) for term in terms if term.relative_theory is None]
    return np.concatenate([np.zeros((0, sum(len(root) for root in nuisances()[1]))), *rows])


def shifted(terms: Sequence[Term]) -> tuple[int, ...]:
    """Places of the predictions whose theory errors come from nuisances."""
    flags = [np.full(len(term.observables), term.relative_theory is None) for term in terms]
    return tuple(np.flatnonzero(np.concatenate([np.zeros(0, bool), *flags])).tolist())


def _relative(term: GaussianTerm) -> np.ndarray:
    """Theory errors as a fraction of the measured values."""
    values = term.data().values
    return np.zeros(len(values)) if term.relative_theory is None else term.relative_theory * values
