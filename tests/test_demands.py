"""What a figure could not draw, or would draw wrong in silence, is refused in a sentence."""

import re
from typing import Any

import pytest

from nao.checking import ConfigError
from nao.claims import beyond
from nao.config import load
from nao.demands import KERNELS, MIXTURES, POINTS, require
from nao.figures import FIGURES, operators
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
