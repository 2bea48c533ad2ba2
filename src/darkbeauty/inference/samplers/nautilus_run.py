r"""One run of nautilus (arXiv:2306.16923): importance nested sampling of a density over the unit cube.

Exploration draws nested bounds around the points of largest density, by ellipsoids and small neural networks, until the live points hold little of the
integral; sampling then draws afresh from the shells between these bounds. What comes of the second phase alone is an importance sample over all of the
cube, so that the integral is unbiased however well the bounds were drawn; they decide what its error is.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import logsumexp

from darkbeauty import files

BATCH = 256
"""Points that are evaluated together."""
NETWORKS = 1
"""Neural networks of a bound: four, of which nautilus takes the mean, cost more time than they save evaluations here."""
ENLARGED = 1.3
"""How much larger, in every dimension, bounds are than the points that they are drawn around: with nautilus' own 1.1 they cut off what is narrow, 15 % of a funnel."""
LIVE_LEFT = 0.01
"""Share of the integral that the live points hold where exploration ends."""
BARREN, MOST = 100_000, 2_000_000
"""Evaluations after which a run ends that has found no volume with a density, and any run."""
EXPECTED = 2.0
"""How often a shell may hold what exploration expected of it; what it holds beyond is a surprise."""


class Weighted(NamedTuple):
    """Points u of the unit cube (k, n), the logarithms of their weights, normalised to a sum of 1, and of the density there."""

    u: np.ndarray
    log_weight: np.ndarray
    log_density: np.ndarray

    @property
    def ess(self) -> float:
        """Effective number of them, (Σw)²/Σw²."""
        return 0.0 if np.isnan(self.log_weight).any() else float(1.0 / np.sum(np.exp(2.0 * self.log_weight)))


class NautilusRun:
    """A run that goes on batch by batch.

    Args     evaluate: u (BATCH, n) → log density, −∞ where there is none; size: n; live: points that a new bound is drawn around; stored: `stored()` of an earlier one
    """

    def __init__(
        self,
        evaluate: Callable[[np.ndarray], np.ndarray],
        size: int,
        live: int,
        seed: int,
        stored: np.ndarray | None = None,
    ):
        from nautilus import Sampler  # takes a second, of commands that have no use for it too

        self.size, self.bounds = size, 0
        options: dict[str, Any] = {"n_live": live, "n_batch": BATCH, "vectorized": True}
        options |= {"n_networks": NETWORKS, "enlarge_per_dim": ENLARGED}
        likelihood = lambda u: evaluate(u[:, :size])  # nautilus needs a second dimension
        with _file(stored) as path:
            self._sampler: Any = Sampler(lambda u: u, likelihood, max(size, 2), seed=seed, filepath=path, **options)
        self._sampler.filepath = None

    def advance(self, enough: float) -> bool:
        """The next batch, with a new bound before it where it is time for one: whether that is a stage worth storing."""
        with _quiet():
            self._sampler.run(f_live=LIVE_LEFT, n_eff=enough, n_like_max=self.evaluations + 1, discard_exploration=True)
        before, self.bounds = self.bounds, len(self._sampler.bounds)
        return self.bounds != before

    def done(self, enough: float) -> bool:
        """Whether it has as many effective points as asked for, or will never have them."""
        sampler = self._sampler
        if self.evaluations >= MOST or (self.barren and self.evaluations >= BARREN):
            return True
        with _quiet():
            return bool(sampler.explored and np.all(sampler.shell_n >= 1) and sampler.n_eff >= enough)

    @property
    def explored(self) -> bool:
        """Whether exploration is over."""
        return bool(self._sampler.explored)

    @property
    def evaluations(self) -> int:
        return int(self._sampler.n_like)

    @property
    def alive(self) -> int:
        """How many points have a density."""
        return sum(int(np.sum(part > -np.inf)) for part in self._sampler.log_l)

    @property
    def barren(self) -> bool:
        """Whether too few points with a density are known to draw a bound around."""
        return len(self._sampler.bounds) <= 1 and self.alive < self._sampler.n_points_min

    def percent(self, enough: float) -> int:
        """How far it is, roughly: four fifths are exploration."""
        sampler = self._sampler
        with _quiet():
            if sampler.explored:
                return int(80 + 20 * min(sampler.n_eff / enough, 1.0))
            left = sampler.f_live if len(sampler.bounds) > 1 else 1.0
        return int(80 * min(np.log(left) / np.log(LIVE_LEFT), 1.0)) if 0.0 < left < 1.0 else 0

    @property
    def log_z(self) -> float:
        """ln of the integral, from the sampling phase alone."""
        with _quiet():
            return float(self._sampler.log_z)

    def weighted(self) -> Weighted:
        """The points of the sampling phase; of exploration, where that did not end."""
        with _quiet():
            u, log_weight, log_density = self._sampler.posterior()
        return Weighted(u[:, : self.size], log_weight, log_density)

    def prior_points(self) -> tuple[np.ndarray, np.ndarray]:
        """All points of the outermost shell, which are spread evenly over what no bound took, and their log densities."""
        return self._sampler.points[0][:, : self.size], self._sampler.log_l[0]

    def surprise(self) -> float:
        """Share of the integral, by the sampling phase, that shells hold beyond twice what exploration expected of them."""
        sampler = self._sampler
        if not sampler.explored:
            return float("nan")
        ends = sampler.shell_end_exp
        with _quiet():
            bounds = np.array([bound.log_v for bound in sampler.bounds])
            before = [logsumexp(part[:end]) if end else -np.inf for part, end in zip(sampler.log_l, ends)]
            expected = bounds + np.array(before) - np.log(sampler.shell_n_sample_exp)
            sampled = sampler.shell_log_l + sampler.shell_log_v
            share, least = (np.exp(part - np.max(sampled)) for part in (sampled, expected))
            return float(np.sum(np.maximum(share - EXPECTED * least, 0.0)) / np.sum(share))

    def stored(self) -> np.ndarray:
        """All of it, as bytes of the file that nautilus writes."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run.h5"
            self._sampler.write(path)
            return np.frombuffer(path.read_bytes(), np.uint8)


@contextmanager
def _quiet() -> Iterator[None]:
    """Shells without points or density are nothing to warn of, nor are networks that have learnt enough."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _file(stored: np.ndarray | None) -> Iterator[Path | None]:
    """A file with these bytes."""
    if stored is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.h5"
        yield files.write(path, stored.tobytes())
