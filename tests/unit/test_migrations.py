"""The migrations as text: numbered, both ways, and nothing in them that a running release minds."""

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "migrations").iterdir())
SQUAWK = Path(sysconfig.get_path("scripts"), "squawk")
LEFT_OUT = {
    "prefer-bigint-over-int": "ids are what the API says they are, up to 2147483647",
    "prefer-robust-stmts": "each file is one transaction",
    "require-lock-timeout": "the connection has one, see commands/migrate.py",
    "require-statement-timeout": "likewise",
}


def objections(statements: str) -> list[str]:
    """Return the names of squawk's rules that a migration's statements break."""
    done = subprocess.run(
        [
            SQUAWK,
            "--reporter=gcc",
            "--assume-in-transaction",
            "--pg-version=15",
            f"--exclude={','.join(LEFT_OUT)}",
        ],
        input=statements,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^stdin:\d+:\d+: \w+: (\S+)", done.stdout, re.MULTILINE)
    assert done.returncode == (1 if found else 0), done.stdout + done.stderr
    return found


def test_they_are_numbered_and_go_both_ways() -> None:
    for number, file in enumerate(FILES, 1):
        assert re.fullmatch(rf"{number:04}_[a-z_]+\.sql", file.name)
        text = file.read_text("utf-8")
        assert text.startswith("-- migrate:up\n")
        assert "\n-- migrate:down\n" in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_release_can_serve_while_they_are_applied(file: Path) -> None:
    up, _, _ = file.read_text("utf-8").partition("\n-- migrate:down\n")
    assert objections(up) == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE catalogue.products DROP COLUMN slogan", "ban-drop-column"),
        ("ALTER TABLE catalogue.products RENAME COLUMN slogan TO motto", "renaming-column"),
        ("ALTER TABLE catalogue.products RENAME TO items", "renaming-table"),
        ("DROP TABLE catalogue.related", "ban-drop-table"),
        ("ALTER TABLE catalogue.skus ALTER quantity TYPE text", "changing-column-type"),
        ("ALTER TABLE catalogue.photos ADD alt text NOT NULL", "adding-required-field"),
        ("CREATE INDEX ON catalogue.products (name)", "require-concurrent-index-creation"),
    ],
)
def test_what_a_running_release_would_mind_is_found(statement: str, rule: str) -> None:
    assert objections(f"{statement};\n") == [rule]
