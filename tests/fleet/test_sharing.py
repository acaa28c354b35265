"""Standbys share the reads, and the primary has none of them."""

import os
import time

import pytest

from tests.fleet.hosts import Host
from tests.fleet.rollout import Rollout, wait_until

pytestmark = pytest.mark.slow

# what is promised is promised of five minutes
SECONDS = int(os.environ.get("SHARING_SECONDS", "60"))
RATE = 50
# One that was the primary has its share ten minutes later (docs/decisions/standbys.md), and tests
# before this one have made others the primary.
HAS_ITS_SHARE = 720


def test_standbys_share_the_reads(rollout: Rollout) -> None:
    standbys = rollout.groups["standby"]
    databases = standbys + rollout.groups["primary"]
    with rollout.under_load(RATE):
        wait_until(lambda: have_as_many_connections(standbys), HAS_ITS_SHARE)
        before = [host.statements() for host in databases]
        time.sleep(SECONDS)
        first, second, primary = (
            host.statements() - earlier for host, earlier in zip(databases, before, strict=True)
        )
    print(f"{first} and {second} statements in {SECONDS} s; the primary's: {primary}")
    assert first + second > SECONDS * RATE / 4
    assert 0.8 < first / second < 1.25, (first, second)
    assert primary < (first + second) / 20


def have_as_many_connections(standbys: list[Host]) -> bool:
    """Whether each has its share of the service's connections, as even as their reads shall be."""
    counts = [host.connections() for host in standbys]
    return min(counts) > 0.8 * max(counts)
