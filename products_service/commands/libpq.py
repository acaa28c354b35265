"""libpq URLs, read as libpq reads them, and written for programs that read them differently."""

from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

from products_service.libpq_url import read_libpq_url


@dataclass(frozen=True)
class ConnectionUrl:
    """The parts of a libpq URL, decoded; what it leaves out is empty.

    `hosts` and `ports` are libpq's lists, separated by commas.
    """

    user: str
    password: str = field(repr=False)
    hosts: str
    ports: str
    database: str
    parameters: dict[str, str]

    def __str__(self) -> str:
        """Return the URL for libpq."""
        return self.written(self.parameters | {"host": self.hosts, "port": self.ports})

    def written(self, parameters: dict[str, str]) -> str:
        """Return a URL with these parameters in place of ours, hosts and ports among them."""
        user, password, database = (
            quote(part, safe="") for part in (self.user, self.password, self.database)
        )
        login = f"{user}:{password}@" if password else f"{user}@" if user else ""
        given = {name: value for name, value in parameters.items() if value}
        # quote, since libpq takes a plus for a plus
        return f"postgres://{login}/{database}?{urlencode(given, quote_via=quote)}"

    def without_password(self) -> "ConnectionUrl":
        """Return the same, fit for a command line, which other users can read.

        Nor that of the client's key: psql asks for it.
        """
        shown = {name: each for name, each in self.parameters.items() if name != "sslpassword"}
        return replace(self, password="", parameters=shown)


def parse(url: str) -> ConnectionUrl:
    """Return the parts of a libpq URL, one of the settings or of the embedded server."""
    parts = read_libpq_url(url)
    return ConnectionUrl(
        user=parts.pop("user", ""),
        password=parts.pop("password", ""),
        hosts=parts.pop("host", ""),
        ports=parts.pop("port", ""),
        database=parts.pop("dbname", ""),
        parameters=parts,
    )
