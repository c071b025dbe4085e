"""Text is UTF-8 whatever the locale: no call of the project leaves the encoding to it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for part in ("nao", "workflow") for path in (ROOT / part).rglob("*.py") if path.is_file()
)


def calls_without_encoding(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that read, write or decode text by the locale; ruff's rule sees but typed paths."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if "encoding" in given or None in given:
            continue
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        binary = any(
            isinstance(text, str) and re.fullmatch(r"[rwax+]*b[+]?", text) for text in texts
        )
        by_name = name in ("read_text", "write_text") and not (name == "read_text" and node.args)
        opened = name == "open" and isinstance(node.func, ast.Name) and not binary
        decoded = given.get("text") == "True" or given.get("universal_newlines") == "True"
        if by_name or opened or decoded:
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_text_by_the_locale(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [f"line {c.lineno}: {ast.unparse(c)[:80]}" for c in calls_without_encoding(tree)] == []


def test_what_is_looked_for_is_found():
    source = "p.read_text(); p.write_text(x); open(p); open(p, 'w'); run(c, text=True)"
    assert len(list(calls_without_encoding(ast.parse(source)))) == 5
    source = "p.read_text(encoding='utf-8'); open(p, 'rb'); run(c, text=True, encoding='utf-8')"
    assert list(calls_without_encoding(ast.parse(source))) == []
