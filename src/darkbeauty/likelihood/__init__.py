"""From predictions to one log-likelihood."""

from darkbeauty.likelihood.build import Likelihood, TermReport, likelihood
from darkbeauty.likelihood.fit import Fit
from darkbeauty.likelihood.fit_file import load_fit
from darkbeauty.likelihood.sampled import SampledLikelihood, sample_nuisances
from darkbeauty.likelihood.term import Term
from darkbeauty.likelihood.terms import PRESETS, TERMS, list_terms

__all__ = [
    "PRESETS",
    "TERMS",
    "Fit",
    "Likelihood",
    "SampledLikelihood",
    "Term",
    "TermReport",
    "likelihood",
    "list_terms",
    "load_fit",
    "sample_nuisances",
]
