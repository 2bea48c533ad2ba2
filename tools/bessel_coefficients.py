"""Regenerate the coefficients of darkbeauty.numerics.bessel with mpmath, and check the ones in the file.

    python tools/bessel_coefficients.py            prints the tuples as Python source
    python tools/bessel_coefficients.py --check    compares them with bessel.py, exit code 1 if they differ

Small z (0 < z ≤ 2), t = z²/4: polynomials through the Chebyshev nodes of [0, 1], in monomial form, of the four entire functions
    I0(z), I1(z)/z, p0 = Σ ψ(k+1) tᵏ/k!², p1 = −¼ Σ [ψ(k+1)+ψ(k+2)] tᵏ/(k!(k+1)!)
with K0 = p0 − ln(z/2) I0 and K1 = 1/z + z [p1 + ln(z/2) I1/z].      (Abramowitz–Stegun 9.6.11, 9.6.13)
Their Taylor coefficients fall like 1/k!², so the monomial form loses nothing.

Large z (z ≥ 2), w = 1/z: √z e^z K_n(z) = P(w)/Q(w), collocated at the Chebyshev nodes of w ∈ [0, 1/2]. √z e^z K_n is a Stieltjes
function of w, so all coefficients of P and Q come out positive: a Horner evaluation for w > 0 has no cancellation. (A Chebyshev
series in 4/z − 1 needs 25 terms for what P and Q do with 8 + 8.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import mpmath as mp

SWITCH = 2
SMALL_DEGREE = 9
LARGE_DEGREE = 7


def chebyshev_nodes(lower: mp.mpf, upper: mp.mpf, n: int) -> list[mp.mpf]:
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    return [middle + half * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]


def polynomial(f: Callable[[mp.mpf], mp.mpf], upper: mp.mpf, degree: int) -> list[mp.mpf]:
    """Monomial coefficients, lowest first, of the interpolant of f at Chebyshev nodes of [0, upper]."""
    nodes = chebyshev_nodes(mp.mpf(0), upper, degree + 1)
    matrix = mp.matrix([[x**k for k in range(degree + 1)] for x in nodes])
    return list(mp.lu_solve(matrix, mp.matrix([f(x) for x in nodes])))


def rational(f: Callable[[mp.mpf], mp.mpf], upper: mp.mpf, degree: int) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """Coefficients, lowest first, of P and Q (Q(0) = 1, both of this degree) with P/Q = f at Chebyshev nodes of [0, upper]."""
    nodes = chebyshev_nodes(mp.mpf(0), upper, 2 * degree + 1)
    values = [f(x) for x in nodes]
    rows = [
        [x**k for k in range(degree + 1)] + [-value * x**k for k in range(1, degree + 1)]
        for x, value in zip(nodes, values, strict=True)
    ]
    solution = list(mp.lu_solve(mp.matrix(rows), mp.matrix(values)))
    return solution[: degree + 1], [mp.mpf(1), *solution[degree + 1 :]]


def entire_series(term: Callable[[int], mp.mpf]) -> Callable[[mp.mpf], mp.mpf]:
    coefficients = [term(k) for k in range(40)]
    return lambda t: mp.fsum(c * t**k for k, c in enumerate(coefficients))


def tables() -> dict[str, list[float]]:
    t_max = mp.mpf(SWITCH) ** 2 / 4
    psi, fac = mp.digamma, mp.factorial
    small = {
        "_I0": lambda k: 1 / fac(k) ** 2,
        "_I1_OVER_Z": lambda k: 1 / (2 * fac(k) * fac(k + 1)),
        "_P0": lambda k: psi(k + 1) / fac(k) ** 2,
        "_P1": lambda k: -(psi(k + 1) + psi(k + 2)) / (4 * fac(k) * fac(k + 1)),
    }
    out = {name: polynomial(entire_series(term), t_max, SMALL_DEGREE) for name, term in small.items()}
    for n in (0, 1):
        scaled = lambda w, n=n: mp.sqrt(1 / w) * mp.exp(1 / w) * mp.besselk(n, 1 / w)
        out[f"_K{n}_NUMERATOR"], out[f"_K{n}_DENOMINATOR"] = rational(scaled, 1 / mp.mpf(SWITCH), LARGE_DEGREE)
    return {name: [float(c) for c in values] for name, values in out.items()}


def check(expected: dict[str, list[float]]) -> int:
    from darkbeauty.numerics import bessel

    wrong = [name for name, values in expected.items() if getattr(bessel, name) != tuple(values)]
    print("differ: " + ", ".join(wrong) if wrong else "bessel.py has exactly these coefficients")
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    mp.mp.dps = 60
    result = tables()
    if "--check" in arguments:
        return check(result)
    for name, values in result.items():
        print(f"{name} = (")
        print("".join(f"    {value!r},\n" for value in values) + ")")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
