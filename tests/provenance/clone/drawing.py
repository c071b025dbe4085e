"""What a figure shows; apart from the scripts, so that it is met only through an import."""


def draw(axes, table):
    """Scatter of score against value."""
    axes.loglog(table["value"], table["score"], "o")
    axes.set_xlabel(label())


def label():
    """The name of the axis."""
    return "noise"


def unused():
    return 1
