"""URLs of databases, as libpq reads them, and what it would only find out when it connects."""

import re

import psycopg2
from marshmallow import ValidationError
from psycopg2.extensions import parse_dsn


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
    if spilled or any(port and not port.isdigit() for port in ports):
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


def read_libpq_url(url: str) -> dict[str, str]:
    """Return what a URL that check_libpq_url lets pass says, decoded, by libpq's names."""
    return parse_dsn(url)
