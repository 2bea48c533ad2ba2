"""From predictions to one log-likelihood."""

from darkbeauty.likelihoods.build import Likelihood, TermReport, likelihood
from darkbeauty.likelihoods.density import Density, density
from darkbeauty.likelihoods.fit import Fit, checked_seed
from darkbeauty.likelihoods.fit_file import load_fit
from darkbeauty.likelihoods.histfactory import histfactory_term
from darkbeauty.likelihoods.own_terms import own_term
from darkbeauty.likelihoods.sampled import SampledLikelihood, sample_nuisances
from darkbeauty.likelihoods.term import Term
from darkbeauty.likelihoods.terms import PRESETS, TERMS, list_terms

__all__ = [
    "PRESETS",
    "TERMS",
    "Density",
    "Fit",
    "Likelihood",
    "SampledLikelihood",
    "Term",
    "TermReport",
    "checked_seed",
    "density",
    "histfactory_term",
    "likelihood",
    "list_terms",
    "load_fit",
    "own_term",
    "sample_nuisances",
]
