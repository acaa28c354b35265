"""What serves is exchanged host by host, and no client notices."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fleet.hosts import Host
from tests.fleet.rollout import Rollout, endless_load, wait_until

pytestmark = pytest.mark.slow

INDEX = "styles_by_product"
LISTED = "/etc/products-balancer/nginx/hosts.conf"


@pytest.fixture(scope="module")
def second(rollout: Rollout) -> str:
    """A release that is deployed after the first one, under load. It brings an index."""
    name = rollout.release("two")
    (primary,) = rollout.groups["primary"]
    primary.sql(f"DROP INDEX catalogue.{INDEX}")
    with rollout.under_load():
        rollout.play("deploy", "-e", f"products_release={name}")
    return name


def serving(rollout: Rollout) -> set[str]:
    """Return the releases that the app hosts' processes run."""
    ask = "readlink /proc/$(systemctl show --property=MainPID --value products)/cwd"
    return {Path(host.run(ask).stdout.strip()).name for host in rollout.groups["app"]}


def test_a_deploy_loses_no_request(rollout: Rollout, second: str) -> None:
    assert serving(rollout) == {second}


def test_a_deploy_builds_the_indexes_that_are_missing(rollout: Rollout, second: str) -> None:
    (primary,) = rollout.groups["primary"]
    served = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'catalogue' AND indexname = "
    assert primary.sql(f"{served}'{INDEX}'") == "1"


def test_a_deploy_does_not_begin_during_a_load(rollout: Rollout, second: str) -> None:
    loader = rollout.groups["app"][0]
    with endless_load(loader):
        refused = rollout.play("deploy", "-e", "products_release=one", check=False)
    assert refused.status != 0
    assert f"A load runs on {loader.name}" in refused.output
    assert serving(rollout) == {second}


def test_a_dry_run_of_a_deploy(rollout: Rollout, second: str) -> None:
    name = rollout.release("dry")
    with rollout.under_load():
        rollout.play("deploy", "--check", "-e", f"products_release={name}")
    assert serving(rollout) == {second}


def test_a_deploy_that_fails_ends_at_the_first_host(rollout: Rollout, second: str) -> None:
    broken = rollout.release("broken", break_it)
    with rollout.under_load():
        run = rollout.play(
            "deploy",
            *("-e", f"products_release={broken}", "-e", "products_ready_tries=5"),
            check=False,
        )
    assert run.status != 0
    first, *others = rollout.groups["app"]
    assert current(first) == broken
    assert {current(host) for host in others} == {second}
    assert out(rollout) == [first.name]
    said = rollout.play("status", check=False)
    assert said.status != 0
    assert f"{first.name} is not in rotation" in said.output
    assert f"it serves {broken}, the fleet {second}" in said.output
    with rollout.under_load():
        rollout.play("rollback")
    assert serving(rollout) == {second}


def test_the_way_back_loses_no_request(rollout: Rollout, second: str) -> None:
    """Even where one host alone is in rotation, as a deploy that ended half way may leave it."""
    (balancer,) = rollout.groups["balancer"]
    first, *others = (host.name for host in rollout.groups["app"])
    for name in others:
        balancer.run(f"sed -i 's/; # {name}$/ down&/' {LISTED}")
    balancer.run("systemctl reload nginx")
    refused = rollout.play("upgrade-os", check=False)
    assert refused.status != 0
    assert (
        f"Without {first} this would leave {balancer.name} without any app host" in refused.output
    )
    with rollout.under_load():
        rollout.play("rollback")
    assert serving(rollout) == {"one"}
    assert out(rollout) == []
    # a second time would be further back, and not to what was left just now
    again = rollout.play("rollback", check=False)
    assert again.status != 0
    assert "No release served here before one" in again.output
    assert serving(rollout) == {"one"}


def test_a_host_that_cannot_go_back_stays_out_alone(rollout: Rollout) -> None:
    """What left with it comes back, the next run has the others go on, and it can follow later."""
    third = rollout.release("three")
    rollout.play("deploy", "-e", f"products_release={third}")
    first, away, beside, last = rollout.groups["app"]
    override = "/etc/systemd/system/products.service.d"
    away.run(f"mkdir {override} && printf '[Service]\\nExecStartPre=false\\n' > {override}/no.conf")
    with rollout.under_load():
        ended = rollout.play("rollback", check=False)
    assert ended.status != 0
    assert f"{away.name} could not go on (Start it, now and at each start" in ended.output
    assert f"{beside.name} serves. The run ends here because of {away.name}." in ended.output
    assert out(rollout) == [away.name]
    assert {current(host) for host in (first, away, beside)} == {"one"}
    assert current(last) == third
    with rollout.under_load():
        again = rollout.play("rollback", check=False)
    assert again.status != 0
    # It does not take its own traces for a deploy's.
    assert "back from three to one" in again.output
    assert f"{away.name} does not serve" in again.output
    assert out(rollout) == [away.name]
    assert current(last) == "one"
    away.run(f"rm -r {override} && systemctl daemon-reload")
    with rollout.under_load():
        rollout.play("rollback")
    assert out(rollout) == []
    assert serving(rollout) == {"one"}


def test_a_host_that_is_lost_meanwhile_stays_out_alone(rollout: Rollout) -> None:
    """Which nothing rescues, unlike a task that fails there."""
    fourth = rollout.release("four")
    first, away, beside, last = rollout.groups["app"]
    with rollout.under_load(), ThreadPoolExecutor(1) as threads:
        cutting = threads.submit(cut_once_out, rollout, away)
        ended = rollout.play("deploy", "-e", f"products_release={fourth}", check=False)
        cutting.result()
    assert ended.status != 0
    assert f"{beside.name} serves. The run ends here because of {away.name}." in ended.output
    assert out(rollout) == [away.name]
    assert {current(host) for host in (first, beside)} == {fourth}
    assert current(last) == "one"
    away.mend()
    away.wait()
    with rollout.under_load():
        rollout.play("deploy", "-e", f"products_release={fourth}")
    assert out(rollout) == []
    assert serving(rollout) == {fourth}


def test_an_upgrade_of_the_operating_system_loses_no_request(rollout: Rollout) -> None:
    """Nor leaves a database stopped, as a newer package of PostgreSQL does on its own."""
    standby = rollout.groups["standby"][0]
    standby.run(f"echo '{STOPPING}' > /etc/apt/apt.conf.d/99stopping")
    before = standby.run(SINCE).stdout
    with rollout.under_load():
        rollout.play("upgrade-os")
    standby.run("rm /etc/apt/apt.conf.d/99stopping; systemctl is-active postgresql@15-main")
    assert standby.run(SINCE).stdout != before


def test_what_an_upgrade_that_was_interrupted_left_stopped_is_started(rollout: Rollout) -> None:
    standby = rollout.groups["standby"][0]
    standby.run("systemctl stop postgresql@15-main")
    with rollout.under_load():
        rollout.play("upgrade-os", "--limit", standby.name)
    standby.run("systemctl is-active postgresql@15-main")


STOPPING = 'APT::Update::Pre-Invoke {"systemctl stop postgresql@15-main";};'
SINCE = "systemctl show --property=ActiveEnterTimestamp postgresql@15-main"


def current(host: Host) -> str:
    """Return the release that a host's service is started from."""
    return host.run("basename $(readlink /opt/products/current)").stdout.strip()


def out(rollout: Rollout) -> list[str]:
    """Return the app hosts that the balancer asks nothing."""
    (balancer,) = rollout.groups["balancer"]
    listed = balancer.run(f"cat {LISTED}").stdout.splitlines()
    return [line.split()[-1] for line in listed if " down;" in line]


def cut_once_out(rollout: Rollout, host: Host) -> None:
    """Cut a host's cable as soon as the balancer asks it nothing."""
    wait_until(lambda: host.name in out(rollout), 300)
    host.cut()


def break_it(tree: Path) -> None:
    """Have it start and answer, but not from the database."""
    statement = tree / "products_service" / "sql" / "check_ready.sql"
    statement.write_text(statement.read_text("utf-8") + "\nWHERE false", "utf-8")
