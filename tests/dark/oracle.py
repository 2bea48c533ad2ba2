"""⟨σv⟩ by scipy's adaptive quadrature: the formulas of physics.md §7 once more with plain numbers, in pieces around each pole and from each threshold."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.integrate import IntegrationWarning, quad
from scipy.special import kve

M_PLANCK = 1.22089e19
LEPTONS = (0.00051099895, 0.1056583755, 1.77686)
MESONS = ((0.13957039, 2.0), (1.86484, 4.0 / 3.0), (5.27966, 1.0 / 3.0))
"""Lightest pair of each step of R(s), and the step."""
QUARKS = {"u": 0.0022, "d": 0.0047, "s": 0.093, "c": 1.27, "b": 4.18, "t": 172.5}
M_LQ, M_HEAVY = 1200.0, 500.0
VACUUM, HIGGS_WIDTH = (np.sqrt(2.0) * 1.1663788e-5) ** -0.5, 1.0 / 244.6
VECTORS = {"W": (80.379, 2.0), "Z": (91.1876, 1.0)}
HIGGS_FINALS = ("0", "1", "2", *QUARKS, *VECTORS)
"""Leptons by index, quarks, vectors."""
COSINE, WEIGHT = np.polynomial.legendre.leggauss(12)
Pair = tuple[float, float]


class Oracle:
    """A model at a point; `sigma_v(x)` for the light state alone."""

    def __init__(
        self,
        model: str,
        y: float,
        g: float,
        m_zp: float,
        m_dm: float,
        chi: float = 0.0,
        y_eta: float = 0.0,
        m_eta: float = 400.0,
        sin_mix: float | None = None,
        m_heavy: float = M_HEAVY,
        higgs: tuple[float, float, float] | None = None,
    ):
        a = model == "lmu_ltau_s1"
        self.error = 0.0
        self.m, self.m_dm, self.m_heavy, self.y_eta, self.m_eta = m_zp, m_dm, m_heavy, y_eta, m_eta
        sine = sin_mix if sin_mix is not None else (0.5 if a else 0.22)
        cosine = np.sqrt(1.0 - sine**2)
        epsilon = np.sqrt(4.0 * np.pi * 0.00756908489598792 * (1.0 - 0.23121)) * np.tan(chi)
        # contents of e, μ, τ in the light and the heavy state (rows of a rotation), charges, quarks
        mixing = np.array(
            [[0.0, cosine, sine], [0.0, sine, -cosine]] if a else [[cosine, sine, 0.0], [-sine, cosine, 0.0]]
        )
        charge = np.array([0.0, 1.0, -1.0] if a else [1.0, -1.0, 0.0])
        self.dark = g * mixing @ np.diag(charge) @ mixing.T
        self.eta = y_eta * mixing
        self.y = y * mixing[:, 1]
        self.quarks = "dsb" if a else "udscbt"
        # mass, colours, g_V, g_A, lowest √s, lepton flavour
        self.channels = [(LEPTONS[i], 1.0, g * charge[i] + epsilon, 0.0, 2.0 * LEPTONS[i], i) for i in range(3)]
        self.channels += [(0.0, 1.0, 0.5 * g * charge[i], -0.5 * g * charge[i], 0.0, i) for i in range(3) if charge[i]]
        self.channels += [(0.0, rise, epsilon, 0.0, 2.0 * meson, None) for meson, rise in MESONS]
        self.channels = [c for c in self.channels if c[2] or c[3]]
        self.width = sum(self._visible(*channel[:5]) for channel in self.channels)
        self.width += sum(self._dark_width(i, j) for i, j in ((0, 0), (0, 1), (1, 1)))
        # L = −½ λ_ij N̄_iN_j φ₂: M_ff/v₂ for the two flavours that v₂ gives a mass
        flavours = mixing[:, charge != 0.0]
        diagonal = np.diag(flavours.T @ np.diag([m_dm, m_heavy]) @ flavours)
        self.scalar = flavours @ np.diag(diagonal) @ flavours.T * 2.0 * g / m_zp
        self.vacuum_2, self.higgs = m_zp / (2.0 * g), higgs

    def _visible(self, m_f: float, colours: float, g_v: float, g_a: float, threshold: float) -> float:
        if self.m <= threshold:
            return 0.0
        r = (m_f / self.m) ** 2
        shape = g_v**2 * (1.0 + 2.0 * r) + g_a**2 * (1.0 - 4.0 * r)
        return colours * self.m / (12.0 * np.pi) * np.sqrt(1.0 - 4.0 * r) * shape

    def _dark_width(self, i: int, j: int) -> float:
        """c² m/(12π) λ^{1/2} [1 − (r₁+r₂)/2 − (r₁−r₂)²/2 − 3√(r₁r₂)], half of it for identical particles."""
        a, b = (self.masses(i, j)[k] / self.m for k in (0, 1))
        if a + b >= 1.0:
            return 0.0
        flux = np.sqrt((1.0 - (a + b) ** 2) * (1.0 - (a - b) ** 2))
        shape = 1.0 - 0.5 * (a**2 + b**2) - 0.5 * (a**2 - b**2) ** 2 - 3.0 * a * b
        return (0.5 if i == j else 1.0) * self.dark[i, j] ** 2 * self.m / (12.0 * np.pi) * flux * shape

    def masses(self, i: int, j: int) -> Pair:
        both = self.m_dm, self.m_heavy
        return both[i], both[j]

    # -- w(s) = σ s β_i/β_f of each channel, initial masses a and b --------------------------------------------------------------

    def vector(self, i, j, channel, s: float, propagator: complex) -> float:
        m_f, colours, g_v, g_a, _, lepton = channel
        a, b = self.masses(i, j)
        spin_1 = s - 0.5 * (a**2 + b**2) - (a**2 - b**2) ** 2 / (2.0 * s) - 3.0 * a * b if a != b else s - 4.0 * a**2
        total = spin_1 * (g_v**2 * (s + 2.0 * m_f**2) + g_a**2 * (s - 4.0 * m_f**2))
        total += 3.0 * (g_a * m_f * (a + b)) ** 2 * (1.0 - ((a - b) ** 2) / s) * (1.0 - s / self.m**2) ** 2
        total *= colours * self.dark[i, j] ** 2 / (12.0 * np.pi) * abs(propagator) ** 2
        if lepton is not None and self.y_eta:
            coupling2 = self.eta[i, lepton] * self.eta[j, lepton]
            total += self.exchange(i, j, m_f, 1.0, coupling2, self.m_eta, s)
            total += self.interference(i, j, m_f, g_v, g_a, coupling2, s, propagator)
        return total

    def exchange(self, i, j, m_f: float, colours: float, coupling2: float, mediator: float, s: float) -> float:
        t, u, a, b = self._angles(i, j, m_f, s)
        t_pole, u_pole = t - mediator**2, u - mediator**2
        squares = sum((a**2 + m_f**2 - v) * (b**2 + m_f**2 - v) / d**2 for v, d in ((t, t_pole), (u, u_pole)))
        cross = 2.0 * a * b * (s - 2.0 * m_f**2) / (t_pole * u_pole)
        return colours * coupling2**2 / (128.0 * np.pi) * (WEIGHT @ (squares - cross))

    def interference(self, i, j, m_f, g_v, g_a, coupling2: float, s: float, propagator: complex) -> float:
        t, u, a, b = self._angles(i, j, m_f, s)
        total = 0.0
        for v in (t, u):
            x = 8.0 * (g_v - g_a) * ((a**2 + m_f**2 - v) * (b**2 + m_f**2 - v) - a * b * (s - 2.0 * m_f**2))
            x = x + 8.0 * m_f**2 * (g_v + g_a) * (s - a**2 - b**2 - 4.0 * a * b)
            x = x + 8.0 * g_a * m_f**2 * (a + b) ** 2 * (s - (a - b) ** 2) / self.m**2
            total += WEIGHT @ (x / (v - self.m_eta**2))
        return 0.5 * self.dark[i, j] * coupling2 * propagator.real / (128.0 * np.pi) * total

    def _angles(self, i, j, m_f: float, s: float) -> tuple[np.ndarray, np.ndarray, float, float]:
        a, b = self.masses(i, j)
        momentum = 0.5 * np.sqrt(max((s - (a + b) ** 2) * (s - (a - b) ** 2) / s * (1.0 - 4.0 * m_f**2 / s), 0.0))
        middle = 0.5 * (a**2 + b**2) + m_f**2 - 0.5 * s
        step = momentum * np.sqrt(s) * COSINE
        return middle + step, middle - step, a, b

    # -- H1 and H2: sin ζ, m_h1, m_h2 ------------------------------------------------------------------------------------------

    def higgs_partial(self, final: str, m: float) -> float:
        """Tree-level width of a Higgs boson of mass m (textbook)."""
        if final in VECTORS:
            mass, count = VECTORS[final]
            return vector_pair_width(m, mass, VACUUM) * count
        mass, colours = (QUARKS[final], 3.0) if final in QUARKS else (LEPTONS[int(final)], 1.0)
        beta2 = 1.0 - (2.0 * mass / m) ** 2
        return colours * mass**2 * m / (8.0 * np.pi * VACUUM**2) * beta2**1.5 if beta2 > 0.0 else 0.0

    def higgs_width(self, which: int) -> float:
        """cos²ζ times the Standard Model's and sin²ζ times that of a pure φ₂, for H1; the other way around for H2."""
        sin2, m = self.higgs[0] ** 2, self.higgs[1 + which]
        pure = vector_pair_width(m, self.m, self.vacuum_2)
        for i, j, factor in ((0, 0, 0.5), (0, 1, 1.0), (1, 1, 0.5)):
            a, b = self.masses(i, j)
            if a + b < m:
                flux = np.sqrt((1.0 - ((a + b) / m) ** 2) * (1.0 - ((a - b) / m) ** 2)) * (1.0 - ((a + b) / m) ** 2)
                pure += factor * self.scalar[i, j] ** 2 * m / (8.0 * np.pi) * flux
        if which == 0:
            return (1.0 - sin2) * HIGGS_WIDTH + sin2 * pure
        return sin2 * sum(self.higgs_partial(final, m) for final in HIGGS_FINALS) + (1.0 - sin2) * pure

    def scalars(self, x: float) -> float:
        """⟨σv⟩ of N_ℓN_ℓ → H1, H2 → everything: σ = λ²β_i |P₂ − P₁|² (sin ζ cos ζ)² √s Γ(h → X)/2, cut at both poles."""
        poles = [(self.higgs[1 + which], self.higgs_width(which)) for which in (0, 1)]
        strength = self.scalar[0, 0] ** 2 * self.higgs[0] ** 2 * (1.0 - self.higgs[0] ** 2) / 2.0
        total = 0.0
        for final in HIGGS_FINALS:
            mass = VECTORS[final][0] if final in VECTORS else QUARKS.get(final) or LEPTONS[int(final)]

            def w(s: float, first: complex, final=final, mass=mass) -> float:
                second = 1.0 / (s - poles[1][0] ** 2 + 1j * poles[1][0] * poles[1][1])
                partial_width = self.higgs_partial(final, np.sqrt(s)) if s > 4.0 * mass**2 else 0.0
                velocities = (s - 4.0 * self.m_dm**2) / np.sqrt(1.0 - 4.0 * mass**2 / s) if s > 4.0 * mass**2 else 0.0
                return strength * abs(second - first) ** 2 * np.sqrt(s) * partial_width * velocities

            total += self.integral(0, 0, w, mass, 2.0 * mass, x, poles)
        return total

    # -- thermal average -----------------------------------------------------------------------------------------------------------

    def sigma_v(self, x: float) -> float:
        return self.pair(0, 0, x)

    def pair(self, i: int, j: int, x: float) -> float:
        """∫ σ_ij λ_ij/√s K₁(x√s/M) ds · x/(8M⁵K₂²(x)), M and K₂ of the light state."""
        total = 0.0
        for channel in self.channels:
            total += self.integral(
                i, j, partial(self.vector, i, j, channel), channel[0], channel[4], x, [(self.m, self.width)]
            )
        for quark in self.quarks:
            mass, coupling2 = QUARKS[quark], self.y[i] * self.y[j]
            function = lambda s, _, m=mass, c=coupling2: self.exchange(i, j, m, 3.0, c, M_LQ, s)
            total += self.integral(i, j, function, mass, 2.0 * mass, x, [])
        return total

    def integral(
        self, i: int, j: int, w: Callable, m_f: float, root_s_min: float, x: float, poles: list[Pair]
    ) -> float:
        """From one threshold, in e with s = s_min + (e + e₀)², (e₀)² = m² − s_min of the first pole (m, Γ); w of s and its propagator."""
        a, b = self.masses(i, j)
        root_s_min = max(root_s_min, a + b)
        s_min, m_dm = root_s_min**2, self.m_dm
        m, width = poles[0] if poles else (root_s_min, root_s_min)
        distance, m_gamma = (m - root_s_min) * (m + root_s_min), m * width
        centre = np.sqrt(max(distance, 0.0))

        def integrand(e: float) -> float:
            t = centre + e
            s = s_min + t**2
            offset = e * (e + 2.0 * centre) if distance > 0.0 else t**2 - distance
            # both square roots from exact distances to their thresholds
            beta_i = np.sqrt((s_min - (a + b) ** 2 + t**2) * (1.0 - (a - b) ** 2 / s) / s)
            beta_f = np.sqrt((s_min - 4.0 * m_f**2 + t**2) / s)
            root = np.sqrt(s)
            excess = (s_min - 4.0 * m_dm**2 + t**2) / (2.0 * m_dm * (root + 2.0 * m_dm))
            bessel = kve(1, x * root / m_dm) / kve(2, x) ** 2 * np.exp(-2.0 * x * excess)
            flux = beta_i * beta_f * root * 2.0 * t * x / (8.0 * m_dm**5)
            return w(s, 1.0 / (offset + 1j * m_gamma)) * flux * bessel

        reach = root_s_min + 80.0 * m_dm / x
        end = np.sqrt(reach**2 - s_min)
        around = np.concatenate([[], *(cuts(s_min, *pole) for pole in poles)]) - centre
        thermal = end * np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7]) - centre
        edges = [-centre, *sorted({float(e) for e in [*around, *thermal, 0.0] if -centre < e < end - centre})]
        edges.append(end - centre)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IntegrationWarning)  # about pieces of rounding error
            pieces = [quad(integrand, p, q, epsabs=0.0, epsrel=1e-10, limit=100) for p, q in pairwise(edges)]
        values, errors = zip(*pieces)
        self.error += sum(errors)
        return sum(values)


def cuts(s_min: float, m: float, width: float) -> np.ndarray:
    """Points at decades of the distance to a pole, in t with s = s_min + t²."""
    distance, m_gamma = m**2 - s_min, m * width
    centre = np.sqrt(max(distance, 0.0))
    scale = m_gamma / (2.0 * centre) if centre**2 > m_gamma else np.sqrt(max(abs(distance), m_gamma))
    decades = scale * 10.0 ** np.arange(-1.0, 12.0)
    return centre + np.concatenate([-decades, [0.0], decades])


def vector_pair_width(m: float, mass: float, vacuum: float) -> float:
    """Γ(φ → VV) = m³/(32π v²) √(1−4r)(1−4r+12r²) of two identical vectors of coupling 2 M_V²/v."""
    r = (mass / m) ** 2
    return (
        m**3 / (32.0 * np.pi * vacuum**2) * np.sqrt(1.0 - 4.0 * r) * (1.0 - 4.0 * r + 12.0 * r**2) if r < 0.25 else 0.0
    )
