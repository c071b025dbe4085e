"""Bad input: one clear sentence, before work starts where that can be, and nothing lost."""

import re
import shutil

import pandas as pd
import pytest

from tests.workflow.clone import Clone


def refusal(clone: Clone, *arguments: str, **options) -> str:
    """The one sentence with which the workflow ends."""
    done = clone.snakemake(*arguments, **options)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stdout
    sentences = re.findall(r"^error: .*$", done.stdout, re.MULTILINE)
    assert len(sentences) == 1, done.stdout
    return sentences[0]


@pytest.fixture
def sources(tmp_path) -> Clone:
    return Clone.of_sources(tmp_path / "clone")


@pytest.mark.parametrize(
    ("targets", "config", "words"),
    [
        (
            (),
            ("scale=huge",),
            "scale = 'huge' is not defined; choose one of smoke, laptop, workstation, paper",
        ),
        ((), ("seed=-1",), "seed = -1 is refused: .* greater than or equal to 0"),
        ((), ("sede=1",), "sede = 1 is not a known key"),
        ((), ("baselines=[rigde]",), "baselines: 'rigde' is no estimator; choose among ridge, "),
        ((), ("baselines=[ridge]",), "baselines of experiments.* lack 'oracle_ridge', which fig"),
        (("fig11",), (), "fig11 is no target; choose among .*figures, .*fig1, fig2"),
        (("claim",), (), "claim is no target; choose among .*claims, or name a file"),
        ((), ("seed=yes",), "seed = '?(yes|True)'? is refused: .*integer"),
    ],
)
def test_a_command_line_that_cannot_be(sources, targets, config, words):
    assert re.search(words, refusal(sources, "--dry-run", *targets, config=config))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "      noise: [0.1, 0.3]",
            "      noise: [0.1, -0.3]",
            r"noise at -0\.3 .*noise\.std = -0\.3 is refused",
        ),
        ("task_dimension: [1]", "task_dimension: [9]", r"prior\.rank = 9 exceeds dimension = 8"),
        (
            "context_length: [4]",
            "context_length: [8]",
            "context_length = 8 must lie below dimension",
        ),
        ("condition: [1.0]", "condition: []", r"values\.condition is empty.*give at least one"),
    ],
)
def test_a_configuration_that_cannot_be(sources, old, new, words):
    sources.edit("config.yaml", old, new)
    assert re.search(words, refusal(sources, "--dry-run"))


def test_a_module_that_python_cannot_read(sources):
    sources.edit("nao/training/train.py", "import math", "def (\nimport math")
    done = sources.snakemake("--dry-run")
    assert done.returncode != 0
    (sentence,) = re.findall(r"^error: .*$", done.stdout, re.MULTILINE)
    assert re.search(r"train\.py, line \d+: not valid Python, mend it", sentence)


def test_a_gpu_that_is_not_there(sources):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    sources.edit(
        "config.yaml",
        "  smoke: # for tests of the workflow, not for conclusions\n    compute: { device: cpu,",
        "  smoke:\n    compute: { device: cuda,",
    )
    assert "finds no GPU here; run on a machine with one, or set it to cpu" in refusal(sources)
    assert not sources.results.is_dir() or not list(sources.results.rglob("*.parquet"))
    assert len(sources.planned("fig2")) > 10  # a plan needs no GPU


def test_results_that_are_no_folder(sources):
    sources.results.parent.mkdir()
    sources.results.write_text("a file where a folder should be")
    assert "results/smoke is no folder, so results cannot be written" in refusal(sources)


def test_results_that_are_a_link_to_nothing(sources):
    sources.results.parent.symlink_to("scratch")
    assert "results is a link to scratch, which is not there; make it" in refusal(sources)


def test_results_that_are_read_only(sources):
    sources.results.parent.mkdir()
    sources.results.symlink_to("/proc")  # where even root can make no file
    said = refusal(sources)
    assert re.search(r"results/smoke cannot be written \(.+\); make it writable or", said)


@pytest.mark.parametrize(
    ("folder", "what"),
    [("logs", "a file"), ("logs/make_dataset", "read-only"), ("records", "a link to nothing")],
)
def test_a_folder_in_the_results_that_cannot_be_written(sources, folder, what):
    place = sources.results / folder
    place.parent.mkdir(parents=True)
    if what == "a file":
        place.write_text("a file where a folder should be")
    else:
        place.symlink_to("/proc" if what == "read-only" else "scratch")  # no file of root's, either
    said = refusal(sources)
    assert re.search(rf"results/smoke/{folder} cannot be written \(.+\); make it writable or", said)


def test_a_truncated_file_is_known_by_its_record_and_made_anew(clone):
    before = clone.hashes(".parquet", ".safetensors", ".png")
    test = next(clone.results.glob("datasets/*s0.3*/test.parquet"))
    test.write_bytes(test.read_bytes()[:1000])
    clone.make(f"results/smoke/baselines/{test.parent.name}/ridge/scores.parquet")
    assert clone.hashes(".parquet", ".safetensors", ".png") == before


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("raise KeyError('axis')", "KeyError: 'axis' "),
        (
            "import nosuch",
            "it ended before it wrote to its log: killed, or with a fault that stands",
        ),
        ("import os; os.kill(os.getpid(), 9)", "it ended before it wrote to its log: killed, or"),
    ],
)
def test_a_job_that_ends_badly_is_told_last_and_leaves_the_old_figure(clone, fault, words):
    before = clone.hashes(".png", ".json")
    script = "workflow/scripts/draw_figure.py"
    if fault.startswith("import"):  # before the job is observed
        clone.edit(script, "from pathlib import Path", f"{fault}\nfrom pathlib import Path")
    else:
        clone.edit(script, "    tables = ", f"    {fault}\n    tables = ")
    done = clone.snakemake("fig1")
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"error: draw_figure fig1: {words}"), last
    assert last.endswith("(details: results/smoke/logs/draw_figure/fig1.log)")
    assert clone.hashes(".png", ".json") == before


def test_a_training_that_diverges_is_marked_and_the_others_go_on(clone):
    clone.edit(
        "config.yaml",
        "learners: [paper, paper_permuted, misfit, misf",
        "learners: [misfit_wild, misf",
    )
    clone.edit(
        "config.yaml",
        "  misfit_plain:",
        "  misfit_wild:\n    label: wild\n"
        "    training: { objective: misfit, gradient_clip: null, learning_rate: 1e12 }\n"
        "  misfit_plain:",
    )
    clone.make("claims", "fig2")
    table = pd.read_parquet(clone.results / "experiments" / "contexts.parquet")
    wild = table[table["estimator"] == "misfit_wild"]
    assert wild["score"].isna().all()
    assert len(wild) == 32  # 2 points, 2 replicates, 4 metrics as they are and symmetrised
    others = table[table["estimator"] != "misfit_wild"]
    assert set(others["estimator"]) > {"misfit_plain", "oracle_ridge"}
    assert others["score"].notna().all()
    source = wild["source"].iloc[0]
    history = pd.read_parquet(clone.results / "runs" / source / "history.parquet")
    assert set(history["status"]) == {"failed"}
    log = (clone.results / "logs" / "train" / f"{source}.log").read_text()
    assert re.search(r"replicate 0 diverged at step \d+, after a loss of ", log)
    shutil.rmtree(clone.folder)


def test_a_baseline_without_an_answer_is_scored_as_nan_with_its_reason(sources):
    sources.edit("config.yaml", "contexts: [100, 200]", "contexts: [1, 200]")
    planned = sources.planned("results/smoke/experiments/contexts.parquet")
    dataset = next(job.wildcards for job in planned if "-N1-" in job.wildcards).split("dataset=")[1]
    folder = sources.results / "baselines" / dataset.split(",")[0] / "two_stage_ridge"
    sources.make(str((folder / "scores.parquet").relative_to(sources.folder)))
    scores = pd.read_parquet(folder / "scores.parquet")
    assert len(scores) == 8  # 2 replicates, 4 metrics
    assert scores["score"].isna().all()
    reason = "1 training contexts: a covariance needs at least 2; raise train_contexts"
    assert set(scores["reason"]) == {reason}
    log = sources.results / "logs/evaluate_baseline" / folder.parent.name / "two_stage_ridge.log"
    assert reason in log.read_text()
