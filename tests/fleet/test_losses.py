"""Hosts crash, lose their power or their network, and no client notices."""

import json
import re
import time
from collections.abc import Callable

import pytest

from tests.fleet.hosts import Host
from tests.fleet.rollout import Rollout, wait_until

pytestmark = pytest.mark.slow

ENDS = pytest.mark.parametrize("end", [Host.crash, Host.pull_the_plug, Host.cut])
# seconds: how long a host is gone under load, and until one that is back has its share again
GONE = 8
BACK = 90
DATA = "/var/lib/postgresql/15/main"
CONFIGURED = "/etc/postgresql/15/main/conf.d/products.conf"
# data as the package makes them
INITDB = f"runuser -u postgres -- /usr/lib/postgresql/15/bin/initdb -D {DATA}"


def lose(rollout: Rollout, host: Host, end: Callable[[Host], None]) -> None:
    """Have a host end under load, and come back."""
    with rollout.under_load():
        time.sleep(2)
        end(host)
        time.sleep(GONE)
        host.mend()
        if end is not Host.cut:
            host.boot()
        host.wait()
        time.sleep(2)


@ENDS
def test_an_app_host_is_lost(rollout: Rollout, end: Callable[[Host], None]) -> None:
    host = rollout.groups["app"][1]
    lose(rollout, host, end)
    with rollout.under_load() as seen:
        time.sleep(4)
    assert rollout.upstreams(seen)[host.address] > 0, "it is asked no more"


@ENDS
def test_a_standby_is_lost(rollout: Rollout, end: Callable[[Host], None]) -> None:
    host = rollout.groups["standby"][0]
    lose(rollout, host, end)
    with rollout.under_load():
        wait_until(lambda: host.connections() > 0, BACK)


def test_a_load_is_published_under_readers(rollout: Rollout) -> None:
    with rollout.under_load() as seen:
        time.sleep(2)
        rollout.load()
        time.sleep(2)
    before, after = sorted(map(int, seen.loads))
    assert after == before + 1
    # the cache began anew with the load, and every standby had it by then
    assert [answer["tag"].partition("-")[0] for answer in seen.answers[-25:]] == [str(after)] * 25


def test_a_dry_run_of_a_load_loads_nothing(rollout: Rollout) -> None:
    with rollout.under_load() as seen:
        rollout.play("load", "--check", "-e", f"products_load_folder={rollout.catalogue}")
    assert len(seen.loads) == 1


def test_a_load_that_a_database_has_no_room_for_is_not_begun(rollout: Rollout) -> None:
    with rollout.under_load() as seen:
        folder = f"products_load_folder={rollout.catalogue}"
        refused = rollout.play("load", "-e", folder, "-e", "products_load_room=1e6", check=False)
    assert refused.status != 0
    told = re.search(
        r"disk of database\d has [\d,]+ MB free.* takes about ([\d,]+) MB", refused.output
    )
    assert told, refused.output[-3000:]
    size = sum(file.stat().st_size for file in rollout.catalogue.glob("*.csv"))
    assert told[1] == f"{size:,}"
    assert len(seen.loads) == 1


def test_a_load_goes_on_without_a_standby(rollout: Rollout) -> None:
    standby = rollout.groups["standby"][-1]
    with rollout.under_load() as seen:
        standby.cut()
        rollout.load()
        standby.mend()
        standby.wait()
        time.sleep(2)
    assert len(seen.loads) == 2
    (primary,) = rollout.groups["primary"]
    wait_until(lambda: followers(primary) == 2, BACK)


def test_the_primary_is_lost(rollout: Rollout) -> None:
    (lost,) = rollout.groups["primary"]
    with rollout.under_load():
        time.sleep(2)
        lost.pull_the_plug()
        time.sleep(GONE)
        # its instance with it, so that no inventory has a primary
        rollout.terminate(lost)
        refused = rollout.play("promote", check=False)
        assert refused.status != 0
        assert "may still run" in refused.output
        rollout.play("promote", "-e", "promote_primary_is_off=true")
    (primary,) = rollout.groups["primary"]
    assert primary.name != lost.name
    with rollout.under_load() as seen:
        rollout.load()
        time.sleep(2)
    assert len(seen.loads) == 2
    # and what was lost is replaced, as a standby
    exchange_roles(rollout, lost, primary)
    with rollout.under_load():
        rollout.play("provision")
        rollout.play("site")
    assert followers(primary) == 2


def test_one_that_has_no_catalogue_yet_is_not_promoted(rollout: Rollout) -> None:
    """As while site.yml adds it: it can be written to, which the standbys cannot."""
    (lost,) = rollout.groups["primary"]
    empty, standby = rollout.groups["standby"]
    empty.run(f"systemctl stop postgresql@15-main && rm -r {DATA} && {INITDB}")
    empty.run("systemctl start postgresql@15-main")
    with rollout.under_load():
        lost.pull_the_plug()
        time.sleep(GONE)
        rollout.terminate(lost)
        rollout.play("promote", "-e", "promote_primary_is_off=true")
    (primary,) = rollout.groups["primary"]
    assert primary.name == standby.name
    exchange_roles(rollout, lost, primary)
    rollout.play("provision")
    rollout.play("site")
    assert followers(primary) == 2


def test_a_dry_run_promotes_nobody(rollout: Rollout) -> None:
    with rollout.under_load():
        rollout.play("promote", "--check")
    (primary,) = rollout.groups["primary"]
    assert followers(primary) == 2


def test_nothing_is_stopped_where_no_standby_answers(rollout: Rollout) -> None:
    (primary,) = rollout.groups["primary"]
    for host in rollout.groups["standby"]:
        host.run("systemctl stop postgresql@15-main")
    refused = rollout.play("promote", check=False)
    for host in rollout.groups["standby"]:
        host.run("systemctl start postgresql@15-main")
    assert refused.status != 0
    assert "nobody to promote" in refused.output
    wait_until(lambda: followers(primary) == 2, BACK)


def test_a_primary_that_nobody_follows_is_not_stopped(rollout: Rollout) -> None:
    """Whoever took its place would lack what it has committed since, be it days of loads."""
    (primary,) = rollout.groups["primary"]
    standbys = rollout.groups["standby"]
    for host in standbys:
        host.sql("ALTER SYSTEM SET primary_conninfo = 'host=192.0.2.1 connect_timeout=2'")
        host.sql("SELECT pg_reload_conf()")
    wait_until(lambda: followers(primary) == 0, BACK)
    try:
        with rollout.under_load():
            refused = rollout.play("promote", check=False)
    finally:
        for host in standbys:
            host.sql("ALTER SYSTEM RESET primary_conninfo")
            host.sql("SELECT pg_reload_conf()")
    assert refused.status != 0
    assert "answers, and no standby follows it" in " ".join(refused.output.split())
    wait_until(lambda: followers(primary) == 2, BACK)


def test_a_primary_that_is_left_out_is_not_taken_for_stopped(rollout: Rollout) -> None:
    (primary,) = rollout.groups["primary"]
    refused = rollout.play("promote", "--limit", f"all:!{primary.name}", check=False)
    assert refused.status != 0
    assert "may still run" in refused.output
    assert followers(primary) == 2


def test_one_that_was_promoted_is_not_stopped_for_an_older_inventory(rollout: Rollout) -> None:
    (lost,) = rollout.groups["primary"]
    known = instances(rollout)
    with rollout.under_load():
        rollout.play("promote")
    (primary,) = rollout.groups["primary"]
    assert primary.name != lost.name
    tag(rollout, {known[lost.name]: "primary", known[primary.name]: "standby"})
    with rollout.under_load():
        refused = rollout.play("site", check=False)
    assert refused.status != 0
    assert f"{primary.name} is in the group standby, and is a primary" in refused.output
    assert lost.run("systemctl is-active postgresql@15-main", check=False).stdout == "inactive\n"

    # nor when the old one runs again, and is a primary too
    lost.run("systemctl start postgresql@15-main")
    with rollout.under_load():
        refused = rollout.play("site", check=False)
    assert refused.status != 0
    assert f"{primary.name} is in the group standby, and is a primary" in refused.output
    # which is stopped by promoting once more
    with rollout.under_load():
        rollout.play("promote")
    assert lost.run("systemctl is-active postgresql@15-main", check=False).stdout == "inactive\n"

    tag(rollout, {known[lost.name]: "standby", known[primary.name]: "primary"})
    exchange_roles(rollout, lost, primary)
    # which has to let the other one in
    rollout.play("site", "--limit", primary.name)
    with rollout.under_load():
        rollout.play("site", "-e", "replica_reseed=true", "--limit", lost.name)
        rollout.load()
    assert followers(primary) == 2


def test_a_primary_that_was_stopped_waits_until_all_standbys_are_asked(rollout: Rollout) -> None:
    (primary,) = rollout.groups["primary"]
    primary.run("systemctl stop postgresql@15-main")
    refused = rollout.play("site", "--limit", primary.name, check=False)
    primary.run("systemctl start postgresql@15-main")
    assert refused.status != 0
    assert f"{primary.name} does not run, and database" in refused.output
    wait_until(lambda: followers(primary) == 2, BACK)


def test_a_primary_that_has_lost_its_data_does_not_take_the_standbys(rollout: Rollout) -> None:
    """As after its instance was lost: the image of the next one has what the package made."""
    (primary,) = rollout.groups["primary"]
    with rollout.under_load():
        primary.run(f"systemctl stop postgresql@15-main && mv {DATA} {DATA}.away && {INITDB}")
        primary.run(f"mv {CONFIGURED} {CONFIGURED}.away")
        refused = rollout.play("site", check=False)
        alone = rollout.play("site", "--limit", primary.name, check=False)
        primary.run(f"rm -r {DATA} && mv {DATA}.away {DATA}")
        primary.run(f"mv {CONFIGURED}.away {CONFIGURED} && systemctl start postgresql@15-main")
    assert refused.status != 0
    assert f"{primary.name} is to be the primary, and has no catalogue" in refused.output
    assert alone.status != 0
    assert f"{primary.name} has no catalogue, and database" in alone.output
    wait_until(lambda: followers(primary) == 2, BACK)


def test_a_standby_that_does_not_start_is_made_anew(rollout: Rollout) -> None:
    (primary,) = rollout.groups["primary"]
    broken = rollout.groups["standby"][0]
    with rollout.under_load():
        broken.run("systemctl stop postgresql@15-main && rm -r /var/lib/postgresql/15/main/global")
        rollout.play("site", "-e", "replica_reseed=true", "--limit", broken.name)
    assert followers(primary) == 2


def instances(rollout: Rollout) -> dict[str, str]:
    """Return the instances' ids, by the hosts' names."""
    listed = json.loads(rollout.run("ansible-inventory", *rollout.where, "--list").stdout)
    hosts = listed["_meta"]["hostvars"].items()
    return {name: known["aws_instance_id"]["__ansible_unsafe"] for name, known in hosts}


def tag(rollout: Rollout, roles: dict[str, str]) -> None:
    """Have EC2 say what instances are for, by their ids."""
    for instance, role in roles.items():
        what = {"region": "eu-central-1", "resource": instance, "tags": {"ProductsRole": role}}
        rollout.run("ansible", "localhost", "-m", "amazon.aws.ec2_tag", "-a", json.dumps(what))
    rollout.forget()


def test_a_lost_primary_that_is_back_is_made_a_standby(rollout: Rollout) -> None:
    (lost,) = rollout.groups["primary"]
    lost.pull_the_plug()
    rollout.play("promote", "-e", "promote_primary_is_off=true")
    (primary,) = rollout.groups["primary"]
    lost.mend()
    lost.boot()
    lost.wait()

    refused = rollout.play("provision", check=False)
    assert refused.status != 0
    assert "exchange the roles" in refused.output
    exchange_roles(rollout, lost, primary)
    rollout.play("provision")

    # it has a catalogue, which somebody may want, and must not be read or written
    refused = rollout.play("site", check=False)
    assert refused.status != 0
    assert f"{lost.name} is in the group standby, is none" in refused.output
    assert lost.run("systemctl is-active postgresql@15-main", check=False).stdout == "inactive\n"

    with rollout.under_load():
        rollout.play("site", "-e", "replica_reseed=true", "--limit", lost.name)
        rollout.load()
    assert followers(primary) == 2
    load = "SELECT number FROM catalogue.published_load"
    wait_until(lambda: lost.sql(load) == primary.sql(load), BACK)


def exchange_roles(rollout: Rollout, lost: Host, primary: Host) -> None:
    """Write down what promote.yml has made of the two."""
    rollout.describe(rollout.machines | {primary.name: "primary", lost.name: "standby"})


def followers(primary: Host) -> int:
    """Return how many standbys get what a primary writes."""
    return int(primary.sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))
