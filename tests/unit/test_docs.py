"""Documentation that cannot rot: what exists is documented, and what is documented exists."""

import configparser
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import click
import pytest
from prometheus_client import REGISTRY

from etl.indexes import read_indexes
from products_service import create_app
from products_service.config import SettingsSchema, find_misspelt, load_settings
from products_service.database_urls import PURPOSES
from products_service.doctor import CHECKS
from products_service.products.schemas import ListQuery, ProductQuery
from products_service.statements import Statement, read_statements
from products_service.web.problem_types import PROBLEM_TYPES

ROOT = Path(__file__).parents[2]
DOCS = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
PAGES = DOCS | {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md")}
OPERATIONS, API, DEVELOPMENT = (DOCS[f"{name}.md"] for name in ("operations", "api", "development"))
# Those of flask itself.
FLASK_COMMANDS = {"run", "routes", "shell"}
# What an example is about.
MISSPELT = {"DB_POOLSIZE"}


def table(page: str, first_heading: str) -> list[list[str]]:
    """Return the rows of a page's table whose first column has that heading: cells as written."""
    lines = page.splitlines()
    (start,) = (
        number for number, line in enumerate(lines) if line.startswith(f"| {first_heading} |")
    )
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])])
    return rows


def code(text: str) -> list[str]:
    """Return the `code` in a text."""
    return re.findall(r"`([^`\n]+)`", text)


def all_code() -> Iterator[tuple[str, str]]:
    """Yield every piece of code of every page: the page's name and the code."""
    for name, page in PAGES.items():
        for line in page.splitlines():
            pieces = [line] if line.startswith("    ") else code(line)
            yield from ((name, piece) for piece in pieces)


def entry_points() -> dict[str, click.Command]:
    """Return the commands that setup.cfg adds to flask's."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg")
    found = {}
    for line in setup["options.entry_points"]["flask.commands"].split("\n"):
        if line:
            name, _, place = line.partition(" = ")
            module, _, attribute = place.partition(":")
            found[name] = getattr(import_module(module), attribute)
    return found


def walk(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, by what one types after `flask`."""
    yield name, command
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            yield from walk(f"{name} {below}", each)


@cache
def commands() -> dict[str, click.Command]:
    """Return every command and group by what one types after `flask`."""
    return dict(pair for name, command in entry_points().items() for pair in walk(name, command))


def options(command: click.Command) -> set[str]:
    return {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in [*parameter.opts, *parameter.secondary_opts]
        if name.startswith("--")
    }


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=str)
def test_prose_fits_a_window(path: Path) -> None:
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    # what a program printed, and tables, are as wide as they are
    prose = ((number, line) for number, line in lines if not line.startswith(("    ", "|")))
    assert [number for number, line in prose if len(line) > 120] == []


def test_every_setting_has_its_row_with_its_default() -> None:
    rows = {code(cells[0])[0]: cells for cells in table(OPERATIONS, "variable")}
    assert sorted(rows) == sorted(SettingsSchema().fields)
    defaults = SettingsSchema().dump(load_settings({}))
    named = [purpose.settings for purpose in PURPOSES.values()]
    fallbacks = {names[0]: [*names, "embedded server"][1] for names in named}
    fallbacks["RUN_DIR"] = "a temporary one"
    for name, value in defaults.items():
        # what is not set has its default in words
        shown = fallbacks.get(name, rows[name][1]) if value is None else value
        written = shown if isinstance(shown, str) else json.dumps(shown)
        assert rows[name][1].strip("`") == written, name
        assert rows[name][2], name


def test_no_page_names_a_setting_that_is_none() -> None:
    for name, piece in all_code():
        variables = re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b", piece)
        assert find_misspelt(dict.fromkeys({*variables} - MISSPELT, "")) == [], name


def test_every_command_has_its_row_with_its_options() -> None:
    written = {}
    for cells in [*table(OPERATIONS, "command"), *table(DEVELOPMENT, "command")]:
        (usage,) = code(cells[0])
        name = re.match(r"flask ((?:[a-z]+ ?)+)", usage)[1].strip()
        assert name not in written
        written[name] = set(re.findall(r"--[a-z-]+", cells[1]))
        assert cells[2], name
    leaves = {
        name: options(command)
        for name, command in commands().items()
        if not isinstance(command, click.Group)
    }
    assert written == leaves


def test_every_command_that_a_page_names_exists() -> None:
    named = 0
    for name, piece in [*all_code(), *hints()]:
        for words in re.findall(r"\bflask ((?:[a-z]+(?: |$))+)", piece + " "):
            typed = words.split()
            if typed[0] in FLASK_COMMANDS:
                continue
            command = commands().get(typed[0])
            assert command, f"{name}: flask {words}"
            if isinstance(command, click.Group) and len(typed) > 1:
                assert " ".join(typed[:2]) in commands(), f"{name}: flask {words}"
            named += 1
    assert named > 20


def hints() -> Iterator[tuple[str, str]]:
    """Yield what the examination tells an operator to do, with the module's name."""
    for path in (ROOT / "products_service" / "doctor").glob("*.py"):
        for line in path.read_text("utf-8").splitlines():
            yield from ((path.name, text) for text in re.findall(r'"([^"]*)"', line))


def test_every_check_has_its_row_and_its_line_in_the_example() -> None:
    checks = ["configuration", *CHECKS]
    assert [code(cells[0])[0] for cells in table(OPERATIONS, "check")] == checks
    assert (
        re.findall(r"^    (?:ok  |warn|FAIL|skip)  ([a-z ]+):", OPERATIONS, re.MULTILINE) == checks
    )


def routes() -> set[str]:
    """Return the paths of every route, ids as {id} and other places by their names."""

    def place(match: re.Match) -> str:
        return "{id}" if match[1].endswith("id") else f"{{{match[1]}}}"

    rules = create_app(
        load_settings({"DATABASE_URL": "postgresql://nowhere/x"})
    ).url_map.iter_rules()
    return {re.sub(r"<(?:\w+:)?(\w+)>", place, rule.rule) for rule in rules}


def test_every_route_is_described() -> None:
    described = {
        path.partition("?")[0]
        for piece in code(API)
        if (path := piece.removeprefix("GET ")) != piece
    }
    assert described == routes()


@pytest.mark.parametrize("name", sorted({*ListQuery().fields, *ProductQuery().fields}))
def test_every_parameter_is_described(name: str) -> None:
    assert re.search(rf"[?&]{name}=|`{name}`", API)


def test_every_type_of_error_has_its_row() -> None:
    rows = {(int(cells[0]), code(cells[1])[0]) for cells in table(API, "status")}
    assert rows == {(kind.status, slug) for slug, kind in PROBLEM_TYPES.items()}


def test_every_metric_has_its_row() -> None:
    rows = [code(cells[0])[0] for cells in table(OPERATIONS, "metric")]
    exposed = [
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in REGISTRY.collect()
        if family.name.startswith("products_")
    ]
    assert len(exposed) > 1
    assert sorted(rows) == sorted(exposed)


def test_every_make_target_is_named() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))
    named = {
        target for _, piece in all_code() for target in re.findall(r"\bmake ([a-z][a-z-]*)", piece)
    }
    assert named == targets


def test_every_statement_has_its_row_with_its_indexes() -> None:
    rows = {code(cells[0])[0]: cells for cells in table(DEVELOPMENT, "statement")}
    statements = read_statements()
    assert sorted(rows) == sorted(statements)
    for name, (_, used_by, indexes) in rows.items():
        for path in code(used_by):
            assert path.removeprefix("GET ").partition("?")[0] in routes(), name
        assert set(code(indexes)) == relied_on(statements[name]), name


def relied_on(statement: Statement) -> set[str]:
    """Return the indexes that a statement's comment says it relies on, in one sentence."""
    lines = statement.sql.splitlines()
    comment = " ".join(line.removeprefix("--").strip() for line in lines if line.startswith("--"))
    sentence = re.search(r"Index(?:es)?: ([^.]*)\.", comment)
    return (
        {word for word in re.findall(r"\w+", sentence[1]) if is_index(word)} if sentence else set()
    )


def is_index(word: str) -> bool:
    return word in read_indexes() or word.endswith("_pkey")


def anchors(page: str) -> set[str]:
    """Return what leads to a page's headings: in lower case, no punctuation, a hyphen a space."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if not re.match(r"https?://|mailto:", link):
            file, _, anchor = link.partition("#")
            target = path.parent / file if file else path
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text("utf-8")), link


def test_modules_that_are_to_be_run_can_be() -> None:
    named = {each for _, piece in all_code() for each in re.findall(r"-m (tests[.\w]*)", piece)}
    assert "tests.fleet" in named
    for name in named:
        package = import_module(name)
        if hasattr(package, "__path__"):
            import_module(f"{name}.__main__")


def test_figures_of_the_readme_are_those_of_performance() -> None:
    (said,) = re.findall(r"In short, (.*?)\n-", PAGES["README.md"], re.DOTALL)
    cpu, pool, best, mix = re.search(
        r"takes one worker (\d+) us .* ([\d.]+) times .* \(([\d.]+)\) .* ([\d.]+) times",
        said,
        re.DOTALL,
    ).groups()
    lines = DOCS["performance.md"].splitlines()
    row = next(line for line in lines if "with one worker |" in line)
    assert row.split("|")[5].split()[0] == cpu
    target = next(line for line in lines if line.startswith("| styles against Fastify"))
    assert f"| {pool} x with a pool; {best} x " in target
    target = next(line for line in lines if line.startswith("| page mix against Fastify"))
    assert f"; {mix} x " in target
    (rate,) = re.findall(r"hold ([\d,]+) requests a second", " ".join(said.split()))
    assert f"| held, the highest | **{rate}** |" in DOCS["performance.md"]
