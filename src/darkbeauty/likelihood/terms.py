"""Likelihood terms: a measurement (or part of one) and how well the theory knows what it predicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from darkbeauty.inputs.measurements import Measurement, load_measurements
from darkbeauty.likelihood.smumu import smumu_data
from darkbeauty.models import Model


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
        if not model.has_dark_matter:
            return self.observables
        return tuple(name.replace("nunu)", "inv)") for name in self.observables)


TERMS: dict[str, Term] = {
    term.name: term
    for term in (
        Term(
            "R_K",
            "LHCb RK RK* 2022",
            ("<Rmue>(B+->Kll)[1.1,6.0]", "<Rmue>(B+->Kll)[0.1,1.1]"),
            about="lepton-flavour universality in B⁺ → K⁺ℓℓ (LHCb 2022)",
        ),
        Term(
            "R_K*",
            "LHCb RK RK* 2022",
            ("<Rmue>(B0->K*ll)[1.1,6.0]", "<Rmue>(B0->K*ll)[0.1,1.1]"),
            about="lepton-flavour universality in B⁰ → K*⁰ℓℓ (LHCb 2022)",
        ),
        Term(
            "BR(B->Xsgamma)", "B->Xgamma WA 2017", ("BR(B->Xsgamma)",), about="inclusive radiative decay, world average"
        ),
        Term("DeltaM_s", "LHCb DeltaMs 2021", ("DeltaM_s",), about="B_s mass difference (LHCb)"),
        Term(
            "BR(B+->Knunu)",
            "Belle II B->Knunu 2023",
            ("BR(B+->Knunu)",),
            about="B⁺ → K⁺ and missing energy (Belle II 2023)",
        ),
        Term(
            "BR(Bs->mumu)",
            "GSSS combination Bs->mumu 2022",
            ("BR(Bs->mumu)",),
            about="combination of ATLAS, CMS and LHCb",
        ),
        Term(
            "b->smumu",
            "b->smumu",
            smumu_data().observables,
            about="branching ratios and angular observables of B → K(*)μμ and B_s → φμμ, joint theory covariance",
            collect=smumu_data,
        ),
        Term("Omega_h2", "Planck 2018", ("Omega_h2",), 0.10, "dark", "relic density (Planck 2018), 10 % theory error"),
    )
}


def list_terms() -> list[str]:
    """Names of all likelihood terms."""
    return list(TERMS)
