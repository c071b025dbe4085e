"""What is installed beside the modules: every file that they read."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_file_of_the_package_is_installed():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = declared["tool"]["setuptools"]["package-data"]["nao"]
    read = {
        path.name
        for path in (ROOT / "nao").rglob("*.*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    installed = {
        pattern: {name for name in read if fnmatch(name, pattern.removeprefix("**/"))}
        for pattern in patterns
    }
    assert read == set().union(*installed.values())
    assert all(installed.values()), "a pattern of no file"
