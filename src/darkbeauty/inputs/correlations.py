"""From the errors and correlations of a block to one covariance."""

from __future__ import annotations

import numpy as np

from darkbeauty.inputs.blocks import Error, Matrix, MeasurementBlock, Number


def covariance(block: MeasurementBlock) -> np.ndarray:
    """Of the total errors, shape (n, n); NaN where the source gives no Gaussian error."""
    size = len(block.entries)
    if block.correlations:
        total = np.zeros((size, size))
        for place, rows in enumerate(block.correlations):
            sigma = np.array([standard_deviation((entry.all_errors[place],), entry) for entry in block.entries])
            total += _correlation(rows, size) * np.outer(sigma, sigma)
    else:
        sigma = np.array([standard_deviation(entry.all_errors, entry) for entry in block.entries])
        total = _total_correlation(block) * np.outer(sigma, sigma)
    for shared in block.common:
        places = _places(block, shared.observables)
        total[np.ix_(places, places)] += shared.error**2
    return total


def standard_deviation(errors: tuple[Error, ...], entry: Number) -> float:
    """Quadratic sum of several errors, an asymmetric pair entering as √(up·down), in units of what the entry is relative to; NaN if there is none."""
    if not errors:
        return np.nan
    pairs = (error if isinstance(error, tuple) else (error, error) for error in errors)
    return float(np.sqrt(sum(up * down for up, down in pairs))) / entry.relative_to


def full_matrix(rows: Matrix, size: int) -> np.ndarray:
    """The matrix from all of it, or from its rows right of the diagonal."""
    if len(rows) == size:
        return np.array(rows)
    matrix = np.zeros((size, size))
    for i, row in enumerate(rows):
        matrix[i, i + 1 :] = row
    return matrix + matrix.T + np.eye(size)


def _total_correlation(block: MeasurementBlock) -> np.ndarray:
    """Of the total errors."""
    size = len(block.entries)
    matrix = np.eye(size) if block.correlation is None else full_matrix(block.correlation, size)
    for group in block.correlated:
        places = _places(block, group.observables)
        matrix[np.ix_(places, places)] = full_matrix(group.correlation, len(places))
    return matrix


def _correlation(rows: str | Matrix, size: int) -> np.ndarray:
    if isinstance(rows, str):
        return np.ones((size, size)) if rows == "full" else np.eye(size)
    return full_matrix(rows, size)


def _places(block: MeasurementBlock, observables: tuple[str, ...]) -> list[int]:
    names = [entry.observable for entry in block.entries]
    return [names.index(name) for name in observables]
