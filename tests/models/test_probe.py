"""The states of a transformer against its own forward pass and against projections by hand."""

import numpy as np
import pytest

from nao.models.probe import codes_of, probe
from nao.models.transformer import Transformer
from nao.models.weights import estimate
from nao.specs import CodeSpec, LeapfrogSpec, TransformerSpec
from nao.tasks.problems import Contexts

N, D, MEMBERS = 4, 6, 2
MODELS = {
    "codes": {"codes": CodeSpec()},
    "codes on data rows": {"codes": CodeSpec(rows="data", share=0.5)},
    "drawn by a bias": {"start": LeapfrogSpec(share=0.5)},
    "neither": {},
    "norm per row": {"norm": "row"},
}


def drawn(name: str, layers: int = 4) -> tuple[Transformer, Contexts]:
    rng = np.random.default_rng(0)
    model = Transformer(TransformerSpec(layers=layers, **MODELS[name]), N, D, MEMBERS).double()
    model.initialise([np.random.default_rng(member) for member in range(MEMBERS)])
    return model, Contexts(rng.standard_normal((300, N, D)), rng.standard_normal((300, N)))


@pytest.mark.parametrize("name", MODELS)
def test_the_last_layer_says_what_the_model_says(name):
    model, contexts = drawn(name)
    probed = probe(model, contexts, np.eye(D))
    assert probed.estimates.shape == (MEMBERS, 4, 300, D)
    np.testing.assert_allclose(probed.estimates[:, -1], estimate(model, contexts), atol=1e-12)
    assert np.abs(probed.estimates[:, -2] - probed.estimates[:, -1]).max() > 1e-6
    np.testing.assert_allclose(probed.shares, 1)  # of everything


@pytest.mark.parametrize("name", ["codes", "neither"])
def test_the_first_share_is_of_the_rows_themselves(name):
    model, contexts = drawn(name)
    span = np.linalg.qr(np.random.default_rng(1).standard_normal((D, 2)))[0]
    shares = probe(model, contexts, span).shares
    expected = np.sum((contexts.x @ span) ** 2) / np.sum(contexts.x**2)
    np.testing.assert_allclose(shares[:, 0], expected)
    assert np.abs(shares[:, 1:] - expected).max() > 1e-3


def test_codes_are_without_their_entry_of_y():
    model, _ = drawn("codes")
    codes = codes_of(model)
    assert codes is not None
    np.testing.assert_array_equal(codes, model.codes.detach().numpy()[..., :D])
    model, _ = drawn("drawn by a bias")
    codes = codes_of(model)
    assert codes is not None
    assert codes.shape == (MEMBERS, 2, D)
    assert np.abs(codes).min() > 0
    assert codes_of(drawn("neither")[0]) is None
