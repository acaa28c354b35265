"""What playbooks look at before they change anything, as far as it is a program of its own."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from ansible.parsing.splitter import parse_kv

from products_service.config import Origins

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "ansible" / "roles"
HERE = "198.51.100.7 40000 10.0.0.2"


def look(role: str, tasks: str, name: str) -> str:
    """Return the program that a task of a role runs."""
    for task in yaml.safe_load((ROLES / role / "tasks" / tasks).read_text()):
        if name in task.get("vars", {}):
            return task["vars"][name]
    raise AssertionError(f"{role} has no {name}")


def run(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("connection", "account", "refused"),
    [
        (f"{HERE} 22", 1000, ""),
        (None, 0, ""),  # on the host itself
        ("203.0.113.9 40000 10.0.0.2 22", 1000, "which none of fleet_admin_networks has"),
        (f"{HERE} 2222", 1000, "comes by port 2222 of ssh"),
        (f"{HERE} 22", 0, "logs in as root"),
    ],
)
def test_nobody_is_shut_out(connection: str | None, account: int, refused: str) -> None:
    program = look("common", "main.yml", "common_look")
    environment = {"SSH_CONNECTION": connection} if connection else {}
    acting = f"import os; os.getuid = lambda: {account}\n"
    found = run(acting + program, "198.51.100.0/24", **environment)
    assert found.returncode == bool(refused)
    assert refused in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("networks", "refused"),
    [
        ({"nginx_unlimited": ["10.20.0.0/24", "2001:db8::/32", "192.0.2.1", "10.0.0.1/8"]}, ""),
        ({"nginx_unlimited": ["0.0.0.0/0"]}, ""),
        ({"nginx_trusted_proxies": ["0.0.0.0/0"]}, "0.0.0.0/0 is everybody"),
        ({"nginx_trusted_proxies": ["::/0"]}, "::/0 is everybody"),
        ({"nginx_trusted_proxies": ["10.20.0"]}, "'10.20.0' does not appear to be"),
        ({"nginx_trusted_proxies": ["proxy.example"]}, "'proxy.example' does not appear to be"),
        ({"fleet_admin_networks": ["10.20.0.0/33"]}, "fleet_admin_networks: '10.20.0.0/33' does"),
        ({"fleet_admin_networks": ["2001:db8::/32"]}, "2001:db8::/32 is of IPv6"),
        ({"fleet_monitoring_networks": "10.0.0.0/8"}, "has to be a list: [10.0.0.0/8]"),
    ],
)
def test_networks_are_networks(networks: dict[str, Any], refused: str) -> None:
    found = run(look("fleet", "check.yml", "fleet_look"), json.dumps(networks))
    assert found.returncode == bool(refused)
    assert refused in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize("page", ["docs/deploy.md", "ansible/load.yml"])
def test_a_load_gets_its_options_whole_as_they_are_documented(page: str) -> None:
    """The shell takes one kind of quotes away, and Ansible the other."""
    (written,) = re.findall(r"-e (\S*products_load_options=[^`\n]*)", (ROOT / page).read_text())
    (given,) = shlex.split(written)
    variables = parse_kv(given)
    assert list(variables) == ["products_load_options"]
    assert variables["products_load_options"].startswith("--mode upsert")


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """The script that makes a backup, in whose folder there is one already, and its programs."""
    template = jinja2.Template((ROLES / "postgresql/templates/products-backup.j2").read_text())
    folder = tmp_path / "backups"
    (folder / "2026-01-01T000000Z").mkdir(parents=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "du").write_text("#!/bin/sh\necho 20 of the last one\n")
    (programs / "df").write_text("#!/bin/sh\nprintf 'avail\\n%s\\n' $FREE\n")
    (programs / "psql").write_text("#!/bin/sh\necho $FOLLOWS\n")
    (programs / "pg_basebackup").write_text(f"#!/bin/sh\ntouch {tmp_path}/made\nexit 1\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(
        template.render(
            postgresql_backup_folder=folder, fleet_postgresql_socket="/", postgresql_backups_kept=7
        )
    )
    return script


def make_backup(backup: Path, free: str = "30", follows: str = "t") -> str:
    """Run the script, which cannot end well here, and return what it says."""
    path = f"{backup.with_name('programs')}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", backup],
        env={"PATH": path, "FREE": free, "FOLLOWS": follows},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(("free", "is_begun"), [("29", False), ("30", True)])
def test_a_backup_is_not_begun_that_would_fill_the_disk(
    backup: Path, free: str, is_begun: bool
) -> None:
    said = make_backup(backup, free=free)
    assert backup.with_name("made").exists() == is_begun
    assert ("no backup: 30 MB free are wanted" in said) != is_begun


def test_no_backup_of_a_standby_that_follows_nobody(backup: Path) -> None:
    said = make_backup(backup, follows="f")
    assert "this standby follows no primary" in said
    assert not backup.with_name("made").exists()


def test_the_fleet_takes_the_origins_that_the_service_takes() -> None:
    assert look("fleet", "check.yml", "fleet_origin") == Origins._origin.pattern


def test_a_release_of_a_folder_has_an_id_of_its_own(tmp_path: Path) -> None:
    """Hosts that have the ID would keep what they have."""
    script = tmp_path / "ansible" / "release.sh"
    script.parent.mkdir()
    script.write_bytes((ROOT / "ansible" / "release.sh").read_bytes())
    made = tmp_path / "dist" / "products-trial.tar.gz"
    made.parent.mkdir()
    made.write_bytes(b"made before")
    done = subprocess.run(
        ["sh", script, "--tree", tmp_path, "trial"], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        1,
        "release: dist/products-trial.tar.gz is there: choose another ID\n",
    )
    assert made.read_bytes() == b"made before"
