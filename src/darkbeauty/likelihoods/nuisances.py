r"""Which uncertain inputs a fit samples, and how: independent standard normal numbers ν ↔ values of the inputs.

A whitened nuisance x_i (`darkbeauty.likelihoods.theory`) that moves two predictions of the fit or more by WEAK of their total errors is sampled; those that are
ALIKE are correlated, x = Lν. The others stay in the covariance: given the sampled ones, x_other = C_os C_ss⁻¹ x, what is left of them is Gaussian. An input
that matters to one prediction alone is no correlation to be found, and can make sampling hard: Δm_s is measured so well that it would tie its bag parameter,
which nothing else knows, to all other inputs of Δm_s within a hundredth of their errors.
"""

from __future__ import annotations

from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.inputs import SMInputs
from darkbeauty.likelihoods.theory import correlation, nuisances

WEAK = 0.01
"""Shift of a prediction by one standard deviation of a nuisance, in units of the prediction's total error, below which it is not sampled."""


class Nuisances(eqx.Module):
    """Sampled inputs, and those that follow them: value = central + spread ν, shapes (size,) and (size, n), by path.

    names: every component of every sampled input, form-factor coefficients as path[i]; pull: ν to (value − central)/σ of each; size: number of ν.
    """

    central: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]
    pull: np.ndarray
    names: tuple[str, ...] = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def inputs(self, nu: Array) -> dict[str, Array]:
        """Values of the inputs, by path, at ν, shape (n,)."""
        flat = jnp.concatenate(list(self.central.values())) + jnp.concatenate(list(self.spread.values())) @ nu
        ends = np.cumsum([len(value) for value in self.central.values()])
        shifted = dict(zip(self.central, jnp.split(flat, ends[:-1])))
        # without the barrier, XLA compiles the derivatives by all inputs as one function, for minutes
        return jax.lax.optimization_barrier(
            {path: value if len(value) > 1 else value[0] for path, value in shifted.items()}
        )

    def pulls(self, nu: Array) -> Array:
        """(value − central)/σ of every component, shape (names,), at ν, shape (n,)."""
        return cast(Array, self.pull @ nu)


def split(sm: SMInputs, jacobian: np.ndarray, error: np.ndarray) -> tuple[Nuisances, np.ndarray]:
    """Divide all nuisances by their influence: those to be sampled, and what the others add to the covariance of the predictions.

    Args     jacobian: of the predictions by the whitened nuisances, shape (predictions, all nuisances); error: total error of each prediction
    """
    paths, roots = nuisances()
    matrix = correlation(paths, roots)
    kept = _kept(jacobian / error[:, None], roots)
    kept_root = np.linalg.cholesky(matrix[np.ix_(kept, kept)])
    from_kept = matrix[:, kept] @ np.linalg.inv(kept_root).T  # x = from_kept ν + what is left
    left = matrix - from_kept @ from_kept.T
    ends = np.cumsum([len(root) for root in roots])
    central, spread, names, pull = {}, {}, [], [np.zeros((0, kept.sum()))]
    for path, root, end in zip(paths, roots, ends):
        rows = slice(end - len(root), end)
        if not np.any(from_kept[rows]):
            continue
        central[path] = np.atleast_1d(np.asarray(sm.get(path), float))
        spread[path] = root @ from_kept[rows]
        if kept[rows].any():
            pull.append(spread[path] / np.sqrt(np.sum(root**2, axis=1))[:, None])
            names += [path] if len(root) == 1 else [f"{path}[{i}]" for i in range(len(root))]
    sampled = Nuisances(central, spread, np.concatenate(pull), tuple(names), int(kept.sum()))
    return sampled, jacobian @ left @ jacobian.T


def _kept(influence: np.ndarray, roots: tuple[np.ndarray, ...]) -> np.ndarray:
    """Which nuisances are sampled: all of an input that moves two predictions or more in any of its directions."""
    shared = np.sum(np.abs(influence) > WEAK, axis=0) > 1
    ends = np.cumsum([len(root) for root in roots])
    return np.concatenate([np.repeat(shared[end - len(root) : end].any(), len(root)) for root, end in zip(roots, ends)])
