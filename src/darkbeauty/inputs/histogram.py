"""A counting experiment in bins whose signal follows a spectrum: what a HistFactory workspace with joint densities comes down to.

Expected events of bin b are Σ_i N_i(α) y_ib (1 + Σ_k z_k m_kib) over rows i (samples), signals last, whose yields follow weights w of the bins of the
generated variable: y_ib = fixed_ib + Σ_j density_ibj w_j. α are normalisations (HistFactory interpolation code 4), z shapes, all with unit Gaussians.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Histogram:
    """Shapes: B bins, R rows of which the last S are signals, A normalisations, K shapes, G groups, J bins of the generated variable.

    observed (B,): counts. nominal (R, B): yields at w = 1. high, low (A, R): N_i at α = ±1. shapes (K, R, B): relative shifts for z = 1. statistical
    (G, R, B): relative errors of simulation that the rows of a group have in common. density (S, B, J), fixed (S, B). edges (J + 1,), reference (J,):
    bins of the generated variable and what the signal was generated with, integrated over each.
    """

    observed: np.ndarray
    nominal: np.ndarray
    high: np.ndarray
    low: np.ndarray
    shapes: np.ndarray
    statistical: np.ndarray
    density: np.ndarray
    fixed: np.ndarray
    edges: np.ndarray
    reference: np.ndarray

    @property
    def knots(self) -> np.ndarray:
        """Middles of the bins of the generated variable, with one more beyond each end, shape (J + 2,)."""
        middle = 0.5 * (self.edges[1:] + self.edges[:-1])
        return np.concatenate([[2.0 * self.edges[0] - middle[0]], middle, [2.0 * self.edges[-1] - middle[-1]]])

    @property
    def tents(self) -> tuple[tuple[float, float, float], ...]:
        """Left end, peak and right end of the tent of every knot."""
        knots = self.knots
        around = np.concatenate([[2.0 * knots[0] - knots[1]], knots, [2.0 * knots[-1] - knots[-2]]])
        return tuple(zip(*(np.round(x, 9).tolist() for x in (around[:-2], knots, around[2:]))))

    def response(self) -> np.ndarray:
        """Events of every signal row and bin per unit of the spectrum under every tent, shape (S, B, J + 2).

        Between the middles of bins the efficiency is linear, so that a line moves from one to the next without a jump; it is constant beyond the outer ones.
        Normalised so that the reference gives the density's own sum.
        """
        share = _overlaps(self.edges, self.knots) @ (self.reference / np.diff(self.edges))
        folded = np.concatenate([[share[0] + share[1]], share[2:-2], [share[-2] + share[-1]]])
        efficiency = np.divide(self.density, folded, out=np.zeros_like(self.density), where=folded > 0.0)
        return np.concatenate([efficiency[..., :1], efficiency, efficiency[..., -1:]], axis=-1)

    def to_json(self, **about: str) -> str:
        """A text that `of_json` reads, with five significant digits; about: what stands before."""
        rounded = {field.name: _rounded(getattr(self, field.name)) for field in fields(self)}
        write = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return "{\n" + ",\n".join(f"{write(key)}:{write(value)}" for key, value in (about | rounded).items()) + "\n}\n"

    @classmethod
    def of_json(cls, text: str) -> Histogram:
        """The histogram of a text."""
        entries = json.loads(text)
        return cls(**{field.name: np.array(entries[field.name], float) for field in fields(cls)})


def _overlaps(edges: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """∫ of every tent over every bin, shape (knots, bins); exact: middles of intervals on which both are linear."""
    points = np.unique(np.concatenate([edges, knots[(knots > edges[0]) & (knots < edges[-1])]]))
    middle, width = 0.5 * (points[1:] + points[:-1]), np.diff(points)
    tents = np.array([np.interp(middle, knots, row) for row in np.eye(len(knots))])
    inside = (middle > edges[:-1, None]) & (middle < edges[1:, None])
    return (tents * width) @ inside.T


def _rounded(array: np.ndarray) -> Any:
    """Nested lists of numbers with five digits, whole ones without a point."""
    if array.ndim:
        return [_rounded(row) for row in array]
    value = float(f"{float(array):.5g}")
    return int(value) if value.is_integer() and abs(value) < 1e6 else value
