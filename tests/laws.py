"""Problems for tests, in a line."""

from typing import Any

from nao.specs import ProblemSpec


def problem_values(
    dimension: int,
    rank: int = 2,
    noise_std: float = 0.1,
    condition: float = 1.0,
    law: str = "gaussian",
    noise: str = "gaussian",
    mean_norm: float = 1.0,
    variance_max: float = 2.0,
    variance_min: float = 1.0,
) -> dict[str, Any]:
    """The slides' problem as plain values: Gaussian rows, a prior of low rank, and noise."""
    return {
        "dimension": dimension,
        "design": {"condition": condition},
        "prior": {
            "rank": rank,
            "law": law,
            "mean_norm": mean_norm,
            "variance_max": variance_max,
            "variance_min": variance_min,
        },
        "noise": {"law": noise, "std": noise_std},
    }


def problem_spec(dimension: int, **changes: Any) -> ProblemSpec:
    """`problem_values`, checked."""
    return ProblemSpec.model_validate(problem_values(dimension, **changes))
