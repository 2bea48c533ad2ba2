"""Theory covariance from the nuisances, by exact linear propagation at the Standard-Model point."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.inputs.sm import load_sm, parameter_records
from darkbeauty.models.wet import Wet
from darkbeauty.predict import evaluate, parse

CORRELATED = ("B->K", "B->K*", "Bs->phi", "Lambdab->Lambda(1520)")
"""Transitions whose form-factor coefficients have a joint covariance."""


@lru_cache(maxsize=1)
def nuisances() -> tuple[tuple[str, ...], tuple[np.ndarray, ...]]:
    """Paths of all uncertain inputs, and for each a matrix L of shape (size, size) with covariance L Lᵀ."""
    with np.load(str(files("darkbeauty.inputs").joinpath("tables", "form_factor_covariance.npz"))) as archive:
        roots = {f"form_factor.{name}": _root(archive[name]) for name in CORRELATED}
    for path, record in parameter_records().items():
        if "error" in record:
            roots[path] = np.array([[record["error"]]])
    return tuple(roots), tuple(roots.values())


@lru_cache(maxsize=64)
def theory_covariance(labels: tuple[str, ...]) -> np.ndarray:
    """Covariance of SM predictions, shape (n, n), from the nuisances: J Σ Jᵀ with J by forward differentiation."""
    model = Wet()
    requests = parse(model, labels)
    paths, roots = nuisances()
    return np.asarray(eqx.filter_jit(lambda m: _propagate(m, requests, paths, roots))(model))


def _propagate(model: Wet, requests: tuple, paths: tuple[str, ...], roots: tuple[np.ndarray, ...]) -> jax.Array:
    sizes = [len(root) for root in roots]
    ends = np.cumsum(sizes)

    def predictions(x: jax.Array) -> jax.Array:
        """Predictions when every nuisance is shifted by x standard deviations (whitened)."""
        shifts = {}
        for path, root, end, size in zip(paths, roots, ends, sizes):
            shift = root @ x[end - size : end]
            shifts[path] = model.sm.get(path) + (shift if size > 1 else shift[0])
        return evaluate(eqx.tree_at(lambda m: m.sm, model, load_sm().replace(shifts)), requests)

    jacobian = jax.jacfwd(predictions)(jnp.zeros(int(ends[-1])))
    return jacobian @ jacobian.T


def _root(covariance: np.ndarray) -> np.ndarray:
    """L with L Lᵀ = covariance, also for a covariance that is positive only up to rounding."""
    value, vector = np.linalg.eigh(covariance)
    return vector * np.sqrt(np.maximum(value, 0.0))
