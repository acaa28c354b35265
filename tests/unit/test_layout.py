"""The rules of the house: who may import whom, and that SQL lives in files."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("products_service", "etl", "benchmarks")
# One for each purpose: what serves is prepared and bounded, what loads writes, what measures
# explains, and what examines must work where the service's own does not.
CONNECTIONS = {
    "products_service.database.executor",
    "products_service.database.pool",
    "products_service.database.pooled_db",
    "products_service.database.sessions",
    "products_service.doctor.connection",
    "etl.connection",
    "benchmarks.connection",
}


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (ROOT / package).rglob("*.py")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path) -> set[str]:
    """Return the dotted names that a module imports, relative ones resolved."""
    package = name_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found.update(f"{stem}.{alias.name}" for alias in node.names)
    return found


def importers(target: str) -> set[str]:
    """Return the modules that import `target` or anything below it."""
    return {
        name_of(path)
        for path in modules()
        if any(name == target or name.startswith(target + ".") for name in imports(path))
    }


def test_the_rules_see_imports() -> None:
    assert "products_service.web.caching" in importers("products_service.database")


def test_only_the_connection_modules_reach_the_driver() -> None:
    beside = {
        # the settings' URLs are read by libpq's own parser
        "products_service.libpq_url",
        # a session's connection, for what psycopg2 has no way to, and what errors mean
        "products_service.database.libpq",
        "products_service.database.sqlstates",
        # what a signal's handler raises ends a statement by the driver's wait callback
        "etl.interruption",
    }
    assert importers("psycopg2") == CONNECTIONS | beside
    assert importers("dbutils") == {"products_service.database.pooled_db"}
    assert importers("psycopg") == set()


@pytest.mark.parametrize(
    ("importer", "target"),
    [
        ("products_service.web", "products_service.products"),
        ("products_service.ops", "products_service.products"),
        ("products_service.web", "products_service.ops"),
        ("products_service.products", "products_service.ops"),
        ("etl", "flask"),
        ("etl", "benchmarks"),
        ("products_service", "benchmarks"),
        ("benchmarks", "etl"),
        ("benchmarks", "flask"),
    ],
)
def test_packages_keep_apart(importer: str, target: str) -> None:
    trespassers = {name for name in importers(target) if f"{name}.".startswith(f"{importer}.")}
    trespassers -= INSIDE
    assert not trespassers


def test_only_entry_points_name_commands() -> None:
    # The commands of the benchmarks are an entry point too, and fail as the service's own do.
    assert all(
        name.startswith(("products_service.commands", "benchmarks.commands"))
        for name in importers("products_service.commands")
    )
    # `flask serve` loads the first catalogue, `flask doctor` asks a load what it would have made;
    # they are entry points themselves.
    assert importers("etl") - importers_within("etl") <= {
        "products_service.commands.preparing",
        "products_service.commands.doctor",
    }


def importers_within(package: str) -> set[str]:
    return {name_of(path) for path in modules() if name_of(path).split(".")[0] == package}


# Take the application apart: no client could tell a microsecond of five hundred, or do without
# the pool.
INSIDE = {"benchmarks.features", "benchmarks.quick", "benchmarks.unpooled"}


def known_of_the_service(package: str) -> set[str]:
    return {
        name
        for path in modules()
        if name_of(path).split(".")[0] == package and name_of(path) not in INSIDE
        for name in imports(path)
        if name.startswith("products_service")
    }


def test_etl_knows_of_the_service_only_where_its_database_is() -> None:
    known = known_of_the_service("etl")
    modules = ("config", "database_urls", "embedded", "plainly", "signals")
    allowed = tuple(f"products_service.{module}." for module in modules)
    assert all(name.startswith(allowed) for name in known), known


def test_benchmarks_know_of_the_service_only_what_a_client_may() -> None:
    known = known_of_the_service("benchmarks")
    modules = ("config", "database_urls", "embedded", "extras", "leash", "plainly", "release")
    modules += ("signals", "statements", "cluster.nginx")
    allowed = tuple(f"products_service.{module}." for module in modules)
    assert all(name.startswith(allowed) for name in known), known


SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|CREATE|DROP|ALTER|TRUNCATE|COPY|LOCK|GRANT|VACUUM)"
    r"\s+[A-Za-z_{\"(*]",
)
CALLS = {"execute", "executemany", "copy_expert", "copy_from", "callproc", "mogrify"}
# Makes the embedded server's database before there is any connection module to ask.
OUTSIDE_SQL = {"products_service.embedded.data"}


def strings(tree: ast.AST) -> Iterator[str]:
    """Yield the text constants that are not docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) not in docstrings and isinstance(getattr(node, "value", None), str):
            yield node.value


def test_sql_is_in_files() -> None:
    for path in modules():
        if name_of(path) in OUTSIDE_SQL:
            continue
        found = [text for text in strings(ast.parse(path.read_text("utf-8"))) if SQL.match(text)]
        assert not found, f"{path}: {found}"


def test_only_the_connection_modules_execute() -> None:
    for path in modules():
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        if name_of(path) not in CONNECTIONS:
            assert not calls & CALLS, path


def test_what_is_executed_comes_from_files() -> None:
    """In the connection modules, `execute` is given a file's text or what is composed of it."""
    allowed = {
        "products_service/database/executor.py": {"statement.execute"},
        # what database.py gives it, by libpq.Pipeline.run
        "products_service/database/sessions.py": set(),
        "products_service/database/pool.py": set(),
        "products_service/database/pooled_db.py": set(),
        "products_service/doctor/connection.py": {"read_sql(name)"},
        "etl/connection.py": {
            "read_sql(name)",
            "_compose(read_sql(name), identifiers)",
            "_compose(read_parts(name)[part], identifiers)",
        },
        "benchmarks/connection.py": {
            "_compose(read_sql(name), identifiers)",
            "statement.prepare",
            "statement.execute",
            "read_sql(how) + statement.execute",
        },
    }
    for file, expected in allowed.items():
        given = {
            ast.unparse(node.args[0])
            for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CALLS
        }
        assert given == expected


@pytest.mark.parametrize("package", ["etl", "benchmarks", "products_service/doctor"])
def test_every_sql_file_is_run(package: str) -> None:
    used = {
        text
        for path in (ROOT / package).rglob("*.py")
        for text in strings(ast.parse(path.read_text("utf-8")))
    }
    for file in (ROOT / package / "sql").glob("*.sql"):
        assert file.stem in used, f"{file.name} is run by nothing"


def test_modules_are_small() -> None:
    for path in modules():
        assert len(path.read_text("utf-8").splitlines()) <= 320, path
