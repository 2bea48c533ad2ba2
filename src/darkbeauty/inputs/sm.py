"""Standard-Model inputs as one frozen pytree: whatever a formula needs and a fit could vary is a leaf of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.errors import TracerArrayConversionError

from darkbeauty.errors import InputError, Problem, quoted, raise_if_any, unknown
from darkbeauty.inputs.limits import Limits, Trident, load_limits, load_trident

GSTAR_TABLES = {"BORSANYI2016": "linear", "SS2018": "monotonic"}


class CKM(eqx.Module):
    """Cabibbo–Kobayashi–Maskawa matrix in the standard phase convention, from tree-level inputs.

    Scheme: |V_us|, |V_ub|, |V_cb| and γ = arg(−V_ud V_ub* / V_cd V_cb*) (PDG review "CKM quark-mixing matrix").
    """

    Vus: Array | float
    Vub: Array | float
    Vcb: Array | float
    gamma: Array | float

    def matrix(self) -> Array:
        """V, complex, shape (3, 3): rows u, c, t, columns d, s, b; from plain numbers a NumPy array, for then nothing of it is left to compile."""
        plain = all(isinstance(x, float) for x in (self.Vus, self.Vub, self.Vcb, self.gamma))
        xp: Any = np if plain else jnp
        s13, s12, s23 = self._sines(xp)
        c13, c12, c23 = (xp.sqrt(1.0 - s * s) for s in (s13, s12, s23))
        tilt = xp.arcsin(c12 * s23 * s13 / (s12 * c23) * xp.sin(self.gamma))  # δ − γ, exactly
        phase = xp.exp(1j * (self.gamma + tilt))
        row_u = (c12 * c13, s12 * c13, s13 / phase)
        row_c = (-s12 * c23 - c12 * s23 * s13 * phase, c12 * c23 - s12 * s23 * s13 * phase, s23 * c13)
        row_t = (s12 * s23 - c12 * c23 * s13 * phase, -c12 * s23 - s12 * c23 * s13 * phase, c23 * c13)
        return xp.stack([xp.stack([xp.asarray(x, complex) for x in row]) for row in (row_u, row_c, row_t)])

    def xi(self, quark: str, pair: str = "bs") -> Array:
        """ξ_q = V_qb V_qs*, q = u, c or t; V_qb V_qd* and V_qs V_qd* of the pairs "bd" and "sd"."""
        row = self.matrix()["uct".index(quark)]
        heavy, light = ("dsb".index(flavour) for flavour in pair)
        return row[heavy] * row[light].conj()

    def _sines(self, xp: Any) -> tuple[Array, Array, Array]:
        s13 = xp.asarray(self.Vub)
        c13 = xp.sqrt(1.0 - s13 * s13)
        return s13, self.Vus / c13, self.Vcb / c13


class Thermodynamics(eqx.Module):
    """Effective degrees of freedom of the Standard-Model plasma at the knots ln(T/GeV).

    method is how to go between knots: "monotonic" (cubic, C¹) for the dense Saikawa–Shirai table, "linear" for the 16 knots of Borsanyi et al.
    """

    log_t: Array | np.ndarray
    g_rho: Array | np.ndarray
    g_s: Array | np.ndarray
    method: str = eqx.field(static=True)


class NonLocal(eqx.Module):
    """Tables of the two-loop matrix elements of O₁, O₂, O₈ in b → sℓℓ at the knots q2 [GeV²].

    δC_i(q²) = t_i(q²) − (ξ_u/ξ_t) u_i(q²), i = 7, 9 (physics: `darkbeauty.flavour.charm_loops`).
    """

    q2: Array | np.ndarray
    c7_t: Array | np.ndarray
    c7_u: Array | np.ndarray
    c9_t: Array | np.ndarray
    c9_u: Array | np.ndarray


class Spectator(eqx.Module):
    """Table of spectator-scattering amplitudes in B → Vℓℓ at the knots q2 [GeV²], in units of iN, N = (4G_F/√2) ξ_t α/4π.

    q² H₋ [GeV³] and √q² H₀ [GeV²], each t + (ξ_u/ξ_t) u; H₊ = 0 (physics: `darkbeauty.flavour.b_to_v_ll`).
    """

    q2: Array | np.ndarray
    minus_t: Array | np.ndarray
    minus_u: Array | np.ndarray
    zero_t: Array | np.ndarray
    zero_u: Array | np.ndarray


class SMInputs(eqx.Module):
    """All Standard-Model and hadronic inputs; fields are mappings from a name to its value (see parameters.toml).

    Masses and energies in GeV, lifetimes in 1/GeV, form-factor coefficients as vectors.
    """

    mass: dict[str, Any]
    quark: dict[str, Any]
    lifetime: dict[str, Any]
    ckm: CKM
    coupling: dict[str, Any]
    decay_constant: dict[str, Any]
    wilson: dict[str, Any]
    wilson_2: dict[str, Any]
    nunu: dict[str, Any]
    kaon: dict[str, Any]
    xsgamma: dict[str, Any]
    mixing: dict[str, Any]
    form_factor: dict[str, Any]
    form_factor_pole: dict[str, Any]
    form_factor_mcn: dict[str, Any]
    branching: dict[str, Any]
    decay_parameter: dict[str, Any]
    subleading: dict[str, Any]
    nucleon: dict[str, Any]
    cosmology: dict[str, Any]
    energy_injection: dict[str, Any]
    non_local: NonLocal
    spectator: dict[str, Spectator]
    thermodynamics: Thermodynamics
    limits: Limits
    trident: Trident

    def replace(self, values: Mapping[str, Any]) -> SMInputs:
        """A copy with other values, by path: `sm.replace({"mass.B+": 5.28, "ckm.Vcb": 0.0411})`.

        Errors   InputError naming every path that does not exist, and every value that is no finite number (or vector of the same length)
        """
        problems = [unknown("SMInputs", "input", path, self.paths()) for path in values if path not in self.paths()]
        problems += [
            Problem(f"SMInputs.{path}", f"{quoted(value)} is no finite value of shape {np.shape(self.get(path))}")
            for path, value in values.items()
            if path in self.paths() and not _fits(value, np.shape(self.get(path)))
        ]
        raise_if_any(problems)
        new = self
        for path, value in values.items():
            group, name = path.split(".", 1)
            new = eqx.tree_at(lambda sm, g=group, n=name: _get(sm, g, n), new, value)
        return new

    def paths(self) -> tuple[str, ...]:
        """Every scalar or vector input that `replace` accepts, as "group.name"."""
        return tuple(f"{group}.{name}" for group in _GROUPS for name in _names(getattr(self, group)))

    def get(self, path: str) -> Any:
        """Value of one input by its path."""
        return _get(self, *path.split(".", 1))


def _fits(value: Any, shape: tuple[int, ...]) -> bool:
    """Whether a value is finite and of a shape; of a tracer, only its shape is known."""
    try:
        return np.shape(value) == shape and bool(np.all(np.isfinite(np.asarray(value, float))))
    except TracerArrayConversionError:
        return True
    except (TypeError, ValueError):
        return False


_SECTIONS = {
    "mass": "mass",
    "quark": "quark",
    "lifetime": "lifetime",
    "ckm": "ckm",
    "coupling": "coupling",
    "decay_constant": "decay_constant",
    "wilson": "wilson_4.8",
    "wilson_2": "wilson_2.0",
    "nunu": "nunu",
    "kaon": "kaon",
    "xsgamma": "xsgamma",
    "mixing": "mixing",
    "form_factor": "form_factor",
    "form_factor_pole": "form_factor_pole",
    "form_factor_mcn": "form_factor_mcn",
    "branching": "branching",
    "decay_parameter": "decay_parameter",
    "subleading": "subleading",
    "nucleon": "nucleon",
    "cosmology": "cosmology",
    "energy_injection": "energy_injection",
}
_GROUPS = tuple(_SECTIONS)


def _names(group: Any) -> tuple[str, ...]:
    return tuple(group) if isinstance(group, dict) else tuple(vars(group))


def _get(sm: SMInputs, group: str, name: str) -> Any:
    values = getattr(sm, group)
    return values[name] if isinstance(values, dict) else getattr(values, name)


@lru_cache(maxsize=1)
def parameter_records() -> dict[str, dict[str, Any]]:
    """`path` → {value, error (if any), source} for every entry of parameters.toml."""
    text = files("darkbeauty.inputs").joinpath("parameters.toml").read_text(encoding="utf-8")
    raw = _flatten(tomllib.loads(text))
    return {f"{group}.{name}": record for group, section in _SECTIONS.items() for name, record in raw[section].items()}


def _flatten(raw: dict[str, Any]) -> dict[str, Any]:
    """TOML reads [wilson_4.8] as a nested table: put the name together again."""
    sections = dict(raw)
    for scale in ("4.8", "2.0"):
        whole, part = scale.split(".")
        sections[f"wilson_{scale}"] = raw[f"wilson_{whole}"][part]
    return sections


@lru_cache(maxsize=4)
def load_sm(gstar: str = "BORSANYI2016") -> SMInputs:
    """The default inputs; gstar selects the table of g_*(T): "BORSANYI2016" (the published analyses' choice) or "SS2018" (Saikawa–Shirai).

    Errors   InputError for an unknown table
    """
    if gstar not in GSTAR_TABLES:
        raise InputError([unknown("gstar", "thermodynamic table", gstar, GSTAR_TABLES)])
    groups: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    for path, record in parameter_records().items():
        group, name = path.split(".", 1)
        value = record["value"]
        groups[group][name] = np.asarray(value) if isinstance(value, list) else value
    ckm = CKM(**groups.pop("ckm"))
    return SMInputs(
        **groups,
        ckm=ckm,
        non_local=_load_non_local(),
        spectator=_load_spectator(),
        thermodynamics=_load_thermodynamics(gstar),
        limits=load_limits(),
        trident=load_trident(),
    )


def _table(name: str) -> list[str]:
    text = files("darkbeauty.inputs").joinpath("tables", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _load_non_local() -> NonLocal:
    data = np.loadtxt(_table("nnlo_bsll.csv")[1:], delimiter=",")
    columns = data[:, 1::2] + 1j * data[:, 2::2]
    return NonLocal(data[:, 0], *columns.T)


def _load_spectator() -> dict[str, Spectator]:
    rows = [line.split(",") for line in _table("spectator_bvll.csv")[1:]]
    tables = {}
    for transition in dict.fromkeys(row[0] for row in rows):
        data = np.array([[float(text) for text in row[1:]] for row in rows if row[0] == transition])
        tables[transition] = Spectator(data[:, 0], *(data[:, 1::2] + 1j * data[:, 2::2]).T)
    return tables


def _load_thermodynamics(name: str) -> Thermodynamics:
    rows = [line.split(",") for line in _table("gstar.csv")[1:]]
    data = np.array([[float(row[1]), float(row[2]), float(row[4])] for row in rows if row[0] == name])
    return Thermodynamics(np.log(data[:, 0]), data[:, 1], data[:, 2], GSTAR_TABLES[name])
