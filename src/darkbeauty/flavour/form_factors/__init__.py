"""Local form factors of B → K, B → K*, B_s → φ, B → ρ in the BSZ parametrisation, of B → π in that of Leljak, Melić and van Dyk."""

from collections.abc import Callable

from jax.typing import ArrayLike

from darkbeauty.flavour.form_factors.bcl import b_to_pi
from darkbeauty.flavour.form_factors.bsz import PseudoscalarFormFactors, VectorFormFactors, b_to_k, b_to_v
from darkbeauty.inputs import SMInputs

_TO_PSEUDOSCALAR: dict[str, Callable[[SMInputs, ArrayLike], PseudoscalarFormFactors]] = {
    "B->K": b_to_k,
    "B->pi": b_to_pi,
}


def b_to_p(sm: SMInputs, transition: str, q2: ArrayLike) -> PseudoscalarFormFactors:
    """Form factors of "B->K" or "B->pi"."""
    return _TO_PSEUDOSCALAR[transition](sm, q2)


__all__ = ["PseudoscalarFormFactors", "VectorFormFactors", "b_to_k", "b_to_p", "b_to_pi", "b_to_v"]
