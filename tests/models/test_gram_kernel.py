"""The kernel in C against recorded operations in double precision, at shapes of every kind."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.models import gram_kernel
from nao.models.native import library
from nao.models.transformer import Transformer
from nao.specs import CodeSpec, TransformerSpec
from nao.training.objectives import distance, residual

CODES = {
    "none": None,
    "blank": CodeSpec(rows="blank", share=0.6),
    "data": CodeSpec(rows="data", share=0.4),
}
shapes = st.fixed_dictionaries(
    {
        "n": st.integers(2, 13),
        "d": st.integers(1, 17),
        "members": st.integers(1, 3),
        "contexts": st.integers(1, 19),
        "layers": st.integers(1, 4),
        "heads": st.integers(1, 2),
        "width": st.integers(1, 6),
        "codes": st.sampled_from(list(CODES)),
        "target": st.sampled_from(["context", "heldout", "truth"]),
    }
)
LOSSES = {"context": residual, "heldout": residual, "truth": distance}


def drawn(n: int, d: int, members: int = 1, codes: str = "blank", **options) -> Transformer:
    """A model whose every parameter is random, to be evaluated by the kernel."""
    spec = TransformerSpec.model_validate({"layers": 3, "codes": CODES[codes]} | options)
    model = Transformer(spec, n, d, members)
    model.kernel = "native"
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


def in_double(model: Transformer) -> Transformer:
    """The same model by recorded operations in double precision."""
    reference = copy.deepcopy(model).double()
    reference.kernel = "torch"
    return reference


def rows_of(members: int, contexts: int, n: int, d: int, seed: int = 1) -> torch.Tensor:
    """Contexts of n rows with as many held-out rows below."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(members, contexts, 2 * n, d + 1, generator=generator)


def target_of(rows: torch.Tensor, kind: str) -> torch.Tensor:
    n = rows.shape[2] // 2
    places = {"context": rows[:, :, :n], "heldout": rows[:, :, n:], "truth": rows[:, :, 0, :-1]}
    return places[kind]


def close(found, expected) -> None:
    """Equal to what single precision allows after a few layers, as a whole."""
    scale = expected.norm() + 1e-6 * expected.numel()
    assert (found.double() - expected).norm() <= 2e-4 * scale


@settings(max_examples=60)
@given(shapes)
def test_losses_and_gradients_are_those_in_double_precision(shape):
    n, d, members = shape["n"], shape["d"], shape["members"]
    model = drawn(
        *(n, d, members, shape["codes"]),
        layers=shape["layers"],
        heads=shape["heads"],
        key_dimension=shape["width"],
    )
    rows = rows_of(members, shape["contexts"], n, d)
    target = target_of(rows, shape["target"])
    losses, gradients = gram_kernel.losses_and_gradients(model, rows[:, :, :n], target)
    reference = in_double(model)
    estimates = reference(rows[:, :, :n].double())
    expected = LOSSES[shape["target"]](target.double(), estimates)
    close(losses, expected)
    weights = list(reference.parameters())
    wanted = torch.autograd.grad(expected.sum(), weights, materialize_grads=True)
    for found, value in zip(gradients, wanted, strict=True):
        close(found, value)
    close(model(rows[:, :, :n]), estimates)


@pytest.mark.parametrize("codes", CODES)
def test_any_loss_can_be_recorded(codes):
    """Gradients by the kernel's second evaluation, of a loss that it does not know."""
    model, rows = drawn(5, 9, 2, codes), rows_of(2, 11, 5, 9)[:, :, :5]
    gradients = []
    for each, tokens in ((model, rows), (in_double(model), rows.double())):
        loss = each(tokens).abs().sum()
        gradients.append(torch.autograd.grad(loss, list(each.parameters())))
    for found, expected in zip(*gradients, strict=True):
        close(found, expected)


@pytest.mark.parametrize("codes", CODES)
def test_neither_members_nor_contexts_depend_on_others(codes):
    """Bit for bit, wherever they stand among others."""
    model, every = drawn(5, 9, 3, codes), rows_of(3, 21, 5, 9)
    rows = every[:, :, :5]
    alone = drawn(5, 9, 1, codes)
    with torch.no_grad():
        for parameter, others in zip(alone.parameters(), model.parameters(), strict=True):
            parameter.copy_(others[1:2])
        estimates = model(rows)
        assert torch.equal(estimates[1:2], alone(rows[1:2]))
        assert torch.equal(estimates[:, 5:8], model(rows[:, 5:8]))
        assert torch.equal(estimates[:, 3:4], model(rows[:, 3:4]))
    together = gram_kernel.losses_and_gradients(model, rows, every)
    single = gram_kernel.losses_and_gradients(alone, rows[1:2], every[1:2])
    assert torch.equal(together[0][1:2], single[0])
    for both, own in zip(together[1], single[1], strict=True):
        assert torch.equal(both[1:2], own)


def test_what_is_not_a_number_stays_with_its_member():
    model, rows = drawn(5, 9, 3), rows_of(3, 10, 5, 9)
    whole = gram_kernel.losses_and_gradients(model, rows[:, :, :5], rows)
    broken = rows.clone()
    broken[1, 4, 2, 3] = torch.inf
    losses, gradients = gram_kernel.losses_and_gradients(model, broken[:, :, :5], broken)
    assert losses.isfinite().tolist() == [True, False, True]
    for member in (0, 2):
        assert torch.equal(losses[member], whole[0][member])
        for found, expected in zip(gradients, whole[1], strict=True):
            assert torch.equal(found[member], expected[member])


def test_contexts_may_lie_apart_in_memory():
    model, rows = drawn(5, 9, 2), rows_of(2, 10, 5, 9)[:, :, :5]
    with torch.no_grad():
        expected = model(rows.contiguous())
        assert torch.equal(model(rows), expected)
        assert torch.equal(model(rows.mT.contiguous().mT), expected)
        one = rows[0].expand(2, -1, -1, -1)
        assert torch.equal(model(one), model(one.contiguous()))


@pytest.mark.parametrize("norm", ["row", "none"])
def test_what_it_does_not_cover_is_left_to_torch(norm):
    model = drawn(5, 9, codes="none", norm=norm)
    rows = rows_of(1, 4, 5, 9)[:, :, :5]
    assert not gram_kernel.covers(model, rows)
    close(model(rows), in_double(model)(rows.double()))
    assert not gram_kernel.covers(drawn(5, 9).double(), rows.double())
    assert not gram_kernel.covers(drawn(5, 9), rows.requires_grad_())


def test_the_library_is_loaded_once():
    assert library() is library()
