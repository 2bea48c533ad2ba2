r"""Terms of limits.

A limit with strength s = signal/limit at confidence level CL enters as the Gaussian s = 0 ± 1/Φ⁻¹((1 + CL)/2): as s ≥ 0, that is the half-normal
of which exactly CL lies at s ≤ 1.
"""

from __future__ import annotations

from functools import partial
from statistics import NormalDist

import numpy as np

from darkbeauty.inputs.blocks import LimitBlock
from darkbeauty.inputs.limits import limit_observable
from darkbeauty.inputs.measurements import Measurement
from darkbeauty.likelihoods.term import GaussianTerm


def z_score(cl: float) -> float:
    """Φ⁻¹((1 + CL)/2): 1.645 at 90 %, 1.960 at 95 %."""
    return NormalDist().inv_cdf(0.5 * (1.0 + cl))


def limit_data(block: LimitBlock) -> Measurement:
    """s = 0 ± 1/z for a limit on s = 1 at its confidence level; 0 ± 1 for a band, whose strength counts standard deviations."""
    assert block.cl is not None
    sigma = 1.0 if block.kind == "band" else 1.0 / z_score(block.cl)
    return Measurement(
        block.name,
        block.references,
        block.found,
        "current",
        (limit_observable(block.name),),
        np.zeros(1),
        np.array([[sigma**2]]),
        note=block.note,
        excluded=("",),
        limits=(None,),
        dataset=block.dataset,
    )


def limit_term(block: LimitBlock) -> GaussianTerm:
    """The term of a limit that is to be fitted."""
    assert block.cl is not None
    side = "above" if block.quantity == "m_lq" else "below"
    against = f"{side} its limit at {100 * block.cl:g} % CL"
    if block.kind == "band":
        against = "against the measured band, one-sided"
    return GaussianTerm(
        f"limit {block.name}",
        block.name,
        (limit_observable(block.name),),
        f"{block.name}: {block.quantity} {against}",
        block.dataset,
        tuple(block.independent_of),
        0.0,
        partial(limit_data, block),
    )
