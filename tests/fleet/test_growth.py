"""A host more is one more line; a host that is gone is made anew by the same runs."""

import time

import pytest

from tests.fleet.rollout import Rollout

pytestmark = pytest.mark.slow


def test_hosts_are_added_and_replaced_under_load(rollout: Rollout) -> None:
    replaced = rollout.groups["app"][0]
    rollout.play("deploy", "-e", f"products_release={rollout.release('grown')}")
    with rollout.under_load():
        rollout.terminate(replaced)
        rollout.describe(rollout.machines | {"app5": "app"})
        told = rollout.play("status", check=False)
        rollout.play("provision")
        rollout.play("site")
    for name in (replaced.name, "app5"):
        assert f"{name} has no instance that runs" in " ".join(told.output.split())
    apps = {host.name: host for host in rollout.groups["app"]}
    assert len(apps) == 5
    # what came before is known to those that are new, so that they can go back with the others
    (history,) = {host.run("cat /opt/products/history").stdout for host in apps.values()}
    for release in history.split()[-2:]:
        for host in apps.values():
            host.run(f"test -e /opt/products/releases/{release}/complete")
    with rollout.under_load() as seen:
        time.sleep(8)
    got = rollout.upstreams(seen)
    print({name: got[host.address] for name, host in apps.items()})
    for name in ("app5", replaced.name):
        assert got[apps[name].address] > 0.7 * sum(got.values()) / 5, got
