r"""Binned rates as quadratic forms in the Wilson coefficients: the Standard-Model part of the work done once, before any fit.

At fixed q² the amplitudes of b → sℓℓ are linear in u = (1, C_i(q²)), i running over the coefficients a model can generate, and in ū of the CP-conjugate
decay (times the mixing phase φ for B_s). So every rate is Σ M(q²)_ij z_i z_j* with z = (u, φū), and M is known functions of q² alone. With a light
mediator u = c + r P(q²), so a bin needs ∫ M, ∫ M P and ∫ M |P|² only. M is kept as Legendre coefficients on panels of the bin, whose moments with a
propagator are Legendre functions of the second kind. The forms are found by evaluating the amplitude code itself at random coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour import bs_mixing
from darkbeauty.flavour.b_to_invisible import amplitude_code
from darkbeauty.flavour.modes import PSEUDOSCALAR, VECTOR
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import DIPOLES, LEPTONIC, Pole, Theory, Wilson
from darkbeauty.numerics.quadrature import gauss_legendre
from darkbeauty.numerics.stored import stored

SLOTS = ("C7", "C7p", *LEPTONIC)
"""Coefficients that b → sℓℓ depends on."""
DEGREES, FAR_NODES, NEAR = 10, 24, 1.178
"""Legendre polynomials per panel; a pole counts as near inside the ellipse of half axis NEAR, where upward recurrences lose few digits."""
RATIO, DEPTH = 3.0, 6
"""Panels shrink by this ratio towards the ends of phase space, so many times at most."""
EXTRA_PROBES = 6


class Integrand(NamedTuple):
    """What a process integrates over q²: density(p, q², P) → named rates, points where it has a kink, ends of phase space.

    mixing: whether it depends on the phase of B_s mixing; name: of the process.
    """

    density: Callable[[Theory, Array, ArrayLike], Any]
    kinks: tuple[float, ...]
    ends: tuple[float, ...]
    mixing: bool
    name: str


def probe(sm: SMInputs, slots: tuple[str, ...] = (), u: Any = (), u_bar: Any = (), shift: ArrayLike = 0.0j) -> Theory:
    """Chosen coefficients of all lepton flavours alike: u at P = i, its conjugate ū, and a shift of B_s mixing.

    c + iP·r with c + ir = u and c* + ir* = ū at P = i; the dipoles, which have no residue, take ū = u*.
    """
    conjugate = jnp.conj(jnp.asarray(u_bar))
    both = 0.5 * (jnp.asarray(u) + conjugate), -0.5j * (jnp.asarray(u) - conjugate)
    contact, residue = (dict(zip(slots, values)) for values in both)
    spread = lambda values: {name: jnp.broadcast_to(values[name], (3,)) for name in slots if name in LEPTONIC}
    dipoles = {name: contact[name] for name in slots if name in DIPOLES}
    pole = Pole(jnp.zeros(()), jnp.zeros(()))
    return Theory(sm, wilson=Wilson(dipoles | spread(contact), spread(residue), pole, {"bs": shift}))


class Channel(NamedTuple):
    """One process with its bins: what is integrated, lepton flavour (0, 1, 2), names of the rates that are asked for, and the bins."""

    integrand: Integrand
    flavour: int
    names: tuple[str, ...]
    bins: tuple[tuple[float, ...], ...]


class QuadraticRates(eqx.Module):
    """Rates of several processes with one lepton flavour in their bins, for one kind of model (the slots it fills) and fixed Standard-Model inputs.

    contact: the forms integrated over the bins, shape (bins, rates, features); resonant: Legendre coefficients of what involves a slot with a
    residue, shape (panels, rates, DEGREES, features); edges: of the panels, shape (panels, 2).
    """

    contact: Array
    resonant: Array
    edges: Array
    slots: tuple[str, ...] = eqx.field(static=True)
    with_residue: tuple[str, ...] = eqx.field(static=True)
    flavour: int = eqx.field(static=True)
    owner: tuple[int, ...] = eqx.field(static=True)
    mixing: bool = eqx.field(static=True)

    def __call__(self, w: Wilson, phase: ArrayLike) -> Array:
        """∫ density dq² of every bin, shape (bins, rates), in the order of the channels and their bins.   [GeV]

        Args     w: coefficients of the model, with its pole; phase: φ, the phase of B_s mixing
        """
        contact, residue = _couplings(w, self.slots, self.flavour, phase, self.mixing)
        outer = lambda x, y: x[:, None] * jnp.conj(y)
        rates = self.contact @ _features(outer(contact, contact), self.mixing)
        if w.pole is None or not self.with_residue:
            return rates
        # r c* m + c r* m* + r r* s, taken apart into the real Re m, Im m and s
        half, whole = outer(residue, contact), outer(residue, residue)
        turned = jnp.conj(half.T)
        used = _resonant_features(self.slots, self.with_residue, self.mixing)
        forms = _features(jnp.stack([half + turned, 1j * (half - turned), whole]), self.mixing)[:, used]
        first, second = jax.vmap(lambda low, high: propagator_moments(low, high, cast(Pole, w.pole)))(*self.edges.T)
        moments = jnp.stack([first.real, first.imag, second], axis=-1)
        per_panel = jnp.einsum("prkn,pkn->pr", self.resonant, moments @ forms)
        return rates + (np.arange(len(rates))[:, None] == self.owner).astype(float) @ per_panel


def propagator_moments(low: Array, high: Array, pole: Pole) -> tuple[Array, Array]:
    r"""∫ P_n(t) P(q²) dq² and ∫ P_n(t) |P(q²)|² dq² over [low, high], t from −1 to 1, n < DEGREES; shape (DEGREES,) each.

    With τ the pole in units of t, ∫ P_n(t)/(t − τ) dt = −2Q_n(τ) by the recurrence of Legendre functions, from ln((1−τ)/(−1−τ)) up; far from the
    panel, where that loses its digits, Gauss–Legendre quadrature. |P|² = −Im P/mΓ.
    Accuracy relative 1e-9, however narrow the pole and wherever it is
    """
    half, middle = 0.5 * (high - low), 0.5 * (high + low)
    tau = (pole.m2 - middle - 1j * pole.m_gamma) / half
    near = jnp.abs(tau - 1.0) + jnp.abs(tau + 1.0) < 2.0 * NEAR
    inside = jnp.where(near, tau, 0.3 - 0.1j)
    logarithm = jnp.log((1.0 - inside) / (-1.0 - inside))
    close = [logarithm, inside * logarithm + 2.0]
    for n in range(1, DEGREES - 1):
        close.append(((2 * n + 1) * inside * close[n] - n * close[n - 1]) / (n + 1))
    t, weight = gauss_legendre(FAR_NODES)
    away = jnp.where(near, 9.0 + 0.0j, tau)
    gap = t - away.real
    inverse = jnp.stack([gap, jnp.broadcast_to(away.imag, gap.shape)]) / (gap**2 + away.imag**2)  # of gap − i Im τ
    far = inverse @ (np.polynomial.legendre.legvander(t, DEGREES - 1) * weight[:, None])
    moments = jnp.where(near, jnp.stack(close), far[0] + 1j * far[1])
    return moments, -moments.imag / pole.m_gamma


def tabulate(
    sm: SMInputs, channels: Sequence[Channel], slots: tuple[str, ...], with_residue: tuple[str, ...] | None = None
) -> QuadraticRates:
    """Tables of processes with the same lepton flavour and equally many rates, all with or all without mixing.

    Args     with_residue: the slots that a mediator of the model puts on its pole, all unless given
    Accuracy relative to the rate 1e-5, what the piecewise linear tables of the amplitudes allow
    """
    mixing, with_residue = channels[0].integrand.mixing, slots if with_residue is None else with_residue
    kept = _resonant_features(slots, with_residue, mixing)
    contact, resonant, edges, owner = [], [], [], []
    for channel in channels:
        panels = [_panels(one, channel.integrand) for one in channel.bins]
        flat = np.array([panel for group in panels for panel in group])
        mine = np.repeat(np.arange(len(panels)), [len(group) for group in panels])
        found = _legendre_forms(sm, channel, flat, slots)
        whole = found[:, :, 0] * (flat[:, 1] - flat[:, 0])[:, None, None]
        contact += [whole[mine == i].sum(axis=0) for i in range(len(panels))]
        owner += [len(contact) - len(panels) + int(i) for i in mine]
        resonant.append(found[..., kept])
        edges.append(flat)
    arrays = (jnp.asarray(x) for x in (np.stack(contact), np.concatenate(resonant), np.concatenate(edges)))
    return QuadraticRates(
        *cast("tuple[Array, Array, Array]", arrays), slots, with_residue, channels[0].flavour, tuple(owner), mixing
    )


def _panels(one: tuple[float, ...], integrand: Integrand) -> list[tuple[float, float]]:
    """A bin inside phase space, cut at the kinks, and ever finer towards the ends of phase space, where rates are not smooth."""
    start, end = integrand.ends
    low, high = (float(np.clip(edge, start, end)) for edge in one)
    away = (end - start) * RATIO ** -np.arange(1.0, 12.0)
    below = start + away[away > max(low - start, (high - low) * RATIO**-DEPTH)]
    above = end - away[away > max(end - high, (high - low) * RATIO**-DEPTH)]
    middle = 0.5 * (start + end)
    wanted = [*integrand.kinks, *below[below < middle], *above[above > middle]]
    cuts = [low, *sorted(cut for cut in wanted if low < cut < high), high]
    return list(pairwise(cuts))


def _legendre_forms(sm: SMInputs, channel: Channel, panels: np.ndarray, slots: tuple[str, ...]) -> np.ndarray:
    """Legendre coefficients of the forms of one process, shape (panels, rates, DEGREES, features)."""
    t, weight = gauss_legendre(DEGREES)
    q2 = panels[:, :1] + 0.5 * (panels[:, 1:] - panels[:, :1]) * (1.0 + t)
    u, u_bar, phase = _probes(slots, channel.integrand.mixing)
    key = sm, channel.integrand.name, channel.names, slots, q2, u, u_bar, phase
    compute = lambda: _probe_densities(sm, channel, slots, jnp.asarray(q2.ravel()), u, u_bar, phase)
    values = stored("densities", key, compute)
    one = np.ones((len(u), 1))
    z = np.concatenate([one, u, phase[:, None] * one, phase[:, None] * u_bar], axis=1)
    design = np.asarray(_features(jnp.asarray(z[:, :, None] * np.conj(z[:, None, :])), channel.integrand.mixing))
    nodal = np.einsum(
        "np,prbk->brkn", np.linalg.pinv(design, rcond=1e-11), values.reshape(*values.shape[:2], *q2.shape)
    )
    transform = (np.arange(DEGREES) + 0.5)[:, None] * np.polynomial.legendre.legvander(t, DEGREES - 1).T * weight
    return np.einsum("mk,brkn->brmn", transform, nodal)


def _probes(slots: tuple[str, ...], mixing: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random u and ū, shape (probes, slots), enough of them to determine every feature, and mixing phases."""
    random = np.random.default_rng(20240901)
    size = 2 * (len(slots) + 1)
    count = size**2 + EXTRA_PROBES
    draw = lambda: random.normal(size=(count, len(slots))) + 1j * random.normal(size=(count, len(slots)))
    u, u_bar = draw(), draw()
    dipoles = [i for i, name in enumerate(slots) if name in DIPOLES]
    u_bar[:, dipoles] = np.conj(u[:, dipoles])
    phase = np.exp(1j * random.uniform(-1.4, 1.4, count)) if mixing else np.ones(count, complex)
    return u, u_bar, phase


def _probe_densities(
    sm: SMInputs,
    channel: Channel,
    slots: tuple[str, ...],
    q2: Array,
    u: np.ndarray,
    u_bar: np.ndarray,
    phase: np.ndarray,
) -> np.ndarray:
    """The rates that are asked for, at every probe and q², shape (probes, rates, n)."""

    @eqx.filter_jit
    def densities(sm, q2, u, u_bar, phase):
        def one(point):
            u, u_bar, phase = point
            shift = bs_mixing.sm_coefficient(probe(sm)) * (phase - 1.0)
            return stacked(channel.integrand.density(probe(sm, slots, u, u_bar, shift), q2, 1j), channel.names)

        return jax.lax.map(one, (u, u_bar, phase))

    return np.asarray(densities(sm, q2, jnp.asarray(u), jnp.asarray(u_bar), jnp.asarray(phase)))


def _couplings(w: Wilson, slots: tuple[str, ...], flavour: int, phase: ArrayLike, mixing: bool) -> tuple[Array, Array]:
    """z = contact + residue · P for a lepton flavour, shape (2(n+1),) each: u, then the conjugate times φ."""
    at = lambda value: jnp.broadcast_to(jnp.asarray(value, complex), (3,))[flavour]
    contact = [1.0, *(at(w.contact.get(name, 0.0)) for name in slots)]
    residue = [0.0, *(at(w.residue.get(name, 0.0)) for name in slots)]
    phase = jnp.asarray(phase if mixing else 1.0)
    both = lambda x: jnp.concatenate([x, phase * jnp.conj(x)])
    stack = lambda values: jnp.stack([jnp.asarray(value, complex) for value in values])
    return both(stack(contact)), both(stack(residue))


def _features(matrix: Array, mixing: bool) -> Array:
    """Re of M_ij for i ≤ j and Im for i < j of Hermitian matrices; without mixing, of their two diagonal blocks only."""
    (i, j), (k, l) = _pairs(matrix.shape[-1], mixing)
    return jnp.concatenate([matrix[..., i, j].real, matrix[..., k, l].imag], axis=-1)


def _pairs(size: int, mixing: bool) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Indices of the real and of the imaginary features."""
    i, j = np.triu_indices(size)
    kept = mixing | ((i < size // 2) == (j < size // 2))
    i, j = i[kept], j[kept]
    return (i, j), (i[i < j], j[i < j])


def _resonant_features(slots: tuple[str, ...], with_residue: tuple[str, ...], mixing: bool) -> np.ndarray:
    """Numbers of the features that involve a slot with a residue."""
    on_pole = np.tile([False, *(slot in with_residue for slot in slots)], 2)
    pairs = _pairs(len(on_pole), mixing)
    return np.flatnonzero(np.concatenate([on_pole[i] | on_pole[j] for i, j in pairs]))


def stacked(rates: Any, names: tuple[str, ...]) -> Array:
    """Rates of a result by their names, e.g. "average.j3", shape (names, …)."""
    return jnp.stack([attrgetter(name)(rates) for name in names])


def lepton_integrand(sm: SMInputs, mode: str, lepton: str) -> Integrand:
    """ℓ⁺ℓ⁻ with a K, K* or φ."""
    code = amplitude_code(mode)
    ends = tuple(float(end) for end in code.phase_space(Theory(sm), mode, sm.mass[lepton]))
    meson = (PSEUDOSCALAR | VECTOR)[mode]
    kinks = (float(sm.spectator[f"{meson.b}->{meson.final}"].q2[1]),) if mode in VECTOR else ()
    density = lambda p, q2, propagator: code.density(p, mode, lepton, q2, propagator)
    return Integrand(density, kinks, ends, meson.b == "Bs", f"{mode} {lepton}")
