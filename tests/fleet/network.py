"""The fleet's network: namespaces on one switch, as hosts of a private network, and who is outside.

    10.77.0.0/24    the hosts, on a bridge
    10.77.1.0/24    who administers them: Ansible runs there
    203.0.113.0/24  the world: clients, and who scans ports

A namespace in the middle has the bridge and routes between the three. Nothing of it is connected
to the machine's own network.
"""

import subprocess
from pathlib import Path

SWITCH = "fleet-switch"
ADMIN = "fleet-admin"
WORLD = "fleet-world"
HOSTS = "10.77.0"
GATEWAY = f"{HOSTS}.1"
OUTSIDE = {ADMIN: "10.77.1", WORLD: "203.0.113"}
NAMESPACES = Path("/run/netns")


def mac(address: str) -> str:
    """Return the hardware address of who has an address, so that it need not be asked for."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def ip(*commands: str, namespace: str) -> None:
    """Run commands of ip(8) in a namespace. Raises CalledProcessError."""
    subprocess.run(
        ["ip", "-n", namespace, "-batch", "-"],
        input="\n".join(commands),
        text=True,
        check=True,
    )


def make_namespace(name: str) -> None:
    """Make a namespace in which there is but a loopback."""
    subprocess.run(["ip", "netns", "add", name], check=True)
    ip("link set lo up", namespace=name)


def make_network() -> None:
    """Make the switch, the administrator's place and the world. Raises CalledProcessError."""
    make_namespace(SWITCH)
    subprocess.run(
        ["ip", "netns", "exec", SWITCH, "sysctl", "-qw", "net.ipv4.ip_forward=1"], check=True
    )
    ip(
        f"link add hosts address {mac(GATEWAY)} type bridge",
        f"address add {GATEWAY}/24 dev hosts",
        "link set hosts up",
        *know_all("hosts"),
        namespace=SWITCH,
    )
    for name, network in OUTSIDE.items():
        make_namespace(name)
        ip(
            f"link add {name} type veth peer name eth0 netns {name}",
            f"address add {network}.1/24 dev {name}",
            f"link set {name} up",
            namespace=SWITCH,
        )
        ip(
            f"address add {network}.2/24 dev eth0",
            "link set eth0 up",
            f"route add default via {network}.1",
            namespace=name,
        )


def plug_in(name: str, address: str) -> None:
    """Make the namespace of a host and lay its cable to the switch."""
    make_namespace(name)
    ip(
        f"link add {cable(address)} type veth peer name eth0 address {mac(address)} netns {name}",
        f"link set {cable(address)} master hosts up",
        namespace=SWITCH,
    )
    ip(
        f"address add {address}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {GATEWAY}",
        *know_all("eth0"),
        namespace=name,
    )


def unplug(name: str, address: str) -> None:
    """Take a host's cable and namespace away, if they are there.

    The cable would go with the namespace, but at a time of the kernel's choice, and the next host
    may have the address at once.
    """
    argv = ["ip", "-n", SWITCH, "link", "delete", cable(address)]
    subprocess.run(argv, check=False, stderr=subprocess.DEVNULL)
    remove_namespace(name)


def cut(address: str) -> None:
    """Cut a host's cable: nothing that is sent to it arrives, and nobody is told."""
    ip(f"link set {cable(address)} down", namespace=SWITCH)


def mend(address: str) -> None:
    """Mend what cut() did."""
    ip(f"link set {cable(address)} up", namespace=SWITCH)


def cable(address: str) -> str:
    """Return the name of the switch's end of a host's cable."""
    return f"host{address.rpartition('.')[2]}"


def know_all(device: str) -> list[str]:
    """Return the commands that make every hardware address known beforehand.

    A cloud's network answers for hosts that are gone, too. Without this, a host that is silent
    would soon become one that cannot be reached, which ends a wait at once.
    """
    addresses = [f"{HOSTS}.{number}" for number in range(1, 255)]
    return [
        f"neighbour replace {address} lladdr {mac(address)} nud permanent dev {device}"
        for address in addresses
    ]


def remove_namespace(name: str) -> None:
    """Remove a namespace, if it is there."""
    if (NAMESPACES / name).exists():
        subprocess.run(["ip", "netns", "delete", name], check=True)


def remove_network() -> None:
    """Remove every namespace of the fleet's, whoever left it."""
    if NAMESPACES.is_dir():
        for found in sorted(NAMESPACES.glob("fleet-*")):
            remove_namespace(found.name)


def inside(namespace: str) -> list[str]:
    """Return what a command is preceded by to run in a namespace's network.

    Only the network is the namespace's: what is mounted meanwhile is seen by all.
    """
    return ["nsenter", f"--net={NAMESPACES / namespace}"]
