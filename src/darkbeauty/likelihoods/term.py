"""What a likelihood term is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from darkbeauty.inputs.measurements import Measurement
from darkbeauty.models import Model
from darkbeauty.prediction import visible

FREEZE_OUT = "freeze_out"
RELIC_METHODS = {FREEZE_OUT: "Omega_h2", "boltzmann": "Omega_h2(boltzmann)", "kinetic": "Omega_h2(kinetic)"}
"""The observable behind the term Omega_h2, by how a likelihood computes it."""


@dataclass(frozen=True)
class Term:
    """A Gaussian term.

    measurement: the block of data it is from, or its own name if it is made of several; read() → its measured values; observables: of these values, in
    their order. relative_theory: theory error as a fraction of the measured value; None: from the hadronic and CKM nuisances at the SM point.
    dataset: the events behind the values; independent_of: terms with which it may be used although they have some of them in common.
    """

    name: str
    measurement: str
    observables: tuple[str, ...]
    read: Callable[[], Measurement]
    relative_theory: float | None = None
    about: str = ""
    dataset: tuple[str, ...] = ()
    independent_of: tuple[str, ...] = ()

    def data(self) -> Measurement:
        """The measured values of the term's observables and their covariance."""
        return self.read()

    def shared_with(self, other: Term) -> tuple[str, ...]:
        """What both are measured from, unless one of them declares that it does not matter."""
        if other.name in self.independent_of or self.name in other.independent_of:
            return ()
        return tuple(events for events in self.dataset if events in other.dataset)

    def with_relic(self, method: str) -> Term:
        """The same term with the relic density by another method, a name of RELIC_METHODS."""
        other = {"Omega_h2": RELIC_METHODS[method]}
        return dataclasses.replace(self, observables=tuple(other.get(name, name) for name in self.observables))

    def predicted(self, model: Model) -> tuple[str, ...]:
        """The observables a model predicts for this term: missing energy is more than neutrinos where there is dark matter."""
        return tuple(visible(model, name) for name in self.observables)
