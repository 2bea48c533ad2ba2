"""Sampled theory errors: the same likelihood as the marginal one where that is exact, and what NUTS makes of it."""

import json
from pathlib import Path
from typing import Any

import arviz as az
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.commands.runs import print_run
from darkbeauty.inference.checking.diagnostics import judge, summarise
from darkbeauty.inference.run import execute
from darkbeauty.inference.samplers.sampler import Draws
from darkbeauty.inputs import load_sm
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.likelihoods import sample_nuisances
from darkbeauty.likelihoods.fit_schema import TargetSection
from darkbeauty.likelihoods.nuisances import WEAK, split
from darkbeauty.likelihoods.theory import ALIKE, correlation, nuisances
from darkbeauty.report.figures import write_figures
from darkbeauty.report.page import write_report
from darkbeauty.report.result import read_result

TERMS = ["BR(B->Xsgamma)", "DeltaM_s", "BR(Bs->mumu)"]
FIT = """
name = "sampled"
model = "wet"
seed = 5
[priors]
C10_bsmumu = { kind = "uniform", lower = -1.5, upper = 1.5 }
C7_bs = { kind = "uniform", lower = -0.3, upper = 0.3 }
[likelihood]
terms = ["BR(B->Xsgamma)", "DeltaM_s", "BR(Bs->mumu)"]
theory = "sampled"
[sampler]
method = "nuts"
chains = 4
warmup = 200
draws = 500
max_depth = 4
"""


@pytest.fixture(scope="module")
def lik():
    return db.likelihood("wet", None, terms=TERMS, theory="correlated")


@pytest.fixture(scope="module")
def sampled(lik):
    return sample_nuisances(lik)


@pytest.fixture(scope="module")
def evaluated(sampled):
    """Functions compiled once: predictions and log L p(ν) at rows of (C₁₀, C₇) and ν; log density, its gradient and pulls at rows of η."""

    @eqx.filter_jit
    def at_nu(lik, points, nu):
        one = lambda x: (lik.predictions(x[0], x[1]), lik.log_prob(x[0], x[1]))
        return jax.lax.map(one, (points, nu), batch_size=64)

    @eqx.filter_jit
    def at_eta(lik, points, eta):
        def one(x):
            value, slope = jax.value_and_grad(lambda x: lik.log_density(*x))(x)
            return value, slope, lik.observe(*x)

        return jax.lax.map(one, (points, eta), batch_size=64)

    rows = lambda point, count: {name: jnp.full(count, value) for name, value in point.items()}
    return (
        lambda point, nu: at_nu(sampled, rows(point, len(nu)), jnp.asarray(nu)),
        lambda point, eta: at_eta(sampled, rows(point, len(eta)), jnp.asarray(eta)),
    )


POINT = {"C10_bsmumu": 0.4, "C7_bs": -0.02}

# -- which nuisances ---------------------------------------------------------------------------------------------------------------------


def test_only_what_matters_is_sampled(sampled):
    names = set(sampled.nuisance_names)
    assert {"ckm.Vcb", "decay_constant.f_Bs", "quark.mt_pole"} <= names
    assert not {"mixing.bag_Bs", "xsgamma.delta", "lifetime.Bs"} & names  # each matters to one prediction alone
    assert not any(name.startswith(("form_factor.", "subleading.", "mass.tau")) for name in names)
    assert sampled.size == len(names) < 20


def test_linear_nuisances_integrate_to_the_covariance(lik, sampled, evaluated):
    """J Jᵀ + what is left = theory and experimental covariance, with J by differences of the predictions themselves."""
    step = 1e-3 * np.eye(sampled.size)
    up, down = (np.asarray(evaluated[0]({"C10_bsmumu": 0.0, "C7_bs": 0.0}, sign * step)[0]) for sign in (1.0, -1.0))
    slope = (up - down).T / 2e-3
    total = slope @ slope.T + sampled.given.covariance
    sigma = np.sqrt(np.diag(lik.covariance))
    np.testing.assert_allclose(total / np.outer(sigma, sigma), lik.covariance / np.outer(sigma, sigma), atol=1e-5)


def a_jacobian() -> np.ndarray:
    """Of three made-up predictions of unit error: two modes, one of their partners hardly at all, a form factor, and what only one of them knows."""
    paths, roots = nuisances()
    ends = np.cumsum([len(root) for root in roots])
    place = {path: end - 1 for path, end in zip(paths, ends)}
    jacobian = np.zeros((3, ends[-1]))
    jacobian[0, place["subleading.B0->K*0 delta_C7 a_0 Re"]] = 0.5
    jacobian[1, place["subleading.B+->K*+ delta_C7 a_0 Re"]] = 0.4
    jacobian[2, place["subleading.Bs->phi delta_C7 a_0 Re"]] = 0.5 * WEAK
    jacobian[2, place["form_factor.B->K"] - 7 : place["form_factor.B->K"] + 1] = 0.1
    jacobian[0, place["ckm.Vcb"]] = 0.3
    jacobian[1] += 0.2 * jacobian[0]
    jacobian[0] += 0.2 * jacobian[2]
    jacobian[2] += 0.1 * jacobian[1]
    jacobian[1, place["mixing.bag_Bs"]] = 0.6
    return jacobian


def test_inputs_have_their_covariance_and_modes_are_alike():
    chosen, _ = split(load_sm(), a_jacobian(), np.ones(3))
    assert chosen.size == len(chosen.names) == 8 + 3
    block = chosen.spread["form_factor.B->K"]
    archive = Path(db.__file__).parent / "inputs" / "tables" / "form_factor_covariance.npz"
    with np.load(archive) as file:
        np.testing.assert_allclose(block @ block.T, file["B->K"], rtol=1e-9, atol=1e-12)
    one, other = (chosen.spread[f"subleading.{mode} delta_C7 a_0 Re"][0] for mode in ("B0->K*0", "B+->K*+"))
    assert one @ other / np.sqrt((one @ one) * (other @ other)) == pytest.approx(
        dict_of(ALIKE)["subleading.B0->K*0 ", "subleading.B+->K*+ "]
    )
    nu = np.random.default_rng(1).normal(size=(4000, chosen.size))
    np.testing.assert_allclose(np.std([chosen.pulls(one) for one in nu], axis=0), 1.0, atol=0.05)
    inputs = chosen.inputs(np.zeros(chosen.size))
    assert all(np.array_equal(inputs[path], load_sm().get(path)) for path in inputs)


def dict_of(alike):
    return {(one, other): value for one, other, value in alike}


def test_correlated_errors_are_those_of_the_terms_and_shared_between_them(lik):
    """Δm_s ∝ (V_tb V_ts* f)² and BR(Bs → μμ) ∝ the same: correlated by V_cb, f_Bs and nothing of the other's own."""
    separate = db.likelihood("wet", None, terms=TERMS)
    for start, stop in lik.slices:
        own = slice(start, stop)
        assert np.allclose(separate.covariance[own, own], lik.covariance[own, own], rtol=1e-10)
    records = parameter_records()
    shared = 0.0
    for path in ("ckm.Vcb", "decay_constant.f_Bs"):
        if "error" in records.get(path, {}):
            shared += (2.0 * records[path]["error"] / records[path]["value"]) ** 2
    predicted = np.asarray(lik.predictions({"C10_bsmumu": 0.0, "C7_bs": 0.0}))
    assert shared > 0.0
    assert lik.covariance[1, 2] == pytest.approx(shared * predicted[1] * predicted[2], rel=0.2)
    assert separate.covariance[1, 2] == 0.0


def test_weak_nuisances_stay_in_the_covariance():
    """What is sampled, with what follows it, and what is left add up to the whole; a partner too weak to be sampled itself follows."""
    jacobian = a_jacobian()
    chosen, rest = split(load_sm(), jacobian, np.ones(3))
    follower = "subleading.Bs->phi delta_C7 a_0 Re"
    assert follower in chosen.spread and follower not in chosen.names
    paths, roots = nuisances()
    zero = lambda root: np.zeros((len(root), chosen.size))
    whitened = [
        np.linalg.solve(root, chosen.spread[path]) if path in chosen.spread else zero(root)
        for path, root in zip(paths, roots)
    ]
    moved = jacobian @ np.concatenate(whitened)
    expected = jacobian @ correlation(paths, roots) @ jacobian.T
    np.testing.assert_allclose(moved @ moved.T + rest, expected, rtol=1e-9, atol=1e-15)
    assert 0.0 < rest[2, 2] < 0.5 * WEAK**2


# -- the density -------------------------------------------------------------------------------------------------------------------------


def test_log_prob_is_likelihood_times_prior(sampled, evaluated):
    nu = np.random.default_rng(2).normal(size=(4, sampled.size))
    predictions, log_prob = (np.asarray(a) for a in evaluated[0](POINT, nu))
    residual = predictions - sampled.given.values
    chi2 = np.sum(residual * np.linalg.solve(sampled.given.covariance, residual.T).T, axis=1) + np.sum(nu**2, axis=1)
    size = len(sampled.given.values) + sampled.size
    log_det = np.linalg.slogdet(sampled.given.covariance)[1]
    np.testing.assert_allclose(log_prob, -0.5 * (chi2 + log_det + size * np.log(2.0 * np.pi)), rtol=1e-10)


def test_predictions_are_those_at_the_shifted_inputs(sampled, evaluated):
    """Against `predict` with other inputs put into the model by hand."""
    nu = np.random.default_rng(3).normal(size=(1, sampled.size))
    found = np.asarray(evaluated[0](POINT, nu)[0][0])
    model = sampled.model
    inputs = {path: float(value) for path, value in sampled.nuisances.inputs(nu[0]).items()}
    top = inputs["quark.mt_pole"] / model.sm.get("quark.mt_pole")
    follows = {
        "wilson.C10": model.sm.get("wilson.C10") * top**1.53,
        "mixing.mt_mt": model.sm.get("mixing.mt_mt") * top**1.01,
    }
    other = eqx.tree_at(lambda m: m.sm, model, model.sm.replace({**inputs, **follows}))
    expected = db.predict(other, POINT, [request.label for request in sampled.given.requests])
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-10)


def test_both_ways_integrate_to_the_same_evidence(lik, sampled, evaluated):
    """∫ L p dν over prior draws of ν, over its approximate posterior (which has the volume ∂ν/∂η), and the marginal likelihood."""
    normal = np.random.default_rng(4).normal(size=(2**15, sampled.size))
    direct = np.asarray(evaluated[0](POINT, normal)[1]) + log_volume(normal)
    value, slope, _ = evaluated[1](POINT, normal[:1024])
    centred = np.asarray(value) + log_volume(normal[:1024])
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(slope))
    mean = lambda log_weight: np.mean(np.exp(log_weight))
    assert mean(centred) == pytest.approx(mean(direct), rel=0.15)
    fraction = lambda log_weight: mean(log_weight) ** 2 / mean(2.0 * log_weight)  # of the draws that count
    assert fraction(centred) > max(0.8, fraction(direct))
    assert np.log(mean(centred)) == pytest.approx(float(lik.log_prob(POINT)), abs=0.2)


def log_volume(normal: np.ndarray) -> np.ndarray:
    return 0.5 * np.sum(normal**2, axis=1) + 0.5 * normal.shape[1] * np.log(2.0 * np.pi)


def test_explain_has_experimental_errors(lik, sampled):
    rows, both = sampled.explain(POINT), lik.explain(POINT)
    for row, other in zip(rows, both):
        assert row.prediction == pytest.approx(other.prediction, rel=1e-9)
        assert row.sigma < other.sigma


# -- the run -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Any:
    folder = tmp_path_factory.mktemp("sampled")
    path = folder / "sampled.toml"
    path.write_text(FIT, encoding="utf-8")
    return execute(db.load_fit(path), folder / "out")


def test_the_file_holds_parameters_and_nuisances(run):
    data = az.from_netcdf(str(run.netcdf))
    posterior = data["posterior"]
    assert set(posterior.data_vars) == {"C10_bsmumu", "C7_bs", "nuisances"}
    assert posterior["nuisances"].dims == ("chain", "draw", "nuisance")
    assert tuple(posterior["nuisance"].values) == run.posterior.nuisances.names
    assert int(posterior.attrs["sampled_nuisances"]) == run.posterior.nuisances.size
    predictions = np.asarray(data["predictions"]["prediction"])
    assert predictions.shape == (4, 500, 3)
    assert np.std(predictions[..., 1]) == pytest.approx(np.sqrt(run.posterior.likelihood.covariance[1, 1]), rel=0.2)


def test_nuisances_are_judged(run):
    assert run.verdict.converged, run.verdict.missed
    assert [row.name for row in run.nuisances] == list(run.posterior.nuisances.names)
    assert max(row.r_hat for row in run.nuisances) <= 1.01
    noise = np.random.default_rng(5).normal(size=(4, 400))
    apart = summarise({"a.b": noise + np.arange(4)[:, None], "a.c": noise, "a.d": noise - np.arange(4)[:, None]})
    found = Draws(np.zeros((4, 400, 1)), {}, np.zeros((0, 1)), {})
    missed = judge(summarise({"x": noise}), found, TargetSection(), apart).missed
    assert len(missed) == 2 and all("a.b" in text and "1 more" in text for text in missed)


def test_printed_and_reported_with_the_inputs_that_moved_most(run, capsys):
    write_figures(run, run.netcdf.parent)
    print_run("sampled", run, ["posterior.nc"], as_json=False)
    printed = capsys.readouterr().out
    most = max(run.nuisances, key=lambda row: abs(row.mean))
    assert f"{len(run.nuisances)} inputs" in printed and most.name in printed
    print_run("sampled", run, [], as_json=True)
    assert json.loads(capsys.readouterr().out)["nuisances"][most.name]["mean"] == pytest.approx(most.mean)
    page = write_report(read_result(run.netcdf.parent), run.netcdf.parent).read_text(encoding="utf-8")
    assert "Theory errors were sampled" in page and f"<code>{most.name}</code>" in page


def test_posterior_agrees_with_integration_over_nuisances(run, evaluated, sampled):
    """Mean and width of C₁₀ on a grid, averaged over prior draws of ν: shares neither η nor NUTS; the marginal way agrees too."""
    grid = np.linspace(-1.5, 1.5, 61)
    nu = np.random.default_rng(6).normal(size=(1500, sampled.size))
    branching = [np.asarray(evaluated[0]({"C10_bsmumu": c, "C7_bs": 0.0}, nu[:1])[0])[0, 2] for c in (0.0, 1.0)]
    # BR(Bs→μμ) ∝ |C₁₀|²: the ratio of two points gives it everywhere, the prior draws its spread (C₇ and the other terms do not know C₁₀)
    scale = np.sqrt(branching[1] / branching[0]) - 1.0
    found = evaluated[0]({"C10_bsmumu": 0.0, "C7_bs": 0.0}, nu)[0]
    mass, width = sampled.given.values, np.sqrt(np.diag(sampled.given.covariance))
    delta = -0.5 * ((np.asarray(found)[:, 1] - mass[1]) / width[1]) ** 2  # Δm_s, which shares V_cb and f_Bs
    weight = []
    for c in grid:
        pull = (np.asarray(found)[:, 2] * (1.0 + scale * c) ** 2 - mass[2]) / width[2]
        weight.append(np.mean(np.exp(delta - 0.5 * pull**2)))
    weight = np.array(weight) / np.sum(weight)
    mean = weight @ grid
    sd = np.sqrt(weight @ (grid - mean) ** 2)
    row = run.summary[0]
    assert row.mean == pytest.approx(mean, abs=0.2 * sd)
    assert row.sd == pytest.approx(sd, rel=0.15)


# -- files -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "pieces"),
    [
        ('"sampled"\n[sampler]', '"sampld"\n[sampler]', ["likelihood.theory", "'marginal'", "'sampled'"]),
        ('method = "nuts"', 'method = "smc"', ["sampler.method", "hundred dimensions", "nuts"]),
    ],
)
def test_wrong_files(tmp_path, old, new, pieces):
    assert old in FIT
    assert_refused(tmp_path, FIT.replace(old, new, 1), pieces)


def test_nothing_to_sample(tmp_path):
    text = FIT.replace('["BR(B->Xsgamma)", "DeltaM_s", "BR(Bs->mumu)"]', '["a_mu"]').replace('"wet"', '"le_lmu_r2"')
    assert_refused(tmp_path, text, ["likelihood.theory", "no term of the fit has theory errors"])


def assert_refused(tmp_path, text, pieces):
    path = tmp_path / "sampled.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(db.InputError) as caught:
        db.load_fit(path)
    for piece in pieces:
        assert piece in str(caught.value)
