"""Theory covariance from the nuisances, by exact linear propagation at the Standard-Model point."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.evaluation import evaluate
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.models.base import Model
from darkbeauty.models.wet import Wet
from darkbeauty.numerics.compiled import compiled
from darkbeauty.numerics.stored import stored
from darkbeauty.prediction import parse

CORRELATED = ("B->K", "B->K*", "Bs->phi", "B->rho", "B->pi", "Lambdab->Lambda(1520)", "Lambdab->Lambda")
"""Transitions whose form-factor coefficients have a joint covariance."""

ALIKE = (
    ("subleading.B0->K*0 ", "subleading.B+->K*+ ", 0.99),
    ("subleading.B0->K*0 ", "subleading.Bs->phi ", 0.90),
    ("subleading.B+->K*+ ", "subleading.Bs->phi ", 0.90),
    ("subleading.B0->K0 ", "subleading.B+->K+ ", 0.99),
    ("mixing.bag_Bs", "mixing.bag_B0", 0.976),
    ("decay_constant.f_Bs", "decay_constant.f_B0", 0.55),
    ("decay_constant.f_Bs", "decay_constant.f_B+", 0.55),
    ("decay_constant.f_B0", "decay_constant.f_B+", 0.65),
)
"""Correlation of a nuisance with the one that has the second beginning in place of the first: isospin and SU(3) of subleading effects, lattice averages (flavio 2.7.1)."""

FOLLOWS = {"wilson.C10": ("quark.mt_pole", 1.53), "mixing.mt_mt": ("quark.mt_pole", 1.01)}
"""Inputs that follow from an uncertain one, as its power: C₁₀ (arXiv:1311.0903, eq. 4), m_t(m_t) (QCD, as in flavio 2.7.1)."""


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
    """Covariance of SM predictions, shape (n, n), from the nuisances: J Σ Jᵀ with J by forward differentiation.

    Accuracy standard deviations within 3 % of flavio's own linear propagation; what the non-local tables depend on (m_c, α_s) is not varied
    """
    jacobian = theory_jacobian(labels)
    return jacobian @ correlation(*nuisances()) @ jacobian.T


@lru_cache(maxsize=64)
def theory_jacobian(labels: tuple[str, ...]) -> np.ndarray:
    """Derivatives of SM predictions by the whitened nuisances, shape (n, nuisances), exact."""
    model = Wet()
    requests = parse(model, labels)
    paths, roots = nuisances()
    compute = compiled(lambda m: _jacobian(m, requests, paths, roots))
    return stored("theory", (model.sm, labels, paths, roots), lambda: np.asarray(compute(model)))


def correlation(paths: tuple[str, ...], roots: tuple[np.ndarray, ...]) -> np.ndarray:
    """Correlation of the whitened nuisances: the unit matrix but for those of modes that are ALIKE."""
    ends = np.cumsum([len(root) for root in roots])
    matrix, place = np.eye(ends[-1]), {path: end - 1 for path, end in zip(paths, ends)}
    for first, second, value in ALIKE:
        for path, i in place.items():
            if path.startswith(first):
                j = place[path.replace(first, second)]
                matrix[i, j] = matrix[j, i] = value
    return matrix


def at_inputs(model: Model, values: Mapping[str, Any]) -> Model:
    """The model with other values of its inputs, by path, and of the inputs that follow from them."""
    sm = model.sm
    following = {
        path: sm.get(path) * (values[origin] / sm.get(origin)) ** power
        for path, (origin, power) in FOLLOWS.items()
        if origin in values
    }
    return eqx.tree_at(lambda m: m.sm, model, sm.replace({**values, **following}))


def _jacobian(model: Wet, requests: tuple, paths: tuple[str, ...], roots: tuple[np.ndarray, ...]) -> jax.Array:
    """Derivatives of the predictions by the whitened nuisances, shape (n, nuisances)."""
    sizes = [len(root) for root in roots]
    ends = np.cumsum(sizes)

    def predictions(x: jax.Array) -> jax.Array:
        """Predictions when every nuisance is shifted by x standard deviations (whitened)."""
        shifts = {}
        for path, root, end, size in zip(paths, roots, ends, sizes):
            shift = root @ x[end - size : end]
            shifts[path] = model.sm.get(path) + (shift if size > 1 else shift[0])
        return evaluate(at_inputs(model, shifts), requests).value

    return jax.jacfwd(predictions)(jnp.zeros(int(ends[-1])))


def _root(covariance: np.ndarray) -> np.ndarray:
    """L with L Lᵀ = covariance, also for a covariance that is positive only up to rounding."""
    value, vector = np.linalg.eigh(covariance)
    return vector * np.sqrt(np.maximum(value, 0.0))
