"""How the migrations' driver, and psql, are told what libpq takes from the environment."""

from urllib.parse import parse_qs, urlsplit

import pytest

from products_service.commands.db import psql_environment
from products_service.commands.migrate import URL_VARIABLE, environment
from products_service.config import ConfigurationError


@pytest.mark.parametrize(
    ("url", "given", "sslmode"),
    [
        ("postgresql://db/x", {}, "prefer"),
        ("postgresql://db/x", {"PGSSLMODE": "verify-full"}, "verify-full"),
        ("postgresql://db/x?sslmode=require", {"PGSSLMODE": "verify-full"}, "require"),
        ("postgresql://db/x?sslrootcert=system", {}, "verify-full"),
        ("postgresql://db/x", {"PGSSLROOTCERT": "system"}, "verify-full"),
        ("postgresql:///x?host=/run/a", {"PGSSLMODE": "verify-full"}, "disable"),
    ],
)
def test_certificates_are_verified_as_libpq_would(
    monkeypatch: pytest.MonkeyPatch, url: str, given: dict[str, str], sslmode: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    written = environment(url)[URL_VARIABLE]
    assert parse_qs(urlsplit(written).query)["sslmode"] == [sslmode]


@pytest.mark.parametrize("name", ["channel_binding", "gssencmode", "sslcertmode"])
def test_what_protects_is_not_left_out(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}=require") as raised:
        environment(f"postgresql://who:hush@db/x?{name}=require")
    assert "hush" not in str(raised.value)
    assert name not in environment(f"postgresql://who:hush@db/x?{name}=prefer")[URL_VARIABLE]


def test_a_keys_password_is_told_to_nobody() -> None:
    with pytest.raises(ConfigurationError, match="has sslpassword") as raised:
        environment("postgresql://who@db/x?sslkey=client.key&sslpassword=hush")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("name", ["require_auth", "requirepeer", "sslcrl", "sslcrldir"])
def test_what_protects_by_any_value_is_not_left_out(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}=some"):
        environment(f"postgresql://who@db/x?{name}=some")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PGCHANNELBINDING", "require"), ("PGGSSENCMODE", "require"), ("PGREQUIREPEER", "who")),
        *(("PGSSLCERTMODE", "require"), ("PGREQUIREAUTH", "scram-sha-256"), ("PGSSLCRL", "x")),
    ],
)
def test_nor_is_what_protects_by_a_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{name}={value} is set, which the migrations"):
        environment("postgresql://who@db/x")


@pytest.mark.parametrize("name", ["gsslib", "gssdelegation"])
def test_what_only_tunes_is_left_out(name: str) -> None:
    assert name not in environment(f"postgresql://who@db/x?{name}=1")[URL_VARIABLE]


@pytest.mark.parametrize("given", [None, "3"])
def test_a_server_that_says_nothing_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    if given:
        monkeypatch.setenv("PGCONNECT_TIMEOUT", given)
    assert environment("postgresql://who@db/x")["PGCONNECT_TIMEOUT"] == (given or "10")
    assert psql_environment("hush")["PGCONNECT_TIMEOUT"] == (given or "10")
