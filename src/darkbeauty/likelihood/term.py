"""What a likelihood term is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from darkbeauty.inputs.measurements import Measurement, load_measurements
from darkbeauty.models import Model
from darkbeauty.predict import visible


@dataclass(frozen=True)
class Term:
    """A Gaussian term.

    observables: the entries of the measurement it uses. relative_theory: theory error as a fraction of the measured value; None: from the
    hadronic and CKM nuisances at the SM point. needs: "dark" if only a model with dark matter predicts it. collect: for a term made of several
    measurements, what joins them (`measurement` is then a name for the set).
    """

    name: str
    measurement: str
    observables: tuple[str, ...]
    relative_theory: float | None = None
    needs: str = ""
    about: str = ""
    collect: Callable[[], Measurement] | None = None

    def data(self) -> Measurement:
        """The measured values of the term's observables and their covariance."""
        if self.collect:
            return self.collect()
        return load_measurements()[self.measurement].select(self.observables)

    def predicted(self, model: Model) -> tuple[str, ...]:
        """The observables a model predicts for this term: missing energy is more than neutrinos where there is dark matter."""
        return tuple(visible(model, name) for name in self.observables)
