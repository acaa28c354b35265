"""Two balancers: each has all app hosts, both are told what one is, and one alone can go on."""

from collections.abc import Iterator

import pytest

from tests.fleet.hosts import Host
from tests.fleet.rollout import Rollout

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def second(rollout: Rollout) -> Iterator[Host]:
    """A balancer more, for as long as these tests take."""
    before = rollout.machines
    with rollout.under_load():
        rollout.describe(before | {"balancer2": "balancer"})
        rollout.play("provision")
        rollout.play("site")
    _, added = rollout.groups["balancer"]
    yield added
    rollout.terminate(added)
    rollout.describe(before)
    with rollout.under_load():
        rollout.play("site")


def test_a_deploy_and_the_way_back_lose_no_request_of_either(
    rollout: Rollout, second: Host
) -> None:
    name = rollout.release("both")
    with rollout.under_load(), rollout.under_load(at=second):
        rollout.play("deploy", "-e", f"products_release={name}")
    with rollout.under_load(), rollout.under_load(at=second) as seen:
        rollout.play("rollback")
    assert {answer["cache"] for answer in seen.answers} >= {"HIT", "MISS"}


def test_both_show_a_load_at_once(rollout: Rollout, second: Host) -> None:
    with rollout.under_load(), rollout.under_load(at=second) as before:
        rollout.load()
    newest = max(before.loads, key=int)
    for balancer in rollout.groups["balancer"]:
        with rollout.under_load(at=balancer) as seen:
            rollout.play("status", check=False)
        assert [*seen.loads] == [newest], balancer.name


def test_no_app_host_leaves_while_a_balancer_cannot_be_reached(
    rollout: Rollout, second: Host
) -> None:
    """It would go on sending requests to hosts that are stopped."""
    name = rollout.release("alone")
    second.cut()
    try:
        with rollout.under_load():
            refused = rollout.play("deploy", "-e", f"products_release={name}", check=False)
            upgraded = rollout.play("upgrade-os", check=False)
    finally:
        second.mend()
        second.wait()
    for run in (refused, upgraded):
        assert run.status != 0
        assert f"{second.name}, a balancer, cannot be reached" in " ".join(run.output.split())
    with rollout.under_load(), rollout.under_load(at=second):
        rollout.play("deploy", "-e", f"products_release={name}")
