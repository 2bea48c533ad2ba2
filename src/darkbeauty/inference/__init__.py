"""Posteriors: priors and coordinates, optimisation, sampling, diagnostics, output."""

from darkbeauty.inference.fitting.optimise import Optimum, optimise
from darkbeauty.inference.run import Run, run_fit

__all__ = ["Optimum", "Run", "optimise", "run_fit"]
