"""A SLURM cluster of one machine for the tests: real daemons on loopback, fake GPUs, preemptible partitions.

Needs root and Debian's slurmctld, slurmd, slurmdbd, slurm-client, munge and mariadb-server. Everything it
writes lies in one folder and every port is a free one, so nothing of a SLURM that is installed for use is
touched.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacct")
NODE = "node1"
CPUS, MEMORY_MB, GPUS = 32, 128000, 2
START_TIMEOUT_S = 20.0

SLURM_CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd_port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
AccountingStorageEnforce=associations
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
JobRequeue=1
KillWait=10
MinJobAge=300
ReturnToService=2
RebootProgram=/bin/true
SchedulerParameters=sched_interval=1,bf_interval=1,requeue_setup_env_fail
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
EnforcePartLimits=ALL
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={slurmd_port} CPUs={cpus} RealMemory={memory_mb} \
Gres=gpu:tesla:{gpus}
PartitionName=cpu Nodes={node} Default=YES MaxTime=1440 PriorityTier=10 PreemptMode=OFF
PartitionName=gpu Nodes={node} MaxTime=1440 PriorityTier=10 PreemptMode=OFF
PartitionName=scav Nodes={node} MaxTime=1440 PriorityTier=1 PreemptMode=REQUEUE GraceTime=15
PartitionName=scavcancel Nodes={node} MaxTime=1440 PriorityTier=1 PreemptMode=CANCEL GraceTime=15
PartitionName=abrupt Nodes={node} MaxTime=1440 PriorityTier=1 PreemptMode=CANCEL GraceTime=1
PartitionName=vip Nodes={node} MaxTime=1440 PriorityTier=100 PreemptMode=OFF
"""

SLURMDBD_CONF = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={slurmdbd_port}
SlurmUser=root
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct
"""

GRES_CONF = "AutoDetect=off\nNodeName={node} Name=gpu Type=tesla File=/dev/null,/dev/zero\n"

# The plugin takes every SLURM_* variable from a job before its inner srun, the one that names this
# cluster's configuration too; this stands before SLURM's own srun and puts it back.
SRUN = '#!/bin/sh\nexport SLURM_CONF="{folder}/slurm.conf"\nexec {srun} "$@"\n'


def missing() -> str | None:
    """Why there can be no cluster here, or None."""
    if os.geteuid() != 0:
        return "a real SLURM needs root"
    absent = [program for program in PROGRAMS if shutil.which(program, path=_path()) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@dataclass
class Cluster:
    """A running cluster; ``environment`` is what a process needs to talk to it."""

    folder: Path
    environment: dict[str, str]
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, *command: str, timeout_s: float = 60.0) -> str:
        """What a SLURM command prints.

        Raises:
            AssertionError: it fails; with what it said.
        """
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=timeout_s
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(
        self, columns: str = "JobIDRaw,JobName,State,Partition,ReqTRES,Timelimit"
    ) -> list[dict[str, str]]:
        """All jobs of the accounting database, oldest first, by column."""
        rows = self.run("sacct", "-X", "-n", "-P", "--duplicates", "-S", "now-1days", f"--format={columns}")
        return [dict(zip(columns.split(","), row.split("|"), strict=True)) for row in rows.splitlines()]

    def cancel_all(self) -> None:
        """Leave the queue empty, and wait until it is."""
        self.run("scancel", "--user=root")
        self.run("scancel", "--user=root", "--signal=KILL", "--full")
        wait_until(lambda: not self.run("squeue", "-h").strip(), "the queue is not empty")


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster that lives as long as the context; its logs stay in ``folder``."""
    cluster = Cluster(folder, _environment(folder))
    try:
        _start(cluster)
        yield cluster
    finally:
        for daemon in reversed(cluster.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def wait_until(
    condition: Callable[[], bool], what_not: str, timeout_s: float = START_TIMEOUT_S, interval_s: float = 0.2
) -> None:
    """Return once ``condition`` holds.

    Raises:
        AssertionError: it does not within ``timeout_s``; says ``what_not``.
    """
    ends = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends, f"{what_not} after {timeout_s:.0f} s"
        time.sleep(interval_s)


def _start(cluster: Cluster) -> None:
    folder = cluster.folder
    host = socket.gethostname().split(".")[0]
    ports = dict(zip(("database", "slurmdbd", "slurmctld", "slurmd"), _free_ports(4), strict=True))
    values = {
        "folder": folder,
        "host": host,
        "node": NODE,
        "cpus": CPUS,
        "memory_mb": MEMORY_MB,
        "gpus": GPUS,
    }
    values |= {f"{name}_port": port for name, port in ports.items()}
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir(parents=True)
    for name, text in (
        ("slurm.conf", SLURM_CONF),
        ("slurmdbd.conf", SLURMDBD_CONF),
        ("gres.conf", GRES_CONF),
    ):
        (folder / name).write_text(text.format(**values))
        (folder / name).chmod(0o600 if name == "slurmdbd.conf" else 0o644)
    shim = folder / "bin" / "srun"
    shim.write_text(SRUN.format(folder=folder, srun=shutil.which("srun", path=_path())))
    shim.chmod(0o755)
    _start_munge(cluster)
    _start_database(cluster, ports["database"])
    _daemon(cluster, "slurmdbd", "-D")
    _wait_for_port(cluster, "slurmdbd", ports["slurmdbd"])
    _answers(cluster, "sacctmgr", "show", "cluster")
    cluster.run("sacctmgr", "-i", "add", "cluster", "tests")
    cluster.run("sacctmgr", "-i", "add", "account", "lab", "cluster=tests")
    cluster.run("sacctmgr", "-i", "add", "user", "root", "account=lab", "cluster=tests")
    _daemon(cluster, "slurmctld", "-D", "-f", str(folder / "slurm.conf"))
    _wait_for_port(cluster, "slurmctld", ports["slurmctld"])
    _daemon(cluster, "slurmd", "-D", "-N", NODE, "-f", str(folder / "slurm.conf"))
    _wait(cluster, lambda: "idle" in cluster.run("sinfo", "-h", "-o", "%T"), "the node is not idle")


def _start_munge(cluster: Cluster) -> None:
    folder = cluster.folder
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    files = {"key-file": key, "socket": folder / "munge.socket", "pid-file": folder / "munge.pid"}
    files |= {"seed-file": folder / "munge.seed", "log-file": folder / "munge.log"}
    options = [f"--{name}={path}" for name, path in files.items()]
    _daemon(cluster, "munged", "--foreground", "--force", *options)
    _wait(cluster, files["socket"].exists, "munged does not listen")


def _start_database(cluster: Cluster, port: int) -> None:
    folder = cluster.folder
    data = f"--datadir={folder}/database"
    users = folder / "users.sql"
    users.write_text(
        "CREATE USER slurm@'127.0.0.1' IDENTIFIED BY 'slurm';\nGRANT ALL ON *.* TO slurm@'127.0.0.1';\n"
    )
    cluster.run("mariadb-install-db", "--no-defaults", "--user=root", "--skip-test-db", data, timeout_s=120)
    options = [
        "--no-defaults",
        "--user=root",
        data,
        f"--init-file={users}",
        f"--socket={folder}/database.socket",
    ]
    options += ["--bind-address=127.0.0.1", f"--port={port}", "--innodb-buffer-pool-size=64M"]
    _daemon(cluster, "mariadbd", *options)
    _wait_for_port(cluster, "mariadbd", port)


def _daemon(cluster: Cluster, program: str, *options: str) -> None:
    with (cluster.folder / f"{program}.out").open("wb") as out:
        command = [str(shutil.which(program, path=_path())), *options]
        cluster.daemons.append(
            subprocess.Popen(command, env=cluster.environment, stdout=out, stderr=out, start_new_session=True)
        )


def _answers(cluster: Cluster, *command: str) -> None:
    """Wait until ``command`` succeeds."""
    said = ""

    def succeeds() -> bool:
        nonlocal said
        done = subprocess.run(command, env=cluster.environment, capture_output=True, text=True)
        said = done.stdout + done.stderr
        return done.returncode == 0

    try:
        _wait(cluster, succeeds, f"{' '.join(command)} fails")
    except AssertionError as error:
        raise AssertionError(f"{error}: {said}") from None


def _wait_for_port(cluster: Cluster, program: str, port: int) -> None:
    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    _wait(cluster, listens, f"{program} does not listen")


def _wait(cluster: Cluster, condition: Callable[[], bool], what_not: str) -> None:
    """Wait while the daemons come up; one that ends has said why."""

    def holds() -> bool:
        for daemon in cluster.daemons:
            program = Path(daemon.args[0]).name
            said = cluster.folder / f"{program}.out"
            assert daemon.poll() is None, f"{program} ended: {said.read_text()[-2000:]}"
        return condition()

    wait_until(holds, f"{what_not} (see {cluster.folder})")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _environment(folder: Path) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_"))
    }
    return inherited | {
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{folder}/bin{os.pathsep}{_path()}",
    }
