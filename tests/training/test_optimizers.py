"""Optimisers: each is the library's own on every member's matrices, and members never mix."""

import pytest
import torch
from pytorch_optimizer import SOAP

from nao.config import ConfigError, load
from nao.models.kinds import MODELS
from nao.models.stack import Stack
from nao.plan import expand
from nao.specs import LeapfrogSpec, TrainingSpec, TransformerSpec
from nao.training.optimizers import KINDS, StackOptimizer, member_matrices

N, D, MEMBERS, STEPS = 4, 6, 3, 25


def recipe(optimizer: str, **changes) -> TrainingSpec:
    values = {
        "optimizer": optimizer,
        "batch_contexts": 1,
        "steps": STEPS,
        "learning_rate": 0.01,
        "norm_rate": 3.0,
        "warmup_steps": 0,
        "seed": 0,
    }
    return TrainingSpec.model_validate(values | changes)


def stack(members: int = MEMBERS) -> Stack:
    model = MODELS["transformer"](
        TransformerSpec(layers=3, heads=2, key_dimension=3), N, D, members
    )
    generator = torch.Generator().manual_seed(0)
    model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            whole = torch.randn(MEMBERS, *parameter.shape[1:], generator=generator)
            parameter.copy_(whole[MEMBERS - members :])
    return model


def gradients(step: int, members: int = MEMBERS) -> list[torch.Tensor]:
    """Of Σ a θ²/2 with random a, for the last members; laid out in memory in another order."""
    generator = torch.Generator().manual_seed(step)
    drawn = [
        torch.randn(MEMBERS, *p.shape[1:], generator=generator, dtype=torch.float64)
        for p in stack().parameters()
    ]
    return [part[MEMBERS - members :].mT.contiguous().mT for part in drawn]


def stepped(optimizer: str, members: int = MEMBERS) -> Stack:
    model = stack(members)
    stepper = StackOptimizer(model, recipe(optimizer))
    for step in range(STEPS):
        stepper.step(gradients(step, members), rate=0.01)
    stepper.finish()
    return model


@pytest.mark.parametrize("optimizer", KINDS)
def test_a_member_steps_alone(optimizer):
    together, alone = stepped(optimizer), stepped(optimizer, members=1)
    for both, single in zip(together.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(both[-1:], single, rtol=1e-9, atol=1e-10)
        assert not torch.equal(both[-1:], both[:1])


@pytest.mark.parametrize("optimizer", ["adam", "muon"])  # others only measure at first
def test_norms_learn_at_their_own_rate(optimizer):
    model, before = stack(), stack()
    StackOptimizer(model, recipe(optimizer)).step(gradients(0), rate=0.01)
    slow = stack()
    StackOptimizer(slow, recipe(optimizer, norm_rate=1.0)).step(gradients(0), rate=0.01)
    for (name, now), then, slowly in zip(
        model.named_parameters(), before.parameters(), slow.parameters(), strict=True
    ):
        multiple = 3.0 if name in model.norm_parameters else 1.0
        torch.testing.assert_close(now - then, multiple * (slowly - then), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("optimizer", [name for name in KINDS if name != "schedule_free"])
def test_a_solver_without_codes_moves_data_rows_and_its_first_gains_no_faster(optimizer):
    """Each entry takes its share of the step that it would take at the norms' rate."""
    model = MODELS["transformer"](
        TransformerSpec(layers=4, start=LeapfrogSpec(share=0.5)), N, D, MEMBERS
    ).double()
    whole = MODELS["transformer"](TransformerSpec(layers=4), N, D, MEMBERS).double()
    generator = torch.Generator().manual_seed(1)
    steppers = [StackOptimizer(each, recipe(optimizer, norm_rate=8)) for each in (model, whole)]
    for _ in range(2):  # SOAP's first step only measures
        drawn = [
            torch.randn(p.shape, generator=generator, dtype=torch.float64)
            for p in model.parameters()
        ]
        for stepper in steppers:
            stepper.step([gradient.clone() for gradient in drawn], rate=0.01)
    expected = {name: p.detach().clone() for name, p in whole.named_parameters()}
    assert all(value.any() for value in expected.values())
    expected["bias"][:, :, N // 2 :] /= 8
    expected["gain"][:, 0] /= 8
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name])


def test_rates_by_entry_are_refused_where_the_optimizer_knows_none():
    values = load("config.yaml").model_dump()
    values["learners"]["paper"]["training"]["optimizer"] = "schedule_free"
    with pytest.raises(ConfigError, match="choose another optimizer"):
        expand(load(values))


def test_adam_is_torchs_own_written_out():
    """θ ← θ − rate · m̂ / (√v̂ + ε), by its definition."""
    model = stepped("adam")
    for name, parameter, theta in zip(
        dict(model.named_parameters()), model.parameters(), stack().parameters(), strict=True
    ):
        rate = 0.01 * (3.0 if name in model.norm_parameters else 1.0)
        index = list(dict(model.named_parameters())).index(name)
        mean = square = torch.zeros_like(theta)
        theta = theta.detach()
        for step in range(STEPS):
            gradient = gradients(step)[index]
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.99 * square + 0.01 * gradient.square()
            scale = (square / (1 - 0.99 ** (step + 1))).sqrt() + 1e-8
            theta = theta - rate * mean / (1 - 0.9 ** (step + 1)) / scale
        torch.testing.assert_close(parameter, theta, rtol=1e-9, atol=1e-10)


def test_schedule_free_ends_at_the_mean_of_its_iterates():
    """z ← z − rate · g / (√v̂ + ε), and the weights to be used are the mean of all z."""
    model = stepped("schedule_free")
    for index, (name, parameter) in enumerate(model.named_parameters()):
        rate = 0.01 * (3.0 if name in model.norm_parameters else 1.0)
        z = stack().get_parameter(name).detach().clone()
        total, square = torch.zeros_like(z), torch.zeros_like(z)
        for step in range(STEPS):
            gradient = gradients(step)[index]
            square = 0.99 * square + 0.01 * gradient.square()
            z = z - rate * gradient / ((square / (1 - 0.99 ** (step + 1))).sqrt() + 1e-8)
            total = total + z
        torch.testing.assert_close(parameter, total / STEPS, rtol=1e-7, atol=1e-9)


def test_muon_is_torchs_own_on_each_matrix():
    """To the rounding of the sixteen bits that torch's own keeps of it."""
    model, matrix = stepped("muon"), stack().get_parameter("keys")[1, 2, 1].detach().clone()
    start = matrix.clone()
    alone = torch.optim.Muon([matrix], lr=0.01, weight_decay=0.0, momentum=0.9)
    for step in range(STEPS):
        matrix.grad = gradients(step)[0][1, 2, 1].contiguous()
        alone.step()
    moved = model.get_parameter("keys")[1, 2, 1] - start
    assert (moved - (matrix - start)).norm() < 0.02 * moved.norm()


def test_soap_sees_one_matrix_at_a_time():
    model, matrix = stepped("soap"), stack().get_parameter("keys")[1, 2, 1].detach().clone()
    alone = SOAP([matrix], lr=0.01, betas=(0.9, 0.99), weight_decay=0.0)
    for step in range(STEPS):
        matrix.grad = gradients(step)[0][1, 2, 1].contiguous()
        alone.step()
    torch.testing.assert_close(model.get_parameter("keys")[1, 2, 1], matrix)


def test_matrices_are_views_into_the_stack():
    keys = torch.zeros(2, 3, 4, 5, 6)
    matrices = member_matrices(keys)
    assert len(matrices) == 24
    assert {tuple(matrix.shape) for matrix in matrices} == {(5, 6)}
    matrices[13].add_(1)
    assert keys[1, 0, 1].sum() == keys.sum() == 30
    assert [tuple(vector.shape) for vector in member_matrices(torch.zeros(2, 7))] == [(7,), (7,)]


@pytest.mark.parametrize("optimizer", KINDS)
def test_a_restored_state_goes_on_bitwise(optimizer):
    whole = stepped(optimizer)
    model = stack()
    first = StackOptimizer(model, recipe(optimizer))
    for step in range(15):
        first.step(gradients(step), rate=0.01)
    second = StackOptimizer(model, recipe(optimizer))
    second.restore(first.state())
    for step in range(15, STEPS):
        second.step(gradients(step), rate=0.01)
    second.finish()
    for straight, resumed in zip(whole.parameters(), model.parameters(), strict=True):
        assert torch.equal(straight, resumed)
