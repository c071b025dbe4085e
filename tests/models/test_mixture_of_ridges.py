"""The mixture of ridges against the exact posterior of the mixture that its weights describe."""

import numpy as np
import pytest
import torch

from nao.estimators.oracle import oracle_ridge
from nao.models.mixture_of_ridges import MixtureOfRidges
from nao.seeding import stream
from nao.specs import MixtureOfRidgesSpec
from nao.tasks.mixtures import GaussianMixture
from nao.tasks.problems import draw_problem, sample_contexts
from tests.laws import problem_spec

N, D, MEMBERS = 4, 6, 2


def model_of(members: int = MEMBERS, **changes) -> MixtureOfRidges:
    values = {"experts": 3, "rank": 2, "initial_background": 0.5, "initial_noise": 0.3} | changes
    spec = MixtureOfRidgesSpec(kind="mixture_of_ridges", **values)
    model = MixtureOfRidges(spec, N, D, members)
    model.initialise([stream(0, "init", member) for member in range(members)])
    return model.double()


def tokens(members: int = MEMBERS) -> torch.Tensor:
    return torch.from_numpy(stream(1, "tokens").standard_normal((members, 5, N, D + 1)))


@pytest.mark.parametrize(("rank", "background"), [(2, 0.0), (0, 0.5), (2, 0.5)])
def test_it_is_the_exact_posterior_mean_of_its_mixture(rank, background):
    model, rows = model_of(rank=rank, initial_background=background), tokens()
    with torch.no_grad():
        model.log_weights.copy_(torch.tensor([[0.3, -1.0, 0.5], [0.0, 0.1, -0.2]]))
        estimates = model(rows).numpy()
    for member in range(MEMBERS):
        own = {k: v[member].detach().numpy() for k, v in model.named_parameters()}
        shared = np.zeros((3, D, 0))
        if background:
            shared = np.broadcast_to(own["background"], (3, D, D))
        weights = np.exp(own["log_weights"])
        exact = GaussianMixture(
            weights / weights.sum(), own["means"], np.concatenate([own["loadings"], shared], 2)
        )
        x, y = rows[member, :, :, :-1].numpy(), rows[member, :, :, -1].numpy()
        expected, *_ = exact.posterior(x, y, float(np.exp(own["log_noise"])[0]))
        np.testing.assert_allclose(estimates[member], expected, atol=1e-9)


@pytest.mark.parametrize(("rank", "background"), [(2, 0.0), (0, 0.5), (2, 0.5)])
def test_its_variance_is_that_of_its_mixture_at_the_scale_of_the_contexts_own_rows(
    rank, background
):
    model, rows = model_of(1, experts=1, rank=rank, initial_background=background), tokens(1)
    x, y = rows[0, :, :, :-1].numpy(), rows[0, :, :, -1].numpy()

    def exact(common: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """The posterior's variance and the squares, with A, B and s times a common factor."""
        own = {k: v[0].detach().numpy() for k, v in model.named_parameters()}
        loading = own["loadings"][0]
        if background:
            loading = np.column_stack([loading, own["background"]])
        noise_std = common * float(np.exp(own["log_noise"])[0])
        mixture = GaussianMixture(np.ones(1), own["means"], common * loading[None])
        marginal = x @ loading @ loading.T @ x.transpose(0, 2, 1) * common**2
        marginal += noise_std**2 * np.eye(N)
        e = (y - x @ own["means"][0])[:, :, None]
        squares = (e.transpose(0, 2, 1) @ np.linalg.solve(marginal, e))[:, 0, 0]
        return mixture.posterior(x, y, noise_std).variance, squares

    variance, squares = exact()
    found = model.variance(rows)
    assert found is not None
    np.testing.assert_allclose(found[0].detach(), squares / N * variance, rtol=1e-8)
    at_seven, _ = exact(7.0)
    np.testing.assert_allclose(at_seven, 49 * variance, rtol=1e-8)  # what the loss cannot tell


def test_it_knows_how_far_its_experts_are_apart():
    """Points of no width of their own: the variance is that between them."""
    model, rows = model_of(1, experts=3, rank=1, initial_background=0.0), tokens(1)
    with torch.no_grad():
        model.loadings.mul_(1e-9)
        model.log_noise.fill_(0.5)
    own = {k: v[0].detach().numpy() for k, v in model.named_parameters()}
    points = GaussianMixture(np.full(3, 1 / 3), own["means"], np.zeros((3, D, 0)))
    x, y = rows[0, :, :, :-1].numpy(), rows[0, :, :, -1].numpy()
    expected = points.posterior(x, y, float(np.exp(0.5))).variance
    np.testing.assert_allclose(model.variance(rows)[0].detach(), expected, rtol=1e-6)


def test_one_expert_is_the_best_linear_estimator():
    problem = draw_problem(problem_spec(D, rank=3, condition=5), 0)
    contexts = sample_contexts(problem, N, 20, stream(2, "contexts"))
    model = model_of(1, experts=1, rank=0)
    root = np.zeros((D, D))
    root[:, :3] = problem.prior_basis * np.sqrt(problem.prior_variances)
    with torch.no_grad():
        model.means.copy_(torch.from_numpy(problem.prior_mean))
        model.background.copy_(torch.from_numpy(root))
        model.log_noise.fill_(np.log(problem.noise_std))
    rows = torch.from_numpy(np.concatenate([contexts.x, contexts.y[:, :, None]], 2))[None]
    expected = oracle_ridge(problem).estimate(contexts)
    np.testing.assert_allclose(model(rows)[0].detach().numpy(), expected, atol=1e-9)


def test_a_cold_gate_takes_the_likeliest_expert_and_a_hot_one_their_mean():
    model, rows = model_of(initial_background=0.0), tokens()
    with torch.no_grad():
        model.log_temperature.fill_(-50)
        hot = model(rows)
        model.log_temperature.fill_(5)
        cold = model(rows)
        alone = []
        for k in range(3):
            model.log_weights.fill_(-1e6)
            model.log_weights[:, k] = 0
            alone.append(model(rows))
    torch.testing.assert_close(hot, torch.stack(alone).mean(0))
    nearest = torch.stack([(cold - each).norm(dim=-1) for each in alone]).min(0).values
    assert (nearest < 1e-6).double().mean() > 0.5


def test_rows_may_be_turned():
    model, rows = model_of(), tokens()
    q, _ = np.linalg.qr(stream(3, "turn").standard_normal((N, N)))
    torch.testing.assert_close(model(torch.from_numpy(q) @ rows), model(rows))


def test_every_parameter_learns():
    model = model_of()
    model(tokens()).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_law_without_width_is_refused():
    with pytest.raises(ValueError, match="raise one of the two"):
        MixtureOfRidgesSpec(kind="mixture_of_ridges", experts=2, rank=0)


@pytest.mark.parametrize("background", [0.0, 0.5])
@pytest.mark.parametrize("factor", [1e12, np.nan])  # beside 1e24 the identity is lost
def test_a_member_without_a_factor_is_lost_alone(background, factor):
    model, rows = model_of(initial_background=background, rank=N + 1).float(), tokens().float()
    alone = model(rows)[1].detach()
    with torch.no_grad():
        model.loadings[0] *= factor
    estimates, variance = model(rows), model.variance(rows)
    assert variance is not None
    for found in (estimates, variance):
        assert found[0].isnan().any()  # hence its loss
        assert found[1].isfinite().all()
    torch.testing.assert_close(estimates[1], alone, rtol=0, atol=0)
    estimates.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad[1].isfinite().all(), name
