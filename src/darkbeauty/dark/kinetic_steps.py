r"""Fixed steps for ln Y and θ = ln(T_χ/T) together: Alexander's implicit Runge–Kutta method of third order, L-stable, three stages.

Newton's method is not differentiated; one more iteration, linear about what it gave, has the implicit derivative, so that reverse mode goes through a recurrence
of two numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient

from darkbeauty.dark.averages import Averages, look_up

DIAGONAL = 0.43586652150845899942
"""γ of Alexander's method."""
BEFORE_END = 1e-9
"""By so much of a step its last stage is before its end: there h(T) may have a kink, and on which side of it that would be, rounding would say."""
NODES = np.array([DIAGONAL, 0.5 * (1.0 + DIAGONAL), 1.0 - BEFORE_END])
STAGES = (
    (),
    (0.5 * (1.0 - DIAGONAL) / DIAGONAL,),
    (
        (-1.5 * DIAGONAL**2 + 4.0 * DIAGONAL - 0.25) / DIAGONAL,
        (1.5 * DIAGONAL**2 - 5.0 * DIAGONAL + 1.25) / DIAGONAL,
    ),
)
"""a_ij/γ below the diagonal: how the increments γ h k_j of earlier stages count in a stage."""
EARLIER = np.array([[0.0] * (2 - len(shares)) + list(shares) for shares in STAGES])
"""The same for the two stages before, shape (3, 2)."""
NEWTON = 2
"""Iterations of a stage that are not differentiated, before the one that is: few, because they start close (`Before`)."""

FAST = 1e9
"""A gain beyond this counts as this."""


class Medium(NamedTuple):
    """At times: ln x, ln(Λ/⟨σv⟩), ln Y_eq, ln⟨σv⟩ and ρ at T, γ/H̃, q."""

    log_x: Array
    log_strength: Array
    log_equilibrium: Array
    log_sigma_v: Array
    ratio: Array
    exchange: Array
    heating: Array


class Before(NamedTuple):
    """A state, ln Y_eq and the gain there. The next one is looked for where Y keeps its distance from Y_eq, as far as the gain ties the two together within a step."""

    state: Array
    log_equilibrium: Array
    gain: Array


Steps = tuple[Medium, Array, Array, Array]
"""Of every step: the medium at its stages, the state of equilibrium at its end, its length, and whether that is the state there."""


def states_along(averages: Averages, start: Array, steps: Steps) -> Array:
    """(ln Y, θ) at the ends of all steps, shape (m, 2)."""
    solved = newton(*jax.tree.map(stop_gradient, (averages, start, steps)))
    return linear(averages, start, steps, solved)


def rates(averages: Averages, here: Medium, state: Array) -> tuple[Array, Array, Array]:
    """loss, gain and θ′ at states, shape (..., 2)."""
    log_y, theta = state[..., 0], state[..., 1]
    log_sigma_v, ratio, p4 = look_up(averages, here.log_x - theta)
    loss = jnp.exp(here.log_strength + log_sigma_v + log_y)
    gain = gain_at(here, state)
    collisions = here.exchange * jnp.expm1(-theta) * (1.0 - p4 / 6.0)
    annihilation = loss * (1.0 - ratio) + gain * (jnp.exp(-theta) * here.ratio - 1.0)
    expansion = here.heating * p4 / 3.0 - (2.0 * here.heating - 1.0)
    return loss, gain, collisions + annihilation + expansion


def gain_at(here: Medium, state: Array) -> Array:
    """How fast Y grows by what the plasma makes."""
    return jnp.exp(here.log_strength + here.log_sigma_v + 2.0 * here.log_equilibrium - state[..., 0])


def velocity_of(averages: Averages, here: Medium, state: Array) -> Array:
    """(L′, θ′) at states, shape (..., 2)."""
    loss, gain, theta = rates(averages, here, state)
    return jnp.stack([gain - loss, theta], axis=-1)


def newton(averages: Averages, start: Array, steps: Steps) -> Array:
    """The states at all stages of all steps, shape (m, 3, 2): solutions of v = base + γ h f(v), without derivatives."""

    def move(before: Before, step: Steps) -> tuple[Before, Array]:
        here, equilibrium, length, follows = step
        state = before.state

        def stage(carry: tuple[Array, Before], of: tuple[Medium, Array]) -> tuple[tuple[Array, Before], Array]:
            increments, before = carry
            at, share = of
            base = state + share @ increments

            def iterate(_: int, v: Array) -> Array:
                residual = v - base - DIAGONAL * length * velocity_of(averages, at, v)
                return v - jnp.clip(inverse(averages, at, v, length) @ residual, -1.0, 1.0)

            solved = jax.lax.fori_loop(0, NEWTON, iterate, _nearby(before, at.log_equilibrium, length))
            return (
                jnp.stack([increments[1], solved - base]),
                Before(solved, at.log_equilibrium, gain_at(at, solved)),
            ), solved

        (_, after), all_stages = jax.lax.scan(stage, (jnp.zeros((2, 2)), before), (here, jnp.asarray(EARLIER)))
        end = jnp.where(follows, equilibrium, after.state)
        return Before(
            end, after.log_equilibrium, gain_at(jax.tree.map(lambda stages: stages[-1], here), end)
        ), all_stages

    return jax.lax.scan(move, Before(start, start[0], jnp.asarray(FAST)), steps)[1]


def _nearby(before: Before, log_equilibrium: Array, length: Array) -> Array:
    """Where to look for the next state."""
    tied = 2.0 * jnp.minimum(before.gain, FAST) * DIAGONAL * length
    moved = (log_equilibrium - before.log_equilibrium) * tied / (1.0 + tied)
    return before.state + jnp.stack([moved, jnp.zeros_like(moved)])


def linear(averages: Averages, start: Array, steps: Steps, solved: Array) -> Array:
    """One more Newton iteration of all stages, about given solutions: v = offset + matrix · base, a linear recurrence, with derivatives.

    Returns  states at the ends of the steps, shape (m, 2)
    """
    stages, equilibrium, lengths, follows = steps
    velocity = DIAGONAL * lengths[:, None, None] * velocity_of(averages, stages, solved)
    inverses = jax.vmap(jax.vmap(inverse, in_axes=(None, 0, 0, None)), in_axes=(None, 0, 0, 0))
    matrices = stop_gradient(inverses(averages, stages, solved, lengths))
    offsets = solved - jnp.einsum("msij,msj->msi", matrices, solved - velocity)

    def move(state: Array, step: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
        matrix, offset, end, is_early = step
        increments, new = [], state
        for shares, inner, shift in zip(STAGES, matrix, offset):
            base = state + sum((share * one for share, one in zip(shares, increments)), jnp.zeros_like(state))
            new = shift + inner @ base
            increments.append(new - base)
        new = jnp.where(is_early, end, new)
        return new, new

    return jax.lax.scan(move, start, (matrices, offsets, equilibrium, follows))[1]


def inverse(averages: Averages, here: Medium, state: Array, length: Array) -> Array:
    """The inverse of 1 − γ h f′ at one state."""
    ((a, b), (c, d)) = jnp.eye(2) - DIAGONAL * length * jax.jacfwd(lambda v: velocity_of(averages, here, v))(state)
    return jnp.stack([jnp.stack([d, -b]), jnp.stack([-c, a])]) / (a * d - b * c)
