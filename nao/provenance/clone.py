"""The clone at hand: where it is, and what its configuration gives to each job."""

from pathlib import Path

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
    """Today's code, lock and configuration of a clone."""
    return Today(clone) if clone is not None else None
