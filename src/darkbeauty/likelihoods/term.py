"""What a likelihood term is: observables, and how they become a part of the likelihood."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from darkbeauty.inputs.blocks import CountsBlock
from darkbeauty.inputs.histogram import Histogram
from darkbeauty.inputs.measurements import Measurement
from darkbeauty.likelihoods.counts import Counts
from darkbeauty.likelihoods.part import Part
from darkbeauty.likelihoods.relative import Relative
from darkbeauty.models import Model
from darkbeauty.prediction import rewritten, visible

FREEZE_OUT, KINETIC = "freeze_out", "kinetic"
RELIC_METHODS = {FREEZE_OUT: "Omega_h2"} | {m: f"Omega_h2({m})" for m in ("boltzmann", KINETIC, "phase_space")}
"""The observable behind the term Omega_h2, by how a likelihood computes it."""
PREDICTED_ERRORS = {KINETIC: "Omega_h2_error(kinetic)"}
"""The theory error that a method predicts beside it."""


@dataclass(frozen=True)
class Term:
    """What terms of every kind say of themselves.

    measurement: the block of data it is from, or its own name if it is made of several; observables: what it reads, in order; dataset: the events behind
    it; independent_of: terms with which it may be used although they have some of them in common. relative_theory: theory error as a fraction of
    the measured value; None: from the hadronic and CKM nuisances at the SM point.
    """

    name: str
    measurement: str
    observables: tuple[str, ...]
    about: str
    dataset: tuple[str, ...]
    independent_of: tuple[str, ...]
    relative_theory: float | None

    @property
    def references(self) -> tuple[str, ...]:
        """Publications."""
        raise NotImplementedError

    @property
    def fingerprint(self) -> str:
        """Of its numbers, for a term that a fit brings itself."""
        raise NotImplementedError

    @property
    def simulated(self) -> bool:
        """Whether it can say what else might have been measured."""
        return True

    def part(self, model: Model) -> Part:
        """−2 ln L of its predictions."""
        raise NotImplementedError

    def shared_with(self, other: Term) -> tuple[str, ...]:
        """What both are measured from, unless one of them declares that it does not matter."""
        if other.name in self.independent_of or self.name in other.independent_of:
            return ()
        return tuple(events for events in self.dataset if events in other.dataset)

    def with_relic(self, method: str) -> Term:
        """The same term with the relic density by another method, a name of RELIC_METHODS."""
        other = {"Omega_h2": RELIC_METHODS[method]}
        observables = tuple(rewritten(label, lambda name: other.get(name, name)) for label in self.observables)
        return self if observables == self.observables else dataclasses.replace(self, observables=observables)

    def predicted(self, model: Model) -> tuple[str, ...]:
        """The observables a model predicts for this term: missing energy is more than neutrinos where there is dark matter."""
        return tuple(visible(model, name) for name in self.observables)


@dataclass(frozen=True)
class GaussianTerm(Term):
    """Measured numbers: read() → their values and covariance. All of a fit are one part of its likelihood."""

    read: Callable[[], Measurement]

    def data(self) -> Measurement:
        """The measured values of the term's observables and their covariance."""
        return self.read()

    @property
    def references(self) -> tuple[str, ...]:
        return self.data().references

    def with_relic(self, method: str) -> Term:
        """One whose method predicts an error is no Gaussian any more."""
        term = super().with_relic(method)
        if term is self or method not in PREDICTED_ERRORS:
            return term
        observables = (*term.observables, PREDICTED_ERRORS[method])
        own = (self.about, self.dataset, self.independent_of, self.relative_theory)
        return RelativeTerm(self.name, self.measurement, observables, *own, self.read)


@dataclass(frozen=True)
class RelativeTerm(Term):
    """A positive number whose theory error is predicted (`relative`), in quadrature with a fraction that is not: read() → its value and variance."""

    read: Callable[[], Measurement]

    @property
    def references(self) -> tuple[str, ...]:
        return self.read().references

    def part(self, model: Model) -> Relative:
        measured = self.read()
        return Relative.of(float(measured.values[0]), float(measured.covariance[0, 0]), self.relative_theory or 0.0)


@dataclass(frozen=True)
class CountsTerm(Term):
    """Counts whose signal follows a spectrum (`counts`): read() → the histogram. Its theory errors are the workspace's own."""

    read: Callable[[], Histogram]
    cited: tuple[str, ...]
    whole: str

    @property
    def references(self) -> tuple[str, ...]:
        return self.cited

    @property
    def fingerprint(self) -> str:
        """Of its numbers."""
        digest = hashlib.sha256()
        for array in vars(self.read()).values():
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def part(self, model: Model) -> Counts:
        return Counts.of(self.read(), visible(model, self.whole))


def counts_term(block: CountsBlock, read: Callable[[], Histogram]) -> CountsTerm:
    """The term of a block of counts."""
    labels = tuple(f"{block.spectrum}[{','.join(f'{q2:.9g}' for q2 in tent)}]" for tent in read().tents)
    own = (block.about, block.dataset, tuple(block.independent_of), 0.0)
    return CountsTerm(block.name, block.name, labels, *own, read, block.references, block.whole)


def ordered(terms: Iterable[Term]) -> tuple[Term, ...]:
    """As a likelihood has them: measured numbers first."""
    return tuple(sorted(terms, key=lambda term: not isinstance(term, GaussianTerm)))


def gaussian(terms: Iterable[Term]) -> tuple[GaussianTerm, ...]:
    """Those that are measured numbers."""
    return tuple(term for term in terms if isinstance(term, GaussianTerm))
