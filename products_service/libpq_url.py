"""URLs of databases: checked and read as libpq does, written for programs that differ from it."""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

import psycopg2
from marshmallow import ValidationError
from psycopg2.extensions import parse_dsn

# For programs that wait without end for a server which takes a connection and says nothing. The
# URL's connect_timeout, or the variable where it is set, counts instead.
CONNECT_TIMEOUT = {"PGCONNECT_TIMEOUT": "10"}
SECRETS = frozenset({"password", "sslpassword"})


def check_libpq_url(url: str) -> None:
    """Refuse what libpq cannot read, and would quote in its messages, passwords included.

    Raises ValidationError, without the URL.
    """
    if not re.match(r"postgres(ql)?://", url):
        raise ValidationError("must be a URL such as postgresql://user@host/database")
    try:
        parts = parse_dsn(url)
    except psycopg2.ProgrammingError as error:
        if "invalid URI query parameter" in str(error):
            raise ValidationError(
                "has a parameter after ? that libpq does not know: leave it out"
            ) from None
        parts = {"port": "none"}
    # what follows a bare / or @ in a password is taken for a port, a host or a database
    ports = parts.get("port", "").split(",")
    login_and_hosts, _, database = url.partition("://")[2].partition("?")[0].partition("/")
    spilled = login_and_hosts.count("@") > 1 or "@" in database
    if spilled or any(port and not re.fullmatch("[0-9]{1,9}", port) for port in ports):
        raise ValidationError(
            "is not one that libpq understands: in user and password %, / and @ are written %25, "
            "%2F and %40"
        )
    counts = {len(parts[name].split(",")) for name in ("host", "hostaddr") if name in parts} or {1}
    if ports[1:]:
        counts.add(len(ports))
    if len(counts) > 1:
        raise ValidationError("must name as many ports and hostaddr as hosts, or one port for all")
    if any(port and not 0 < int(port) < 65_536 for port in ports):
        raise ValidationError("has a port that is not one of 1 to 65535")


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
        shown = {name: each for name, each in self.parameters.items() if name not in SECRETS}
        return replace(self, password="", parameters=shown)


def parse(url: str) -> ConnectionUrl:
    """Return the parts of a URL that check_libpq_url lets pass."""
    parts = parse_dsn(url)
    return ConnectionUrl(
        user=parts.pop("user", ""),
        password=parts.pop("password", ""),
        hosts=parts.pop("host", ""),
        ports=parts.pop("port", ""),
        database=parts.pop("dbname", ""),
        parameters=parts,
    )
