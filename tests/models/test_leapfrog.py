"""The initial transformer with codes against the leapfrog steps that it is said to take."""

import numpy as np
import pytest
import torch

from nao.models.transformer import Transformer
from nao.specs import CodeSpec, TransformerSpec

N, D, CONTEXTS, CODE_STD, STEP = 100, 400, 20, 10.0, 0.3


def leapfrog(codes: np.ndarray, x: np.ndarray, y: np.ndarray, rounds: int) -> np.ndarray:
    """ŵ after so many gatherings, with a subtraction between any two."""
    z = x @ codes.T
    v, r = np.zeros((len(x), len(codes))), y.copy()
    for _ in range(rounds):
        v = v + STEP / (CODE_STD**2 * D * N) * np.einsum("bjc,bj->bc", z, r)
        r = r - np.einsum("bjc,bc->bj", z, v)
    return v @ codes


@pytest.mark.parametrize("layers", [2, 3, 7])
def test_starts_as_leapfrog_steps(layers):
    """By correlation, for what LayerNorm divides by varies from one context to the next."""
    codes = CodeSpec(rows="blank", share=0.1, initial_std=CODE_STD)
    spec = TransformerSpec(layers=layers, initial_gain=0, initial_readout=STEP, codes=codes)
    model = Transformer(spec, N, D).double()
    model.initialise([np.random.Generator(np.random.Philox(1))])
    rng = np.random.Generator(np.random.Philox(2))
    x, w = rng.standard_normal((CONTEXTS, N, D)), 1e-3 * rng.standard_normal((CONTEXTS, D))
    y = np.einsum("bnd,bd->bn", x, w)

    def estimate(y: np.ndarray) -> np.ndarray:
        tokens = torch.from_numpy(np.concatenate([x, y[..., None]], -1))[None]
        return model(tokens)[0].detach().numpy()

    odd = (estimate(y) - estimate(-y)) / 2  # without what LayerNorm's mean adds to any Y
    drawn = model.codes[0, :, :-1].detach().numpy()
    expected = leapfrog(drawn, x, y, rounds=layers // 2)
    assert np.corrcoef(odd.ravel(), expected.ravel())[0, 1] > 0.99
    assert 0.85 < (odd * expected).sum() / (expected**2).sum() < 1.1


def test_the_shares_of_the_rows_do_not_overlap():
    """A layer reads the rows that it does not write the target on."""
    spec = TransformerSpec(layers=4, codes=CodeSpec(rows="data", share=0.25))
    model = Transformer(spec, 8, 12)
    model.initialise([np.random.Generator(np.random.Philox(1))])
    mixing = (model.keys.mT @ model.queries)[0, :, 0, :8, :8].detach()
    codes, data = torch.eye(8)[:2].sum(0), torch.eye(8)[2:].sum(0)
    for layer, seen in enumerate((data, codes, data)):
        torch.testing.assert_close(mixing[layer], torch.diag(seen), rtol=0, atol=1e-6)
    assert not mixing[-1, 2:].any()
    assert not mixing[-1, :, 2:].any()


def test_codes_are_drawn_for_the_columns_of_the_design():
    """v begins at 0, for it stands in the codes' entries of Y."""
    spec = TransformerSpec(layers=3, codes=CodeSpec(share=0.5, initial_std=7))
    model = Transformer(spec, 20, 1000)
    model.initialise([np.random.Generator(np.random.Philox(1))])
    assert float(model.codes.detach()[..., :-1].std()) == pytest.approx(
        7, rel=0.03
    )  # 4 errors of 10,000
    assert not model.codes[..., -1].any()
    assert not model.bias.any()


@pytest.mark.parametrize("norm", ["matrix", "row"])
def test_a_solver_without_codes_is_one_with_codes_on_data_rows(norm):
    """Its first layer's bias adds what codes would add; the layers behind it are the same."""
    share = {"share": 0.25, "initial_std": 7.0}
    rest = {"initial_gain": 0.3, "norm": norm}
    plain = Transformer(TransformerSpec.model_validate(rest | {"layers": 5, "start": share}), 8, 12)
    coded = {"layers": 4, "codes": share | {"rows": "data"}}
    coded = Transformer(TransformerSpec.model_validate(rest | coded), 8, 12)
    assert {name for name, _ in plain.named_parameters()} == {
        *("keys", "queries", "readout", "gain", "bias")
    }
    plain.double().initialise([np.random.Generator(np.random.Philox(1))])
    coded.double()
    with torch.no_grad():
        for name in ("keys", "queries", "gain"):
            getattr(coded, name).copy_(getattr(plain, name)[:, 1:])
        coded.readout.copy_(plain.readout)
        coded.codes.copy_(plain.bias[:, 0, :2])
    assert not plain.bias[:, 1:].any()
    assert float(coded.codes.detach()[..., :-1].std()) == pytest.approx(7, rel=0.6)  # 24 draws
    rng = np.random.Generator(np.random.Philox(2))
    tokens = torch.from_numpy(rng.standard_normal((1, 6, 8, 13)))
    torch.testing.assert_close(plain(tokens), coded(tokens), rtol=1e-10, atol=1e-12)


def test_a_solver_without_codes_is_refused_beside_codes_and_where_it_has_no_room():
    for values in ({"codes": {}}, {"norm": "none"}, {"layers": 2}):
        with pytest.raises(ValueError, match="set start to null"):
            TransformerSpec.model_validate({"layers": 4, "start": {"share": 0.3}} | values)
