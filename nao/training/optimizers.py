"""How gradients become steps: well-kept optimisers by name, which never mix the members of a stack.

Adam works entry by entry and Muon knows stacks of matrices, so each parameter goes to them as one.
SOAP works on matrices: each member's matrix of each layer and head is handed to it by itself, as a
view into the stack.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from nao.models.native import Kernel
from nao.models.stack import Stack
from nao.specs import TrainingSpec
from nao.training.muon import Muon

Group = dict[str, Any]
"""As torch's parameter groups; `rate` is a multiple of the learning rate."""

REFRESH = 10
"""Steps between two decompositions of a preconditioner, as the authors of SOAP chose."""


def _adam(groups: list[Group], recipe: TrainingSpec, kernel: Kernel) -> list[Optimizer]:
    return [Adam(groups, lr=0.0, betas=(recipe.beta1, recipe.beta2), fused=True)]


def _muon(groups: list[Group], recipe: TrainingSpec, kernel: Kernel) -> list[Optimizer]:
    """Muon for matrices that map rows to rows, Adam for norms and vectors."""
    maps, others = [], []
    for group in groups:
        mapping = [p for p in group["params"] if p.ndim > 2 and not group["norms"]]
        remaining = [p for p in group["params"] if p.ndim <= 2 or group["norms"]]
        maps += [group | {"params": mapping}] if mapping else []
        others += [group | {"params": remaining}] if remaining else []
    muon = [Muon(maps, recipe.beta1, kernel)] if maps else []
    return [*muon, *(_adam(others, recipe, kernel) if others else [])]


def _soap(groups: list[Group], recipe: TrainingSpec, kernel: Kernel) -> list[Optimizer]:
    from pytorch_optimizer import SOAP  # here, for it is slow to load

    betas = recipe.beta1, recipe.beta2
    return [SOAP(groups, lr=0.0, betas=betas, weight_decay=0.0, precondition_frequency=REFRESH)]


def _schedule_free(groups: list[Group], recipe: TrainingSpec, kernel: Kernel) -> list[Optimizer]:
    from pytorch_optimizer import ScheduleFreeAdamW  # here, for it is slow to load

    betas = recipe.beta1, recipe.beta2
    return [ScheduleFreeAdamW(groups, lr=0.0, betas=betas, weight_decay=0.0)]


@dataclass(frozen=True)
class Kind:
    """How an optimiser is built, and whether it takes whole stacks or each matrix by itself."""

    build: Callable[[list[Group], TrainingSpec, Kernel], list[Optimizer]]
    stacks: bool


KINDS = {
    "adam": Kind(_adam, stacks=True),
    "muon": Kind(_muon, stacks=True),
    "soap": Kind(_soap, stacks=False),
    "schedule_free": Kind(_schedule_free, stacks=True),
}


class StackOptimizer:
    """The optimisers of a stack's parameters, which it updates in place."""

    def __init__(self, model: Stack, recipe: TrainingSpec):
        kind = KINDS[recipe.optimizer]
        self.split = _whole if kind.stacks else member_matrices
        groups: dict[tuple[float, bool], Group] = {}
        self.pieces: list[Tensor] = []
        self.eased: list[tuple[Tensor, Tensor]] = []
        rates = model.rates(recipe.norm_rate)
        for name, parameter in model.named_parameters():
            norms, rate = name in model.norm_parameters, rates[name]
            pieces = self.split(parameter.detach())
            if isinstance(rate, Tensor):
                shares = (rate / rate.max()).expand_as(parameter)
                self.eased += zip(pieces, self.split(shares), strict=True)
                rate = float(rate.max())
            group = groups.setdefault((rate, norms), {"params": [], "rate": rate, "norms": norms})
            group["params"] += pieces
            self.pieces += pieces
        self.optimizers = kind.build(list(groups.values()), recipe, model.kernel)

    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """One step at that learning rate; the gradients are in the order of the parameters."""
        parts = [part for gradient in gradients for part in self.split(gradient)]
        for piece, part in zip(self.pieces, parts, strict=True):
            piece.grad = part.contiguous()  # Adam's fused kernel goes by memory, not by strides
        before = [piece.clone() for piece, _ in self.eased]
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["rate"]
            optimizer.step()
        for (piece, share), old in zip(self.eased, before, strict=True):
            piece.copy_(torch.lerp(old, piece, share))

    def finish(self) -> None:
        """Leave the weights to be used, where an optimiser trains at others (schedule-free)."""
        for optimizer in self.optimizers:
            if evaluate := getattr(optimizer, "eval", None):
                evaluate()

    def state(self) -> list[dict[str, Any]]:
        """All that the next steps depend on, as torch's optimisers give it."""
        return [optimizer.state_dict() for optimizer in self.optimizers]

    def restore(self, states: Sequence[dict[str, Any]]) -> None:
        """Go on from a state."""
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)


def member_matrices(stacked: Tensor) -> Sequence[Tensor]:
    """Views of every member's matrices, or of its vector where it has none."""
    leading = 1 if stacked.ndim == 2 else stacked.ndim - 2
    return stacked.flatten(0, leading - 1).unbind()


def _whole(stacked: Tensor) -> Sequence[Tensor]:
    return (stacked,)
