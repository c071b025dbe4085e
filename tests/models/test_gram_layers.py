"""The written-out backward pass against recorded operations and finite differences."""

import pytest
import torch
from torch.nn import functional

from nao.models.attention import gram_attention
from nao.models.gram_layers import gram_layers

MEMBERS, CONTEXTS, COLUMNS, LAYERS = 2, 3, 6, 3
ROWS = (3, 4)  # without and with rows of zeros below the row of ones


Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def arguments(rows: int, members: int = MEMBERS) -> Arguments:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)

    return (
        drawn(members, CONTEXTS, rows, COLUMNS),
        drawn(members, LAYERS, rows + 1, rows + 1),
        drawn(members, LAYERS, rows, COLUMNS),
        drawn(members, LAYERS, rows, COLUMNS),
    )


def recorded(tokens, mixing, gain, bias):
    for layer in range(LAYERS):
        normal = functional.layer_norm(gram_attention(tokens, mixing[:, layer]), tokens.shape[2:])
        tokens = tokens + gain[:, layer, None] * normal + bias[:, layer, None]
    return tokens


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("members", [1, MEMBERS])
@pytest.mark.parametrize("with_tokens", [True, False])
def test_values_and_gradients_equal_those_of_recorded_operations(rows, members, with_tokens):
    values = arguments(rows, members)
    wanted = values if with_tokens else values[1:]
    values[0].requires_grad_(with_tokens)
    weights = torch.randn(values[0].shape, dtype=torch.float64)
    results = []
    for layers in (gram_layers, recorded):
        output = layers(*values)
        results.append([output, *torch.autograd.grad((weights * output).sum(), wanted)])
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rows", ROWS)
def test_gradients_equal_finite_differences(rows):
    assert torch.autograd.gradcheck(gram_layers, arguments(rows))


def test_the_cotangent_given_is_left_alone():
    values = arguments(4)
    output = gram_layers(*values)
    cotangent = torch.ones_like(output)
    torch.autograd.grad(output, values, cotangent)
    torch.testing.assert_close(cotangent, torch.ones_like(output))


def test_values_may_lie_anywhere_in_memory():
    """Tokens and cotangents that are views of larger tensors, as slices of rows are."""
    values = arguments(4)
    pool = torch.zeros(MEMBERS, CONTEXTS, 7, COLUMNS, dtype=torch.float64)
    results = []
    for tokens in (values[0].detach(), pool[:, :, 2:6].copy_(values[0].detach())):
        output = gram_layers(tokens, *values[1:])
        cotangent = pool.new_ones(1).expand(output.shape)
        results.append([output, *torch.autograd.grad(output, values[1:], cotangent)])
    torch.testing.assert_close(results[0], results[1], rtol=1e-12, atol=1e-12)
