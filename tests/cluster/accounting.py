"""The accounting of a cluster: slurmdbd over a MariaDB of its own."""

import os
import subprocess
from pathlib import Path

from tests.cluster.services import Services, install, program, until

PACKAGES = ("slurmdbd", "mariadb-server-core", "mariadb-client-core")
PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db", "my_print_defaults")
ACCOUNT = "lab"
SETTINGS = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=26819
AccountingStoragePass={lab}/munge/munge.socket
AccountingStoreFlags=job_comment
"""
CONFIGURATION = """
AuthType=auth/munge
AuthInfo=socket={lab}/munge/munge.socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=26819
SlurmUser=root
PidFile={lab}/run/slurmdbd.pid
LogFile={lab}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=accounting
"""
GRANT = (
    "CREATE DATABASE accounting;",
    "CREATE USER slurm@localhost IDENTIFIED BY 'slurm';",
    "GRANT ALL ON accounting.* TO slurm@localhost;",
)


class Accounting:
    """Starts and stops it beside the other services of a cluster."""

    def __init__(self, services: Services):
        self.services, self.folder = services, services.folder / "db"

    @staticmethod
    def install() -> None:
        """Raises `Unavailable`."""
        install(PACKAGES, PROGRAMS)

    def start(self) -> None:
        """With its database, and the account that tests may name."""
        self._start_database()
        configuration = self.services.folder / "etc" / "slurmdbd.conf"
        configuration.touch(0o600)
        configuration.write_text(CONFIGURATION.format(lab=self.services.folder))
        self.begin()
        for entity in ("cluster", "account"):
            self.services.ask("sacctmgr", "--immediate", "add", entity, ACCOUNT)
        self.services.ask("sacctmgr", "--immediate", "add", "user", "root", f"account={ACCOUNT}")

    def begin(self) -> None:
        """The service alone, anew."""
        environment = {
            "SLURM_CONF": str(self.services.folder / "etc" / "slurm.conf"),
            "MYSQL_UNIX_PORT": str(self._socket),
        }
        self.services.serve("slurmdbd", "slurmdbd", "-D", env=os.environ | environment)
        until(self.answers, 60, "slurmdbd")

    def end(self) -> None:
        """The service alone: what happens now is told to it when it is back."""
        self.services.end("slurmdbd")

    def answers(self) -> bool:
        done = subprocess.run(["sacctmgr", "--noheader", "list", "cluster"], capture_output=True)
        return done.returncode == 0

    @property
    def _socket(self) -> Path:
        return self.folder / "socket"

    def _start_database(self) -> None:
        self.folder.mkdir()
        data, first = self.folder / "data", self.folder / "first.sql"
        first.write_text("\n".join(GRANT))
        options = ["--no-defaults", "--user=root", f"--datadir={data}"]
        setting_up = [program("mariadb-install-db"), *options, "--skip-test-db"]
        subprocess.run(setting_up, check=True, capture_output=True)
        more = ["--skip-networking", "--innodb-log-file-size=16M", "--innodb-lock-wait-timeout=900"]
        files = [f"--socket={self._socket}", f"--init-file={first}"]
        self.services.serve("mariadbd", "mariadbd", *options, *more, *files)
        until(self._socket.exists, 60, "MariaDB")
