"""Belle II's likelihood of B⁺ → K⁺ and missing energy: published numbers, a reference written out here, derivatives, simulated experiments."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

import darkbeauty as db
from darkbeauty.likelihoods import PRESETS, TERMS
from darkbeauty.likelihoods.counts import Counts, inner_coefficients
from darkbeauty.numerics.compiled import compiled

TERM = "Belle II B+->K+nunu"
EXAMPLE = Path(__file__).parents[2] / "examples" / "belle2_knunu"
SIGNALS = ("signal", "sgn_1_had")
ITA, HTA = np.arange(24), np.arange(24, 30)
HISTOGRAM = TERMS[TERM].read()
EDGES, SM = HISTOGRAM.edges, HISTOGRAM.reference
CONSTANT = compiled(lambda part, spectra: jax.vmap(part.log_prob_of)(spectra))


def under_tents(density: np.ndarray) -> np.ndarray:
    """Of a spectrum that is constant in each of the 100 bins of q² (…, 100): its integrals under the tents, 1/8, 3/4 and 1/8 of a bin and its neighbours."""
    padded = np.pad(density, [(0, 0)] * (density.ndim - 1) + [(2, 2)])
    return (padded[..., :-2] + 6.0 * padded[..., 1:-1] + padded[..., 2:]) / 8.0


def line(mass: float, branching: float) -> np.ndarray:
    """B → KX beside the Standard Model: all of it at q² = m², which two tents share."""
    share = np.array([np.interp(mass**2, HISTOGRAM.knots, row) for row in np.eye(len(HISTOGRAM.knots))])
    return under_tents(SM) + branching * share


def deviance(part: Counts, spectra: np.ndarray) -> np.ndarray:
    return -2.0 * np.asarray(CONSTANT(part, jnp.asarray(spectra)))


@pytest.fixture(scope="module")
def part() -> Counts:
    return Counts.of(HISTOGRAM, "BR(B+->Knunu)")


def restricted(bins: np.ndarray) -> Counts:
    """The likelihood of some of the bins."""
    of_bins = {"observed": HISTOGRAM.observed[bins]}
    for name in ("nominal", "shapes", "statistical", "fixed"):
        of_bins[name] = getattr(HISTOGRAM, name)[..., bins]
    return Counts.of(dataclasses.replace(HISTOGRAM, density=HISTOGRAM.density[:, bins], **of_bins), "")


# -- the published likelihood ------------------------------------------------------------------------------------------------------------


def test_check_points(part):
    """−2 ln L of the full pyhf workspace at signal strengths, and of its compact form (good to 0.013) with a narrow X of BR = 10⁻⁵ (arXiv:2507.12393)."""
    strengths = {0.0: 38.6287, 1.0: 34.0331, 2.0: 30.5105, 4.6: 26.6541, 8.0: 32.6775}
    found = deviance(part, np.array(list(strengths))[:, None] * under_tents(SM))
    np.testing.assert_allclose(found, list(strengths.values()), atol=0.02, rtol=0.0)
    lines = {0.5: 66.1021, 1.0: 72.8492, 2.1: 21.1236, 3.1: 42.2069, 3.7: 36.0641, 4.2: 34.3445}
    found = deviance(part, np.array([line(mass, 1e-5) for mass in lines]))
    np.testing.assert_allclose(found, list(lines.values()), atol=0.02, rtol=0.0)


@pytest.mark.parametrize(
    ("bins", "best", "errors"),
    [(np.arange(30), 4.600, (1.349, 1.326)), (ITA, 5.416, (1.485, 1.466)), (HTA, 2.179, (2.364, 1.967))],
)
def test_signal_strength(bins, best, errors):
    """Published: 4.6 ± 1.0 ± 0.9, 5.4 ± 1.0 ± 1.1, 2.2 +1.8 −1.7 +1.6 −1.1; with one more digit from the full workspace."""
    grid = np.linspace(-0.5, 9.5, 501)
    value = deviance(restricted(bins), grid[:, None] * under_tents(SM))
    place = np.argmin(value)
    assert grid[place] == pytest.approx(best, abs=0.02)
    up = np.interp(1.0, value[place:] - value[place], grid[place:]) - grid[place]
    down = grid[place] - np.interp(-1.0, value[place] - value[: place + 1], grid[: place + 1])
    assert (up, down) == pytest.approx(errors, abs=0.03)


def test_two_body_decay(part):
    """B → KX, Γ_X = 0.1 GeV, beside the Standard Model: best m_X = 2.11 GeV and BR = 8.99·10⁻⁶ (published: 2.1 +0.2 −0.1 GeV, 9.2 +1.8 −3.4 ·10⁻⁶)."""
    masses, branchings = np.arange(1.9, 2.5, 0.01), np.arange(6e-6, 1.2e-5, 1e-7)
    share = np.array([np.diff(stats.cauchy.cdf(EDGES, m**2, 0.1 * m)) for m in masses])
    share /= share.sum(axis=1, keepdims=True)
    spectra = under_tents(SM + branchings[:, None] * share[:, None])
    value = deviance(part, spectra.reshape(-1, 102)).reshape(len(masses), -1)
    i, j = np.unravel_index(np.argmin(value), value.shape)
    assert (masses[i], branchings[j]) == (pytest.approx(2.11, abs=0.015), pytest.approx(8.99e-6, abs=1e-7))
    assert deviance(part, under_tents(SM)[None])[0] - value.min() == pytest.approx(13.17, abs=0.1)


# -- against the whole workspace -----------------------------------------------------------------------------------------------------------


class Workspace:
    """−2 ln L of the workspace as HistFactory defines it, each channel's samples apart and all histosys kept, minimised by SciPy; nothing of the package."""

    def __init__(self):
        workspace = json.loads((EXAMPLE / "workspace.json").read_text(encoding="utf-8"))
        table = [line.split(",") for line in (EXAMPLE / "densities.csv").read_text(encoding="utf-8").splitlines()[3:]]
        self.counts = np.concatenate([entry["data"] for entry in workspace["observations"]])
        ends = np.cumsum([len(entry["data"]) for entry in workspace["observations"]])
        names, entries = {}, []
        for channel, end in zip(workspace["channels"], ends):
            density = np.array([row[2:] for row in table if row[0] == channel["name"]], float)
            for sample in channel["samples"]:
                entries.append((slice(end - len(sample["data"]), end), sample, density))
                for modifier in sample["modifiers"]:
                    if modifier["type"] in ("normsys", "histosys"):
                        names.setdefault(modifier["name"], len(names))
        shape = len(entries), len(self.counts)
        self.data, self.error = np.zeros((2, *shape))
        self.density = np.zeros((*shape, 101))
        self.shift = np.zeros((len(names), *shape))
        self.polynomial = np.zeros((7, len(names), len(entries)))
        self.polynomial[0] = 1.0
        self.sides = np.zeros((2, len(names), len(entries)))
        for i, (bins, sample, density) in enumerate(entries):
            self.data[i, bins] = sample["data"]
            if sample["name"] in SIGNALS:
                self.density[i, bins] = density
            for modifier in sample["modifiers"]:
                kind, data = modifier["type"], modifier["data"]
                if kind == "staterror":
                    self.error[i, bins] = data
                elif kind == "histosys":
                    self.shift[names[modifier["name"]], i, bins] = 0.5 * np.subtract(data["hi_data"], data["lo_data"])
                elif kind == "normsys":
                    self.polynomial[:, names[modifier["name"]], i] = _code_4(data["hi"], data["lo"])
                    self.sides[:, names[modifier["name"]], i] = np.log([data["hi"], data["lo"]])
        self.slope = jax.jit(jax.value_and_grad(self.value))

    def value(self, p: jax.Array, scale: jax.Array) -> jax.Array:
        alpha = p[:, None]
        inside = jnp.sum(self.polynomial * alpha[None] ** np.arange(7)[:, None, None], axis=0)
        outside = jnp.exp(jnp.where(alpha > 0.0, alpha * self.sides[0], -alpha * self.sides[1]))
        factor = jnp.prod(jnp.where(jnp.abs(alpha) < 1.0, inside, outside), axis=0)[:, None]
        nominal = self.data + jnp.tensordot(p, self.shift, 1)
        relative = nominal / np.where(self.data > 0.0, self.data, 1.0)
        mean = jnp.sum(factor * scale * nominal, axis=0)
        variance = jnp.sum((factor * scale * relative * self.error) ** 2, axis=0)
        n, gap = self.counts, mean - variance
        best = 0.5 * (gap + jnp.sqrt(gap**2 + 4.0 * n * variance))
        return jnp.sum(2.0 * (best - n - n * jnp.log(best / n)) + (best - mean) ** 2 / variance) + p @ p

    def __call__(self, weights: np.ndarray) -> float:
        """At weights of the signal in 100 bins of q²."""
        signal = self.density @ np.concatenate([[1.0], weights])
        scale = np.where(self.density.sum(-1) > 0.0, signal / np.where(self.data > 0.0, self.data, 1.0), 1.0)
        start = np.zeros(len(self.shift))
        options = {"gtol": 1e-5, "maxiter": 1000}
        return float(minimize(self.slope, start, args=(scale,), jac=True, method="BFGS", options=options).fun)


def _code_4(high: float, low: float) -> np.ndarray:
    """The polynomial of sixth degree that meets highᵅ at 1 and low⁻ᵅ at −1 with two derivatives, and 1 at 0, from these conditions."""
    n = np.arange(7)
    powers = lambda x, k: np.where(n >= k, np.prod([n - i for i in range(k)], axis=0) * x ** np.maximum(n - k, 0), 0.0)
    rows = [powers(0.0, 0)] + [powers(x, k) for x in (1.0, -1.0) for k in range(3)]
    ends = [high * np.log(high) ** k for k in range(3)] + [low * (-np.log(low)) ** k for k in range(3)]
    return np.linalg.solve(np.array(rows, float), [1.0, *ends])


def test_interpolation_code_4():
    high, low = np.array([1.5, 1.003]), np.array([0.5, 0.98])
    expected = np.array([_code_4(*pair) for pair in zip(high, low)]).T
    np.testing.assert_allclose(expected[0], 1.0)
    np.testing.assert_allclose(inner_coefficients(high, low), expected[1:], rtol=1e-9, atol=1e-12)


# -- of models -----------------------------------------------------------------------------------------------------------------------------

PRIOR = {"y": (0.02, 0.25), "g": (2e-4, 4e-3), "m_zp": (1.0, 5.2), "m_dm": (0.3, 2.4)}


@pytest.fixture(scope="module")
def light():
    """The term alone for the model with a light Z′, and log L with its slopes at parameters [y, g, m_zp, m_dm]."""
    lik = db.likelihood("lmu_ltau_s1", None, terms=[TERM])
    both = compiled(lambda lik, x: jax.vmap(jax.value_and_grad(lambda x: lik.log_prob(dict(zip(PRIOR, x)))))(x))
    spectra = compiled(lambda lik, x: jax.vmap(lambda x: lik.predictions(dict(zip(PRIOR, x))))(x))
    return lik, lambda x: both(lik, jnp.asarray(x)), lambda x: np.asarray(spectra(lik, jnp.asarray(x)))


def test_model_points_against_the_whole_workspace(light):
    """20 points, Z′ on its mass shell or above it, as long as the data do not exclude them altogether; what leaves room is 188 shapes cut to 24."""
    _, both, spectra = light
    low, high = np.array(list(PRIOR.values())).T
    points = low + (high - low) * np.random.default_rng(3).random((64, 4))
    found = -2.0 * np.asarray(both(points)[0])
    kept = np.flatnonzero(found < 26.0 + 60.0)[:20]
    assert len(kept) == 20 and np.ptp(found[kept]) > 10.0
    whole = Workspace()
    for i, tents in zip(kept, spectra(points[kept])):
        expected = whole(weights_of(tents))
        assert found[i] == pytest.approx(expected, abs=0.03 if expected < 56.0 else 0.1), points[i]


def weights_of(tents: np.ndarray) -> np.ndarray:
    """Weights of the 100 bins, from what lies under tents over what the signal was generated with, the outer tents counting to the first and last bin."""
    folded = lambda x: np.concatenate([[x[0] + x[1]], x[2:-2], [x[-2] + x[-1]]])
    return folded(tents) / folded(under_tents(SM))


def test_gradient_against_differences(light):
    """At fixed nuisances, as the envelope theorem has it, against differences of everything: the Z′ above, below and close to two dark-matter masses."""
    _, both, _ = light
    points = np.array([[0.2, 1e-3, 2.1, 0.9], [0.15, 2e-3, 4.2, 2.0], [0.1, 1e-3, 2.05, 1.0], [0.2, 1.5e-3, 3.3, 1.6]])
    steps = 1e-5 * np.array([0.1, 1e-3, 1.0, 1.0])
    slope = np.asarray(both(points)[1])
    for j, step in enumerate(steps):
        up, down = (np.asarray(both(points + sign * step * np.eye(4)[j])[0]) for sign in (1.0, -1.0))
        difference = (up - down) / (2.0 * step)
        scale = np.abs(slope * points).max(axis=1) / points[:, j]
        np.testing.assert_allclose(slope[:, j] / scale, difference / scale, atol=2e-4)


def test_a_line_moves_without_jumps(light):
    """The likelihood is continuous in the mass of a narrow Z′, also where its pole leaves one bin of q² for the next."""
    _, both, _ = light
    masses = np.sqrt(4.0 + np.linspace(0.0, 0.7, 141))
    value = np.asarray(both(np.stack([np.full(141, 0.15), np.full(141, 1e-3), masses, np.full(141, 2.0)], axis=1))[0])
    assert np.abs(np.diff(value)).max() < 0.05 * np.ptp(value) + 0.02


# -- as a part of a likelihood -------------------------------------------------------------------------------------------------------------


def test_residuals_are_the_same_likelihood(part):
    """Σ residual² is −2 ln L, and their Jacobian gives its slope and, but for second derivatives, its curvature when nuisances follow."""
    shape = jnp.asarray(under_tents(SM))
    of_strength = lambda x: part.residuals(x * shape)
    residual, slope = np.asarray(of_strength(4.0)), np.asarray(jax.jacfwd(of_strength)(4.0))
    value = deviance(part, np.array([4.0 - 0.05, 4.0, 4.0 + 0.05])[:, None] * np.asarray(shape))
    assert residual @ residual == pytest.approx(value[1], abs=1e-4)
    assert 2.0 * residual @ slope == pytest.approx((value[2] - value[0]) / 0.1, abs=0.02)
    assert 2.0 * slope @ slope == pytest.approx((value[2] + value[0] - 2.0 * value[1]) / 0.05**2, rel=0.2)


def test_coverage_and_goodness_of_fit(part):
    """Simulated experiments at twice the Standard Model: Δ(−2 ln L) there is below 1 in 68.3 % and below 3.84 in 95 %; the minimum is as χ² of 29."""
    experiments, grid = 300, np.linspace(-5.0, 10.0, 61)
    shape = under_tents(SM)
    data = part.simulate(jax.random.key(8), np.tile(2.0 * shape, (experiments, 1)))
    assert data.shape == (experiments, *part.data.shape)
    np.testing.assert_array_equal(data[:, :30], np.round(data[:, :30]))
    on_grid = lambda part, data: jax.vmap(
        lambda x: -2.0 * dataclasses.replace(part, data=data).log_prob_of(x * jnp.asarray(shape))
    )(jnp.asarray(grid))
    value = np.asarray(compiled(lambda part, table: jax.lax.map(lambda data: on_grid(part, data), table))(part, data))
    lowest = value.min(axis=1)
    there = np.array([np.interp(2.0, grid, row) for row in value])
    for level, share in ((1.0, 0.683), (3.84, 0.95)):
        covered = np.mean(there - lowest < level)
        assert covered == pytest.approx(share, abs=3.0 * np.sqrt(share * (1.0 - share) / experiments) + 0.01)
    assert np.mean(lowest) == pytest.approx(29.0, abs=3.0)


def test_report():
    """One line for the term: its sum against the best strength of this shape, ±√Δ(−2 ln L), and −2 ln L itself; beside it terms of measured numbers."""
    lik = db.likelihood("wet", None, terms=[TERM, "BR(Bs->mumu)"])
    assert [term.name for term in lik.terms] == ["BR(Bs->mumu)", TERM]
    first, counts = lik.explain({})
    assert (first.term, counts.term, counts.observable) == ("BR(Bs->mumu)", TERM, "BR(B+->Knunu)")
    assert counts.prediction == pytest.approx(db.predict("wet", {}, ["BR(B+->Knunu)"])["BR(B+->Knunu)"], rel=1e-6)
    assert counts.measured == pytest.approx(4.6 * 4.97e-6, rel=0.03) and counts.sigma == pytest.approx(
        1.35 * 4.97e-6, rel=0.1
    )
    strengths = counts.prediction / 4.966e-6 * np.linspace(0.5, 9.0, 351)
    value = deviance(lik.parts[1], strengths[:, None] * under_tents(SM))
    here = -2.0 * counts.log_prob
    assert counts.pull == pytest.approx(-np.sqrt(here - value.min()), abs=0.02)
    assert float(lik.log_prob({})) == pytest.approx(first.log_prob + counts.log_prob, rel=1e-9)


def test_the_same_data_are_not_used_twice():
    for other in ("BR(B+->Knunu)", "limit Belle II B+->KX(inv)"):
        with pytest.raises(db.InputError, match="measured from the same data"):
            db.likelihood("lmu_ltau_s1", None, terms=[TERM, other])


def test_presets_with_the_counts():
    for model in ("lmu_ltau_s1", "le_lmu_r2", "wet"):
        names = PRESETS[model, "global_belle2"]
        assert set(names) ^ set(PRESETS[model, "global"]) == {TERM, "BR(B+->Knunu)"} and names[-1] == TERM
