"""Values checked against a specification; each fault is one sentence for whoever wrote it."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from nao.specs import Spec
from nao.yaml_files import Place

T = TypeVar("T", bound=Spec)
Stand = Callable[[Place], str | None]
"""Where a value stands that has this place in what is checked: a file and its line, or None."""


class ConfigError(ValueError):
    """The configuration asks for something impossible; the message says what and how to mend it."""


def checked(kind: type[T], values: Any, what: str, stand: Stand = lambda place: None) -> T:
    """The specification that `values` make.

    Raises `ConfigError`, one sentence per fault: `what` is checked, the key, the value, the bound
    and the place where the value stands.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as fault:
        sentences = dict.fromkeys(_sentence(error, what, stand) for error in fault.errors())
    raise ConfigError("\n".join(sentences))


def _sentence(error: Any, what: str, stand: Stand) -> str:
    place = _place(error["loc"])
    key = ".".join(str(part) for part in place)
    where = f"{what}: {key}" if key else what
    line = stand(place) if place else None
    if line is None and len(place) > 1:
        line = stand(place[:-1])  # of the section that lacks it
    return _text(error, where) + (f" ({line})" if line else "")


def _text(error: Any, where: str) -> str:
    if error["type"] == "extra_forbidden":
        return f"{where} = {error['input']!r} is not a known key; remove it or mend its spelling"
    if error["type"] == "missing":
        return f"{where} is missing; add it"
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}"
    reason = error["msg"][0].lower() + error["msg"][1:]
    if bound := next((key for key in ("ge", "le") if key in error.get("ctx", {})), None):
        than = "greater" if bound == "ge" else "less"
        reason = f"input should be {than} than or equal to {error['ctx'][bound]:g}"
    return f"{where} = {error['input']!r} is refused: {reason}; change the value"


def _place(loc: tuple[str | int, ...]) -> Place:
    """The place in the file: pydantic also names kinds, and keys as such."""
    place = [part for part in loc if part != "[key]"]
    for position, part in enumerate(place[:-1]):
        if part in ("model", "design", "prior"):
            del place[position + 1]
    return tuple(place)
