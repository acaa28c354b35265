"""From nothing to a served catalogue, and again: what is as it should be stays as it is."""

import time

import pytest

from tests.fleet.rollout import MACHINES, Rollout

pytestmark = pytest.mark.slow


def test_every_machine_of_the_list_is_a_host(rollout: Rollout) -> None:
    assert {host.name for group in rollout.groups.values() for host in group} == {*MACHINES}
    assert len({host.address for group in rollout.groups.values() for host in group}) == 8


@pytest.mark.parametrize("playbook", ["provision", "site"])
def test_a_second_run_changes_nothing(rollout: Rollout, playbook: str) -> None:
    changed = rollout.play(playbook).changed
    assert changed.keys() >= MACHINES.keys()
    assert not any(changed.values()), changed


def test_a_dry_run_finds_nothing_to_change(rollout: Rollout) -> None:
    run = rollout.play("site", "--check", "--diff")
    assert not any(run.changed.values()), run.changed
    assert "\n+++ " not in run.output


def test_the_catalogue_is_served_to_the_world_by_https(rollout: Rollout) -> None:
    with rollout.under_load() as seen:
        time.sleep(5)
    assert len(seen.answers) > 50
    assert {answer["cache"] for answer in seen.answers} >= {"HIT", "MISS"}
    assert len(seen.loads) == 1


def test_the_balancers_cache_is_in_memory(rollout: Rollout) -> None:
    """A worker that waits for a disk serves nobody meanwhile (docs/decisions/cache.md)."""
    (balancer,) = rollout.groups["balancer"]
    mounts = balancer.run("cat /proc/$(systemctl show --value --property MainPID nginx)/mounts")
    cache = next(line.split() for line in mounts.stdout.splitlines() if "-balancer/cache" in line)
    assert cache[2] == "tmpfs"
    assert "size=1048576k" in cache[3].split(",")
    with rollout.under_load() as seen:
        time.sleep(2)
    assert "HIT" in {answer["cache"] for answer in seen.answers}
