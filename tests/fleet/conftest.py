"""One fleet for all of these tests, made once as an operator makes it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import hosts
from tests.fleet.cloud import cloud
from tests.fleet.rollout import Rollout


@pytest.fixture(scope="session")
def rollout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    """A fleet that serves its first release and its first load.

    Each module leaves it whole: with newer loads and a longer history, maybe with another primary
    and an app host more. FLEET_STAYS names the folder of one that is there already (`python -m
    tests.fleet stay FOLDER`), to work on a test.
    """
    if os.geteuid() != 0:
        pytest.skip("hosts of a fleet take root")
    lacks = hosts.missing()
    assert not lacks, f"this machine lacks {', '.join(lacks)}: see tests/install-tools.sh"
    if folder := os.environ.get("FLEET_STAYS"):
        yield Rollout(Path(folder).resolve())
        return
    folder = tmp_path_factory.mktemp("rollout")
    with cloud(folder):
        made = Rollout(folder)
        made.prepare()
        made.bring_up()
        yield made
