"""libpq URLs, read as libpq reads them, and written for programs that read them differently."""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urlencode

from products_service.config import ConfigurationError

# urllib.parse splits at `#`, `?` and `[` in a password, where libpq does not
URL = re.compile(
    r"postgres(?:ql)?://"
    r"(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<hosts>[^/?]*)"
    r"(?:/(?P<database>[^?]*))?"
    r"(?:\?(?P<query>.*))?",
    re.DOTALL,
)
HOST = re.compile(r"(?P<name>\[[^\]]*\]|[^:]*)(?::(?P<port>\d*))?")


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
    """Return the parts of a libpq URL. Raises ConfigurationError, without the URL: it is secret."""
    match = URL.fullmatch(url)
    if match is None:
        raise ConfigurationError(
            "the database's URL is not of the form postgresql://user:password@host:port/database "
            "(a / or @ in the password is written %2F or %40)"
        )
    found = {name: unquote(part or "") for name, part in match.groupdict().items()}
    pairs = [pair.partition("=") for pair in (match["query"] or "").split("&") if pair]
    parameters = {unquote(name): unquote(value) for name, _, value in pairs}
    hosts = [HOST.fullmatch(host) for host in match["hosts"].split(",")]
    if None in hosts:
        raise ConfigurationError("the database's URL has a host that is not of the form name:port")
    names = ",".join(unquote(host["name"]).strip("[]") for host in hosts)
    ports = ",".join(host["port"] or "" for host in hosts)
    return ConnectionUrl(
        user=parameters.pop("user", found["user"]),
        password=parameters.pop("password", found["password"]),
        hosts=parameters.pop("host", names),
        ports=parameters.pop("port", ports if ports.strip(",") else ""),
        database=parameters.pop("dbname", found["database"]),
        parameters=parameters,
    )
