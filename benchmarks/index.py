"""What indexes are worth: every statement with none, with ours, and without each one in turn."""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.caches import Caches
from benchmarks.catalogue import SCHEMA, Copy, Index, copy_catalogue, leave_out
from benchmarks.connection import Connection
from benchmarks.draws import sample_ids
from benchmarks.errors import BenchmarkError
from benchmarks.percentiles import percentile
from benchmarks.plans import indexes_used, tables_read
from benchmarks.steps import step
from products_service.statements import Statement, read_statements

SEED = 1
# A pass over the ids ends with the first execution beyond this: one, where one takes seconds.
PASS_SECONDS = 2.0
ALL = "all"
NONE = "none"
NO_READ_AHEAD = "none, no read-ahead"

Arguments = tuple[Any, ...]

# What a statement is run with that asks for more than a product: the first page.
FIXED: dict[str, Arguments] = {
    "list_products": (1, 5),
    "list_products_after": (0, 5),
    "list_products_by_category": ("Jackets", 1, 5),
    "list_products_by_category_after": ("Jackets", 0, 5),
    "list_products_by_ids": ("{3,1,2}",),
    "search_products": ("work", 1, 5),
}
# What follows the product of a statement that asks for more than its id.
EXTRA: dict[str, Arguments] = {"get_product_page": (True, True)}
# Planned and not timed: without its index it makes a text search document of every product, which
# takes a minute a time.
NOT_TIMED = {"search_products"}


@dataclass(frozen=True)
class Variant:
    """A set of indexes, by what it lacks."""

    name: str
    left_out: tuple[Index, ...]
    read_ahead: bool = True


@dataclass
class Cell:
    """What a statement did under a variant: (round, arguments, ms) of every execution."""

    cold: list[tuple[int, Arguments, float]] = field(default_factory=list)
    warm: list[tuple[int, Arguments, float]] = field(default_factory=list)
    plans: dict[str, Any] = field(default_factory=dict)


Cells = dict[tuple[str, str], Cell]  # by statement and variant


def chosen_statements() -> list[Statement]:
    """Return the service's statements that read the catalogue's rows, to be asked of the copy.

    check_ready is none: it reads the single row of published_load. Raises BenchmarkError for one
    that takes arguments of which nothing is known here.
    """
    chosen = [each for each in read_statements().values() if each.parameters]
    for statement in chosen:
        if statement.name not in FIXED and not _takes_a_product(statement):
            raise BenchmarkError(f"FIXED in benchmarks/index.py lacks {statement.name}")
    return [on_the_copy(statement) for statement in chosen]


def on_the_copy(statement: Statement) -> Statement:
    """Return the statement as it stands in its file, but for the schema that it reads."""
    return replace(statement, sql=statement.sql.replace("catalogue.", f"{SCHEMA}."))


def _takes_a_product(statement: Statement) -> bool:
    first, *others = statement.parameters
    return first == ("product_id", "integer") and len(others) == len(_extra(statement))


def _extra(statement: Statement) -> Arguments:
    return EXTRA.get(statement.name, ())


def measure(connection: Connection, sample: int, rounds: int) -> dict[str, Any]:
    """Copy the catalogue and return all results.

    `sample` is how many ids a statement is run with in each round, at most. Raises BenchmarkError,
    DatabaseError.
    """
    copy = copy_catalogue(connection)
    caches = Caches(connection)
    chosen = chosen_statements()
    draws = _draw(connection, sample, rounds)
    reads, used = _look(connection, chosen, draws[0][0])
    statements = [each for each in chosen if each.name not in NOT_TIMED]
    variants = _vary(tuple(copy.indexes))
    cells: Cells = {
        (statement.name, variant.name): Cell()
        for statement in statements
        for variant in variants
        if _concerns(variant, reads[statement.name])
    }
    chance = random.Random(SEED)  # noqa: S311
    # The rounds are the outer loop: the machine's moods meet every variant alike. And each round
    # has an order of its own: who comes after scans of whole tables finds the caches full of them.
    for number, ids in enumerate(draws, 1):
        for variant in chance.sample(variants, len(variants)):
            with connection.undone():
                for index in variant.left_out:
                    leave_out(connection, index)
                if not variant.read_ahead:
                    connection.run("stop_read_ahead")
                for statement in statements:
                    cell = cells.get((statement.name, variant.name))
                    if cell is None:
                        continue
                    with step(f"round {number} of {rounds}, {statement.name}, {variant.name}"):
                        _run(
                            connection, caches, statement, _arguments(statement, ids), number, cell
                        )
    return {
        "cold": caches.describe(),
        "postgresql": dict(connection.run("list_settings")),
        "catalogue": _describe_copy(copy, used),
        "statements": {
            statement.name: _summarise(
                {variant: cell for (name, variant), cell in cells.items() if name == statement.name}
            )
            for statement in statements
        },
    }


def _vary(indexes: tuple[Index, ...]) -> list[Variant]:
    """Return what is compared. No indexes is measured twice: see stop_read_ahead.sql for why."""
    return [
        Variant(ALL, ()),
        Variant(NONE, indexes),
        Variant(NO_READ_AHEAD, indexes, read_ahead=False),
        *(Variant(f"without {index.name}", (index,)) for index in indexes),
    ]


def _draw(connection: Connection, sample: int, rounds: int) -> list[list[int]]:
    """Return ids for each round, none twice unless the catalogue is too small for that."""
    ids = sample_ids(connection, sample * rounds, SCHEMA)
    size = max(1, min(sample, len(ids) // rounds))
    return [
        [ids[(start + offset) % len(ids)] for offset in range(size)]
        for start in range(0, size * rounds, size)
    ]


def _arguments(statement: Statement, ids: Sequence[int]) -> list[Arguments]:
    """Return what a statement is run with: each of the ids, or the same page as many times."""
    if statement.name in FIXED:
        return [FIXED[statement.name]] * len(ids)
    return [(id_, *_extra(statement)) for id_ in ids]


def _look(
    connection: Connection, statements: list[Statement], id_: int
) -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    """Return the tables that each statement reads, and the statements that use each index."""
    reads, used = {}, {}
    for statement in statements:
        connection.prepare(statement)
        plan = connection.explain(statement, _arguments(statement, [id_])[0])
        reads[statement.name] = tables_read(plan)
        for index in indexes_used(plan):
            used.setdefault(index, []).append(statement.name)
    return reads, used


def _concerns(variant: Variant, tables: set[str]) -> bool:
    """Whether the variant lacks an index of one of the tables, or none at all."""
    return not variant.left_out or any(index.table in tables for index in variant.left_out)


def _run(
    connection: Connection,
    caches: Caches,
    statement: Statement,
    arguments: list[Arguments],
    number: int,
    cell: Cell,
) -> None:
    """Time a statement cold, then again with what was read; the first time, keep both plans."""
    connection.prepare(statement)
    connection.explain(statement, arguments[0])  # which plans it
    if not cell.plans:
        caches.empty()
        cell.plans["cold"] = connection.explain(statement, arguments[0], run=True)
        cell.plans["warm"] = connection.explain(statement, arguments[0], run=True)
    caches.empty()
    # Once each: the second time is not cold.
    cold = _pass(connection, statement, list(dict.fromkeys(arguments)))
    read = {values for values, _ in cold}
    warm = _pass(connection, statement, [values for values in arguments if values in read])
    cell.cold += [(number, *one) for one in cold]
    cell.warm += [(number, *one) for one in warm]


def _pass(
    connection: Connection, statement: Statement, arguments: list[Arguments]
) -> list[tuple[Arguments, float]]:
    """Execute a statement with each of the arguments until the time is up; return ms of each."""
    done = []
    spent = 0.0
    for values in arguments:
        milliseconds = connection.time(statement, values)
        done.append((values, milliseconds))
        spent += milliseconds
        if spent > PASS_SECONDS * 1000:
            break
    return done


def _summarise(cells: dict[str, Cell]) -> dict[str, Any]:
    """Return the figures of one statement by variant."""
    return {
        variant: {
            "cold": _figures(cell.cold),
            "warm": _figures(cell.warm),
            "times_slower": {
                "cold": _times_slower(cell.cold, cells[ALL].cold),
                "warm": _times_slower(cell.warm, cells[ALL].warm),
            },
            "plans": cell.plans,
        }
        for variant, cell in cells.items()
    }


def _figures(executions: list[tuple[int, Arguments, float]]) -> dict[str, Any]:
    times = sorted(milliseconds for _, _, milliseconds in executions)
    rounds = sorted({number for number, _, _ in executions})
    return {
        "executions": len(times),
        "median_ms": round(statistics.median(times), 4),
        "p95_ms": round(percentile(times, 0.95), 4),
        "round_medians_ms": [
            round(statistics.median(ms for number, _, ms in executions if number == each), 4)
            for each in rounds
        ],
    }


def _times_slower(
    executions: list[tuple[int, Arguments, float]], base: list[tuple[int, Arguments, float]]
) -> float:
    """Return how much slower than `base` the same arguments were in the same round: the median.

    Compared one by one, since a product has from none to many styles and a slow variant gets
    round to few products.
    """
    usual: dict[tuple[int, Arguments], list[float]] = {}
    for number, values, milliseconds in base:
        usual.setdefault((number, values), []).append(milliseconds)
    ratios = [
        milliseconds / statistics.median(usual[number, values])
        for number, values, milliseconds in executions
        if (number, values) in usual
    ]
    return round(statistics.median(ratios), 2)


def _describe_copy(copy: Copy, used: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "load": copy.load,
        "digest": copy.digest,
        "tables": {table.name: {"rows": table.rows, "bytes": table.size} for table in copy.tables},
        "indexes": {
            index.name: {
                "table": index.table,
                "primary_key": index.primary,
                "bytes": index.size,
                "used_by": used.get(index.name, []),
            }
            for index in copy.indexes
        },
    }
