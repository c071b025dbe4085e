"""Mixture of ridges (ours): K ridge estimators with learned priors, weighed by their evidence.

Expert k holds the prior w ~ N(m_k, A_k A_kᵀ + BBᵀ), the noise has the variance s². A context is
whitened once by LLᵀ = XBBᵀXᵀ + s²I; with X̃ = L⁻¹X, e = L⁻¹Y − X̃m_k, Z = X̃A_k, C = ZᵀZ + I,

    v_k = C⁻¹Zᵀe,    γ = softmax_k(b_k − ½ t [eᵀe − eᵀZv_k + ln det C]),
    ŵ = u + BBᵀX̃ᵀ(L⁻¹Y − X̃u),    u = Σ_k γ_k (m_k + A_k v_k)

At t = 1 it is the exact posterior mean under a mixture of Gaussians; at K = 1, r = 0 that of one
Gaussian, so linear in Y. It sees XᵀX, XᵀY and YᵀY alone: the order of rows cannot matter to it.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from nao.models.stack import Stack, Tokens
from nao.specs import MixtureOfRidgesSpec


class MixtureOfRidges(Stack):
    """S members; means (S, K, d), loadings (S, K, d, r), background (S, d, d); ln s, b, ln t."""

    row_invariant = True
    means: nn.Parameter
    loadings: nn.Parameter
    background: nn.Parameter
    log_noise: nn.Parameter
    log_weights: nn.Parameter
    log_temperature: nn.Parameter

    def __init__(
        self, spec: MixtureOfRidgesSpec, context_length: int, dimension: int, members: int = 1
    ):
        super().__init__()
        self.spec, self.context_length, self.dimension = spec, context_length, dimension
        experts, d = spec.experts, dimension
        self.allocate(
            members,
            means=(experts, d),
            loadings=(experts, d, spec.rank),
            log_noise=(1,),
            log_weights=(experts,),
            log_temperature=(1,),
        )
        if spec.initial_background:
            self.allocate(members, background=(d, d))

    def draw(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Means and loadings of variance 1/d an entry; B a multiple of I; t = 1."""
        spec, d = self.spec, self.dimension
        means = rng.standard_normal((spec.experts, d)) / np.sqrt(d)
        loadings = rng.standard_normal((spec.experts, d, spec.rank)) / np.sqrt(d)
        values = {
            "means": means,
            "loadings": loadings,
            "log_noise": np.log([spec.initial_noise]),
            "log_weights": np.zeros(spec.experts),
            "log_temperature": np.zeros(1),
        }
        if spec.initial_background:
            values["background"] = spec.initial_background * np.eye(d)
        return values

    def forward(self, tokens: Tokens) -> Float[Tensor, "S B d"]:
        """ŵ of every member for its contexts."""
        x, y = self._whitened(tokens)
        gate, v, *_ = self._weighed(x, y)
        directions = self.loadings.transpose(2, 3).flatten(1, 2)
        u = gate @ self.means + (gate.unsqueeze(-1) * v).flatten(2) @ directions
        if not self.spec.initial_background:
            return u
        left = y - x @ u.unsqueeze(-1)
        return u + (x.mT @ left).squeeze(-1) @ self.background @ self.background.mT

    def variance(self, tokens: Tokens) -> Float[Tensor, "S B"]:
        """tr Cov(w | X, Y), which is, with H = I − BBᵀX̃ᵀX̃ and u_k = m_k + A_k v_k,

            c² [tr B(I − BᵀX̃ᵀX̃B)Bᵀ + Σ_k γ_k tr HA_k C_k⁻¹ A_kᵀHᵀ] + Σ_k γ_k ‖H(u_k − u)‖².

        The loss tells A, B and s but for a common factor c, on which ŵ depends by its weights γ
        alone; what the context's own rows say of it is c² = Σ_k γ_k (eᵀe − eᵀZv_k)/n.
        """
        x, y = self._whitened(tokens)
        gate, v, factor, z, square = self._weighed(x, y)
        within = torch.cholesky_inverse(factor)
        loadings = self.loadings[:, None]  # S 1 K d r
        points = self.means[:, None] + (loadings @ v.unsqueeze(-1)).squeeze(-1)  # S B K d
        away = points - (gate.unsqueeze(-2) @ points)
        background = torch.zeros_like(square[..., 0])
        if self.spec.initial_background:
            shared = (self.background @ self.background.mT)[:, None]
            pull = shared @ x.mT  # S B d n
            left = shared - pull @ x @ shared
            background = left.diagonal(dim1=-2, dim2=-1).sum(-1)
            loadings = loadings - pull[:, :, None] @ z
            away = away - (away @ x.mT) @ pull.mT
        spread = ((loadings @ within) * loadings).sum((-2, -1))
        scale = (gate * square).sum(-1) / x.shape[2]
        own = background + (gate * spread).sum(-1)
        return scale * own + (gate * away.square().sum(-1)).sum(-1)

    def _weighed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """γ and v of every expert, the Cholesky factor of C, Z, and eᵀe − eᵀZv."""
        (members, contexts, n, d), experts, r = x.shape, self.spec.experts, self.spec.rank
        affine = torch.cat([self.means.unsqueeze(-1), self.loadings], -1)
        affine = affine.permute(0, 2, 1, 3).reshape(members, d, experts * (1 + r))
        seen = (x.flatten(1, 2) @ affine).view(members, contexts, n, experts, 1 + r)
        seen = seen.transpose(2, 3)  # S B K n (1 + r)
        error, z = y[:, :, None] - seen[..., :1], seen[..., 1:]
        factor = _factor(z.mT @ z + torch.eye(r, dtype=x.dtype, device=x.device))
        half = torch.linalg.solve_triangular(factor, z.mT @ error, upper=False)
        v = torch.linalg.solve_triangular(factor.mT, half, upper=True).squeeze(-1)

        square = error.square().sum((-2, -1)) - half.square().sum((-2, -1))
        log_det = 2 * factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        temperature = self.log_temperature.exp()[:, None]
        gate = (self.log_weights[:, None] - temperature * (square + log_det) / 2).softmax(-1)
        return gate, v, factor, z, square

    def _whitened(self, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """L⁻¹X and L⁻¹Y."""
        if not self.spec.initial_background:
            white = tokens / self.log_noise.exp()[:, None, None]
        else:
            seen = tokens[..., :-1] @ self.background[:, None]
            noise = (2 * self.log_noise).exp()[:, None, None]
            identity = torch.eye(tokens.shape[2], dtype=tokens.dtype, device=tokens.device)
            factor = _factor(seen @ seen.mT + noise * identity)
            white = torch.linalg.solve_triangular(factor, tokens, upper=False)
        return white[..., :-1], white[..., -1:]


def _factor(matrices: Float[Tensor, "*batch k k"]) -> Float[Tensor, "*batch k k"]:
    """Cholesky factors; NaN where sizes too far apart, or a divergence, leave none.

    So a member ends as any that diverges, and the others go on.
    """
    factors, faults = torch.linalg.cholesky_ex(matrices)
    return factors.masked_fill((faults > 0)[..., None, None], math.nan)
