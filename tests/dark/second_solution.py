"""Kinetic decoupling a second time, by NumPy and scipy alone: amplitudes from explicit spinors, other grids, the equations for Y and y = M T_χ s^{−2/3} of physics_2.md §15."""

from __future__ import annotations

from functools import cached_property

import amplitudes
import numpy as np
from oracle import M_LQ, M_PLANCK, QUARKS, Oracle
from scipy.integrate import solve_ivp
from scipy.interpolate import BarycentricInterpolator, CubicSpline
from scipy.special import kve
from spinors import GAMMA

from darkbeauty.inputs import load_sm

MESONS = ((0.13957039, 0.77526), (0.493677, 0.89555))
"""π and K, and the vector meson in the form factor of each."""
T_QCD, WIDTH = 0.1565, 0.01
NO_MASS, AT_THRESHOLD = 1e-7, 1e-9
X_START, X_LAST = 8.0, 1e6
COLDEST = 1e13
HIGHEST = 80.0
"""2xε of the last node of a thermal average."""


def panels(edges: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes and weights on all panels."""
    node, weight = np.polynomial.legendre.leggauss(n)
    middle, half = 0.5 * (edges[1:] + edges[:-1]), 0.5 * np.diff(edges)
    return (middle[:, None] + half[:, None] * node).ravel(), (half[:, None] * weight).ravel()


class Second:
    """A model at a point: `omega(scale of γ)`. Couplings and widths are those of `oracle`."""

    degrees = 2.0

    def __init__(self, model: str, y: float, g: float, m_zp: float, m_dm: float):
        self.point = Oracle(model, y, g, m_zp, m_dm)
        self._begin(m_zp, m_dm, self.point.width)

    def _begin(self, m_pole: float, mass: float, width: float) -> None:
        self.m, self.mass, self.width = m_pole, mass, width
        table = load_sm().thermodynamics
        self.log_t, self.g_rho, self.g_s = (np.asarray(column) for column in (table.log_t, table.g_rho, table.g_s))

    # -- annihilation: w(s) = σ s β_i/β_f ----------------------------------------------------------------------------------------

    def _shape(self, amplitude, m_f: float, nodes: int, p_wave: bool):
        """1/(128π) ∫dcosθ Σ|M|² as a polynomial in ln s, of a p wave times s − 4M²."""
        low = 2.0 * max(self.mass, m_f)
        angle, weight = np.polynomial.legendre.leggauss(16)
        along = 0.5 - 0.5 * np.cos(np.pi * np.arange(nodes) / (nodes - 1)) + AT_THRESHOLD
        log_s = 2.0 * np.log(low * (1.0 + 0.5 * HIGHEST / X_START * along))
        s, cosine = np.repeat(np.exp(log_s), 16), np.tile(angle, nodes)
        p = amplitudes.momenta(s, cosine, (self.mass, self.mass), (m_f, m_f))
        squares = amplitudes.summed(amplitude(p)).reshape(nodes, 16) @ weight / (128.0 * np.pi)
        factor = lambda s: s - 4.0 * self.mass**2 if p_wave else 1.0
        smooth = BarycentricInterpolator(log_s, squares / factor(np.exp(log_s)))
        return lambda s: smooth(np.log(s)) * factor(s)

    @cached_property
    def spectrum(self) -> tuple[np.ndarray, np.ndarray]:
        """ε = √s/2M − 1 at nodes, and w β_i β_f √s ds there: an average without its thermal kernel."""
        excess, weight = self._nodes([c[0] / self.mass - 1.0 for c in self.finals if c[0] > self.mass])
        root = 2.0 * self.mass * (1.0 + excess)
        propagator2 = self._propagator2(excess)
        beta = np.sqrt(excess * (2.0 + excess)) / (1.0 + excess)
        total = np.zeros_like(excess)
        for m_f, strength, shape, resonant in self.finals:
            is_open = root > 2.0 * m_f
            beta_f = np.sqrt(np.where(is_open, 1.0 - (2.0 * m_f / root) ** 2, 0.0))
            value = np.where(is_open, shape(np.where(is_open, root, 3.0 * m_f) ** 2), 0.0)
            total += strength * value * beta_f * (propagator2 if resonant else 1.0)
        return excess, total * beta * root * 2.0 * root * 2.0 * self.mass * weight

    def _nodes(self, thresholds: list[float]) -> tuple[np.ndarray, np.ndarray]:
        """ε and dε, close where ε is small, at thresholds and at the pole."""
        pole, thin = self.m / (2.0 * self.mass) - 1.0, self.width / (4.0 * self.mass)
        decades = np.geomspace(1e-15, 10.0, 60)
        around = np.concatenate([[0.0], thin * 2.0 ** np.arange(-2.0, 45.0)])
        edges = [0.0, *decades, *(pole + around), *(pole - around)]
        edges += [t + d for t in thresholds for d in np.concatenate([[0.0], decades])]
        end = HIGHEST / (2.0 * X_START)
        edges = np.unique(np.clip(edges, 0.0, end))
        return panels(edges, 10)

    def _propagator2(self, excess: np.ndarray) -> np.ndarray:
        pole = self.m / (2.0 * self.mass) - 1.0
        off = 4.0 * self.mass**2 * (excess - pole) * (2.0 + excess + pole)
        return 1.0 / (off**2 + (self.m * self.width) ** 2)

    @cached_property
    def finals(self) -> list[tuple]:
        """Mass, couplings², shape and whether there is the pole, of every final state."""
        point, rows = self.point, []
        by_vector = lambda m_f, vertex: lambda p: amplitudes.annihilation_by_vector(p, self.mass, m_f, self.m, vertex)
        for m_f, _, g_v, g_a, _, _ in point.channels:
            vertex, strength = (amplitudes.FROM_LEFT, (2.0 * g_v) ** 2) if g_a else (GAMMA, g_v**2)
            mass = m_f or NO_MASS
            shape = self._shape(by_vector(mass, vertex), mass, 12, True)
            rows.append((mass, strength * point.dark[0, 0] ** 2, shape, True))
        for quark in point.quarks:
            m_f = QUARKS[quark]
            exchange = lambda p, m_f=m_f: amplitudes.annihilation_by_exchange(p, self.mass, m_f, M_LQ)
            rows.append((m_f, 3.0 * point.y[0] ** 4, self._shape(exchange, m_f, 16, False), False))
        return rows

    @cached_property
    def log_x(self) -> np.ndarray:
        """Of tables of averages."""
        early = np.linspace(np.log(X_START), np.log(1e4), 180)
        return np.concatenate([early, np.linspace(early[-1], np.log(COLDEST), 100)[1:]])

    @cached_property
    def averages(self) -> tuple[CubicSpline, CubicSpline]:
        """ln⟨σv⟩ and ⟨σv⟩₂/⟨σv⟩ against ln x."""
        excess, weight = self.spectrum
        rows = []
        for x in np.exp(self.log_x):
            use = 2.0 * x * excess < HIGHEST
            e, z = excess[use], 2.0 * x * (1.0 + excess[use])
            large = z > 1e5
            k1 = np.where(large, np.sqrt(0.5 * np.pi / z) * (1.0 + 0.375 / z), kve(1, np.minimum(z, 1e5)))
            k2 = np.sqrt(0.5 * np.pi / x) * (1.0 + 1.875 / x) if x > 1e5 else kve(2, x)
            kernel = weight[use] * k1 * np.exp(-2.0 * x * e) * x / (8.0 * self.mass**5 * k2**2)
            rows.append((np.sum(kernel), np.sum(kernel * self._moment(x, e))))
        plain, moment = np.array(rows).T
        return CubicSpline(self.log_x, np.log(plain)), CubicSpline(self.log_x, moment / plain)

    def _moment(self, x: float, excess: np.ndarray) -> np.ndarray:
        """⟨p²/(3ET)⟩ of one of two particles that meet with s, M = 1: over E₊ with e^{−xE₊}√(E₊²−s), and over E₋ evenly between ∓β√(E₊²−s)."""
        (v, share), (cosine, even) = panels(np.array([0.0, 6.5]), 20), panels(np.array([-1.0, 1.0]), 8)
        root = 2.0 * (1.0 + excess)[:, None]
        above = (v**2 / x)[None]
        size = np.sqrt(above * (2.0 * root + above))
        weight = size * np.exp(-(v**2)) * v * share
        beta = np.sqrt(excess * (2.0 + excess)) / (1.0 + excess)
        difference = beta[:, None, None] * size[..., None] * cosine
        kinetic = 0.5 * (2.0 * excess[:, None, None] + above[..., None] + difference)
        inner = kinetic * (kinetic + 2.0) / (3.0 * (kinetic + 1.0)) * x @ even / 2.0
        return np.sum(weight * inner, axis=1) / np.sum(weight, axis=1)

    @cached_property
    def p4(self) -> CubicSpline:
        """ln of ⟨p⁴/E³⟩/T against ln x."""
        x = np.exp(self.log_x)[:, None]
        v, share = panels(np.array([0.0, 3.0, 7.0]), 24)
        kinetic = v**2 / x
        energy, p = 1.0 + kinetic, np.sqrt(kinetic * (2.0 + kinetic))
        weight = p * energy * np.exp(-(v**2)) * v * share
        return CubicSpline(self.log_x, np.log(x[:, 0] * (weight * p**4 / energy**3).sum(1) / weight.sum(1)))

    # -- scattering ----------------------------------------------------------------------------------------------------------------

    def _transferred(self, m_f: float, temperature: np.ndarray, amplitude, statistics: float) -> np.ndarray:
        """γ of a particle and its antiparticle, shape (n,)."""
        (v, share), (part, weight) = panels(np.array([0.0, 2.0, 6.0]), 14), panels(np.array([0.0, 1.0]), 8)
        kinetic = temperature[:, None] * v**2
        omega, k = m_f + kinetic, np.sqrt(kinetic * (kinetic + 2.0 * m_f))
        s = self.mass**2 + m_f**2 + 2.0 * self.mass * omega
        largest = 4.0 * self.mass**2 * k**2 / s
        many = lambda a: np.repeat(a.ravel(), part.size)
        cosine = np.tile(1.0 - 2.0 * part, s.size)  # τ = 2k_cm²(1 − cosθ)
        p = amplitudes.momenta(many(s), cosine, (self.mass, m_f), (self.mass, m_f))
        squares = amplitudes.summed(amplitude(p)).reshape(*s.shape, part.size)
        inner = largest**2 * (0.5 * squares * part @ weight)
        occupied = 1.0 / (np.exp(np.minimum(omega / temperature[:, None], 600.0)) + statistics)
        flow = (
            k
            / (2.0 * np.pi**2)
            * occupied
            * (1.0 - statistics * occupied)
            / (64.0 * np.pi * self.mass**2)
            * inner
            / omega
        )
        dk = 2.0 * v * share * temperature[:, None] * omega / k
        return 2.0 * np.sum(flow * dk, axis=1) / (3.0 * self.mass * temperature)

    @cached_property
    def log_gamma(self) -> CubicSpline:
        """ln γ against ln x."""
        log_x = np.linspace(np.log(X_START), np.log(1e5), 60)
        t = self.mass * np.exp(-log_x)
        quarks = 0.5 + 0.5 * np.tanh((t - T_QCD) / WIDTH)
        total = self._on_leptons(t) + quarks * self._on_quarks(t) + (1.0 - quarks) * self._on_mesons(t)
        return CubicSpline(log_x, np.log(total))

    def _on_leptons(self, t: np.ndarray) -> np.ndarray:
        total = np.zeros_like(t)
        for m_f, _, g_v, g_a, _, _ in self.point.channels:
            vertex, strength = (amplitudes.FROM_LEFT, (2.0 * g_v) ** 2) if g_a else (GAMMA, g_v**2)
            mass = m_f or NO_MASS
            amplitude = lambda p, m=mass, v=vertex: amplitudes.scattering_by_vector(p, self.mass, m, self.m, v)
            total += strength * self.point.dark[0, 0] ** 2 * self._transferred(mass, t, amplitude, 1.0)
        return total

    def _on_quarks(self, t: np.ndarray) -> np.ndarray:
        """d and s in all four ways, and u → u where the leptoquark couples to it."""
        ways = 5.0 if "u" in self.point.quarks else 4.0
        amplitude = lambda p: amplitudes.scattering_by_exchange(p, self.mass, NO_MASS, M_LQ)
        return ways * 3.0 * self.point.y[0] ** 4 * self._transferred(NO_MASS, t, amplitude, 1.0)

    def _on_mesons(self, t: np.ndarray) -> np.ndarray:
        """π±, K±, and the six of d ↔ s; u sees what d does where the leptoquark couples to doublets."""
        unit = (0.25 * self.point.y[0] ** 2 / (M_LQ**2 - self.mass**2)) ** 2
        counts = (0.0, 6.0) if "u" in self.point.quarks else (1.0, 7.0)
        rates = [
            self._transferred(m, t, lambda p, v=vector: amplitudes.scattering_on_meson(p, self.mass, v), -1.0)
            for m, vector in MESONS
        ]
        return unit * sum(n * rate for n, rate in zip(counts, rates))

    # -- the equations ----------------------------------------------------------------------------------------------------------------

    def _plasma(self, log_t: float) -> tuple[float, float, float]:
        """g, h, dln h/dln T of the linear table."""
        g, h = np.interp(log_t, self.log_t, self.g_rho), np.interp(log_t, self.log_t, self.g_s)
        place = np.searchsorted(self.log_t, log_t)
        if not 0 < place < self.log_t.size:
            return g, h, 0.0
        return g, h, (self.g_s[place] - self.g_s[place - 1]) / (self.log_t[place] - self.log_t[place - 1]) / h

    def _equilibrium(self, log_x: float, h: float) -> float:
        x = np.exp(log_x)
        k2 = np.sqrt(0.5 * np.pi / x) * (1.0 + 1.875 / x) if x > 1e5 else kve(2, x)
        return np.log(45.0 * self.degrees * x**2 * k2 / (4.0 * np.pi**4 * h)) - x

    def _slopes(self, log_x: float, state: np.ndarray, scale: float) -> list[float]:
        """Of ln Y and ln y by ln x."""
        t = self.mass * np.exp(-log_x)
        g, h, growth = self._plasma(np.log(t))
        entropy, hubble = 2.0 * np.pi**2 / 45.0 * h * t**3, np.sqrt(4.0 * np.pi**3 / 45.0 * g) * t**2 / M_PLANCK
        slowed = hubble / (1.0 + growth / 3.0)
        hotter = np.exp(state[1]) * entropy ** (2.0 / 3.0) / self.mass / t
        log_xc = log_x - np.log(hotter)
        sigma, ratio = self.averages
        cold, cold_ratio, warm, warm_ratio = np.exp(sigma(log_xc)), ratio(log_xc), np.exp(sigma(log_x)), ratio(log_x)
        p4 = np.exp(self.p4(log_xc))
        density = entropy * np.exp(state[0]) / slowed
        made = density * np.exp(2.0 * (self._equilibrium(log_x, h) - state[0]))
        gamma = scale * np.exp(self.log_gamma(log_x))
        warmed = gamma / slowed * (1.0 / hotter - 1.0) * (1.0 - p4 / 6.0)
        warmed += density * cold * (1.0 - cold_ratio) + made * warm * (warm_ratio / hotter - 1.0)
        return [made * warm - density * cold, warmed + hubble / slowed * p4 / 3.0]

    def omega(self, scale: float = 1.0) -> float:
        """Ωh² from Y and y together."""
        start = np.log(X_START)
        t = self.mass / X_START
        _, h, _ = self._plasma(np.log(t))
        entropy = 2.0 * np.pi**2 / 45.0 * h * t**3
        initial = [self._equilibrium(start, h), np.log(self.mass * t * entropy ** (-2.0 / 3.0))]
        knots = [k for k in np.log(self.mass) - self.log_t[::-1] if start < k < np.log(X_LAST)]
        for low, high in zip([start, *knots], [*knots, np.log(X_LAST)]):
            inside = lambda at, state, low=low, high=high: self._slopes(
                np.clip(at, low + 1e-9, high - 1e-9), state, scale
            )
            run = solve_ivp(inside, (low, high), initial, method="Radau", rtol=1e-7, atol=1e-9)
            assert run.status == 0
            initial = run.y[:, -1]
        return 2.744e8 * self.mass * np.exp(initial[0])
