"""The keys of `config.yaml`, from their specifications: a JSON schema, and tables for readers."""

from collections.abc import Iterator
from typing import Any

import typer
import yaml
from pydantic.json_schema import models_json_schema

from nao.config import Config
from nao.specs import RunSpec

SCHEMA = "https://json-schema.org/draft/2020-12/schema"
INTRODUCTION = """# The keys of `config.yaml`

Made by `nao config reference` from the specifications that the file is checked against. A run is
put together from `recipe`, the scale's `base`, an experiment's `overrides` and its learner, where
the last word wins; each writes what it wants of the parts `dataset`, `model` and `training` of a
`RunSpec`. An axis is a path into a `RunSpec`, as `dataset.problem.noise.std` or `model.heads`.
"""


config_commands = typer.Typer(
    help="What config.yaml may hold.", no_args_is_help=True, rich_markup_mode=None
)


@config_commands.command("schema")
def schema_command() -> None:
    """The JSON schema of config.yaml, as YAML: workflow/schemas/config.schema.yaml."""
    typer.echo(yaml.safe_dump(schema(), sort_keys=False, allow_unicode=True, width=100), nl=False)


@config_commands.command("reference")
def reference_command() -> None:
    """A table of every key: docs/configuration.md."""
    typer.echo(markdown(), nl=False)


def schema() -> dict[str, Any]:
    """The JSON schema of the file; that of a run is its definition `RunSpec`."""
    _, whole = models_json_schema(
        [(Config, "validation"), (RunSpec, "validation")], title="config.yaml"
    )
    return {"$schema": SCHEMA, "$ref": "#/$defs/Config", **whole}


def markdown() -> str:
    """A table of each specification: key, type, default and meaning."""
    definitions = schema()["$defs"]
    names = ["Config", "RunSpec"]
    names += [name for name in definitions if name not in names]
    return "\n".join([INTRODUCTION, *(_table(name, definitions[name]) for name in names)])


def _table(name: str, definition: dict[str, Any]) -> str:
    required = definition.get("required", ())
    about = " ".join(definition.get("description", "").split())
    rows = [
        f"| `{key}` | {_type(value)} | {_default(value, key in required)} "
        f"| {value.get('description', '').replace('|', chr(92) + '|')} |"
        for key, value in definition.get("properties", {}).items()
    ]
    head = ["| key | type | default | meaning |", "|---|---|---|---|"] if rows else []
    return "\n".join([f"## {name}", "", about, "", *head, *rows, ""])


def _default(value: dict[str, Any], required: bool) -> str:
    return "required" if required else f"`{value.get('default')}`"


def _type(value: dict[str, Any]) -> str:
    return ", ".join([" or ".join(dict.fromkeys(_kinds(value))), *_bounds(value)])


def _kinds(value: dict[str, Any]) -> Iterator[str]:
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        yield f"[{name}](#{name.lower()})"
    elif "const" in value:
        yield f"`{value['const']}`"
    elif "enum" in value:
        yield from (f"`{each}`" for each in value["enum"])
    elif value.get("type") == "array":
        yield f"list of {' or '.join(_kinds(value.get('items', {})))}"
    elif isinstance(inner := value.get("additionalProperties"), dict):
        yield f"mapping to {_type(inner)}"
    elif choices := value.get("anyOf") or value.get("oneOf"):
        for each in choices:
            yield from _kinds(each)
    else:
        yield str(value.get("type", "any"))


def _bounds(value: dict[str, Any]) -> Iterator[str]:
    words = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    for each in (value, *value.get("anyOf", ())):
        yield from (f"{sign} {each[word]:g}" for word, sign in words.items() if word in each)
