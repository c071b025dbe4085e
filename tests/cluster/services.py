"""Services of a cluster on this one machine, in one folder: installed, started, stopped."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path


class Unavailable(RuntimeError):
    """A service cannot be had on this machine."""


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come in {seconds:g} s")
        time.sleep(0.1)


def install(packages: Collection[str], programs: Collection[str]) -> None:
    """Debian's packages, where their programs are not there already. Raises `Unavailable`."""
    if all(map(program, programs)):
        return
    if shutil.which("apt-get") is None:
        raise Unavailable("there is no apt-get")
    options = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True}
    get = ["apt-get", "--quiet", "--quiet"]
    subprocess.run([*get, "update"], **options)
    chosen = [*get, "install", "--yes", "--no-install-recommends", *packages]
    if subprocess.run(chosen, **options).returncode or not all(map(program, programs)):
        raise Unavailable("its packages cannot be installed")


def program(name: str) -> str | None:
    """Where it lies; services are not on the path of everyone."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


@dataclass
class Services:
    """Processes by name; what they print and keep lies in the folder."""

    folder: Path
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def serve(self, name: str, command: str, *arguments: str, **options) -> None:
        """Begin a service."""
        path = program(command)
        assert path, f"{command} is not installed"
        with open(self.folder / "log" / f"{name}.out", "a") as out:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", path, *arguments],  # it ends with the tests
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                **options,
            )

    def end(self, *names: str) -> None:
        """Stop these together, and wait for their ends."""
        ended = [self.processes.pop(name) for name in names if name in self.processes]
        for process in ended:
            process.terminate()
        for process in ended:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ask(self, *command: str) -> str:
        """What a command prints."""
        return subprocess.run(command, capture_output=True, text=True).stdout
