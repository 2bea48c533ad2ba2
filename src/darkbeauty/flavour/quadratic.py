r"""Binned rates as quadratic forms in the Wilson coefficients: the Standard-Model part of the work done once, before any fit.

At fixed q² the amplitudes of b → sℓℓ are linear in u = (1, C_i(q²)), i running over the coefficients a model can generate, and in ū of the CP-conjugate
decay (times the mixing phase φ for B_s). So every rate is Σ M(q²)_ij z_i z_j* with z = (u, φū), and M is known functions of q² alone. With a light
Z′ u = c + r P(q²), so a bin needs ∫ M, ∫ M P and ∫ M |P|² only. M is kept as Legendre coefficients on panels of the bin, whose moments with a
propagator are Legendre functions of the second kind. The forms are found by evaluating the amplitude code itself at random coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.b_to_invisible import amplitude_code
from darkbeauty.flavour.b_to_p_ll import PairRates
from darkbeauty.flavour.meson_mixing import sm_coefficient
from darkbeauty.flavour.modes import MODES, PSEUDOSCALARS, VECTOR
from darkbeauty.flavour.panels import DEGREES, Panels, cut, joined
from darkbeauty.flavour.vector_angles import AngularCoefficients, VectorRates
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import DIPOLES, LEPTONIC, SCALAR, TENSOR, Pole, Theory, Wilson
from darkbeauty.numerics.compiled import compiled
from darkbeauty.numerics.quadrature import gauss_legendre
from darkbeauty.numerics.stored import stored

SLOTS = ("C7", "C7p", *LEPTONIC, *SCALAR, *TENSOR)
"""Coefficients that b → sℓℓ depends on."""
PAIR, ANGULAR = (
    PairRates._fields,
    tuple(f"{part}.{name}" for part in VectorRates._fields for name in AngularCoefficients._fields),
)
"""Names of all rates with a pseudoscalar and with a vector meson, those that are the rate itself or stand for it first."""
EXTRA_PROBES = 6
BLOCK, CALL = 64, 256
"""Values of q² per block and blocks per call, when densities are evaluated."""


class Integrand(NamedTuple):
    """ℓ⁺ℓ⁻ with a K, K* or φ: mode and lepton, points where the rate has a kink, ends of phase space, whether it depends on the phase of B_s mixing."""

    mode: str
    lepton: str
    kinks: tuple[float, ...]
    ends: tuple[float, float]
    meson_mixing: bool


def probe(sm: SMInputs, slots: tuple[str, ...] = (), u: Any = (), u_bar: Any = (), shift: ArrayLike = 0.0j) -> Theory:
    """Given coefficients of b → s and of b → d, of all lepton flavours alike: u at P = i, its conjugate ū, and a shift of B_s mixing.

    c + iP·r with c + ir = u and c* + ir* = ū at P = i; the dipoles, which have no residue, take ū = u*.
    """
    conjugate = jnp.conj(jnp.asarray(u_bar))
    both = 0.5 * (jnp.asarray(u) + conjugate), -0.5j * (jnp.asarray(u) - conjugate)
    contact, residue = (dict(zip(slots, values)) for values in both)
    spread = lambda values: {name: jnp.broadcast_to(values[name], (3,)) for name in slots if name not in DIPOLES}
    dipoles = {name: contact[name] for name in slots if name in DIPOLES}
    pole = Pole(jnp.zeros(()), jnp.zeros(()))
    coefficients = dipoles | spread(contact), spread(residue), pole
    return Theory(sm, wilson=Wilson(*coefficients, {"bs": shift}, {"bd": Wilson(*coefficients)}))


class Channel(NamedTuple):
    """One process with its bins: what is integrated, lepton flavour (0, 1, 2), names of the rates that are asked for, and the bins."""

    integrand: Integrand
    flavour: int
    names: tuple[str, ...]
    bins: tuple[tuple[float, ...], ...]


class QuadraticRates(eqx.Module):
    """Rates of several processes with one lepton flavour in their bins, for one kind of model (the slots it fills) and fixed Standard-Model inputs.

    contact: the forms integrated over the bins, shape (bins, rates, features); resonant: Legendre coefficients of what involves a slot with a
    residue, shape (panels, rates, DEGREES, features).
    """

    contact: Array
    resonant: Array
    panels: Panels
    slots: tuple[str, ...] = eqx.field(static=True)
    with_residue: tuple[str, ...] = eqx.field(static=True)
    flavour: int = eqx.field(static=True)
    owner: tuple[int, ...] = eqx.field(static=True)
    meson_mixing: bool = eqx.field(static=True)

    def covers(self, w: Wilson) -> bool:
        """Whether the forms know every coefficient that a model fills."""
        return not any(w.fills(name) for name in SLOTS if name not in self.slots)

    def __call__(self, w: Wilson, phase: ArrayLike) -> Array:
        """∫ density dq² of every bin, shape (bins, rates), in the order of the channels and their bins.   [GeV]

        Args     w: coefficients of the model, with its pole; phase: φ, the phase of B_s mixing
        """
        contact, residue = _couplings(w, self.slots, self.flavour, phase, self.meson_mixing)
        outer = lambda x, y: x[:, None] * jnp.conj(y)[None]
        rates = self.contact @ _features(outer(contact, contact), self.meson_mixing)
        if w.pole is None or not self.with_residue:
            return rates
        # r c* m + c r* m* + r r* s, taken apart into the real Re m, Im m and s
        half, whole = outer(residue, contact), outer(residue, residue)
        turned = jnp.conj(half.T)
        used = _resonant_features(self.slots, self.with_residue, self.meson_mixing)
        forms = _features(jnp.stack([half + turned, 1j * (half - turned), whole]), self.meson_mixing)[:, used]
        first, second = self.panels.moments(w.pole)
        moments = jnp.stack([first.real, first.imag, second], axis=-1)
        per_panel = jnp.einsum("prkn,pkn->pr", self.resonant, moments @ forms)
        return rates + (np.arange(len(rates))[:, None] == self.owner).astype(float) @ per_panel


def tabulate(
    sm: SMInputs, channels: Sequence[Channel], slots: tuple[str, ...], with_residue: tuple[str, ...] | None = None
) -> QuadraticRates:
    """Tables of processes with the same lepton flavour and equally many rates, all with or all without B_s mixing.

    Args     with_residue: the slots that a Z′ of the model puts on its pole, all unless given
    Accuracy relative to the rate 1e-5, what the piecewise linear tables of the amplitudes allow
    """
    meson_mixing, with_residue = channels[0].integrand.meson_mixing, slots if with_residue is None else with_residue
    kept = _resonant_features(slots, with_residue, meson_mixing)
    contact, resonant, panels, owner = [], [], [], []
    for channel in channels:
        by_bin = [cut(edges[0], edges[1], channel.integrand.ends, channel.integrand.kinks) for edges in channel.bins]
        mine = np.repeat(np.arange(len(by_bin)), [len(group) for group in by_bin])
        together = [panel for group in by_bin for panel in group]
        forms = _legendre_forms(sm, channel, joined(together), slots)
        whole = np.einsum("bm,brmn->brn", joined(together).integrals(), forms)
        contact += [whole[mine == i].sum(axis=0) for i in range(len(by_bin))]
        owner += [len(contact) - len(by_bin) + int(i) for i in mine]
        resonant.append(forms[..., kept])
        panels += together
    arrays = jnp.asarray(np.stack(contact)), jnp.asarray(np.concatenate(resonant))
    return QuadraticRates(*arrays, joined(panels), slots, with_residue, channels[0].flavour, tuple(owner), meson_mixing)


def _legendre_forms(sm: SMInputs, channel: Channel, panels: Panels, slots: tuple[str, ...]) -> np.ndarray:
    """Legendre coefficients of the forms of one process, shape (panels, rates, DEGREES, features)."""
    t, weight = gauss_legendre(DEGREES)
    q2 = np.asarray(panels.rule(t, weight)[0])
    u, u_bar, phase = _probes(slots, channel.integrand.meson_mixing)
    key = sm, channel.integrand, channel.names, slots, q2, u, u_bar, phase
    at = np.broadcast_to(q2.ravel(), (len(u), q2.size))
    compute = lambda: densities(sm, channel, slots, (u, u_bar, phase), at, np.full(at.shape, 1j))
    values = stored("densities", key, compute)
    ones = np.ones((len(u), 1))
    z = np.concatenate([ones, u, phase[:, None] * ones, phase[:, None] * u_bar], axis=1)
    design = np.asarray(_features(jnp.asarray(z[:, :, None] * np.conj(z[:, None, :])), channel.integrand.meson_mixing))
    nodal = np.einsum(
        "np,prbk->brkn", np.linalg.pinv(design, rcond=1e-11), values.reshape(*values.shape[:2], *q2.shape)
    )
    transform = (np.arange(DEGREES) + 0.5)[:, None] * np.polynomial.legendre.legvander(t, DEGREES - 1).T * weight
    return np.einsum("mk,brkn->brmn", transform, nodal)


def _probes(slots: tuple[str, ...], meson_mixing: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random u and ū, shape (probes, slots), enough of them to determine every feature, and mixing phases."""
    random = np.random.default_rng(20240901)
    size = 2 * (len(slots) + 1)
    count = size**2 + EXTRA_PROBES
    draw = lambda: random.normal(size=(count, len(slots))) + 1j * random.normal(size=(count, len(slots)))
    u, u_bar = draw(), draw()
    dipoles = [i for i, name in enumerate(slots) if name in DIPOLES]
    u_bar[:, dipoles] = np.conj(u[:, dipoles])
    phase = np.exp(1j * random.uniform(-1.4, 1.4, count)) if meson_mixing else np.ones(count, complex)
    return u, u_bar, phase


def densities(
    sm: SMInputs,
    channel: Channel,
    slots: tuple[str, ...],
    probes: tuple[np.ndarray, np.ndarray, np.ndarray],
    q2: np.ndarray,
    propagator: np.ndarray,
) -> np.ndarray:
    """The rates that are asked for, of probes (u, ū, mixing phase) with q² and P(q²) of their own, shape (probes, n), as (probes, rates, n).

    In calls of one shape, so that a process is compiled once, whatever its bins.
    """
    n, points = q2.shape
    blocks = -(-points // BLOCK)
    padded = lambda x: np.pad(x, ((0, 0), (0, blocks * BLOCK - points)), mode="edge").reshape(-1, BLOCK)
    jobs = [*(np.repeat(x, blocks, axis=0) for x in probes), padded(q2), padded(propagator)]
    compiled = _density_of_blocks(channel.integrand.mode, channel.integrand.lepton, slots)
    rows = [names_of(channel.integrand.mode).index(name) for name in channel.names]
    values = in_calls(partial(compiled, sm), jobs)[0][:, rows].reshape(n, blocks, -1, BLOCK)
    return np.moveaxis(values, 1, 2).reshape(n, len(rows), -1)[..., :points]


def in_calls(compiled: Callable[..., Sequence[Array]], jobs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of a function of several arrays that take the same number of rows, called with CALL rows at a time, the last ones repeated."""
    results = []
    for start in range(0, len(jobs[0]), CALL):
        rows = [x[start : start + CALL] for x in jobs]
        full = [np.pad(x, ((0, CALL - len(x)), *[(0, 0)] * (x.ndim - 1)), mode="edge") for x in rows]
        results.append([np.asarray(result)[: len(rows[0])] for result in compiled(*full)])
    return [np.concatenate(parts) for parts in zip(*results)]


@lru_cache(maxsize=32)
def _density_of_blocks(mode: str, lepton: str, slots: tuple[str, ...]) -> Callable[..., tuple[Array]]:
    """sm, u, ū, phase, q² and P, shapes (CALL, slots) twice, (CALL,), (CALL, BLOCK) twice → all rates, shape (CALL, rates, BLOCK), in a tuple."""

    def block(sm: SMInputs, job: tuple[Array, Array, Array, Array, Array]) -> Array:
        u, u_bar, phase, q2, propagator = job
        shift = sm_coefficient(probe(sm), "Bs") * (phase - 1.0)
        rates = amplitude_code(mode).density(probe(sm, slots, u, u_bar, shift), mode, lepton, q2, propagator)
        return stacked(rates, names_of(mode))

    return compiled(lambda sm, *jobs: (jax.lax.map(partial(block, sm), jobs),))


def _couplings(
    w: Wilson, slots: tuple[str, ...], flavour: int, phase: ArrayLike, meson_mixing: bool
) -> tuple[Array, Array]:
    """z = contact + residue · P for a lepton flavour, shape (2(n+1),) each: u, then the conjugate times φ."""
    at = lambda value: jnp.broadcast_to(jnp.asarray(value, complex), (3,))[flavour]
    contact = [1.0, *(at(w.contact.get(name, 0.0)) for name in slots)]
    residue = [0.0, *(at(w.residue.get(name, 0.0)) for name in slots)]
    phase = jnp.asarray(phase if meson_mixing else 1.0)
    both = lambda x: jnp.concatenate([x, phase * jnp.conj(x)])
    stack = lambda values: jnp.stack([jnp.asarray(value, complex) for value in values])
    return both(stack(contact)), both(stack(residue))


def _features(matrix: Array, meson_mixing: bool) -> Array:
    """Re of M_ij for i ≤ j and Im for i < j of Hermitian matrices; without B_s mixing, of their two diagonal blocks only."""
    (i, j), (k, l) = _pairs(matrix.shape[-1], meson_mixing)
    return jnp.concatenate([matrix[..., i, j].real, matrix[..., k, l].imag], axis=-1)


def _pairs(size: int, meson_mixing: bool) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Indices of the real and of the imaginary features."""
    i, j = np.triu_indices(size)
    kept = meson_mixing | ((i < size // 2) == (j < size // 2))
    i, j = i[kept], j[kept]
    return (i, j), (i[i < j], j[i < j])


def _resonant_features(slots: tuple[str, ...], with_residue: tuple[str, ...], meson_mixing: bool) -> np.ndarray:
    """Numbers of the features that involve a slot with a residue."""
    on_pole = np.tile([False, *(slot in with_residue for slot in slots)], 2)
    pairs = _pairs(len(on_pole), meson_mixing)
    return np.flatnonzero(np.concatenate([on_pole[i] | on_pole[j] for i, j in pairs]))


def names_of(mode: str) -> tuple[str, ...]:
    """Names of all rates of a mode."""
    return PAIR if mode in PSEUDOSCALARS else ANGULAR


def stacked(rates: Any, names: tuple[str, ...]) -> Array:
    """Rates of a result by their names, e.g. "average.j3", shape (names, …)."""
    return jnp.stack([attrgetter(name)(rates) for name in names])


def lepton_integrand(sm: SMInputs, mode: str, lepton: str) -> Integrand:
    """What a mode and a lepton are to the tables."""
    start, end = amplitude_code(mode).phase_space(Theory(sm), mode, sm.mass[lepton])
    meson = MODES[mode]
    kinks = (float(sm.spectator[f"{meson.b}->{meson.final}"].q2[1]),) if mode in VECTOR else ()
    return Integrand(mode, lepton, kinks, (float(start), float(end)), meson.b == "Bs")
