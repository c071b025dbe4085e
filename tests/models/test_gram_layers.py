"""The written-out backward pass against recorded operations and finite differences."""

import pytest
import torch
from torch.nn import functional

from nao.models.gram_layers import gram_layers
from nao.models.transformer import gram_attention

MEMBERS, CONTEXTS, ROWS, COLUMNS, LAYERS = 2, 3, 4, 6, 3


Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def arguments() -> Arguments:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)

    return (
        drawn(MEMBERS, CONTEXTS, ROWS, COLUMNS),
        drawn(MEMBERS, LAYERS, ROWS + 1, ROWS + 1),
        drawn(MEMBERS, LAYERS, ROWS, COLUMNS),
        drawn(MEMBERS, LAYERS, ROWS, COLUMNS),
    )


def recorded(tokens, mixing, gain, bias, norm_shape):
    for layer in range(LAYERS):
        normal = functional.layer_norm(gram_attention(tokens, mixing[:, layer]), norm_shape)
        tokens = tokens + gain[:, layer, None] * normal + bias[:, layer, None]
    return tokens


@pytest.mark.parametrize("norm_shape", [(ROWS, COLUMNS), (COLUMNS,)])
@pytest.mark.parametrize("with_tokens", [True, False])
def test_values_and_gradients_equal_those_of_recorded_operations(norm_shape, with_tokens):
    values = arguments()
    wanted = values if with_tokens else values[1:]
    values[0].requires_grad_(with_tokens)
    weights = torch.randn(values[0].shape, dtype=torch.float64)
    results = []
    for layers in (gram_layers, recorded):
        output = layers(*values, norm_shape)
        results.append([output, *torch.autograd.grad((weights * output).sum(), wanted)])
    torch.testing.assert_close(results[0], results[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("norm_shape", [(ROWS, COLUMNS), (COLUMNS,)])
def test_gradients_equal_finite_differences(norm_shape):
    assert torch.autograd.gradcheck(
        lambda e, m, g, b: gram_layers(e, m, g, b, norm_shape), arguments()
    )


def test_the_cotangent_given_is_left_alone():
    values = arguments()
    output = gram_layers(*values, (ROWS, COLUMNS))
    cotangent = torch.ones_like(output)
    torch.autograd.grad(output, values, cotangent)
    torch.testing.assert_close(cotangent, torch.ones_like(output))
