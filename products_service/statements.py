"""The statements of the service: every file in sql/."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

_FOLDER = resources.files("products_service").joinpath("sql")
_PARAMETER = re.compile(r"\$1\b")
_SIGNATURE = re.compile(r"-- (?P<name>[a-z_]+)\((?P<parameters>[a-z_ ,\[\]]*)\)\n")


@dataclass(frozen=True)
class Statement:
    """A prepared statement: its name, its parameters in order as (name, type), its SQL.

    Those of files return one row: number and digest of the load that answers, and the body, which
    is finished JSON text, or NULL for a thing that does not exist; a page of a list, also where the
    pages before it and after it are. What `for_each` makes of one returns such a row a product.
    """

    name: str
    parameters: tuple[tuple[str, str], ...]
    sql: str

    @cached_property
    def prepare(self) -> str:
        """The text that prepares the statement on a connection."""
        types = ", ".join(type_ for _, type_ in self.parameters)
        return f"PREPARE {self.name} {f'({types})' if types else ''} AS\n{self.sql}"

    @cached_property
    def execute(self) -> str:
        """The text that executes the prepared statement, with a placeholder a parameter."""
        places = ", ".join("%s" for _ in self.parameters)
        return f"EXECUTE {self.name} {f'({places})' if places else ''}"

    @cached_property
    def for_each(self) -> "Statement | None":
        """This one's row for each of several products, in their order, as a statement.

        None where a product's id is not all that it takes.
        """
        if self.parameters != (("product_id", "integer"),):
            return None
        return _together(f"{self.name}_for_each", [self])


def all_for_each(statements: Iterable[Statement]) -> Statement | None:
    """Return all of those that have a `for_each` as one statement, which takes the ids of each.

    Its rows are in the order of the statements, and of their products. None where there are not
    several.
    """
    several = [each for each in statements if each.for_each is not None]
    return _together("all_for_each", several) if several[1:] else None


def _together(name: str, statements: Sequence[Statement]) -> Statement:
    parts = [
        _FOR_EACH.format(
            statement=each.name,
            number=number,
            sql=_PARAMETER.sub("asked.product_id", each.sql),
        )
        for number, each in enumerate(statements, 1)
    ]
    text = _IN_ORDER.format(parts="UNION ALL\n".join(parts))
    return Statement(name, tuple((f"{each.name}_ids", "integer[]") for each in statements), text)


def read_statement(name: str, text: str) -> Statement:
    """Return the statement that a file holds; its first line is its signature.

    Raises ValueError when that line is not a signature or names another file.
    """
    signature = _SIGNATURE.match(text)
    if not signature or signature["name"] != name:
        raise ValueError(f"sql/{name}.sql must begin with: -- {name}(parameter type, ...)")
    parameters = tuple(
        tuple(parameter.strip().split(" ", 1))
        for parameter in signature["parameters"].split(",")
        if parameter.strip()
    )
    return Statement(name, parameters, text)


def read_statements() -> dict[str, Statement]:
    """Return every statement under sql/ by its name."""
    files = _FOLDER.iterdir()
    names = sorted(file.name.removesuffix(".sql") for file in files if file.name.endswith(".sql"))
    return {name: read_statement(name, _read(name)) for name in names}


def _read(name: str) -> str:
    return _FOLDER.joinpath(f"{name}.sql").read_text("utf-8")


# Read with the code that goes with them, as the statements are.
_FOR_EACH, _IN_ORDER = _read("forms/for_each"), _read("forms/in_order")


def all_prepared(statements: Iterable[Statement]) -> list[Statement]:
    """Return those that a session prepares: these, and what they are for several products."""
    statements = list(statements)
    forms = [*(each.for_each for each in statements), all_for_each(statements)]
    return [*statements, *(form for form in forms if form is not None)]
