"""The transformer against a token-by-token evaluation built from torch's own layers."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from nao.models import gram_kernel
from nao.models.attention import Form, evaluation, gram_is_cheaper
from nao.models.transformer import Transformer
from nao.specs import CodeSpec, TransformerSpec

FORMS: tuple[Form, ...] = ("layers", "gram", "keys")  # the fourth has tests of its own
shapes = st.tuples(
    st.integers(1, 4),  # layers
    st.integers(1, 3),  # heads
    st.integers(1, 5),  # key dimension
    st.integers(2, 4),  # n
    st.integers(3, 6),  # d
    st.integers(1, 3),  # contexts
)


def drawn(spec: TransformerSpec, n: int, d: int, members: int = 1, seed: int = 0) -> Transformer:
    """A float64 model whose every parameter is random, also those that start as constants."""
    model = Transformer(spec, n, d, members).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def tokens_of(members: int, contexts: int, n: int, d: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(members, contexts, n, d + 1, generator=generator, dtype=torch.float64)


def dense(model: Transformer, member: int, tokens: torch.Tensor) -> torch.Tensor:
    """One context through nn.Linear and nn.LayerNorm, each (d+1)² attention matrix formed."""
    n, count = tokens.shape
    spec = model.spec
    width = model.keys.shape[3]

    def projected(weights: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        layer = nn.Linear(n, width).double()
        layer.weight.data, layer.bias.data = weights[:, :n], weights[:, n]
        return layer(rows)  # (tokens, d_k)

    for index in range(spec.layers):
        columns = tokens.T  # each row a token
        last = index == spec.layers - 1
        scores = torch.zeros(count, count, dtype=torch.float64)
        update = torch.zeros_like(tokens)
        for head in range(spec.heads):
            key = projected(model.keys[member, index, head], columns)
            query = projected(model.queries[member, index, head], columns)
            own = key @ query.T / math.sqrt(width)
            scores = scores + own
            if last:
                continue
            if spec.attention == "softmax":
                weights = (own - own.max(0).values).exp()
                seen = tokens @ (weights / weights.sum(0))
            else:
                seen = tokens @ own / count
            learned = spec.values == "learned"
            update = update + (model.values[member, index, head] @ seen if learned else seen)
        if last:
            return (scores @ model.readout[member] / n)[: count - 1]
        if spec.norm != "none":
            shape = [n, count] if spec.norm == "matrix" else [count]
            normal = nn.LayerNorm(shape, elementwise_affine=False)(update)
            update = model.gain[member, index] * normal + model.bias[member, index]
        tokens = tokens + update
        if spec.feed_forward:
            inner, outer = model.inner[member, index], model.outer[member, index]
            between = inner[:, :n] @ tokens + inner[:, n:]
            between = between * (1 + torch.erf(between / math.sqrt(2))) / 2
            tokens = tokens + outer[:, :-1] @ between + outer[:, -1:]
    raise AssertionError


OPTIONS: dict[str, dict[str, Any]] = {
    "linear": {},
    "softmax": {"attention": "softmax"},
    "values": {"values": "learned"},
    "feed forward": {"feed_forward": 3},
    "all": {"attention": "softmax", "values": "learned", "feed_forward": 2},
}


@pytest.mark.parametrize("norm", ["matrix", "row", "none"])
@pytest.mark.parametrize("options", OPTIONS)
@settings(max_examples=10)
@given(shapes)
def test_equals_the_dense_evaluation(options, norm, shape):
    layers, heads, width, n, d, contexts = shape
    layers += layers == 1 and options != "linear"
    values = {"layers": layers, "heads": heads, "key_dimension": width, "norm": norm}
    spec = TransformerSpec.model_validate(values | OPTIONS[options])
    model, tokens = drawn(spec, n, d, 2), tokens_of(2, contexts, n, d)
    estimates = model(tokens)
    for member in range(2):
        for context in range(contexts):
            expected = dense(model, member, tokens[member, context])
            torch.testing.assert_close(estimates[member, context], expected, rtol=1e-7, atol=1e-9)


def test_all_evaluations_agree():
    model, tokens = drawn(TransformerSpec(layers=4, heads=2, key_dimension=3), 5, 8), None
    tokens = tokens_of(1, 4, 5, 8)
    results = []
    for model.form in FORMS:
        results.append(model(tokens))
        torch.testing.assert_close(results[-1], results[0], rtol=1e-9, atol=1e-10)


def test_the_cost_model_counts_flops():
    # n = 50, d = 100: 10·50²·101 + 6·50³ = 3.275e6 against 24·50·101·d_k = 1.212e5 d_k
    assert gram_is_cheaper(50, 101, 50)
    assert gram_is_cheaper(50, 101, 28)
    assert not gram_is_cheaper(50, 101, 27)


def test_heads_of_width_k_are_one_head_of_their_total_width():
    many = drawn(TransformerSpec(layers=3, heads=3, key_dimension=2), 4, 6)
    one = drawn(TransformerSpec(layers=3, heads=1, key_dimension=6), 4, 6)
    state = many.state_dict()
    for name in ("keys", "queries"):
        # 1/√d_k differs: √3 on the product, shared by both factors.
        state[name] = state[name].reshape(one.keys.shape) * 3**0.25
    one.load_state_dict(state)
    tokens = tokens_of(1, 5, 4, 6)
    torch.testing.assert_close(one(tokens), many(tokens), rtol=1e-9, atol=1e-10)


def test_without_affine_norm_coordinates_are_alike():
    model = drawn(TransformerSpec(layers=3, norm="none"), 4, 6)
    with torch.no_grad():
        model.readout[:, :-1] = 0.7  # one value for all tokens of X
    order = torch.randperm(6, generator=torch.Generator().manual_seed(3))
    tokens = tokens_of(1, 3, 4, 6)
    permuted = tokens[..., torch.cat([order, torch.tensor([6])])]
    torch.testing.assert_close(model(permuted), model(tokens)[..., order], rtol=1e-9, atol=1e-10)


def test_random_biases_tell_coordinates_apart():
    model = Transformer(TransformerSpec(layers=3), 4, 6).double()
    model.initialise([np.random.Generator(np.random.Philox(1))])
    tokens = tokens_of(1, 3, 4, 6)
    permuted = tokens[..., [1, 0, 2, 3, 4, 5, 6]]
    assert not torch.allclose(model(permuted), model(tokens)[..., [1, 0, 2, 3, 4, 5]], rtol=1e-3)


def coded(rows: Any, n: int = 5, d: int = 6, layers: int = 3, **options) -> Transformer:
    """Two code rows, beside or on the rows of a context."""
    codes = CodeSpec(rows=rows, share=2 / n, initial_std=2)
    return drawn(TransformerSpec(layers=layers, codes=codes, **options), n, d)


def without_codes(model: Transformer, n: int) -> Transformer:
    """The transformer of the slides that the docstring names: a layer more, and weights at 0."""
    spec = model.spec.model_copy(update={"layers": model.spec.layers + 1, "codes": None})
    plain = Transformer(spec, n, model.shape[1] - 1).double()
    state = {name: value.detach() for name, value in model.named_parameters()}
    codes = state.pop("codes")
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            parameter.zero_()
            if name == "readout":
                parameter.copy_(state[name])
            elif name in ("keys", "queries"):
                parameter[:, 1:] = state[name]
                parameter[:, 0] = state[name][:, 0] + 1  # under gain 0 it cannot matter
            else:
                parameter[:, 1:, : state[name].shape[2]] = state[name]
        plain.bias[:, 0, : codes.shape[1]] = codes
    return plain


@pytest.mark.parametrize("norm", ["matrix", "row"])
@pytest.mark.parametrize("rows", ["blank", "data"])
def test_codes_are_a_transformer_with_some_weights_at_zero(rows, norm):
    model, tokens = coded(rows, norm=norm), tokens_of(1, 4, 5, 6)
    blank = torch.zeros(1, 4, 2, 7, dtype=torch.float64)
    context = torch.cat([blank, tokens], 2) if rows == "blank" else tokens
    plain = without_codes(model, context.shape[2])
    torch.testing.assert_close(model(tokens), plain(context), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rows", ["blank", "data"])
def test_all_evaluations_agree_with_codes(rows):
    model, tokens = coded(rows, key_dimension=4), tokens_of(1, 4, 5, 6)
    results = []
    for model.form in FORMS:
        results.append(model(tokens))
        torch.testing.assert_close(results[-1], results[0], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("rows", ["blank", "data"])
def test_gradients_reach_the_codes(rows):
    model, tokens = coded(rows, n=3, d=4), tokens_of(1, 2, 3, 4)
    names = [name for name, _ in model.named_parameters()]

    def estimates(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (tokens,))

    assert torch.autograd.gradcheck(
        estimates, [p.detach().requires_grad_() for p in model.parameters()]
    )


def test_codes_on_every_row_of_data_are_refused():
    with pytest.raises(ValidationError, match="lower share below 1"):
        CodeSpec(rows="data", share=1)


def test_codes_without_a_norm_are_refused():
    with pytest.raises(ValidationError, match="norm = 'matrix', or set codes to null"):
        TransformerSpec(layers=3, norm="none", codes=CodeSpec())


@pytest.mark.parametrize("options", [name for name in OPTIONS if name != "linear"])
def test_what_is_not_a_gram_product_is_evaluated_by_keys_alone(options):
    model = Transformer(TransformerSpec.model_validate({"layers": 3} | OPTIONS[options]), 4, 6)
    tokens = tokens_of(1, 2, 4, 6).float()
    model.kernel = "native"
    assert not gram_kernel.covers(model, tokens)
    assert evaluation(model, tokens) == "keys"
    for model.form in ("kernel", "layers", "gram"):
        with pytest.raises(ValueError, match="use form = 'keys'"):
            model(tokens)


@pytest.mark.parametrize("coded", [False, True])
def test_learned_values_and_feeding_forward_change_nothing_at_first(coded):
    values: dict[str, Any] = {"layers": 3, "codes": {} if coded else None, "heads": 2}
    more = values | {"values": "learned", "feed_forward": 5}
    results = []
    for each in (values, more):
        model = Transformer(TransformerSpec.model_validate(each), 4, 6, 2)
        model.initialise([np.random.Generator(np.random.Philox(key)) for key in (1, 2)])
        model.double().form = "keys"
        results.append(model(tokens_of(2, 5, 4, 6)))
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("options", [name for name in OPTIONS if name != "linear"])
def test_gradients_reach_what_the_options_add(options):
    values = {"layers": 3, "heads": 2, "key_dimension": 2} | OPTIONS[options]
    model, tokens = drawn(TransformerSpec.model_validate(values), 3, 4), tokens_of(1, 2, 3, 4)
    names = [name for name, _ in model.named_parameters()]

    def estimates(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (tokens,))

    assert torch.autograd.gradcheck(
        estimates, [p.detach().requires_grad_() for p in model.parameters()], fast_mode=True
    )
    started = Transformer(model.spec, 3, 4)
    started.initialise([np.random.Generator(np.random.Philox(1))])
    started(tokens.float()).square().sum().backward()
    gradients = {name: parameter.grad for name, parameter in started.named_parameters()}
    assert all(g is not None and g.isfinite().all() for g in gradients.values())
    for name in {"values", "outer"} & set(gradients):
        gradient = gradients[name]
        assert gradient is not None
        assert gradient.any()


@pytest.mark.parametrize("more", [{"codes": {}}, {"start": {"share": 0.3}}])
def test_softmax_that_should_start_as_a_solver_is_refused(more):
    with pytest.raises(ValidationError, match="set codes and start to null"):
        TransformerSpec.model_validate({"layers": 3, "attention": "softmax"} | more)


def test_options_that_a_single_layer_does_not_have_are_refused():
    with pytest.raises(ValidationError, match="layers = 1 is the read-out alone"):
        TransformerSpec(layers=1, feed_forward=4)


@pytest.mark.parametrize("options", OPTIONS)
def test_a_member_is_drawn_and_evaluated_alone(options):
    spec = TransformerSpec.model_validate({"layers": 3, "heads": 2} | OPTIONS[options])
    both, alone = Transformer(spec, 4, 6, 2).double(), Transformer(spec, 4, 6, 1).double()
    both.initialise([np.random.Generator(np.random.Philox(key)) for key in (1, 2)])
    alone.initialise([np.random.Generator(np.random.Philox(2))])
    tokens = tokens_of(2, 5, 4, 6)
    torch.testing.assert_close(both(tokens)[1:], alone(tokens[1:]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("norm", ["matrix", "row", "none"])
@pytest.mark.parametrize("width", [1, 5])
def test_gradients_equal_finite_differences(norm, width):
    model = drawn(TransformerSpec(layers=3, norm=norm, key_dimension=width), 3, 4)
    names = [name for name, _ in model.named_parameters()]
    tokens = tokens_of(1, 2, 3, 4)

    def estimates(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (tokens,))

    assert torch.autograd.gradcheck(
        estimates, [p.detach().requires_grad_() for p in model.parameters()]
    )


def test_initial_keys_are_orthonormal_and_equal_the_queries():
    model = Transformer(TransformerSpec(layers=3, key_dimension=2), 4, 6).double()
    model.initialise([np.random.Generator(np.random.Philox(1))])
    key = model.keys[0, 0, 0, :, :4]
    torch.testing.assert_close(key @ key.T, torch.eye(2, dtype=torch.float64))
    torch.testing.assert_close(model.keys[:, :-1], model.queries[:, :-1])
    assert not model.keys[..., -1].any()
