"""The packages of others that code imports: which versions are installed, and what the lock pins.

What counts is what is installed, since that is what runs: a job is made anew where a package that
its code imports has another version. The lock says what should be installed; where the two differ,
the audit tells it, and what mends it.
"""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from nao.provenance.schema import Lock

ENGINE = "snakemake"  # runs the jobs, and no result depends on it
LOCK = "envs/requirements.txt"  # other files there pin what no result depends on
# Where a module's name is not its package's; asking for all of them takes a second.
PROVIDERS = {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow"}


def installed(modules: Iterable[str]) -> dict[str, str]:
    """Package and installed version of each imported module; absent ones are left out."""
    found = (_package_of(module) for module in modules)
    named = {name: have for name in found if name and (have := installed_version(name))}
    return dict(sorted(named.items()))


@cache
def installed_version(package: str) -> str | None:
    """Without its local part, which tells builds of one version apart (`2.9.0+cpu`)."""
    try:
        return version(package).partition("+")[0]
    except PackageNotFoundError:
        return None


@cache
def _package_of(module: str) -> str | None:
    name = canonicalize_name(PROVIDERS.get(module, module))
    if installed_version(name):
        return name
    return next((canonicalize_name(n) for n in packages_distributions().get(module, ())), None)


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """One clause for each package whose version differs."""
    return [
        f"{name} {before.get(name, 'was not imported')} → {after.get(name, 'is not imported')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def pins(lock: Path) -> dict[str, str]:
    """Package → pinned version, of all lines that apply on this machine; hashes do not count."""
    found = {}
    text = re.sub(r"\\\n|\s--hash[= ]\S+", " ", lock.read_text(encoding="utf-8"))
    for line in text.splitlines():
        try:
            wanted = Requirement(re.sub(r"(^|\s)#.*", "", line).strip())
        except InvalidRequirement:
            continue
        exact = [pin.version for pin in wanted.specifier if pin.operator in ("==", "===")]
        if exact and (wanted.marker is None or wanted.marker.evaluate()):
            found[canonicalize_name(wanted.name)] = exact[0]
    return found


def describe_lock(lock: Path, repository: Path) -> Lock:
    """Hash of what the lock pins; comments, blank lines, order and hashes do not count."""
    text = "\n".join(f"{name}=={pinned}" for name, pinned in sorted(pins(lock).items()))
    lock = lock.resolve()
    inside = lock.is_relative_to(repository)
    return Lock(
        path=lock.relative_to(repository).as_posix() if inside else lock.name,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def find_lock(repository: Path) -> Path | None:
    """The lock of what results depend on; None where there is none."""
    lock = repository / LOCK
    return lock if lock.is_file() else None


def departures(lock: Path) -> list[str]:
    """How what is installed departs from the lock, one clause a package."""
    return [
        f"{name} {pinned} is pinned and {have or 'none'} installed"
        for name, pinned in sorted(pins(lock).items())
        if not _same(pinned, have := installed_version(name))
    ]


def _same(pinned: str, have: str | None) -> bool:
    try:
        return have is not None and Version(Version(pinned).public) == Version(have)
    except InvalidVersion:
        return pinned == have
