"""Local form factors of B → K, B → K* and B_s → φ in the BSZ parametrisation."""

from darkbeauty.flavour.form_factors.bsz import PseudoscalarFormFactors, VectorFormFactors, b_to_k, b_to_v

__all__ = ["PseudoscalarFormFactors", "VectorFormFactors", "b_to_k", "b_to_v"]
