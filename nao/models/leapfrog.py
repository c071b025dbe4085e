"""Initial weights by which the transformer with codes iterates on least squares in their span.

For w = Σ_c C_c v_c, with C_c the code on row c and Z = X Cᵀ, it takes leapfrog steps

    v ← v + s Zᵀ r,   r ← r − Z v,   from v = 0, r = Y

of the oscillation r̈ = −s Z Zᵀ r, v̈ = −s ZᵀZ v: after a time t, v is a filter of Zᵀ Y,
√s (ZᵀZ)^{-1/2} sin(√s (ZᵀZ)^{1/2} t) ZᵀY, at its height the inverse square root of ZᵀZ. The
products are those that the Gram matrix of E holds: C_c · x_j.
Layers take turns. Those that *gather*, M = I on the data rows, add Σ_j (C_c · x_j) r_j to the entry
of Y on code row c. Those that *subtract*, M = I on the code rows, take Σ_c (x_j · C_c) v_c from the
entry of Y on data row j. The read-out is Σ_c C_c v_c. Training then finds the steps, and turns the
codes towards w_0 and U.

The gains allow for what LayerNorm divides by, whose size is known for codes and rows as drawn: with
β the spread of the codes, m data rows and R rows in all, of which c have codes, the squares are

    gather:    β² d m             in an entry of the code rows,
               d² + 3 d m + m²    in one of the data rows (X Xᵀ X, by Marchenko and Pastur),
    subtract:  β⁶ d²              in an entry of the code rows.
"""

import math

import numpy as np


def start_as_leapfrog(
    values: dict[str, np.ndarray], code_std: float, step: float, readout_scale: float
) -> None:
    """Restrict what keys and queries see, and set the gains of Y and the read-out's scale.

    Codes are (c, D), gains (L − 1, R, D); `step` is s in units of 1 / (β² d m), which alone would
    take ŵ to the projection of w on the codes' span, were rows and codes orthogonal.
    """
    keys, queries, gain = values["keys"], values["queries"], values["gain"]
    (layers, rows, tokens), code_rows = gain.shape, len(values["codes"])
    d, data_rows = tokens - 1, rows - code_rows
    beside = d**2 + 3 * d * data_rows + data_rows**2
    gathered = math.sqrt((code_std**2 * d * data_rows * code_rows + beside * data_rows) / rows)
    subtracted = code_std**3 * d * math.sqrt(code_rows / rows)
    readout = step * gathered / (code_std**2 * d * data_rows)

    codes, data = np.arange(code_rows), np.arange(code_rows, rows)
    for layer in range(layers):
        gathers = (layers - layer) % 2 == 1  # the last one before the read-out does
        written = codes if gathers else data  # and the others are read
        keys[layer][..., written] = queries[layer][..., written] = 0
        gain[layer, written, -1] = 1 if gathers else -readout * subtracted
    for factor in (keys[-1], queries[-1]):
        factor[..., data] = 0
        factor *= math.sqrt(readout / readout_scale)
