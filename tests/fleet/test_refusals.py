"""What would do harm is refused before anything is changed, whichever hosts a run is limited to."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.fleet.rollout import PROGRAMS, ROOT, Rollout, endless_load

pytestmark = pytest.mark.slow


def refuse(rollout: Rollout, playbook: str, *arguments: str, because: str) -> None:
    with rollout.under_load() as seen:
        refused = rollout.play(playbook, *arguments, check=False)
    assert refused.status != 0
    assert because in " ".join(refused.output.split())
    assert not any(refused.changed.values()), refused.changed
    assert len(seen.loads) == 1


def test_a_primary_that_runs_is_not_off(rollout: Rollout) -> None:
    """As when the same line is entered once more, after it has done what it was to do."""
    (primary,) = rollout.groups["primary"]
    told = ("-e", "promote_primary_is_off=true")
    refuse(rollout, "promote", *told, because=f"{primary.name} is a primary and answers")
    assert rollout.groups["primary"] == [primary]
    assert primary.sql("SELECT count(*) FROM pg_stat_replication") == "2"


def test_no_host_is_upgraded_during_a_load(rollout: Rollout) -> None:
    loader = rollout.groups["app"][0]
    (primary,) = rollout.groups["primary"]
    with endless_load(loader):
        limit = ("--limit", primary.name)
        refuse(rollout, "upgrade-os", *limit, because=f"A load runs on {loader.name}")


def test_a_load_takes_the_loader(rollout: Rollout) -> None:
    loader, *others = (host.name for host in rollout.groups["app"])
    told = ("-e", f"products_load_folder={rollout.catalogue}", "--limit", f"balancer:{others[0]}")
    refuse(rollout, "load", *told, because=f"{loader}, on which loads run, is not among the hosts")


def test_a_restore_takes_every_standby(rollout: Rollout, tmp_path: Path) -> None:
    for name in ("base.tar.gz", "pg_wal.tar.gz", "backup_manifest"):
        (tmp_path / name).touch()
    left_out = rollout.groups["standby"][-1].name
    told = ("-e", f"restore_folder={tmp_path}", "--limit", f"all:!{left_out}")
    refuse(rollout, "restore", *told, because=f"{left_out} would go on with what is to be replaced")


def test_a_restore_for_which_there_is_no_room(rollout: Rollout, tmp_path: Path) -> None:
    for name in ("base.tar.gz", "pg_wal.tar.gz"):
        (tmp_path / name).touch()
    manifest = {
        "Files": [{"Path": "PG_VERSION", "Size": 3}, {"Path": "base/1/1", "Size": 10**15}],
        # 4 GiB and a little
        "WAL-Ranges": [{"Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "1/2000100"}],
    }
    (tmp_path / "backup_manifest").write_text(json.dumps(manifest))
    told = ("-e", f"restore_folder={tmp_path}")
    refuse(rollout, "restore", *told, because="the backup takes about 1,500,006,442 MB")


def test_a_fleet_that_the_inventory_would_not_find(rollout: Rollout) -> None:
    told = ("-e", "ec2_fleet=staging")
    refuse(rollout, "provision", *told, because="ec2_fleet is staging, in eu-central-1")


def test_a_host_that_runs_is_not_made_another(rollout: Rollout) -> None:
    """Which EC2 would stop it for."""
    (primary,) = rollout.groups["primary"]
    told = {
        name: {"role": role, "type": "c7i.large", "disk": 20}
        for name, role in rollout.machines.items()
    }
    told[primary.name]["type"] = "r7i.large"
    because = f"{primary.name} is a c7i.large, and ec2_hosts says r7i.large"
    refuse(rollout, "provision", "-e", json.dumps({"ec2_hosts": told}), because=because)


def test_a_firewall_lets_in_who_raises_it(rollout: Rollout) -> None:
    told = ("-e", '{"fleet_admin_networks": ["192.0.2.0/24", "198.51.100.7"]}')
    refuse(rollout, "site", *told, because="which none of fleet_admin_networks has (192.0.2.0/24,")


@pytest.mark.parametrize(
    ("told", "because"),
    [
        ({"nginx_unlimited": ["10.20.0.0/33"]}, "does not appear to be an IPv4 or IPv6 network"),
        ({"nginx_unlimited": "10.20.0.0/24"}, "has to be a list: [10.20.0.0/24]"),
        ({"nginx_trusted_proxies": ["0.0.0.0/0"]}, "0.0.0.0/0 is everybody"),
        ({"fleet_address": "10.20.0.1"}, "Two hosts have the same fleet_address"),
        ({"postgresql_backup_host": "nobody"}, "postgresql_backup_host is nobody"),
        ({"postgresql_wal_keep": "8G"}, "invalid value for parameter"),
        ({"products_settings": {"CACHE_MAX_AGE": "1m"}}, "CACHE_MAX_AGE"),
        ({"products_settings": {"CACHE_MAXAGE": 60}}, "is CACHE_MAX_AGE meant?"),
        ({"products_settings": {"DB_POOL_SIZE": 500}}, "products_settings has DB_POOL_SIZE"),
        ({"fleet_cors_origins": "https://shop.example/"}, "It has https://shop.example/."),
    ],
)
def test_wrong_variables(rollout: Rollout, told: dict[str, object], because: str) -> None:
    refuse(rollout, "site", "-e", json.dumps(told), because=because)


def test_secrets_need_a_password_of_the_vault(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if "VAULT" not in name}
    made = subprocess.run(
        [PROGRAMS / "ansible-playbook", "secrets.yml", "-e", f"secrets_file={tmp_path}/made.yml"],
        cwd=ROOT / "ansible",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert "ANSIBLE_VAULT_PASSWORD_FILE=" in made.stdout
    assert not [*tmp_path.iterdir()]
