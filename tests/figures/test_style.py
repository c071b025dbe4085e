import itertools

import numpy as np
import pytest
from matplotlib import colormaps

from nao.config import LearnerSpec, load
from nao.estimators.table import ESTIMATORS
from nao.figures.style import CLASSICAL, DIVERGING, look_of, looks_of
from tests.evaluated import CONFIG

LEARNERS = load(CONFIG).learners
LOOKS = [*CLASSICAL.values(), *looks_of({n: of for n, of in LEARNERS.items() if of.look}).values()]
LOOKS = list(dict.fromkeys(LOOKS))


def test_every_estimator_has_a_look():
    assert [look_of(name, CLASSICAL) for name in ESTIMATORS]


def test_a_learner_is_drawn_without_being_given_a_look():
    learners = {name: LearnerSpec(label=name) for name in "abcdefghi"}
    looks = [look_of(name, looks_of(learners)) for name in learners]
    assert [each.label for each in looks] == list(learners)
    assert len({(each.color, each.marker, str(each.line)) for each in looks}) == len(looks)
    orders = [each.order for each in looks]
    assert orders == sorted(orders)
    assert CLASSICAL["two_stage_ridge"].order < orders[0]
    assert orders[-1] < CLASSICAL["oracle_ridge"].order


def test_no_two_looks_are_alike_even_without_colour():
    without_colour = [(each.marker, str(each.line), each.filled) for each in LOOKS]
    assert len(set(without_colour)) == len(LOOKS)
    assert len({each.label for each in LOOKS}) == len(LOOKS)


def test_colours_stay_apart_for_the_colour_blind():
    # Luminance, and the blue-yellow axis, are what protanopes and deuteranopes keep.
    def seen(color: str) -> tuple[float, float]:
        red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = [value**2.2 for value in (red, green, blue)]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        return luminance ** (1 / 2.2), blue - (red + green) / 2

    colors = {each.color for each in LOOKS}
    for one, other in itertools.combinations(sorted(colors), 2):
        distance = sum((a - b) ** 2 for a, b in zip(seen(one), seen(other), strict=True)) ** 0.5
        assert distance > 0.08, (one, other)


def test_an_estimator_without_a_look_is_named():
    with pytest.raises(ValueError, match=r"estimator = 'magic'; name it among the learners"):
        look_of("magic", CLASSICAL)


def test_opposite_numbers_differ_in_a_grey_print():
    colours = colormaps[DIVERGING](np.linspace(0, 1, 101))[:, :3]
    grey = colours**2.2 @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(grey) > 0).all()
    assert np.ptp(colours[50]) < 0.05  # 0 itself has no hue
    assert grey[-1] > 10 * grey[0]
