"""`flask cluster`: the fleet on this machine, for trying what becomes of it when something dies."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import click

from products_service import release
from products_service.cluster import members, nginx
from products_service.cluster.layout import (
    ADDRESS,
    MOST_HOSTS,
    Layout,
    cluster_folder,
    plan,
    recorded,
)
from products_service.cluster.members import Member, ask
from products_service.commands.doctor import expected
from products_service.commands.drain import drain_host, stop_holder
from products_service.commands.preparing import MIGRATIONS, filled_database, refuse_taken_port
from products_service.config import load_settings
from products_service.database_urls import refuse_two_databases
from products_service.doctor.examination import outcome
from products_service.doctor.findings import Status
from products_service.doctor.installation import installed
from products_service.doctor.server import check_connections
from products_service.embedded.place import CLUSTER_RUN_FILE
from products_service.plainly import plainly
from products_service.run_file import HeldError, find_holder, hold
from products_service.serving.draining import FILE
from products_service.signals import STOP_SECONDS, stopping_on_signals

PORT = "8080"
RUNS_ALREADY = "a cluster runs already: `flask cluster down` stops it"


@click.group()
def cluster() -> None:
    """Run the fleet on this machine.

    App hosts at 127.0.0.11 and on, and nginx in front of them.
    """


@cluster.command()
@click.option(
    "--hosts",
    type=click.IntRange(1, MOST_HOSTS),
    default=4,
    show_default=True,
    help="How many app hosts.",
)
@plainly()
def up(hosts: int) -> None:
    """Serve on PORT with nginx and several hosts.

    PORT is 8080 if unset. The database is started if it is ours, migrated, and filled with a
    generated catalogue if none was ever loaded. What ends is started again after a second. Ctrl-C
    or SIGTERM stops everything.
    """
    given = {name: value for name, value in os.environ.items() if value}
    settings = load_settings({"PORT": PORT} | given)
    refuse_two_databases(settings)
    release.require_files(release.HOST + release.BALANCER)
    nginx.find_program()
    layout = plan(cluster_folder(settings), settings["PORT"], hosts)
    if find_holder(layout.folder / CLUSTER_RUN_FILE) is not None:
        raise click.ClickException(RUNS_ALREADY)
    refuse_taken_ports(layout)
    with stopping_on_signals(), filled_database(settings) as url:
        refuse_too_many(settings, hosts)
        refuse_taken_ports(layout)  # by another cluster, say, while the catalogue was loaded
        prepare(layout, settings["CORS_ORIGINS"])
        run(layout, url)


@cluster.command()
@plainly()
def down() -> None:
    """Stop what `flask cluster up` runs.

    Returns when nothing of it is left.
    """
    folder = cluster_folder(load_settings())
    # it gives nginx, then its hosts, and then PostgreSQL so long
    stop_holder(folder / CLUSTER_RUN_FILE, running(folder), 4 * STOP_SECONDS)
    click.echo("the cluster is stopped")


@cluster.command()
@plainly()
def status() -> None:
    """Say how nginx and each host are.

    The exit status is 1 if one of them does not serve.
    """
    layout = running_layout()
    code, _ = ask((ADDRESS, layout.port), "/live")
    say(f"nginx {ADDRESS}", "serves" if code == 200 else f"does not serve ({code or 'no answer'})")
    states = {host: state(layout, host) for host in layout.hosts}
    for host, (_, text) in states.items():
        say(host, text)
    sys.exit(0 if code == 200 and all(serves for serves, _ in states.values()) else 1)


@cluster.command()
@click.argument("host")
@plainly()
def kill(host: str) -> None:
    """Kill a host, by its address: SIGKILL for gunicorn and its workers."""
    run_dir = find_host(host)
    process = find_holder(run_dir / FILE)
    if process is None:
        raise click.ClickException(f"{host} does not run at the moment")
    os.killpg(process, signal.SIGKILL)
    say(host, f"killed, process {process} and its workers")


@cluster.command()
@click.argument("host")
@plainly()
def drain(host: str) -> None:
    """Drain a host, by its address, and have it start again."""
    drain_host(find_host(host), load_settings()["DRAIN_SECONDS"], stop=True)


def refuse_taken_ports(layout: Layout) -> None:
    """Raise click.ClickException if somebody serves at an address of the cluster already."""
    for address in (ADDRESS, *layout.hosts):
        refuse_taken_port(address, layout.port)


def refuse_too_many(settings: Mapping[str, Any], hosts: int) -> None:
    """Say what all pools together need, and raise click.ClickException if it is too much."""
    with installed(settings, expected(MIGRATIONS, hosts)) as installation:
        finding = outcome(check_connections, installation)
    if finding.status is not Status.OK:
        raise click.ClickException(f"database connections: {finding.found}\n{finding.hint}")
    click.echo(f"database connections: {finding.found}")


def prepare(layout: Layout, origins: Collection[str]) -> None:
    """Make the cluster's folder ours, with what is needed in it; `origins` as nginx.lay_out has it.

    Raises click.ClickException if another cluster runs there.
    """
    layout.folder.mkdir(parents=True, exist_ok=True)
    try:
        hold(layout.folder / CLUSTER_RUN_FILE)
    except HeldError:
        raise click.ClickException(RUNS_ALREADY) from None
    layout.record()
    shutil.rmtree(layout.folder / "hosts", ignore_errors=True)
    for host in layout.hosts:
        layout.run_dir(host).mkdir(parents=True)
    nginx.lay_out(
        Path(),
        layout.nginx,
        f"{ADDRESS}:{layout.port}",
        [f"{host}:{layout.port}" for host in layout.hosts],
        origins,
    )
    nginx.check(layout.nginx)


def run(layout: Layout, url: str) -> None:
    """Run the members until somebody stops us: nginx starts last and ends first."""
    hosts = [host_member(layout, host, url) for host in layout.hosts]
    balancer = nginx_member(layout)
    try:
        members.look_after(hosts, until=lambda: all(host.serves for host in hosts))
        members.look_after([*hosts, balancer], until=lambda: balancer.serves)
        click.echo(f"serving on http://{ADDRESS}:{layout.port}/")
        members.look_after([*hosts, balancer], until=lambda: False)
    finally:
        members.stop([balancer])
        members.stop(hosts)


def host_member(layout: Layout, host: str, url: str) -> Member:
    """Return an app host, as it runs on a machine of its own."""
    run_dir = layout.run_dir(host)
    ours = {
        "BIND_ADDRESS": host,
        "PORT": str(layout.port),
        "RUN_DIR": str(run_dir),
        "DATABASE_URL": url,
        "PROMETHEUS_MULTIPROC_DIR": "",  # a folder that is chosen for all would mix their counts
    }
    return Member(
        release.gunicorn(),
        os.environ | ours,
        run_dir / "gunicorn.log",
        (host, layout.port),
        signal.SIGTERM,
        sayer(host),
    )


def nginx_member(layout: Layout) -> Member:
    """Return the balancer, which ends after the requests that it has (SIGQUIT)."""
    return Member(
        nginx.command(layout.nginx, directives="daemon off;"),
        os.environ,
        layout.nginx / "logs" / "error.log",
        (ADDRESS, layout.port),
        signal.SIGQUIT,
        sayer(f"nginx {ADDRESS}"),
    )


def running(folder: Path) -> int:
    """Return the process that runs the cluster. Raises click.ClickException if none does."""
    process = find_holder(folder / CLUSTER_RUN_FILE)
    if process is None:
        raise click.ClickException("no cluster runs here: `flask cluster up` starts one")
    return process


def running_layout() -> Layout:
    """Return where the members of the running cluster are, or raise click.ClickException."""
    folder = cluster_folder(load_settings())
    running(folder)
    return recorded(folder)


def find_host(host: str) -> Path:
    """Return the folder of a host that the running cluster has, or raise click.ClickException."""
    layout = running_layout()
    if host not in layout.hosts:
        raise click.ClickException(f"no host {host}: there are {', '.join(layout.hosts)}")
    return layout.run_dir(host)


def state(layout: Layout, host: str) -> tuple[bool, str]:
    """Return whether a host can answer, and how it is in words."""
    code, body = ask((host, layout.port), "/ready")
    if not code:
        return False, "does not answer"
    process = find_holder(layout.run_dir(host) / FILE)
    answer = json.loads(body)
    if code == 200:
        return True, f"ready, load {answer['load']} (process {process})"
    return False, f"not ready: {answer['detail']} (process {process})"


def sayer(name: str) -> Callable[[str], None]:
    """Return what prints a line on one member."""
    return lambda text: say(name, text)


def say(name: str, text: str) -> None:
    """Print a line on one member."""
    click.echo(f"{name:<16}{text}")
