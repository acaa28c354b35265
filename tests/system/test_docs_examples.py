"""The `$ curl` examples of the documentation, against what `make run` serves."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from etl.sample import ensure_sample
from products_service.commands.preparing import SAMPLE_PRODUCTS
from tests.catalogue import without_wait_callback
from tests.conftest import PATIENT, Database
from tests.programs import ROOT
from tests.system.service import Service, serving
from tests.waiting import HANG

ADDRESS = "127.0.0.1:8000"


class Example(NamedTuple):
    """A command as it is typed, and what it prints; `...` stands for anything."""

    page: str
    command: str
    output: str


def examples() -> Iterator[Example]:
    """Yield every example that begins with `$ curl` and asks what `make run` serves."""
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in blocks(path.read_text("utf-8")):
            for typed in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                # a command goes on after a backslash
                command, output = re.match(
                    r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)", typed, re.DOTALL
                ).groups()
                if command.startswith("curl ") and ADDRESS in command:
                    yield Example(path.name, command, output)


def blocks(page: str) -> Iterator[str]:
    """Yield the code of a page: fenced blocks, and indented ones without their indentation."""
    yield from re.findall(r"^```.*?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for indented in re.findall(r"(?:^    .*\n)+", page, re.MULTILINE):
        yield re.sub(r"^    ", "", indented, flags=re.MULTILINE)


def pattern(output: str) -> str:
    """Return a documented output as a regular expression for `squeezed` output."""
    return ".*".join(re.escape(squeezed(piece)) for piece in output.split("..."))


def squeezed(text: str) -> str:
    """Return a text without white space, which is not part of the contract between tokens."""
    return re.sub(r"\s", "", text)


EXAMPLES = list(examples())


@pytest.fixture(scope="module")
def service(clone: Callable[[], Database]) -> Iterator[Service]:
    """What `make run` serves, on another port."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here: `make test-all` installs it")
    database = clone()
    with without_wait_callback():
        ensure_sample(database.etl, SAMPLE_PRODUCTS)
    with serving(database, **PATIENT) as running:
        yield running


def test_there_are_examples() -> None:
    assert {example.page for example in EXAMPLES} >= {"README.md", "api.md"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command)
def test_example(service: Service, tmp_path: Path, example: Example) -> None:
    here = f"127.0.0.1:{service.port}"
    done = subprocess.run(
        ["sh", "-c", example.command.replace(ADDRESS, here)],
        # without a .curlrc, and not through a proxy
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_PROXY": "*"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    printed = done.stdout.decode().replace(here, ADDRESS)
    if example.output.strip():
        assert re.fullmatch(pattern(example.output), squeezed(printed)), printed
    else:
        assert printed


@pytest.mark.parametrize(
    ("output", "printed", "fits"),
    [
        ('{"a": 1, ...}', '{"a":1,"b":2}', True),
        ('{"a":1,\n "b":...}', '{"a":1,"b":[2]}', True),
        ("[1,2]", "[1,2,3]", False),
        ("[1.2]", "[1,2]", False),
        ("[1,...", "[2,1]", False),
    ],
)
def test_what_stands_for_anything(output: str, printed: str, fits: bool) -> None:
    assert bool(re.fullmatch(pattern(output), squeezed(printed))) == fits


def test_how_examples_are_read() -> None:
    page = "Text\n\n    $ curl -s a \\\n      -v\n    one\n    two\n    $ curl b\n\nText\n"
    page += "```\n$ curl c\nthree\n```\n"
    assert list(blocks(page)) == [
        "$ curl c\nthree\n",
        "$ curl -s a \\\n  -v\none\ntwo\n$ curl b\n",
    ]
