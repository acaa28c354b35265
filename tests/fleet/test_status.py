"""What is not well is said, and what to do about it."""

import re

import pytest

from tests.fleet.rollout import Rollout, Run

pytestmark = pytest.mark.slow


def test_a_fleet_is_well_once_it_has_a_backup(rollout: Rollout) -> None:
    standby = rollout.groups["standby"][0]
    standby.run("rm -rf /var/backups/products/*Z")
    run = rollout.play("status", check=False)
    assert run.status == 2
    assert findings(run) == {standby.name: ["no backup in 26 hours"]}

    standby.run("systemctl start products-backup")
    # as rollback.yml leaves a database that a newer release has migrated
    (primary,) = rollout.groups["primary"]
    primary.sql("INSERT INTO public.schema_migrations VALUES ('9999')")
    try:
        run = rollout.play("status")
    finally:
        primary.sql("DELETE FROM public.schema_migrations WHERE version = '9999'")
    assert run.output.count("msg: well") == len(rollout.machines)
    assert not any(run.changed.values()), run.changed


def test_what_has_failed_or_stopped_is_said(rollout: Rollout) -> None:
    standby, app = rollout.groups["standby"][0], rollout.groups["app"][-1]
    standby.run("systemctl stop postgresql@15-main; ! systemctl start products-backup")
    app.run("systemctl stop products")
    try:
        run = rollout.play("status", check=False)
    finally:
        standby.run("systemctl reset-failed products-backup; systemctl start postgresql@15-main")
        app.run("systemctl start products")
    assert run.status == 2
    assert findings(run) == {
        standby.name: ["products-backup.service has failed", "PostgreSQL does not run"],
        app.name: ["it does not answer /ready"],
    }


def test_files_that_nginx_cannot_take_are_told_and_mended(rollout: Rollout) -> None:
    """As a run leaves them that ends between two of them; nginx goes on with those before."""
    (balancer,) = rollout.groups["balancer"]
    balancer.run("echo nonsense >> /etc/products-balancer/nginx/listen.conf")
    with rollout.under_load():
        told = rollout.play("status", check=False)
        refused = rollout.play("site", check=False)
        rollout.play("site", "--limit", "balancer")
        mended = rollout.play("status", check=False)
    # and where it starts before they are mended, it has those
    balancer.run("echo nonsense >> /etc/products-balancer/nginx/listen.conf")
    balancer.run("systemctl restart nginx")
    with rollout.under_load():
        assert findings(rollout.play("status", check=False)) == findings(mended)
    assert findings(told)[balancer.name] == [
        "nginx could not start anew with the files that are there"
    ]
    assert balancer.name not in findings(mended)
    assert refused.status != 0
    said = " ".join(refused.output.split())
    assert f"nginx on {balancer.name} goes on with what it has" in said
    assert "site.yml --limit balancer" in said


def test_what_nginx_refuses_only_while_it_runs_is_told(rollout: Rollout) -> None:
    """It could start with such files, but goes on with those before."""
    (balancer,) = rollout.groups["balancer"]
    configuration = "/etc/products-balancer/nginx.conf"
    balancer.run(f"sed -i 's/zone $limited_client /zone $binary_remote_addr /' {configuration}")
    with rollout.under_load():
        failed = rollout.play(
            "load", "-e", f"products_load_folder={rollout.catalogue}", check=False
        )
        rollout.play("site", "--limit", "balancer")
        rollout.load()
    assert failed.status != 0
    assert "it goes on with what it had" in " ".join(failed.output.split())


def findings(run: Run) -> dict[str, list[str]]:
    """Return what was said of each host that is not well, without what there is to do."""
    said = run.output.rpartition("TASK [Say what is not well]")[2]
    hosts = re.findall(r"^fatal: \[(\S+)\]: FAILED! =>\s*((?:^ .*\n)+)", said, re.MULTILINE)
    return {
        name: [line.strip() for line in re.findall(r"^ +- '?([^:(]+)", lines, re.MULTILINE)]
        for name, lines in hosts
    }
