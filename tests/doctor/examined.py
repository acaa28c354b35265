"""`flask doctor` run in this process or as an operator does, and what it says, read."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from products_service.commands.doctor import doctor as command
from products_service.doctor import CHECKS
from tests.conftest import Database
from tests.programs import ROOT, environment
from tests.sessions import session
from tests.waiting import HANG

NAMES = ["configuration", *CHECKS]
# For what is to be well on a slow machine, too.
UNHURRIED = {"DB_CONNECT_TIMEOUT_MS": "60000"}
NOWHERE = "postgresql://who:hush@127.0.0.1:1/products"
LINE = re.compile(r"(?P<label>ok  |warn|FAIL|skip)  (?P<name>[a-z ]+): (?P<found>.+)")
HINT = "      hint: "


class Said(NamedTuple):
    """What was printed of a check."""

    label: str
    found: str
    hint: str


def read(printed: str) -> dict[str, Said]:
    """Return what was printed of each check: a line, and a hint below for what is not ok."""
    said: dict[str, Said] = {}
    for line in printed.splitlines():
        if line.startswith(HINT):
            name, check = said.popitem()
            assert check.label != "ok"
            assert not check.hint
            said[name] = check._replace(hint=line.removeprefix(HINT))
        else:
            match = LINE.fullmatch(line)
            assert match, line
            said[match["name"]] = Said(match["label"].strip(), match["found"], "")
    assert list(said) == NAMES
    for check in said.values():
        assert bool(check.hint) == (check.label in ("warn", "FAIL"))
    return said


def doctor(database: Database | None, *options: str | Path, **settings: str) -> dict[str, Said]:
    """Run the command in this process and return what it says; the exit status must fit."""
    env = environment(database, **settings)
    hidden: dict[str, str | None] = {name: None for name in os.environ if name not in env}
    done = CliRunner().invoke(command, list(map(str, options)), env=hidden | env)
    assert isinstance(done.exception, SystemExit | None), done.exception
    said = read(done.stdout)
    assert done.exit_code == int(any(check.label == "FAIL" for check in said.values()))
    assert "hush" not in done.output
    return said


def flask_doctor(
    *options: str, env: dict[str, str], cwd: Path = ROOT, files: int = 4096, status: int = 0
) -> str:
    """Run the command as an operator does, with a limit on open files; return what it prints."""
    limited = ["sh", "-c", f'ulimit -S -n {files} && exec "$@"', "sh"]
    done = subprocess.run(
        [*limited, sys.executable, "-m", "flask", "doctor", *options],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def change(database: Database, *statements: str) -> None:
    """Run statements as the superuser; {name} is the database's."""
    with session(database) as cursor:
        for statement in statements:
            cursor.execute(statement.format(name=database.name))
