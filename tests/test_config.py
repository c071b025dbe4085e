"""The configuration: what it refuses and in which words, and what its plan shares."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nao.config import ConfigError, load
from nao.plan import expand
from nao.specs import DatasetSpec

CONFIG = Path(__file__).parents[1] / "config.yaml"
VALUES = yaml.safe_load(CONFIG.read_text())


@pytest.fixture
def values() -> dict:
    return copy.deepcopy(VALUES)


def base(values: dict, scale: str = "laptop") -> dict:
    return values["scales"][scale]["base"]


@pytest.mark.parametrize("scale", VALUES["scales"])
def test_every_scale_expands(values, scale):
    plan = expand(load(values | {"scale": scale}))
    for name, experiment in plan.experiments.items():
        for point in experiment.points:
            assert point.dataset in plan.datasets
            assert set(point.runs.values()) <= set(plan.runs)
            learners = set(values["experiments"][name]["learners"])
            confined = values["scales"][scale].get("learners", learners)
            assert set(point.runs) == learners & set(confined)


def test_the_file_and_its_values_are_the_same():
    assert load(CONFIG).model_dump() == load(VALUES).model_dump()


def test_the_base_point_is_one_run(values):
    plan = expand(load(values))
    shared = [
        point.runs["misfit"]
        for name in ("prior", "noise", "task_dimension", "condition", "context_length", "contexts")
        for point in plan.experiments[name].points
        if plan.runs[point.runs["misfit"]]
        == plan.runs[plan.experiments["prior"].points[0].runs["misfit"]]
    ]
    assert len(shared) == 6
    assert len(set(shared)) == 1


def test_a_point_more_adds_that_point_alone(values):
    before = expand(load(values))
    values["scales"]["laptop"]["values"]["noise"].append(0.55)
    after = expand(load(values))
    added = set(after.runs) - set(before.runs)
    assert set(before.runs) <= set(after.runs)
    assert {after.runs[name].dataset.problem.noise.std for name in added} == {0.55}


def test_learners_share_the_data_of_a_point(values):
    plan = expand(load(values))
    for experiment in plan.experiments.values():
        for point in experiment.points:
            assert {plan.runs[run].dataset.identity for run in point.runs.values()} == {
                point.fitted
            }


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("scales.laptop.base.dataset.problem.noise.std", -0.1, ["noise.std = -0.1", "0"]),
        ("scales.laptop.base.dataset.problem.prior.rank", 21, ["prior.rank = 21", "20"]),
        ("scales.laptop.base.dataset.context_length", 20, ["context_length = 20", "n < d"]),
        ("scales.laptop.base.dataset.problem.prior.law", "cauchy", ["cauchy", "gaussian"]),
        ("recipe.training.beta1", "many", ["beta1 = 'many'", "number"]),
        ("recipe.training.stpes", 3, ["stpes", "not a known key"]),
        (
            "recipe.model.codes.share",
            -1,
            ["misfit): model.codes.share = -1", "greater than or equal to 1e-12"],
        ),
        ("recipe.model.codes.rows", "odd", ["model.codes.rows = 'odd'", "'blank' or 'data'"]),
        ("scales.laptop.base.training.row_symmetry", "flip", ["row_symmetry = 'flip'", "permute"]),
        ("scales.laptop.values.noise", [], ["noise", "empty"]),
        ("scales.laptop.values.nosie", [1], ["nosie", "no experiment"]),
        ("experiments.noise.axis", "dataset.problem.nosie", ["dataset.problem.nosie"]),
        ("experiments.noise.axis", "learner", ["axis = 'learner'", "under learners"]),
        ("experiments.noise.learners", ["misfit", "magic"], ["magic", "misfit"]),
        ("scale", "desk", ["scale = 'desk'", "laptop"]),
        ("sed", 3, ["sed", "not a known key"]),
        ("scales.laptop.values.noise", [0.1, 1, 0.1], ["values.noise holds 0.1 twice"]),
        ("scales.laptop.values.condition", [1, 1.0], ["values.condition holds 1.0 twice"]),
        ("scales.laptop.values.noise", [0], ["noise.std = 0", "from 1e-12"]),
        ("scales.laptop.values.condition", [1e9], ["condition = 1000000000.0", "equal to 1e+08"]),
        ("baselines", ["ridge", "ridge"], ["baselines holds 'ridge' twice"]),
        ("baselines", [], ["baselines = []", "at least 1"]),
        ("experiments.noise.learners", ["misfit", "misfit"], ["learners holds 'misfit' twice"]),
        ("experiments.a b", {"learners": ["misfit"]}, ["experiments.a b", "pattern"]),
        ("experiments.prior_moments", {"learners": ["misfit"]}, ["table of moments"]),
        ("scales.my laptop", VALUES["scales"]["smoke"], ["scales.my laptop", "pattern"]),
        ("scales.gallery", VALUES["scales"]["smoke"], ["results/gallery holds something else"]),
        ("learners.misfit.dataset", {"replicates": 2}, ["misfit.dataset", "not a known key"]),
        ("learners.misfit.look.marker", "Q", ["marker = 'Q'", "pattern"]),
        ("learners.misfit.look.color", "bluish", ["color = 'bluish'", "pattern"]),
        ("scales.laptop.base.dataset.test_contexts", 1, ["test_contexts = 1", "2"]),
        ("scales.laptop.base.dataset.first_replicate", 2**31, ["first_replicate", "less than"]),
        ("seed", -3, ["seed = -3"]),
        ("scales.laptop.learners", ["magic"], ["scales.laptop.learners names 'magic'"]),
        ("scales.laptop.learners", ["sure"], ["none of experiments.prior", "add one of these"]),
        ("experiments.noise.settings", {"odd": {"model": {"layers": 0}}}, ["in odd", "layers = 0"]),
        ("scales.laptop.settings", {"nosie": {}}, ["settings names nosie", "no experiment"]),
        ("scales.laptop.settings", {"depth": {"deep": {}}}, ["names deep", "among low, high"]),
        ("scales.laptop.settings", {"depth": {"low": {"model": {"layer": 3}}}}, ["model.layer"]),
        ("experiments.context_length.trained", "base", ["context_length = 10", "tested at 5"]),
        ("experiments.shifted_noise.trained", "here", ["'here'", "'point' or 'base'"]),
        ("learners.paper.model.start.share", 0.95, ["start.share = 0.95", "no row without a code"]),
        ("learners.coded_data.model.codes.share", 0.95, ["codes.share = 0.95", "no row without"]),
        (
            "recipe.training.learning_rate",
            1e13,
            ["10000000000000.0", "equal to 1e+12"],
        ),
    ],
)
def test_a_fault_is_one_sentence_that_names_key_value_and_bound(values, place, value, words):
    *parents, key = place.split(".")
    section = values
    for parent in parents:
        section = section[parent]
    section[key] = value
    with pytest.raises(ConfigError) as raised:
        expand(load(values))
    message = str(raised.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


def test_a_sweep_is_run_in_every_setting_and_a_scale_may_change_them(values):
    values["scales"]["laptop"]["settings"] = {
        "depth": {"high": {"dataset": {"problem": {"prior": {"rank": 7}}}}}
    }
    plan = expand(load(values))
    points = plan.experiments["depth"].points
    depths = values["scales"]["laptop"]["values"]["depth"]
    assert [(p.setting, p.value) for p in points] == [
        (setting, depth) for setting in ("low", "high") for depth in depths
    ]
    ranks = {p.setting: plan.datasets[p.dataset].problem.task_dimension for p in points}
    assert ranks == {"low": 2, "high": 7}


def test_names_are_swept_as_settings_or_as_values_but_not_as_both(values):
    values["experiments"]["noise"]["axis"] = "dataset.problem.noise.law"
    values["scales"]["laptop"]["values"]["noise"] = ["gaussian", "laplace"]
    points = expand(load(values)).experiments["noise"].points
    assert [(point.setting, point.value) for point in points] == [
        ("gaussian", None),
        ("laplace", None),
    ]
    values["experiments"]["noise"]["settings"] = {"low": {}}
    with pytest.raises(ConfigError, match=r"noise has settings and sweeps names"):
        load(values)


def test_what_is_tested_elsewhere_is_trained_at_the_base_point_alone(values):
    plan = expand(load(values))
    (base,) = plan.experiments["prior"].points
    points = plan.experiments["shifted_subspace"].points
    assert {point.fitted for point in points} == {base.dataset}
    assert {point.runs["heldout"] for point in points} == {base.runs["heldout"]}
    priors = [plan.datasets[point.dataset].problem.prior.model_dump() for point in points]
    tilts = [prior["tilt"] for prior in priors]
    assert tilts == values["scales"]["laptop"]["values"]["shifted_subspace"]


def test_a_scale_may_be_confined_to_few_learners(values):
    few = ["heldout", "paper", "mor"]  # one at least of every experiment
    values["scales"]["laptop"]["learners"] = few
    plan = expand(load(values))
    for name, experiment in plan.experiments.items():
        all_of_them = values["experiments"][name]["learners"]
        kept = [learner for learner in all_of_them if learner in few]
        assert all(list(point.runs) == kept for point in experiment.points)


def test_an_experiment_may_have_baselines_of_its_own(values):
    values["experiments"]["noise"]["baselines"] = ["lasso"]
    plan = expand(load(values))
    assert plan.experiments["noise"].baselines == ("lasso",)
    own = [name for each in values["experiments"].values() for name in each.get("baselines", ())]
    assert set(plan.baselines) == {*values["baselines"], *own}


def test_a_missing_key_and_a_missing_file_are_named(values, tmp_path):
    del base(values)["dataset"]["replicates"]
    with pytest.raises(ConfigError, match=r"replicates is missing; add it"):
        expand(load(values))
    with pytest.raises(ConfigError, match=r"none\.yaml does not exist"):
        load(tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"broken\.yaml, line 1, column 5: is not valid YAML"):
        load(tmp_path / "broken.yaml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "seed: 2505",
            "sead: 1\nsead: 2",
            r"the key 'sead' is given twice, first in line {line}",
        ),
        (
            "seed: 2505",
            "seed: on",
            r": seed = 'on' is refused: .*integer.* \(c\.yaml, line {line}\)",
        ),
        ("seed: 2505", "seed: 2.5e+3", r"seed = 2500\.0 is refused: .*integer.*line {line}\)"),
        (
            "law: gaussian, std: 0.1 }",
            "law: gaussian, std: yes }",
            r"std = 'yes' is refused: .*number.*line {line}\)",
        ),
        (
            "law: gaussian, std: 0.1 }",
            "law: gaussian, std: true }",
            r"std = True is refused: .*number.*line {line}\)",
        ),
        (
            "law: gaussian, std: 0.1 }",
            "law: gaussian, std: .inf }",
            r"std = inf is refused: .*finite.*line {line}\)",
        ),
        (
            "noise: [0.1, 0.3]",
            "noise: [null]",
            r"noise\.0: None is neither a finite number.*line {line}\)",
        ),
        ("noise: [0.1, 0.3]", "noise: [0.1, -1]", r"noise at -1 .*std = -1 .*line {line}\)"),
        ("learning_rate: 0.002", "learning_rate: 0", r"learning_rate = 0 .*line {line}\)"),
        ("seed:", "\tseed:", r", line {line}, column 1: is not valid YAML"),
    ],
)
def test_yaml_says_what_is_written_or_names_the_line(tmp_path, old, new, words):
    text = CONFIG.read_text(encoding="utf-8")
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    (tmp_path / "c.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        expand(load(tmp_path / "c.yaml", {"scale": "smoke"}))
    assert re.search(words.format(line=line), str(raised.value)), raised.value
    assert "\n" not in str(raised.value)


def test_numbers_as_people_write_them(tmp_path):
    text = CONFIG.read_text(encoding="utf-8").replace("rate: 0.002", "rate: 2e-3")
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    assert expand(load(tmp_path / "c.yaml")) == expand(load(CONFIG))


def test_later_sources_change_earlier_ones(tmp_path):
    (tmp_path / "mine.yaml").write_text("scales: { smoke: { values: { noise: [0.7] } } }")
    plan = expand(load(CONFIG, tmp_path / "mine.yaml", {"scale": "smoke", "seed": 1}))
    assert (plan.scale, plan.seed) == ("smoke", 1)
    assert [point.value for point in plan.experiments["noise"].points] == [0.7]
    assert len(plan.experiments["contexts"].points) > 1


@pytest.mark.parametrize(
    ("axis", "swept", "read"),
    [
        ("model.heads", [1, 2], lambda run: run.model.heads),  # left to its default so far
        ("training.final_rate", [0.0, 0.5], lambda run: run.training.final_rate),
        ("dataset.heldout_rows", [2, 3], lambda run: run.dataset.heldout_rows),
        ("model.codes.share", [0.3, 0.6], lambda run: run.model.codes.share),
    ],
)
def test_any_value_of_a_run_can_be_swept(values, axis, swept, read):
    values["experiments"]["noise"] |= {"axis": axis, "learners": ["misfit", "heldout"]}
    values["scales"]["laptop"]["values"]["noise"] = swept
    plan = expand(load(values))
    points = plan.experiments["noise"].points
    assert [[read(plan.runs[run]) for run in point.runs.values()] for point in points] == [
        [value, value] for value in swept
    ]


@pytest.mark.parametrize("axis", ["model.haeds", "model", "seed", "model.layers.more", "."])
def test_an_axis_that_is_no_value_of_a_run(values, axis):
    values["experiments"]["noise"]["axis"] = axis
    with pytest.raises(ConfigError, match=r"axis = |model = "):
        expand(load(values))


def test_another_kind_of_model_takes_nothing_from_the_base(values):
    rival = {"label": "rival", "model": {"kind": "unrolled_gradient", "layers": 2}}
    values["learners"]["rival"] = rival
    values["experiments"]["prior"]["learners"].append("rival")
    plan = expand(load(values))
    run = plan.runs[plan.experiments["prior"].points[0].runs["rival"]]
    assert run.model.kind == "unrolled_gradient"
    assert "-unrolled_gradient-rival-" in run.identity


def test_equal_learners_of_two_names_are_two_runs(values):
    twin = values["learners"]["misfit"] | {"label": "twin"}
    values["learners"]["twin"] = twin
    values["experiments"]["prior"]["learners"].append("twin")
    runs = expand(load(values)).experiments["prior"].points[0].runs
    assert runs["twin"] != runs["misfit"]


def test_a_learner_may_take_more_steps_in_equal_time(values):
    values["learners"]["misfit"]["relative_steps"] = 2.5
    plan = expand(load(values))

    def steps(experiment, learner):
        points = plan.experiments[experiment].points
        return [plan.runs[point.runs[learner]].training.steps for point in points]

    for experiment in ("prior", "training_length"):
        expected = [2.5 * each for each in steps(experiment, "heldout")]
        assert steps(experiment, "misfit") == [round(each) for each in expected]


def test_a_learners_look_changes_no_run(values):
    before = expand(load(values))
    values["learners"]["misfit"] |= {"label": "other", "look": {"color": "blue", "marker": "x"}}
    assert expand(load(values)).runs == before.runs


def test_an_experiment_may_move_the_base_point(values):
    values["experiments"]["prior"]["overrides"] = {"dataset": {"first_replicate": 1000}}
    plan = expand(load(values))
    (point,) = plan.experiments["prior"].points
    assert plan.datasets[point.dataset].members[0] == 1000
    assert all(point.dataset != other.dataset for other in plan.experiments["noise"].points)


def places(values: dict) -> Iterator[tuple[dict, str]]:
    """The values of smoke's base and of the recipe: the section that holds each, and its key."""
    waiting = [values["scales"]["smoke"]["base"], values["recipe"]]
    while waiting:
        section = waiting.pop()
        for key, value in section.items():
            if isinstance(value, dict):
                waiting.append(value)
            else:
                yield section, key


@settings(max_examples=60)
@given(st.data())
def test_any_configuration_is_refused_in_sentences_or_planned(data):
    values = copy.deepcopy(VALUES) | {"scale": "smoke"}
    section, key = data.draw(st.sampled_from(list(places(values))), label="place")
    section[key] = data.draw(
        st.one_of(
            st.integers(-2, 12),
            st.floats(allow_nan=True, allow_infinity=True),
            st.sampled_from([None, True, "", "yes", [], {}, 2**70, 1e300]),
        ),
        label=str(key),
    )
    try:
        plan = expand(load(values))
    except ConfigError:
        return  # and by no other exception
    for name, spec in (plan.datasets | plan.runs).items():
        assert re.fullmatch(r"[\w.+-]+", name)
        assert spec == type(spec).model_validate_json(spec.model_dump_json())
    assert json.dumps(plan.model_dump(mode="json"), allow_nan=False)


problems = st.fixed_dictionaries(
    {
        "dimension": st.integers(2, 50),
        "prior": st.fixed_dictionaries({"rank": st.integers(1, 2)}),
        "noise": st.fixed_dictionaries({"std": st.floats(0, 10)}),
    }
)


@given(problems, st.integers(0, 3))
def test_identities_tell_specifications_apart(problem, seed):
    common = {
        "problem": problem,
        "context_length": 1,
        "train_contexts": 5,
        "test_contexts": 5,
        "replicates": 1,
    }
    first = DatasetSpec.model_validate(common | {"seed": seed})
    same = DatasetSpec.model_validate_json(first.model_dump_json())
    other = DatasetSpec.model_validate(common | {"seed": seed + 1})
    assert first.identity == same.identity
    assert first.identity != other.identity
