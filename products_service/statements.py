"""The statements of the service: every file under sql/, read once at the start."""

import re
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

_SIGNATURE = re.compile(r"-- (?P<name>[a-z_]+)\((?P<parameters>[a-z_ ,\[\]]*)\)\n")


@dataclass(frozen=True)
class Statement:
    """A prepared statement: its name, its parameters in order as (name, type), its SQL.

    Each returns one row: number and digest of the load that answers, and the body, which is
    finished JSON text, or NULL for a thing that does not exist; a page of a list, also where the
    pages before it and after it are.
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
    files = resources.files("products_service").joinpath("sql").iterdir()
    names = sorted(file.name.removesuffix(".sql") for file in files if file.name.endswith(".sql"))
    folder = resources.files("products_service").joinpath("sql")
    return {
        name: read_statement(name, folder.joinpath(f"{name}.sql").read_text("utf-8"))
        for name in names
    }
