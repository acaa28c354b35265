"""A balancer that cannot be reached, as Ansible sees it: no app host leaves the other balancers.

Left to itself Ansible takes the app host for what is unreachable, and goes on with the next ones.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fleet.rollout import PROGRAMS, ROOT

pytestmark = pytest.mark.slow

HERE = {"ansible_connection": "local", "nginx_folder": "/nowhere"}
APPS = {f"app{number}": HERE for number in range(1, 5)}
# which refuses at once
LOST = {"ansible_host": "127.0.0.1", "ansible_port": 1}
INVENTORY = {
    "app": {"hosts": APPS},
    "balancer": {
        "hosts": {"balancer1": HERE, "balancer2": HERE | LOST | {"ansible_connection": "ssh"}}
    },
}


def run(folder: Path, task: str, variable: str) -> subprocess.CompletedProcess[str]:
    """Run a task of the role for each balancer, on one app host and then on halves."""
    role = {
        "ansible.builtin.include_role": {
            "name": str(ROOT / "ansible/roles/nginx"),
            "tasks_from": task,
            "apply": {"run_once": True},
        },
        "loop": "{{ groups['balancer'] }}",
        "loop_control": {"loop_var": "nginx_balancer"},
        "vars": {variable: "{{ ansible_play_batch }}"},
    }
    told = {"ansible.builtin.debug": {"msg": "{{ inventory_hostname }} goes on"}}
    play = {
        "hosts": "app",
        "gather_facts": False,
        "order": "sorted",
        "serial": [1, "50%"],
        "tasks": [role, told],
    }
    (folder / "inventory.json").write_text(json.dumps(INVENTORY), "ascii")
    (folder / "play.yml").write_text(json.dumps([play]), "ascii")
    return subprocess.run(
        [PROGRAMS / "ansible-playbook", "-i", folder / "inventory.json", folder / "play.yml"],
        cwd=ROOT / "ansible",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("task", ["rotation", "find_out"])
def test_no_app_host_is_touched(tmp_path: Path, task: str) -> None:
    done = run(tmp_path, task, "nginx_leaving")
    assert done.returncode != 0
    assert "goes on" not in done.stdout
    assert "app2" not in done.stdout
    assert "balancer2, a balancer, cannot be reached" in " ".join(done.stdout.split())


def test_those_that_return_do_so_to_the_others(tmp_path: Path) -> None:
    done = run(tmp_path, "rotation", "nginx_returning")
    assert done.returncode == 0, done.stdout
    assert all(f"{app} goes on" in done.stdout for app in APPS)
