"""Local form factors of B → K, B → K* and B_s → φ in the BSZ parametrisation."""

from darkbeauty.flavour.form_factors.bsz import PseudoscalarFormFactors, b_to_k

__all__ = ["PseudoscalarFormFactors", "b_to_k"]
