"""The reference of config.yaml is today's, and its schema accepts what the project accepts."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from nao.cli import app
from nao.config import Config
from nao.reference import markdown, schema
from nao.specs import RunSpec

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("command", "path"),
    [("schema", "workflow/schemas/config.schema.yaml"), ("reference", "docs/configuration.md")],
)
def test_the_committed_file_is_what_the_command_prints(command: str, path: str):
    said = CliRunner().invoke(app, ["config", command])
    assert said.exit_code == 0
    committed = (ROOT / path).read_text(encoding="utf-8")
    assert said.stdout == committed, f"run: nao config {command} > {path}"


def test_every_key_stands_in_the_tables_with_its_bound():
    text = markdown()
    for kind in (Config, RunSpec):
        for key in kind.model_fields:
            assert f"| `{key}` |" in text
    assert "| `noise` |" in text
    assert "| `condition` | number, ≥ 1, ≤ 1e+08 | `1.0` |" in text


def test_the_schema_is_one_and_names_the_keys_of_the_file():
    whole = schema()
    assert yaml.safe_load(yaml.safe_dump(whole)) == whole
    values = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert set(values) <= set(whole["$defs"]["Config"]["properties"])
    for scale in values["scales"].values():
        assert set(scale) <= set(whole["$defs"]["ScaleSpec"]["properties"])
