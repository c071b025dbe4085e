"""What the interpolant X⁺Y of fewer rows than unknowns keeps of w."""


def interpolation_moments(dimension: int, context_length: int) -> tuple[float, float]:
    """a and b in E[ŵŵᵀ] = aM + b tr(M) I for ŵ = X⁺Xw, M = E[wwᵀ], rows x_i ~ N(0, I), n ≤ d.

    X⁺X projects onto a uniformly random n-dimensional subspace, so that E[X⁺X] = (n/d) I and

        a = n(nd + d − 2) / (d(d − 1)(d + 2)),    b = n(d − n) / (d(d − 1)(d + 2)).

    For n ≥ d, X⁺X = I: a = 1, b = 0.
    """
    d, n = dimension, context_length
    if n >= d:
        return 1.0, 0.0
    scale = n / (d * (d - 1) * (d + 2))
    return scale * (n * d + d - 2), scale * (d - n)
