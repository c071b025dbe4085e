"""A SLURM of three nodes on this one machine, for tests: started, asked and stopped.

Two nodes with processors and one with two devices typed as GPUs, each claiming four processors and
8 GB whatever the machine has; everything listens on 127.0.0.1 and lies in one folder, but for two
links in `/etc/slurm`, where the executor's job steps look for their configuration.
"""

import os
import re
import secrets
import shutil
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import services
from tests.cluster.accounting import SETTINGS, Accounting
from tests.cluster.services import Services, Unavailable, until

PACKAGES = ("munge", "slurmctld", "slurmd", "slurm-client")
PROGRAMS = ("munged", "slurmctld", "slurmd", "squeue")
NODES = {"cpu1": 26821, "cpu2": 26822, "gpu1": 26823}
LINKS = Path("/etc/slurm")
CONFIGURATIONS = ("slurm.conf", "gres.conf")
CONFIGURATION = """
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={lab}/munge/munge.socket
SlurmctldPort=26817
SlurmdPort=26818
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={lab}/state
SlurmdSpoolDir={lab}/spool/%n
SlurmctldPidFile={lab}/run/slurmctld.pid
SlurmdPidFile={lab}/run/slurmd.%n.pid
SlurmctldLogFile={lab}/log/slurmctld.log
SlurmdLogFile={lab}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
MpiDefault=none
ReturnToService=2
MinJobAge=3600
InactiveLimit=0
KillWait=10
SlurmdTimeout=20
UnkillableStepTimeout=30
GresTypes=gpu
{accounting}
NodeName=DEFAULT Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 CPUs=4 \
RealMemory=8000 State=UNKNOWN
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port=26821
NodeName=cpu2 NodeHostname={host} NodeAddr=127.0.0.1 Port=26822
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port=26823 Gres=gpu:2
PartitionName=cpu Nodes=cpu1,cpu2 Default=YES MaxTime=1-00:00:00 State=UP
PartitionName=gpu Nodes=gpu1 MaxTime=1-00:00:00 State=UP
"""
DEVICES = "NodeName=gpu1 Name=gpu File=/dev/null\nNodeName=gpu1 Name=gpu File=/dev/zero\n"


def install() -> None:
    """Raises `Unavailable`."""
    if os.getuid() != 0:
        raise Unavailable("only root can start its services")
    for link in (LINKS / name for name in CONFIGURATIONS):
        if link.is_symlink() and not link.exists():  # of a lab that was killed
            link.unlink()
    if any((LINKS / name).exists() for name in CONFIGURATIONS):
        raise Unavailable("this machine belongs to a cluster already")
    services.install(PACKAGES, PROGRAMS)


def end_strays() -> None:
    """What outlived its job: without cgroups SLURM loses processes whose parent has ended."""
    mark = b"SLURM_WORKING_CLUSTER=lab:127.0.0.1:26817:"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


@dataclass
class Lab(Services):
    """The cluster, in a folder of its own; with accounting where that can be installed."""

    accounting: Accounting | None = None

    def start(self) -> None:
        for part in ("etc", "run", "log", "state", "spool", "munge"):
            (self.folder / part).mkdir(parents=True)
        for folder in (self.folder, *self.folder.parents):  # for munge's own user
            if folder.stat().st_uid == 0 and folder != Path("/"):
                folder.chmod(folder.stat().st_mode | 0o011)
        host = socket.gethostname().partition(".")[0]
        with suppress(Unavailable):
            Accounting.install()
            self.accounting = Accounting(self)
        accounting = SETTINGS.format(lab=self.folder) if self.accounting else ""
        self._etc("slurm.conf").write_text(
            CONFIGURATION.format(host=host, lab=self.folder, accounting=accounting)
        )
        self._etc("gres.conf").write_text(DEVICES)
        LINKS.mkdir(exist_ok=True)
        for name in CONFIGURATIONS:
            (LINKS / name).symlink_to(self._etc(name))
        self._start_munge()
        if self.accounting:
            self.accounting.start()
        self.serve("slurmctld", "slurmctld", "-D", "-c")
        until(lambda: "is UP" in self.ask("scontrol", "ping"), 30, "slurmctld")
        for node in NODES:
            self.start_node(node)
        until(lambda: set(self.ask("sinfo", "-hNo", "%T").split()) == {"idle"}, 60, "idle nodes")

    def stop(self) -> None:
        """What was started, and nothing else."""
        if left := self.ask("squeue", "-h", "-o", "%i").split():
            self.ask("scancel", *left)
        with suppress(TimeoutError):
            until(lambda: not self.ask("squeue", "-h"), 60, "an empty queue")
        for names in (NODES, ("slurmctld",), ("slurmdbd",), ("mariadbd", "munged")):
            self.end(*names)
        end_strays()
        for name in CONFIGURATIONS:
            link = LINKS / name
            if link.is_symlink() and link.readlink() == self._etc(name):
                link.unlink()

    def start_node(self, node: str) -> None:
        """Begin its service anew, and let it register."""
        (self.folder / "spool" / node).mkdir(exist_ok=True)
        self.serve(node, "slurmd", "-D", "-N", node)

    def crash_node(self, node: str) -> None:
        """As when its power fails: its service and all processes of its jobs are killed."""
        jobs = {job["JobId"] for job in self.jobs() if job.get("BatchHost") == node}
        parents, dead = {}, {self.processes[node].pid}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                stat = (process / "stat").read_text()
                title = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            parents[int(process.name)] = int(stat.rpartition(")")[2].split()[1])
            step = re.match(r"slurmstepd: \[(\d+)\.", title)
            dead |= {int(process.name)} if step and step[1] in jobs else set()
        while more := {pid for pid, parent in parents.items() if parent in dead} - dead:
            dead |= more
        for pid in dead:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.processes[node].wait()

    def jobs(self) -> list[dict[str, str]]:
        """All jobs that SLURM remembers, finished ones too, with their fields."""
        lines = self.ask("scontrol", "--details", "--oneliner", "show", "jobs").splitlines()
        return [
            dict(re.findall(r"(\w+(?::\w+)*)=(\S*)", line)) for line in lines if "JobId" in line
        ]

    def job(self, number: str) -> dict[str, str]:
        return next((job for job in self.jobs() if job["JobId"] == number), {})

    def start_now(self, number: str) -> None:
        """A job that was requeued, which would wait for two minutes."""
        self.ask("scontrol", "update", f"JobId={number}", "StartTime=now")

    def _start_munge(self) -> None:
        munge = self.folder / "munge"
        (munge / "munge.key").write_bytes(secrets.token_bytes(128))
        for path in (munge, munge / "munge.key"):
            shutil.chown(path, "munge", "munge")
        munge.chmod(0o755)
        (munge / "munge.key").chmod(0o400)
        options = {
            "key-file": "munge.key",
            "socket": "munge.socket",
            "pid-file": "munged.pid",
            "log-file": "munged.log",
            "seed-file": "munge.seed",
        }
        arguments = [f"--{name}={munge / file}" for name, file in options.items()]
        self.serve("munged", "munged", "-F", *arguments, user="munge")
        until((munge / "munge.socket").exists, 20, "munge")

    def _etc(self, name: str) -> Path:
        return self.folder / "etc" / name
