"""From predictions to one log-likelihood."""

from darkbeauty.likelihoods.build import Likelihood, TermReport, likelihood
from darkbeauty.likelihoods.fit import Fit, checked_seed
from darkbeauty.likelihoods.fit_file import load_fit
from darkbeauty.likelihoods.histfactory import histfactory_term
from darkbeauty.likelihoods.sampled import SampledLikelihood, sample_nuisances
from darkbeauty.likelihoods.term import Term
from darkbeauty.likelihoods.terms import PRESETS, TERMS, list_terms

__all__ = [
    "PRESETS",
    "TERMS",
    "Fit",
    "Likelihood",
    "SampledLikelihood",
    "Term",
    "TermReport",
    "checked_seed",
    "histfactory_term",
    "likelihood",
    "list_terms",
    "load_fit",
    "sample_nuisances",
]
