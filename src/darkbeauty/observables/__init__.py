"""The only registry: every observable with what computes it, unit, TeX, references. An explicit tuple, nothing registers itself."""

from darkbeauty.observables import (
    b_to_invisible,
    b_to_p_ll,
    b_to_v_gamma,
    b_to_v_ll,
    b_to_xs_gamma,
    bs,
    direct_detection,
    higgs,
    kaons,
    lambda1520,
    lambdab_lambda,
    leptonic,
    limits,
    meson_mixing,
    relic,
    violating,
    wilson,
    z_prime,
)
from darkbeauty.observables.expression import Expression, read_expression
from darkbeauty.observables.observable import (
    Combined,
    Observable,
    Request,
    Results,
    Source,
    combined,
    elementary,
    read,
)

REGISTRY: tuple[Observable, ...] = (
    *z_prime.OBSERVABLES,
    *wilson.OBSERVABLES,
    *b_to_p_ll.OBSERVABLES,
    *b_to_v_ll.OBSERVABLES,
    *b_to_v_gamma.OBSERVABLES,
    *b_to_invisible.OBSERVABLES,
    *b_to_xs_gamma.OBSERVABLES,
    *bs.OBSERVABLES,
    *violating.OBSERVABLES,
    *meson_mixing.OBSERVABLES,
    *kaons.OBSERVABLES,
    *lambda1520.OBSERVABLES,
    *lambdab_lambda.OBSERVABLES,
    *relic.OBSERVABLES,
    *direct_detection.OBSERVABLES,
    *leptonic.OBSERVABLES,
    *higgs.OBSERVABLES,
    *limits.OBSERVABLES,
)
BY_NAME: dict[str, Observable] = {observable.name: observable for observable in REGISTRY}

__all__ = [
    "BY_NAME",
    "REGISTRY",
    "Combined",
    "Expression",
    "Observable",
    "Request",
    "Results",
    "Source",
    "combined",
    "elementary",
    "read",
    "read_expression",
]
