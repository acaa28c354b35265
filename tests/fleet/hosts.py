"""Hosts with an init, a network and a disk of their own, on one machine; and their bad ends.

Each is a systemd-nspawn container over an overlay on the shared root, or on an image: the disk of
a host that was configured before. They are hosts as far as Ansible, systemd and TCP can tell.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fleet import control_groups, network

STATE = Path(
    os.environ.get("FLEET_DIR")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "products-fleet")
)
ROOT_SCRIPT = Path(__file__).with_name("root.sh")
BOOT_SECONDS = 60
# A guest that wants to reboot ends nspawn with this status.
REBOOT = 133
NEEDED = ("systemd-nspawn", "mmdebstrap", "dpkg-scanpackages", "nsenter", "ip", "ssh-keygen")


class FleetError(Exception):
    """A host cannot be made, or did not come up; the message says why."""


def missing() -> list[str]:
    """Return what a machine lacks to have a fleet."""
    lacks = [name for name in NEEDED if shutil.which(name) is None]
    if os.geteuid() != 0:
        lacks.append("root")
    if "cgroup2" not in control_groups.hierarchies():
        lacks.append("a cgroup2 hierarchy")
    return lacks


def base() -> Path:
    """Return the folder of the shared root, the packages and the key; made when there is none."""
    folder = STATE / "base"
    script = ROOT_SCRIPT.read_text("utf-8")
    made = folder / "root.sh"
    if not made.exists() or made.read_text("utf-8") != script:
        subprocess.run(["sh", str(ROOT_SCRIPT), str(folder)], check=True)
        made.write_text(script, "utf-8")
    return folder


@dataclass(frozen=True)
class Host:
    """One host: its name, its address and the image that its disk started from, if any."""

    name: str
    address: str
    image: str | None = None

    @property
    def namespace(self) -> str:
        """The network namespace, which outlives the host's processes."""
        return f"fleet-{self.name}"

    @property
    def folder(self) -> Path:
        """Where its disk is and what it said on its console."""
        return STATE / "hosts" / self.name

    @property
    def disk(self) -> Path:
        """Its root, as it sees it."""
        return self.folder / "root"

    def make(self) -> None:
        """Make disk and cable; it is off then. Raises FleetError, CalledProcessError."""
        if self.folder.exists():
            raise FleetError(f"there is a host {self.name} already: remove it first")
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        layers = [base() / "root"]
        if self.image is not None:
            layers.insert(0, images() / self.image)
        below = ":".join(map(str, layers))
        upper = f"upperdir={self.folder}/upper,workdir={self.folder}/work"
        # volatile: nothing is synced to the machine's disk, which a host does not outlive anyway
        options = f"volatile,lowerdir={below},{upper}"
        subprocess.run(
            ["mount", "-t", "overlay", "overlay", "-o", options, str(self.disk)], check=True
        )
        (self.disk / "etc/hostname").write_text(f"{self.name}\n", "ascii")
        (self.disk / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
        # An image has those of the host that it was made of.
        (self.disk / "etc/machine-id").write_text("")
        key = self.disk / "etc/ssh/ssh_host_ed25519_key"
        key.unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", str(key)],
            check=True,
        )
        network.plug_in(self.namespace, self.address)

    def boot(self) -> None:
        """Switch it on, without waiting."""
        groups = control_groups.make(self.name)
        nspawn = [
            *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.disk}"),
            f"--machine={self.name}",
            *("--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off"),
            f"--network-namespace-path={network.NAMESPACES / self.namespace}",
            "--capability=CAP_NET_ADMIN",
            f"--bind-ro={base() / 'apt'}:/srv/apt",
            "--console=pipe",
        ]
        # The shell enters the control groups first, so that whatever it starts is in them.
        script = (
            "for group; do shift; [ $group = -- ] && break; echo $$ >$group/cgroup.procs; done; "
            f'while "$@"; [ $? = {REBOOT} ]; do :; done'
        )
        with (self.folder / "console").open("ab") as console:
            subprocess.run(
                ["setsid", "--fork", "sh", "-c", script, "sh", *map(str, groups), "--", *nspawn],
                # whatever is inherited would be held open by the host as long as it runs
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                check=True,
                env={
                    "PATH": os.environ["PATH"],
                    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
                    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
                },
            )

    def wait(self) -> None:
        """Wait until it takes logins. Raises FleetError."""
        deadline = time.monotonic() + BOOT_SECONDS
        while self.run("true", check=False, quiet=True).returncode != 0:
            if time.monotonic() > deadline:
                said = (self.folder / "console").read_text("utf-8", "replace")[-3000:]
                raise FleetError(f"{self.name} takes no logins. It said:\n{said}")
            time.sleep(0.1)

    def run(
        self, command: str, *, check: bool = True, quiet: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command on it as root, over ssh. Raises CalledProcessError."""
        return subprocess.run(
            [*network.inside(network.ADMIN), *ssh(), self.address, "sudo", "sh", "-s"],
            input=command,
            text=True,
            check=check,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else sys.stderr,
        )

    def sql(self, query: str) -> str:
        """Return what a query gives on its database server, as psql shows it to programs."""
        quoted = query.replace("'", "'\\''")
        asked = self.run(f"cd / && sudo -u postgres psql -d products -XAtc '{quoted}'")
        return asked.stdout.strip()

    def connections(self) -> int:
        """Return how many connections the service has with its database server."""
        counting = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'products_app'"
        return int(self.sql(counting))

    def statements(self) -> int:
        """Return how many statements its database server has run for the products database."""
        return int(self.sql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'products'"))

    def crash(self) -> None:
        """End every process at once: its kernel lives, and tells its peers."""
        control_groups.kill(self.name)

    def pull_the_plug(self) -> None:
        """End it in silence: its peers hear nothing, now or later."""
        network.cut(self.address)
        control_groups.kill(self.name)

    def cut(self) -> None:
        """Cut its cable: it runs on, and nobody hears of it."""
        network.cut(self.address)

    def mend(self) -> None:
        """Lay a new cable."""
        network.mend(self.address)

    def cpu_seconds(self) -> float:
        """Return how much CPU time its processes have used since it was made."""
        return control_groups.cpu_seconds(self.name)

    def remove(self) -> None:
        """Remove what is left of it, whatever state it is in."""
        control_groups.kill(self.name)
        network.unplug(self.namespace, self.address)
        if self.disk.is_mount():
            subprocess.run(["umount", str(self.disk)], check=True)
        control_groups.remove(self.name)
        shutil.rmtree(self.folder, ignore_errors=True)


def make_image(host: Host, name: str) -> None:
    """Keep the disk of a host, as it is now, for others to start from."""
    images().mkdir(exist_ok=True)
    # what a host has of its own goes on top again; cp keeps the overlay's marks of removed files
    subprocess.run(
        ["cp", "--archive", f"{host.folder}/upper", str(images() / name)],
        check=True,
    )


def images() -> Path:
    """Return the folder of the images."""
    return STATE / "images"


def ssh() -> list[str]:
    """Return ssh, as the administrator, to hosts that were not there a moment ago."""
    return [
        *("ssh", "-i", str(base() / "key"), "-l", "admin", "-o", "ConnectTimeout=2"),
        *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
        *("-o", "LogLevel=ERROR"),
    ]


def down() -> None:
    """Remove the whole fleet, whoever made it and however it ended."""
    for name in set(control_groups.names()):
        control_groups.kill(name)
    for disk in (STATE / "hosts").glob("*/root"):
        if disk.is_mount():
            subprocess.run(["umount", str(disk)], check=True)
    control_groups.remove()
    network.remove_network()
    shutil.rmtree(STATE / "hosts", ignore_errors=True)
    shutil.rmtree(images(), ignore_errors=True)
