"""Standbys share the reads, and the primary has none of them."""

import os
import time

import pytest

from tests.fleet.rollout import Rollout

pytestmark = pytest.mark.slow

# what is promised is promised of five minutes
SECONDS = int(os.environ.get("SHARING_SECONDS", "60"))
RATE = 50


def test_standbys_share_the_reads(rollout: Rollout) -> None:
    databases = rollout.groups["standby"] + rollout.groups["primary"]
    # since the service was started connections have found their places
    before = [host.statements() for host in databases]
    with rollout.under_load(RATE):
        time.sleep(SECONDS)
    first, second, primary = (
        host.statements() - earlier for host, earlier in zip(databases, before, strict=True)
    )
    print(f"{first} and {second} statements in {SECONDS} s; the primary's: {primary}")
    assert first + second > SECONDS * RATE / 4
    assert 0.8 < first / second < 1.25, (first, second)
    assert primary < (first + second) / 20
