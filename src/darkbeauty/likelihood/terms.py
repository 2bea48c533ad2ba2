"""Every likelihood term, by name."""

from __future__ import annotations

from darkbeauty.likelihood.limit_terms import DARK_LIMIT_TERMS, LIMIT_TERMS
from darkbeauty.likelihood.smumu import smumu_data
from darkbeauty.likelihood.term import Term

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
        *LIMIT_TERMS,
        *DARK_LIMIT_TERMS,
    )
}


def list_terms() -> list[str]:
    """Names of all likelihood terms."""
    return list(TERMS)
