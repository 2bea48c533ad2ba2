"""Λ_b → Λ*(1520): both sets of form factors against flavio, and the way from them to helicity amplitudes against explicit spinors."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.errors import InputError
from darkbeauty.flavour import lambdab_to_lambda1520_ll as decay
from darkbeauty.flavour.form_factors import lambdab_lambda1520 as ff_module
from darkbeauty.inputs import load_sm

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "lambda1520.json").read_text())["form_factors"]
SETS = ("LatticeQCD", "MCN")
M_B, M = 5.6196, 1.519

FIELDS = {
    "vector": ("fV0", "fVperp", "fVg"),
    "axial": ("fA0", "fAperp", "fAg"),
    "tensor": ("fT0", "fTperp", "fTg"),
    "pseudotensor": ("fT50", "fT5perp", "fT5g"),
    "timelike": ("fVt", "fAt"),
}


@pytest.mark.parametrize("ff", SETS)
def test_form_factors_are_those_of_flavio(ff: str):
    found = ff_module.lambdab_to_lambda1520(load_sm(), np.array(REFERENCE["q2"]), ff)
    for field, names in FIELDS.items():
        expected = np.array([REFERENCE[ff][name] for name in names])
        np.testing.assert_allclose(getattr(found, field), expected, rtol=1e-10, atol=0, err_msg=field)


def test_unknown_form_factor_set_is_an_input_error():
    with pytest.raises(InputError, match="MCN"):
        ff_module.lambdab_to_lambda1520(load_sm(), 3.0, "MCM")


def test_lattice_covariance_belongs_to_the_coefficients():
    path = Path(ff_module.__file__).parents[2] / "inputs" / "tables" / "form_factor_covariance.npz"
    covariance = np.load(path)[ff_module.TRANSITION]
    assert covariance.shape == (28, 28) == 2 * load_sm().form_factor[ff_module.TRANSITION].shape
    np.testing.assert_allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


# -- explicit spinors -------------------------------------------------------------------------------------------------------------------

PAULI = (np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1]))
GAMMA = np.array(
    [np.diag([1, 1, -1, -1])] + [np.block([[np.zeros((2, 2)), s], [-s, np.zeros((2, 2))]]) for s in PAULI], complex
)
GAMMA_5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]
METRIC = np.diag([1.0, -1.0, -1.0, -1.0])
SIGMA = 0.5j * (np.einsum("mij,njk->mnik", GAMMA, GAMMA) - np.einsum("nij,mjk->mnik", GAMMA, GAMMA))
EPSILON = np.zeros((4, 4, 4, 4))
for _order in itertools.permutations(range(4)):
    EPSILON[_order] = np.linalg.det(np.eye(4)[list(_order)])


def spinor(momentum: float, mass: float, spin: int) -> np.ndarray:
    """u of a particle that moves along +z, spin up (1) or down (−1) along z."""
    energy = np.hypot(momentum, mass)
    chi = np.array([1, 0]) if spin > 0 else np.array([0, 1])
    return np.concatenate([np.sqrt(energy + mass) * chi, momentum / np.sqrt(energy + mass) * (PAULI[2] @ chi)])


def currents(c: np.ndarray, v: np.ndarray, v_prime: np.ndarray, q: np.ndarray) -> dict[str, np.ndarray]:
    """Vertices Γ^{αμ}, shape (4, 4, 4, 4), of the vector, axial and (contracted with q_ν) tensor currents from the 14 coefficients."""
    one = np.eye(4)
    bracket = lambda f: (
        np.einsum("a,mij->amij", v, f[0] * GAMMA + np.einsum("m,ij->mij", f[1] * v + f[2] * v_prime, one))
        + f[3] * np.einsum("am,ij->amij", METRIC, one)
    )
    swap = lambda x, y: np.einsum("m,nij->mnij", x, y) - np.einsum("n,mij->mnij", x, y)
    h = c[8:]
    inner = 1j * h[0] * SIGMA + h[1] * swap(v, GAMMA) + h[2] * swap(v_prime, GAMMA)
    inner = inner + h[3] * np.einsum("mn,ij->mnij", np.outer(v, v_prime) - np.outer(v_prime, v), one)
    metric_gamma = np.einsum("am,nij->amnij", METRIC, GAMMA)
    metric_v = np.einsum("am,n,ij->amnij", METRIC, v, one)
    tensor = np.einsum("a,mnij->amnij", v, inner)
    for coefficient, x in ((h[4], metric_gamma), (h[5], metric_v)):
        tensor = tensor + coefficient * (x - np.swapaxes(x, 1, 2))
    # σ^{μν}γ₅ = c ε^{μνρσ}σ_ρσ, with c from the matrices themselves
    dual = lambda x: np.einsum("mnrs,rp,st,...ptij->...mnij", EPSILON, METRIC, METRIC, x)
    constant = np.vdot(dual(SIGMA), SIGMA @ GAMMA_5) / np.vdot(dual(SIGMA), dual(SIGMA))
    np.testing.assert_allclose(SIGMA @ GAMMA_5, constant * dual(SIGMA), atol=1e-12)
    contract = lambda x: np.einsum("amnij,n->amij", x, METRIC @ q)
    return {
        "V": bracket(c[:4]),
        "A": bracket(c[4:8]) @ GAMMA_5,
        "T": contract(tensor),
        "T5": contract(constant * dual(tensor)),
    }


@pytest.mark.parametrize("q2", [0.4, 6.0, 16.3])
def test_helicity_amplitudes_from_explicit_spinors(q2: float):
    c = np.random.default_rng(3).normal(size=14)
    k = np.sqrt(((M_B + M) ** 2 - q2) * ((M_B - M) ** 2 - q2)) / (2 * M_B)
    energy = np.hypot(k, M)
    q = np.array([M_B - energy, 0, 0, -k])
    vertices = currents(c, np.array([1.0, 0, 0, 0]), np.array([energy, 0, 0, k]) / M, q)
    circular = np.array([0, -1, -1j, 0]) / np.sqrt(2)  # J_z = +1
    at_rest = np.array([k, 0, 0, energy]) / M
    up, down = spinor(k, M, 1), spinor(k, M, -1)
    half = np.sqrt(1 / 3) * np.outer(circular, down) + np.sqrt(2 / 3) * np.outer(at_rest, up)
    three_half = np.outer(circular, up)
    zero = np.array([-k, 0, 0, q[0]]) / np.sqrt(q2)
    plus = -circular.conj()  # helicity + of a vector that moves along −z: J_z = −1
    # A₀, A₁, B₁ are amplitudes of opposite Λ* helicity in the paper's frame: axial currents of A₀ change sign
    chosen = ((zero, half, 1, 1.0), (plus, half, -1, -1.0), (plus, three_half, 1, -1.0))
    f = ff_module.vector_from_covariant(c[:4], q2, M_B, M)
    g = ff_module.vector_from_covariant(np.array([c[4], -c[5], c[6], -c[7]]), q2, M_B, -M)
    tensors = ff_module.tensor_from_covariant(c[8:], jnp.asarray(q2), M_B, M)
    form_factors = ff_module.BaryonFormFactors(jnp.stack(f[1:]), jnp.stack(g[1:]), *tensors, jnp.stack([f[0], g[0]]))
    found = decay.helicity_amplitudes(form_factors, jnp.asarray(q2), M_B, M)
    for current, amplitudes in zip(("V", "A", "T", "T5"), found):
        for (vector, rs, spin, sign), amplitude in zip(chosen, amplitudes):
            bar = METRIC @ rs.conj() @ GAMMA[0]
            lowered = METRIC @ vector.conj()
            explicit = np.einsum("ai,amij,m,j->", bar, vertices[current], lowered, spinor(0.0, M_B, spin))
            expected = explicit * (sign if current in ("A", "T5") else 1.0)
            np.testing.assert_allclose(amplitude, np.sqrt(2) * expected, rtol=1e-10, atol=1e-10, err_msg=current)
