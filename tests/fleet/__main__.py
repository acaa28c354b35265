"""Hosts by hand: `python -m tests.fleet up app1=10.77.0.31 db1=10.77.0.21`."""

import argparse
import signal
import subprocess
import sys
from pathlib import Path

from tests.fleet import costs, hosts, network
from tests.fleet.cloud import cloud
from tests.fleet.hosts import Host
from tests.fleet.rollout import Rollout

ENDS = {
    "crash": Host.crash,
    "unplug": Host.pull_the_plug,
    "cut": Host.cut,
    "mend": Host.mend,
    "boot": Host.boot,
    "remove": Host.remove,
}


def main() -> None:
    """Run a command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="remove what is there and make these hosts")
    up.add_argument("hosts", nargs="+", metavar="NAME=ADDRESS", type=described)
    add = commands.add_parser("add", help="make one more host")
    add.add_argument("hosts", nargs="+", metavar="NAME=ADDRESS", type=described)
    for name, end in ENDS.items():
        one = commands.add_parser(name, help=(end.__doc__ or "").partition("\n")[0].lower())
        one.add_argument("hosts", nargs="+", metavar="NAME=ADDRESS", type=described)
    commands.add_parser("down", help="remove everything")
    stay = commands.add_parser("stay", help="make a whole fleet and keep it until Ctrl-C")
    stay.add_argument("folder", type=Path, help="a new one; FLEET_STAYS=FOLDER has tests use it")
    price = commands.add_parser("costs", help="measure what a request costs each host of it")
    price.add_argument("folder", type=Path)
    price.add_argument("--rate", type=float, default=400, help="requests a second (%(default)s)")
    price.add_argument("--seconds", type=float, default=15, help="of each line (%(default)s)")
    inside = commands.add_parser("in", help="run a command in a network, as fleet-admin")
    inside.add_argument("namespace")
    inside.add_argument("argv", nargs=argparse.REMAINDER)
    given = parser.parse_args()

    if lacks := hosts.missing():
        parser.exit(1, f"this machine lacks {', '.join(lacks)}\n")
    if given.command in ("up", "down"):
        hosts.down()
    if given.command == "up":
        network.make_network()
    if given.command in ("up", "add"):
        for host in given.hosts:
            host.make()
            host.boot()
        for host in given.hosts:
            host.wait()
    elif given.command in ENDS:
        for host in given.hosts:
            ENDS[given.command](host)
    elif given.command == "stay":
        keep(given.folder)
    elif given.command == "costs":
        costs.measure(Rollout(given.folder.resolve()), given.rate, given.seconds)
    elif given.command == "in":
        argv = [*network.inside(given.namespace), *given.argv]
        sys.exit(subprocess.run(argv, check=False).returncode)


def keep(folder: Path) -> None:
    """Make a whole fleet, as the tests have it, and keep it until SIGINT or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    folder.mkdir()
    with cloud(folder):
        made = Rollout(folder)
        made.prepare()
        made.bring_up()
        print(f"it serves: FLEET_STAYS={folder} python -m pytest tests/fleet/...", flush=True)
        signal.pause()


def described(text: str) -> Host:
    """Return the host that an argument describes."""
    name, equals, address = text.partition("=")
    if not equals or not address.startswith(f"{network.HOSTS}."):
        raise argparse.ArgumentTypeError(f"not of the form NAME={network.HOSTS}.N: {text}")
    return Host(name, address)


if __name__ == "__main__":
    main()
