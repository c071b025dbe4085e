"""The project has one version: what is installed, what is cited, and what is told of it."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_what_is_installed_cited_and_told_last_is_one_version():
    installed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"]
    kubernetes = ROOT / "workflow" / "profiles" / "kubernetes" / "profile.yaml"
    image = yaml.safe_load(kubernetes.read_text("utf-8"))["container-image"]
    assert image.endswith(f"nao:{installed}")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    first, *released = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    if first != "Unreleased":
        released.insert(0, first)
    assert re.fullmatch(r"\d+\.\d+\.\d+", installed)
    assert [cited, released[0]] == [installed, installed]
    versions = [tuple(map(int, each.split("."))) for each in released]
    assert versions == sorted(set(versions), reverse=True)
