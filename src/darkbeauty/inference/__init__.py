"""Posteriors: priors and coordinates, optimisation, sampling, diagnostics, output."""

from darkbeauty.inference.fitting.optimise import Optimum, optimise
from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.reading import load_fit
from darkbeauty.inference.run import Run, run_fit

__all__ = ["Optimum", "Posterior", "Run", "load_fit", "optimise", "run_fit"]
