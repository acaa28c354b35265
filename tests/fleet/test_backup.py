"""The nightly backup, in the place of databases that are lost."""

import shutil
from pathlib import Path

import pytest

from tests.fleet.hosts import Host
from tests.fleet.rollout import Rollout

pytestmark = pytest.mark.slow

FOLLOWERS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
TIMELINE = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"
SETTINGS = "SELECT count(*) FROM pg_file_settings WHERE name ~ '^(restore_command|recovery_)'"


@pytest.fixture
def backup(rollout: Rollout, tmp_path: Path) -> Path:
    """A backup of today's, on this machine."""
    standby = rollout.groups["standby"][0]
    standby.run("systemctl start products-backup")
    backups = standby.disk / "var" / "backups" / "products"
    name = max(path.name for path in backups.iterdir())
    return shutil.copytree(backups / name, tmp_path / name)


def test_a_standby_that_cannot_copy_what_is_restored_keeps_nothing(
    rollout: Rollout, backup: Path
) -> None:
    (primary,) = rollout.groups["primary"]
    without, _ = rollout.groups["standby"]
    without.run("rm /var/lib/postgresql/products-replication.pgpass")
    timeline = primary.sql(TIMELINE)
    failed = rollout.play("restore", "-e", f"restore_folder={backup}", check=False)
    assert failed.status != 0
    said = " ".join(failed.output.split())
    assert f"{without.name} could not copy what was restored" in said
    assert without.run("ls /var/lib/postgresql/15").stdout == ""
    assert primary.sql(FOLLOWERS) == "1"
    assert f"{without.name} did not come to follow" in said
    # one that went on with what was replaced could not follow, nor be taken for a later one
    assert primary.sql(TIMELINE) > timeline
    assert primary.sql(SETTINGS) == "0"
    rollout.play("site", "-e", "replica_reseed=true", "--limit", without.name)
    assert primary.sql(FOLLOWERS) == "2"


def test_a_backup_on_fresh_hosts_serves_the_same_digest(rollout: Rollout, backup: Path) -> None:
    before = tags(rollout)
    assert len(before) == 1

    for host in rollout.groups["primary"] + rollout.groups["standby"]:
        rollout.terminate(host)
    rollout.play("provision")
    rollout.play("site")
    rollout.play("restore", "-e", f"restore_folder={backup}")
    assert tags(rollout) == before
    with rollout.under_load() as seen:
        rollout.load()
    assert len(seen.loads) == 2


def tags(rollout: Rollout) -> set[str]:
    """Return the tags that the app hosts give an answer: number and digest of the load tell."""
    return {tag(host) for host in rollout.groups["app"]}


def tag(host: Host) -> str:
    """Return the tag of an answer of an app host itself, which no cache has seen."""
    url = f"http://{host.address}:8000/products/1/styles"
    ask = f"from urllib.request import urlopen; print(urlopen('{url}').headers['ETag'])"
    return host.run(f'python3 -c "{ask}"').stdout.strip()
