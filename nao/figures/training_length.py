"""Figure 7: misfit and error of trainings of growing length, side by side for each learner."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from nao.analysis.tables import SYMMETRISED
from nao.figures.curves import curves, draw_curves, draw_steps, draw_theory, scale_log
from nao.figures.legend import draw_legend
from nao.figures.ratios import LABEL, draw_ratios, over_oracle
from nao.figures.style import WIDTH, Looks, style


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """Misfit (a) and RMSE over the oracle's (b) on fresh contexts against the steps of a training.

    An objective that singled out the posterior mean would bring both to the oracle's together.
    Dotted in (b): the same networks' estimates averaged over orders and signs of the rows.
    """
    table = tables["training_length"]
    ratios = over_oracle(table)
    with style():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        left, right = panels = figure.subplots(1, 2, sharex=True)
        draw_curves(left, curves(table, looks, "misfit"))
        left.set(title="(a)  misfit", ylabel=r"misfit, mean of $(X\hat w - Y)^2$")
        shown = (curves(ratios, looks, metric) for metric in ("rmse", f"{SYMMETRISED}rmse"))
        draw_ratios(right, [curve for drawn in shown for curve in drawn])
        right.set(title="(b)  error", ylabel=LABEL)
        for axes in panels:
            scale_log(axes, table["value"])
            axes.set_xlabel("steps of training")
        draw_theory(right, ratios)
        draw_steps(right, ratios)
        draw_legend(figure, curves(table, looks), ("expected", "steps", "symmetrised"))
    return figure
