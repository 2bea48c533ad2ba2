"""What a converged run should be read with: signs that its numbers rest on less than R̂ and the effective sizes say."""

from __future__ import annotations

import numpy as np

from darkbeauty.inference.samplers.sampler import Draws
from darkbeauty.likelihoods.fit_schema import TargetSection
from darkbeauty.units import percent

SATURATED, LOW_ENERGY, FEW_JUMPS, CLOSE = 0.1, 0.3, 0.1, 0.5
"""Share of trees cut off, E-BFMI (arXiv:1701.02434), share of global proposals accepted, and share of the target of the surprise, beyond which there is a word."""


def warnings_of(draws: Draws, targets: TargetSection, cut_off: float, lowest_bfmi: float) -> tuple[str, ...]:
    """Each with what to do. cut_off: share of the trees of NUTS; lowest_bfmi: of any chain, NaN without energies."""
    attrs, said = draws.attrs, []
    jumps = attrs.get("global_accept", 0.0) if attrs.get("global_proposals") else np.nan
    if cut_off > SATURATED:
        rests = f" the chains move by global proposals ({percent(jumps)} accepted)" if jumps > 0.0 else " short steps"
        said.append(f"{percent(cut_off)} of the trees end at their largest depth:{rests}; a larger max_depth tells")
    if lowest_bfmi < LOW_ENERGY:
        said.append(f'E-BFMI = {lowest_bfmi:.2f}: tails may be missed; a longer warm-up, or method = "nested"')
    if jumps < FEW_JUMPS:
        said.append(
            f'{percent(jumps)} of the global proposals accepted: modes may have wrong weights; method = "nested" tells'
        )
    if attrs.get("surprise", 0.0) > CLOSE * targets.surprise:
        said.append(
            f"{percent(attrs['surprise'])} of the posterior where little was expected: more live points or particles tell"
        )
    return tuple(said)
