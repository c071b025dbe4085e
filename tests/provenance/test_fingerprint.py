"""The fingerprint changes with the meaning of the code in the closure, and with nothing else."""

import ast
import itertools
from pathlib import Path

import pytest

from nao.provenance import fingerprint
from nao.provenance.fingerprint import code_files, code_fingerprint

SOURCES = {
    "nao/__init__.py": "",
    "nao/model.py": "from nao.attention import attend\n\ndef run(x):\n    return attend(x)\n",
    "nao/attention.py": "def attend(x):\n    return x + 1\n",
    "nao/theory.py": "def bound():\n    return 2\n",
    "nao/estimators/__init__.py": "from . import ridge\n",
    "nao/estimators/ridge.py": "def ridge():\n    return 1\n",
    "nao/estimators/oracle.py": "from ..theory import bound\n",
    "nao/figures/__init__.py": "",
    "nao/figures/style.py": "STYLE = 'paper.mplstyle'\n",
    "nao/figures/paper.mplstyle": "font.size: 8\n",
    "nao/provenance/__init__.py": "",
    "nao/provenance/record.py": "import nao.theory\n",
    "workflow/scripts/helper.py": "ANSWER = 42\n",
    "workflow/scripts/train.py": "import nao.model\n",
}

EXPRESSIONS = (
    "1;1.0;True;'1';b'1';x;x.y;x[y];f'{x}';f'{x!r}';f'{x:2}';(x, y);[x, y];{x, y};{x: y};"
    "x and y;x or y;not x;lambda: x;x if y else z;[x for x in y];{x for x in y};"
    "(x for x in y);x < y;x > y;x == y;x is y;f(x);f(*x);f(**x);f(x=x);-x;+x;~x;...;None;"
    "x @ y;x * y;x ** y;x // y;x[1:];x[:1];x[::1];(yield);(x := y)"
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def of(clone: Path, script: str | None = None) -> str:
    path = clone / "workflow/scripts/train.py"
    if script is not None:
        path.write_text(script)
    fingerprint.forget()
    return code_fingerprint(path)


def closure(clone: Path, script: str) -> set[str]:
    of(clone, script)
    return set(code_files(clone / "workflow/scripts/train.py")) - {"workflow/scripts/train.py"}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import nao.model", {"model", "attention"}),
        ("from nao import model", {"model", "attention"}),
        ("from nao.model import run", {"model", "attention"}),
        ("from nao.model import attend as a", {"model", "attention"}),
        ("def f():\n    from nao.theory import bound", {"theory"}),
        ("import nao.estimators", {"estimators/__init__", "estimators/ridge"}),
        (
            "from nao.estimators import oracle",
            {"estimators/__init__", "estimators/ridge", "estimators/oracle", "theory"},
        ),
        ("from importlib import import_module as i; i('nao.theory')", {"theory"}),
        ("TABLE = {'b': 'nao.theory:bound'}", {"theory"}),
        (
            "from importlib import import_module as i\ni(f'nao.estimators.{x}')",
            {"estimators/__init__", "estimators/ridge", "estimators/oracle", "theory"},
        ),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nao.theory\n"
            "else:\n    import nao.attention",
            {"attention"},
        ),
        ("import numpy, json", set()),
        ("from nao.provenance.record import recording", set()),
    ],
)
def test_the_closure_is_what_python_would_run(clone, script, expected):
    found = closure(clone, script)
    init = {"nao/__init__.py"} if "nao" in script else set()
    assert found == {f"nao/{name}.py" for name in expected} | (init if found else set())


def test_data_files_and_neighbours_of_the_script_count(clone):
    found = closure(clone, "from helper import ANSWER\nfrom nao.figures.style import STYLE")
    assert {"workflow/scripts/helper.py", "nao/figures/paper.mplstyle"} <= found
    before = of(clone)
    (clone / "nao/figures/paper.mplstyle").write_text("font.size: 9\n")
    assert of(clone) != before


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\ndef attend(x):\n    return x + 1  # more\n",
        '"""A module."""\n\n\ndef attend(x):\n    """A docstring."""\n    return (\n  x + 1\n  )\n',
        "def attend(x): return x+1",
        "def attend(x):\r\n    return x + 0x1\r\n",
    ],
)
def test_comments_docstrings_and_layout_change_nothing(clone, text):
    before = of(clone)
    (clone / "nao/attention.py").write_text(text, newline="")
    assert of(clone) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + 1", "x + 2"),
        ("x + 1", "x - 1"),
        ("x + 1", "x + 1.0"),
        ("x + 1", "x + True"),
        ("(x)", "(x, y=0)"),
        ("(x)", "(x: int)"),
        ("def attend", "@cache\ndef attend"),
        ("def attend", "def attend_"),
        ("return x", "'a'.strip(); return x"),
    ],
)
def test_any_change_of_meaning_is_seen_through_the_import(clone, old, new):
    before = of(clone)
    source = SOURCES["nao/attention.py"]
    (clone / "nao/attention.py").write_text(source.replace(old, new))
    assert of(clone) != before
    (clone / "nao/attention.py").write_text(source)
    assert of(clone) == before


def test_code_outside_the_closure_does_not_count(clone):
    before = of(clone)
    (clone / "nao/theory.py").write_text("def bound():\n    return 3\n")
    (clone / "nao/provenance/record.py").write_text("import nao.attention, nao.theory\n")
    assert of(clone) == before


def test_the_clone_may_move(clone, tmp_path_factory):
    before = of(clone)
    elsewhere = tmp_path_factory.mktemp("b") / "moved"
    clone.rename(elsewhere)
    assert of(elsewhere) == before


def test_order_of_statements_counts_and_functions_are_told_apart(clone):
    one = "def f():\n    return 1\n\ndef g():\n    return 2\n"
    two = "def g():\n    return 2\n\ndef f():\n    return 1\n"
    assert of(clone, one) != of(clone, two)
    of(clone, one)
    before = code_files(clone / "workflow/scripts/train.py")["workflow/scripts/train.py"].functions
    of(clone, one.replace("2", "3"))
    after = code_files(clone / "workflow/scripts/train.py")["workflow/scripts/train.py"].functions
    assert {name for name in before if before[name] != after[name]} == {"g"}


def test_methods_bear_their_class(clone):
    of(clone, "class A(B):\n    x = 1\n    def f(self): ...\n")
    functions = code_files(clone / "workflow/scripts/train.py")[
        "workflow/scripts/train.py"
    ].functions
    assert set(functions) == {"A", "A.f", "<module>"}


def test_the_written_tree_tells_all_expressions_apart():
    texts = EXPRESSIONS.split(";")
    written = [fingerprint._write(ast.parse(text)) for text in texts]
    for (a, b), (one, two) in zip(
        itertools.combinations(written, 2), itertools.combinations(texts, 2), strict=True
    ):
        assert a != b, (one, two)


def test_the_written_tree_is_the_same_in_every_version():
    # written out here, so that a Python whose trees differ is noticed before it invalidates results
    assert fingerprint._write(ast.parse("def f(x, *, y=1):\n    return f'{x:>{y}}'")) == (
        "Module(body=[FunctionDef(name='f'args=arguments(args=[arg(arg='x'),]kwonlyargs=[arg(arg='y'),]"
        "kw_defaults=[Constant(value=1),])body=[Return(value=JoinedStr(values=[FormattedValue("
        "value=Name(id='x')conversion=-1format_spec=JoinedStr(values=[Constant(value='>'),"
        "FormattedValue(value=Name(id='y')conversion=-1),])),])),]),])"
    )


def test_broken_code_is_named(clone):
    (clone / "nao/attention.py").write_text("def (:\n")
    with pytest.raises(ValueError, match=r"attention\.py, line 1"):
        of(clone)


def test_a_thousand_jobs_read_their_script_once(clone, monkeypatch):
    of(clone)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read again"))
    for _ in range(1000):
        code_fingerprint(clone / "workflow/scripts/train.py")
