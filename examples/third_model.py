"""A third model from nothing: a plain U(1)_{B−L} Z′ with a Majorana fermion as dark matter, and no leptoquark.

    python examples/third_model.py

predicts everything the model has sectors for, with gradients, says what it has not and why, and samples a small posterior of it.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

import darkbeauty as db  # noqa: E402
from darkbeauty.inputs import SMInputs, load_sm  # noqa: E402
from darkbeauty.models.base import Below, Model, Parameter, Resonance, Value  # noqa: E402
from darkbeauty.models.sectors import LEPTONS, Channels, DarkMatter, Theory, ZPrime  # noqa: E402
from darkbeauty.models.z_prime import fermion_width, majorana_width  # noqa: E402
from darkbeauty.observables import REGISTRY  # noqa: E402
from darkbeauty.prediction import check_observable, usage  # noqa: E402


class BMinusL(Model):
    r"""U(1)_{B−L}: L = −g Q′ f̄γ^μf Z′_μ with Q′ = 1/3 for quarks and −1 for leptons, and −½ g N̄γ^μγ₅N Z′_μ for a Majorana N of charge 1."""

    name: ClassVar[str] = "b_minus_l"
    title: ClassVar[str] = "gauged B−L with a Majorana fermion"
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("g", "U(1)′ gauge coupling", lower=0.0, upper=3.5),
        Parameter("m_zp", "Z′ mass", "GeV", lower=12.0, upper=1e4),
        Parameter("m_dm", "mass of the Majorana fermion", "GeV", lower=6.0, upper=1e4),
    )
    conditions: ClassVar[tuple[Below, ...]] = (
        Below("m_dm", "m_zp", "N N → Z′Z′, which is left out here, opens for m_dm ({smaller}) above m_zp ({larger})"),
    )

    resonance: ClassVar[Resonance | None] = Resonance("m_zp", "m_dm")

    g: Value = None
    m_zp: Value = None
    m_dm: Value = None
    sm: SMInputs = eqx.field(default_factory=load_sm)

    def derive(self) -> Theory:
        """A Z′ and dark matter; no Wilson coefficient is shifted, as the Z′ couples to quarks of all generations alike."""
        z_prime = self.z_prime()
        return Theory(self.sm, z_prime=z_prime, dark_matter=self.dark_matter(z_prime))

    def fermions(self) -> dict[str, tuple[Value, float, float, float]]:
        """Final state → mass, colours times (for neutrinos) generations, g_V and g_A in units of g."""
        leptons = {2 * name: (self.sm.mass[name], 1.0, -1.0, 0.0) for name in LEPTONS}
        quarks = {2 * name: (self.sm.quark[f"dark_{name}"], 3.0, 1.0 / 3.0, 0.0) for name in "udscbt"}
        return {**leptons, **quarks, "nunu": (0.0, 3.0, -0.5, 0.5)}

    def z_prime(self) -> ZPrime:
        """Mass, widths and couplings of the Z′."""
        m, g = jnp.asarray(self.m_zp, float), jnp.asarray(self.g, float)
        partial = {
            final: fermion_width(m, mass, g * g_v, g * g_a, colours)
            for final, (mass, colours, g_v, g_a) in self.fermions().items()
        }
        lepton = -g * jnp.ones(3)
        return ZPrime(m, {**partial, "NN": majorana_width(m, self.m_dm, g)}, lepton, lepton, g.reshape(1, 1))

    def dark_matter(self, z_prime: ZPrime) -> DarkMatter:
        """N, which annihilates through the Z′ into all fermions."""
        mass, colours, g_v, g_a = (jnp.array(column, float) for column in zip(*self.fermions().values()))
        g = jnp.asarray(self.g, float)
        channels = Channels(mass, colours, g * g_v, g * g_a, 4.0 * mass**2, 0.0 * mass, tuple(self.fermions()))
        return DarkMatter(jnp.asarray(self.m_dm, float), g, z_prime, channels)


POINT = {"g": 0.2, "m_zp": 300.0, "m_dm": 130.0}


ARGUMENTS = {
    "x=…": "x=20",
    "[q2min,q2max]": "[1.1,6]",
    "[q2left,q2peak,q2right]": "[1.1,3.5,6]",
    "[q2]": "[4]",
    "[E,cosmin,cosmax]": "[200,-0.5,0.5]",
    "[E]": "[200]",
}


def labels() -> list[str]:
    """Every observable of darkbeauty that is not the Standard Model's alone, with some arguments."""
    usages = [usage(observable) for observable in REGISTRY if observable.of != ("wilson",)]
    for words, numbers in ARGUMENTS.items():
        usages = [name.replace(words, numbers) for name in usages]
    return usages


def observables() -> tuple[list[str], dict[str, str]]:
    """Those the model predicts, and why not the others."""
    problems = {name: check_observable(BMinusL(), name, name) for name in labels()}
    return [name for name in problems if not problems[name]], {k: p.message for k, p in problems.items() if p}


def fit():
    """Relic density, a neutrino trident and the muon's g−2, with the Z′ a little heavier than two N."""
    return db.Fit(
        model=BMinusL(),
        name="b_minus_l",
        priors={
            "g": {"kind": "log_uniform", "lower": 0.01, "upper": 1.0},
            "m_zp": {"kind": "uniform", "lower": 280.0, "upper": 320.0},
            "m_dm": {"kind": "uniform", "lower": 100.0, "upper": 135.0},
        },
        terms=["Omega_h2", "trident CCFR", "a_mu"],
        relic="freeze_out",
        sampler={"method": "nuts", "chains": 2, "warmup": 300, "draws": 500},
    )


if __name__ == "__main__":
    names, missing = observables()
    values, slopes = db.predict(BMinusL(), POINT, names), db.gradient(BMinusL(), POINT, names)
    for name in names:
        print(f"{name:28}{values[name]:12.4g}   d/dg {slopes[name]['g']:12.4g}")
    for name, why in missing.items():
        print(f"{name:28}{why}")
    posterior = db.run_fit(fit()).posterior
    for name in POINT:
        print(f"{name:8}{float(posterior[name].mean()):10.4g} ± {float(posterior[name].std()):.3g}")
