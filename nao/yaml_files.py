"""YAML files, read strictly: every value as it is written, and the line that it stands in.

The scalars are those of YAML 1.2's core schema: `yes` is a word, `010` is ten and `1e-3` a number,
where YAML 1.1 reads true, eight and a word. A key may stand once in a mapping.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import yaml

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value."""


class FileFault(ValueError):
    """A file that cannot be read as YAML; the message says where and why."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: ClassVar = {}


_SCALARS = {
    "null": ("~nN", r"~|null|Null|NULL|"),
    "bool": ("tTfF", r"true|True|TRUE|false|False|FALSE"),
    "int": ("-+0123456789", r"[-+]?[0-9]+"),
    "float": (
        "-+.0123456789",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    ),
    "merge": ("<", r"<<"),
}
for _name, (_first, _pattern) in _SCALARS.items():
    _letters = [*_first, ""] if _name == "null" else list(_first)
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"^(?:{_pattern})$"), _letters
    )
_Loader.add_constructor(
    "tag:yaml.org,2002:int",
    lambda loader, node: int(loader.construct_scalar(node)),  # pyright: ignore[reportArgumentType]
)


def read_yaml(path: Path) -> tuple[Any, dict[Place, int]]:
    """The content of a file, and the line of each value in it.

    Raises `FileFault` for a file that is not there, not UTF-8 or not YAML, and for a key given
    twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader = _Loader(text)
        node = loader.get_single_node()
        lines = dict(_lines(node, (), (), path)) if node else {}
        return loader.construct_document(node) if node else None, lines
    except FileNotFoundError:
        raise FileFault(f"{path} does not exist; name an existing file") from None
    except OSError as fault:
        raise FileFault(f"{path} cannot be read ({fault.strerror}); name a readable file") from None
    except UnicodeDecodeError as fault:
        raise FileFault(f"{path} is not UTF-8 at byte {fault.start}; save it as UTF-8") from None
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FileFault(f"{path}{where}: is not valid YAML: {fault.problem}; mend it") from None
    except (yaml.YAMLError, RecursionError) as fault:
        reason = " ".join(str(fault).split())
        raise FileFault(f"{path} is not valid YAML: {reason}; mend it") from None


def _lines(
    node: yaml.Node, place: Place, above: tuple[yaml.Node, ...], path: Path
) -> Iterator[tuple[Place, int]]:
    """The line of each value below a node, those that are merged into a mapping first."""
    line = node.start_mark.line + 1
    if node in above:
        raise FileFault(f"{path}, line {line}: an anchor holds itself; write its value out")
    yield place, line
    inner = (*above, node)
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield from _lines(item, (*place, position), inner, path)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, value in sorted(node.value, key=lambda pair: not _merges(pair[0])):
            where = key.start_mark.line + 1
            if (named := (key.tag, str(key.value))) in first:
                raise FileFault(
                    f"{path}, line {where}: the key {key.value!r} is given twice, first in line "
                    f"{first[named]}; remove one of the two"
                )
            first[named] = where
            if _merges(key):
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for each in merged:
                    yield from _lines(each, place, inner, path)
            else:
                yield from _lines(value, (*place, key.value), inner, path)


def _merges(key: yaml.Node) -> bool:
    return key.tag == "tag:yaml.org,2002:merge"
