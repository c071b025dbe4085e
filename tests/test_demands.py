"""What a figure could not draw, or would draw wrong in silence, is refused in a sentence."""

import re
from typing import Any

import pytest

from nao.checking import ConfigError
from nao.claims import beyond
from nao.config import load
from nao.demands import BASELINES, KERNELS, MIXTURES, POINTS, require
from nao.figures import FIGURES, operators
from nao.figures.style import CLASSICAL
from nao.plan import expand
from nao.targets import experiment_of
from nao.yaml_files import read_yaml
from tests.evaluated import CONFIG

SIGMA = {"low": {"dataset": {"problem": {"noise": {"std": 0.1}}}}}
TWO = SIGMA | {"high": {"dataset": {"problem": {"noise": {"std": 0.2}}}}}


@pytest.mark.parametrize("scale", ["smoke", "laptop", "workstation", "paper"])
def test_the_study_itself_has_all_that_its_figures_ask_for(scale: str):
    require(expand(load(CONFIG, {"scale": scale})))


@pytest.mark.parametrize(
    ("experiments", "values", "sentence"),
    [
        ({"noise": {"axis": None}}, {}, r"experiments\.noise has not an axis of numbers, .*fig3"),
        (
            {"noise": {"axis": "dataset.problem.noise.law"}},
            {"noise": ["gaussian", "laplace"]},
            r"experiments\.noise has not an axis of numbers, .* fig3 draws it; give it values",
        ),
        (
            {"contexts": {"settings": TWO}},
            {},
            r"has 4 points of which fig2, that goes by values, w",
        ),
        ({"prior": {"settings": TWO}}, {}, r"experiments\.prior has 2 points .* one point alone"),
        ({"depth": {"settings": {}}}, {}, r"experiments\.depth has not settings, by which fig4"),
        (
            {},
            {"operators": [20, 40]},
            r"operators has 12 points of which fig8, that goes by settin",
        ),
        (
            {"operators": {"settings": {"integral": {}}}},
            {},
            r"fig8 shows each operator under cosines and bump, .* remove integral$",
        ),
        ({"experts": {"settings": TWO}}, {}, r"fig5 shows mixture16 and mixture4, and there is hi"),
        ({"digits": {"settings": {}}}, {"digits": [4, 7]}, r"dimension = 8 is no square"),
        ({"training_length": {"learners": ["upg"]}}, {}, r"training_length has no learner that is"),
        (
            {"noise": {"baselines": ["ridge"]}},
            {},
            r"noise lack 'oracle_ridge', which fig3 holds er",
        ),
        ({"noise": {"baselines": ["rigde"]}}, {}, r"'rigde' is no estimator; choose among ridge, "),
    ],
)
def test_what_a_figure_lacks_is_told(
    experiments: dict[str, Any], values: dict[str, list[Any]], sentence: str
):
    study, _ = read_yaml(CONFIG)
    for name, changes in experiments.items():
        study["experiments"][name] |= changes
    study["scales"]["smoke"]["values"] |= values
    plan = expand(load(study | {"scale": "smoke"}))
    with pytest.raises(ConfigError) as refusal:
        require(plan)
    assert re.search(sentence, str(refusal.value))


LEAPING = {"learning_rate": 1e12, "norm_rate": 1e12, "beta1": 1 - 2**-53}
LEARNED = {"label": "R learned", "training": {"objective": "heldout"}}


@pytest.mark.parametrize(
    ("learners", "sentence"),
    [
        ({"ridge": LEARNED}, r"learners\.ridge has the name of a baseline"),
        ({"other": LEARNED | {"label": "ORE"}}, r"other\.label = 'ORE' is that of a baseline"),
        ({"other": LEARNED | {"label": "ｏre"}}, r"other\.label = 'ｏre' is that of a baseline"),
        ({"other": LEARNED | {"label": "NAO misfit"}}, r"other\.label is that of misfit, and exp"),
        ({"other": LEARNED | {"label": "nao MISFIT"}}, r"other\.label is that of misfit, and exp"),
        ({"other": LEARNED | {"label": "NAO misfit "}}, r"other\.label = 'NAO misfit ' has blanks"),
        ({"other": LEARNED | {"label": "NAO  misfit"}}, r"has blanks that no reader sees"),
        ({"other": LEARNED | {"label": r"a $\frac$"}}, r"other\.label = .* has a '\$', which"),
        ({"other": LEARNED | {"label": "a | b"}}, r"other\.label = 'a \| b' has a '\|', which"),
        ({"other": LEARNED | {"label": "_a"}}, r"other\.label = '_a' would be left out of legends"),
        ({"other": LEARNED | {"label": "a\nb"}}, r"other\.label = 'a\\nb' would be left out"),
        (
            {"other": LEARNED | {"look": {"color": "vermillion", "marker": "o"}}},
            r"\.look is that of .*, and experiments\.\w+ has both",
        ),
        ({"other": LEARNED | {"relative_steps": 1e30}}, r"steps, more than 1e\+09; lower learners"),
        (
            {"other": LEARNED | {"training": LEAPING}},
            r"other: learning_rate .* = 9\.0\d+e\+39",
        ),
    ],
)
def test_learners_that_could_not_be_told_apart_or_trained_are_refused(
    learners: dict[str, Any], sentence: str
):
    study, _ = read_yaml(CONFIG)
    study["learners"] |= learners
    study["experiments"]["noise"]["learners"] += learners
    with pytest.raises(ConfigError) as refusal:
        require(expand(load(study | {"scale": "smoke"})))
    assert re.search(sentence, str(refusal.value))


def test_more_row_orders_than_help_are_refused():
    with pytest.raises(ConfigError, match=r"row_orders = 10001 is more than 10000"):
        require(expand(load(CONFIG, {"scale": "smoke", "row_orders": 10001})))


def test_an_experiment_that_a_figure_lacks_is_told():
    plan = expand(load(CONFIG, {"scale": "smoke"}))
    del plan.experiments["noise"]
    with pytest.raises(ConfigError, match=r"no experiments\.noise, which fig3 draws; add it"):
        require(plan)


def test_what_is_asked_for_is_asked_of_what_is_drawn():
    drawn = {experiment_of(name) for drawing in FIGURES.values() for name in drawing.tables}
    assert drawn >= POINTS.keys()


def test_settings_have_the_names_by_which_figures_and_claims_know_them():
    assert set(KERNELS) == operators.PRIORS.keys()
    assert set(beyond.MIXTURES) == MIXTURES


def test_baselines_have_the_labels_by_which_figures_show_them():
    assert {look.label for look in CLASSICAL.values()} == BASELINES
