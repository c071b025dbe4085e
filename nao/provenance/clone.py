"""The clone at hand: where it is, and what its configuration plans."""

from functools import cache
from pathlib import Path

from nao.config import load
from nao.plan import Plan, expand
from nao.provenance.fingerprint import repository_of
from nao.provenance.today import Today

CONFIG = "config.yaml"


def clone_at(named: Path | None = None) -> Path | None:
    """The clone to compare with: the named one, else the one around the working folder, else ours.

    None where there is none, as with an installed package. Raises ``FileNotFoundError`` if the
    named folder is no clone.
    """
    if named is not None:
        if not is_clone(named):
            raise FileNotFoundError(f"{named} holds no {CONFIG} and nao/; name a clone")
        return named.resolve()
    here = Path.cwd().resolve()
    ours = repository_of(Path(__file__).resolve())
    return next((folder for folder in (here, *here.parents, ours) if is_clone(folder)), None)


def is_clone(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and (folder / "nao" / "__init__.py").is_file()


def today_at(clone: Path | None) -> Today | None:
    """Today's code, lock, workflow and configuration of a clone.

    Raises :class:`nao.config.ConfigError` for a configuration that asks for the impossible.
    """
    if clone is None:
        return None
    load(clone / CONFIG)  # faults are told before anything is hashed
    return Today(clone, cache(lambda scale: plan_at(clone, scale)))


def plan_at(clone: Path, scale: str) -> Plan | None:
    """Today's plan at a scale, as a tree is named; None for a scale that is not configured."""
    path = clone / CONFIG
    return expand(load(path, {"scale": scale})) if scale in load(path).scales else None
