"""Figure 7: misfit and error of trainings of growing length, side by side for each learner."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from nao.analysis.tables import SYMMETRISED
from nao.figures.curves import curves, draw_curves, draw_steps, draw_theory, scale_log
from nao.figures.legend import draw_legend
from nao.figures.style import WIDTH, Looks, style

QUANTITIES = {
    "misfit": r"misfit, mean of $(X\hat w - Y)^2$",
    "rmse": r"RMSE of $\hat w$",
}


def draw(tables: Mapping[str, pd.DataFrame], looks: Looks) -> Figure:
    """Misfit (a) and RMSE (b) on fresh contexts against the steps of a whole training.

    An objective that singled out the posterior mean would bring both to the oracle's together.
    Dotted in (b): the same networks' estimates averaged over orders and signs of the rows.
    """
    table = tables["training_length"]
    with style():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        panels = figure.subplots(1, len(QUANTITIES), sharex=True)
        for axes, (metric, label), letter in zip(panels, QUANTITIES.items(), "ab", strict=True):
            draw_curves(axes, curves(table, looks, metric))
            scale_log(axes, table["value"])
            axes.set_title(f"({letter})")
            axes.set_xlabel("steps of training")
            axes.set_ylabel(label)
        symmetrised = curves(table, looks, f"{SYMMETRISED}rmse")
        draw_curves(panels[-1], symmetrised)
        draw_theory(panels[-1], table)
        draw_steps(panels[-1], table)
        draw_legend(figure, curves(table, looks), ("expected", "steps", "symmetrised"))
    return figure
