"""A fleet as its operator makes it, with ansible-playbook."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from tests.fleet import cloud, hosts, network
from tests.fleet.client import Seen, steady
from tests.fleet.hosts import Host

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sysconfig.get_path("scripts"))
SHOP = "shop.example"
PRODUCTS = 1_000
PATHS = [
    f"/products{path}"
    for number in range(1, 200, 20)
    for path in (f"/{number}", f"/{number}/styles", f"/{number}/related", f"?page={number}&count=2")
]
# of a unit: what it runs never ends
ENDLESS = r"[Service]\nExecStart=\nExecStart=/bin/sleep infinity\n"
# seconds that an answer may take, whatever is broken
LONGEST = 2
# name, role; one more of either is one more line
MACHINES = {
    "balancer1": "balancer",
    **{f"app{number}": "app" for number in range(1, 5)},
    "database1": "primary",
    "database2": "standby",
    "database3": "standby",
}


@dataclass(frozen=True)
class Run:
    """What became of a playbook."""

    status: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """How many tasks changed something, of each host."""
        recap = self.output.rpartition("PLAY RECAP")[2]
        return {
            host: int(count)
            for host, count in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", recap, re.MULTILINE)
        }


class Rollout:
    """An operator's folder, and what they do from there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "inventory"
        self.catalogue = folder / "catalogue"
        self.authority = folder / "authority.pem"
        self.where = ("-i", str(self.inventory))
        self.machines = MACHINES
        self._logs = folder / "logs"
        self._fleet_wide = self.inventory / "group_vars" / "all" / "main.yml"
        if self._fleet_wide.exists():
            described = json.loads(self._fleet_wide.read_text("ascii"))["ec2_hosts"]
            self.machines = {name: host["role"] for name, host in described.items()}

    def prepare(self) -> None:
        """Write what an operator has before there is a fleet: secrets, certificates, catalogue."""
        shutil.copytree(ROOT / "ansible" / "inventories" / "production", self.inventory)
        self._logs.mkdir()
        (self.folder / "vault-password").write_text("of the vault of a test", "ascii")
        self.describe(MACHINES)
        secrets = self.inventory / "group_vars" / "all" / "secrets.yml"
        self.play("secrets", "-e", f"secrets_file={secrets}", inventory=False)
        make_certificate(self.folder)
        tls = {
            "nginx_tls_certificate": (self.folder / "tls.pem").read_text("ascii"),
            "nginx_tls_key": (self.folder / "tls.key").read_text("ascii"),
        }
        vaulted = self.inventory / "group_vars" / "all" / "tls.yml"
        self.run("ansible-vault", "encrypt", f"--output={vaulted}", "-", told=json.dumps(tls))
        generate = ("etl", "generate", str(self.catalogue), "--products", str(PRODUCTS), "--quiet")
        subprocess.run([PROGRAMS / "flask", *generate], cwd=ROOT, check=True)

    def bring_up(self) -> None:
        """Do what a new operator does."""
        self.play("provision")
        self.play("site", "-e", f"products_release={self.release('one')}")
        self.load()

    def load(self) -> None:
        """Load the catalogue, as it is."""
        self.play("load", "-e", f"products_load_folder={self.catalogue}")

    def describe(self, machines: dict[str, str]) -> None:
        """Write down which machines there are to be, by name, and what each is for."""
        self.machines = machines
        described = {
            "fleet_ssh_address": "private",
            "fleet_admin_networks": [f"{network.OUTSIDE[network.ADMIN]}.0/24"],
            "ec2_public_key_file": str(hosts.base() / "key.pub"),
            "ec2_hosts": {
                name: {"role": role, "type": "c7i.large", "disk": 20}
                for name, role in machines.items()
            },
            # all of them share one machine: each takes a small part of it
            "postgresql_memory_mb": 1024,
            "postgresql_wal_keep": "512MB",
            "products_workers": 2,
        }
        # JSON is YAML
        self._fleet_wide.write_text(json.dumps(described, indent=2), "ascii")
        self.forget()

    def forget(self) -> None:
        """Look anew at which hosts there are, when that is asked next."""
        self.__dict__.pop("groups", None)

    def terminate(self, host: Host) -> None:
        """Have EC2 end an instance for good."""
        which = {"tag:Name": host.name, "instance-state-name": "running"}
        arguments = {"region": "eu-central-1", "state": "terminated", "filters": which}
        self.run(
            "ansible", "localhost", "-m", "amazon.aws.ec2_instance", "-a", json.dumps(arguments)
        )
        self.forget()

    def release(self, name: str, change: Callable[[Path], None] | None = None) -> str:
        """Make a release of the tree as it is, or as `change` makes it, and return its id."""
        listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        tree = self.folder / "trees" / name
        for file in filter(None, files.split("\0")):
            if (ROOT / file).is_file():
                (tree / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, tree / file)
        if change is not None:
            change(tree)
        # of another fleet
        (ROOT / "dist" / f"products-{name}.tar.gz").unlink(missing_ok=True)
        subprocess.run(
            ["sh", ROOT / "ansible" / "release.sh", "--tree", tree, name],
            env=os.environ | {"PIP": str(PROGRAMS / "pip")},
            check=True,
        )
        shutil.rmtree(tree)
        return name

    def play(
        self, playbook: str, *arguments: str, check: bool = True, inventory: bool = True
    ) -> Run:
        """Run a playbook and return what became of it. Raises AssertionError when it failed."""
        where = self.where if inventory else ()
        began = time.monotonic()
        done = self.run("ansible-playbook", *where, f"{playbook}.yml", *arguments, check=False)
        log = self._logs / f"{len([*self._logs.iterdir()]):02}-{playbook}.log"
        output = f"{' '.join(map(str, done.args))}\n{done.stdout}{done.stderr}"
        log.write_text(f"{output}\n{time.monotonic() - began:.0f} s\n", "utf-8")
        self.forget()  # it may have made hosts, or another primary
        assert not check or done.returncode == 0, f"{log}:\n{output[-6000:]}"
        return Run(done.returncode, output)

    def logs(self) -> Iterator[str]:
        """Yield what each playbook has said."""
        yield from (log.read_text("utf-8") for log in self._logs.iterdir())

    def run(
        self, program: str, *arguments: str, check: bool = True, told: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Ansible's where the administrator is. Raises CalledProcessError."""
        return subprocess.run(
            [*network.inside(network.ADMIN), PROGRAMS / program, *arguments],
            cwd=ROOT / "ansible",
            env=self.environment,
            check=check,
            text=True,
            input=told,
            capture_output=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead Ansible to this fleet, and nowhere else."""
        # The fleet's addresses are given to other hosts again and again, which is to be of no
        # consequence for whoever runs this.
        known = f"-o UserKnownHostsFile={self.folder}/known-hosts"
        return {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(Path.home()),
            "LANG": "C.UTF-8",
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PRIVATE_KEY_FILE": str(hosts.base() / "key"),
            "ANSIBLE_SSH_EXTRA_ARGS": known,
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.folder / "vault-password"),
            **cloud.ENVIRONMENT,
        }

    @contextmanager
    def under_load(self, rate: float = 25, at: Host | None = None) -> Iterator[Seen]:
        """Have clients ask while the block runs, `at` a balancer or the first.

        Raises AssertionError when one was let down.
        """
        balancer = at or self.groups["balancer"][0]
        with steady(balancer.address, SHOP, self.authority, PATHS, rate) as seen:
            yield seen
        print(seen)
        assert not seen.failures, f"{seen}: {seen.failures[:5]}"
        assert seen.slowest <= LONGEST, str(seen)

    def upstreams(self, seen: Seen) -> Counter[str]:
        """Return how many of the answers that clients saw came from each app host, by address.

        The cache's, and those of a second try, are not among them.
        """
        (balancer,) = self.groups["balancer"]
        since = min(answer["at"] for answer in seen.answers)
        log = balancer.run("cat /var/log/products-balancer/access.log").stdout
        entries = (json.loads(line) for line in log.splitlines())
        return Counter(
            entry["upstream"].partition(":")[0]
            for entry in entries
            if entry["upstream_status"] == "200"
            and datetime.fromisoformat(entry["timestamp"]).timestamp() >= int(since)
        )

    @cached_property
    def groups(self) -> dict[str, list[Host]]:
        """Return the hosts of each group, by their names' order, as the inventory has them now."""
        listed = json.loads(self.run("ansible-inventory", *self.where, "--list").stdout)
        addresses = {
            # what comes from elsewhere is marked as such
            name: variables["aws_private_ip_address"]["__ansible_unsafe"]
            for name, variables in listed["_meta"]["hostvars"].items()
        }
        return {
            role: [Host(name, addresses[name]) for name in sorted(listed[role]["hosts"])]
            for role in set(self.machines.values())
        }


@contextmanager
def endless_load(loader: Host) -> Iterator[None]:
    """Have a load run while the block does, as far as anyone can see."""
    override = "/run/systemd/system/products-load.service.d"
    loader.run(
        f"mkdir {override} && printf '{ENDLESS}' > {override}/endless.conf && "
        "systemctl daemon-reload && systemctl start --no-block products-load"
    )
    try:
        yield
    finally:
        loader.run(
            f"rm -r {override} && systemctl daemon-reload && systemctl stop products-load && "
            # of what is stopped before it is done systemd says that it has failed
            "systemctl reset-failed products-load"
        )


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Return when it holds. Raises AssertionError when it does not for so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.5)


def make_certificate(folder: Path) -> None:
    """Write authority.pem, and what it has signed for the shop: tls.pem and tls.key."""
    new = ("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for argv in (
        [
            *(*new, "-x509", "-days", "30", "-keyout", "authority.key", "-out", "authority.pem"),
            *("-subj", "/CN=Authority of a test"),
            *("-addext", "keyUsage=critical,keyCertSign"),
        ],
        [
            *(*new, "-keyout", "tls.key", "-out", "tls.csr", "-subj", f"/CN={SHOP}"),
            *("-addext", f"subjectAltName=DNS:{SHOP}"),
        ],
        [
            *("openssl", "x509", "-req", "-in", "tls.csr", "-days", "30", "-out", "tls.pem"),
            *("-CA", "authority.pem", "-CAkey", "authority.key", "-copy_extensions", "copy"),
        ],
    ):
        subprocess.run(argv, cwd=folder, check=True, stderr=subprocess.DEVNULL)
