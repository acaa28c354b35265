"""Settings: defaults, and errors that name the variable and what is allowed."""

import pytest

from products_service.config import (
    ConfigurationError,
    SettingsSchema,
    host_and_port,
    load_settings,
)

GTHREAD = {"GUNICORN_WORKER_CLASS": "gthread"}


@pytest.mark.parametrize("worker_class", [{}, GTHREAD])
def test_defaults_are_valid(worker_class: dict[str, str]) -> None:
    settings = load_settings(worker_class)
    assert settings["PORT"] == 8000
    assert set(settings) == set(SettingsSchema().fields)


def test_values_come_from_the_environment_and_foreign_variables_are_ignored() -> None:
    settings = load_settings({"PORT": "9001", "HOME": "/root", "DATABASE_URL": "postgresql://x"})
    assert settings["PORT"] == 9001
    assert settings["DATABASE_URL"] == "postgresql://x"
    assert "HOME" not in settings


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://who:50%25%2F%40@a:1,b,c:2/x",
        "postgresql:///x?host=/run/a&port=5432",
        "postgresql://a,b/x?port=5433&hostaddr=192.0.2.1,192.0.2.2",
        "postgres://%40abstract/x%40y",
        "postgresql://who:a?b@host/x?application_name=a@b/c@d",
    ],
)
def test_urls_that_libpq_understands(url: str) -> None:
    assert load_settings({"DATABASE_URL": url})["DATABASE_URL"] == url


def test_origins() -> None:
    origins = {"https://a.example", "http://[::1]:443", "https://a:80", "http://a:8080"}
    assert load_settings({"CORS_ORIGINS": " ".join(origins)})["CORS_ORIGINS"] == origins


def test_empty_is_unset() -> None:
    assert load_settings({"DATABASE_URL": "", "PORT": ""})["DATABASE_URL"] is None


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"PORT": "http"}, "PORT=http: must be a whole number"),
        *(
            ({"CORS_ORIGINS": f"https://a {wrong}"}, "CORS_ORIGINS=.*as browsers send them")
            for wrong in (
                "shop.example",
                "https://a:443",
                "http://[::1]:80",
                "https://A",
                "https://a/",
            )
        ),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT=xml: must be one of json, text$"),
        ({"PORT": "0"}, "PORT=0: must be 1 to 65535$"),
        ({"DATABASE_URL": "host=db password=x"}, r"DATABASE_URL=\(hidden\): must be a URL such as"),
        *(
            (
                {"ETL_DATABASE_URL": f"postgresql://who:{password}@host/database"},
                r"^(?!.*hush).*ETL_DATABASE_URL=\(hidden\): is not one that libpq understands: in",
            )
            for password in (
                "50%hush",
                "hush/hush",
                "12/hush",
                "hush@hush",
                "hush%zz",
                "x@a:²/hush?",
            )
        ),
        *(
            (
                {"DATABASE_URL": f"postgresql://who:hush@host/database?{query}"},
                r"^(?!.*hush).*DATABASE_URL=\(hidden\): has a parameter after \? that libpq",
            )
            for query in ("schema=public", "sslmode=disable&hush=1")
        ),
        (GTHREAD | {"DB_POOL_SIZE": "8"}, "DB_POOL_SIZE=8: must be less than GUNICORN_THREADS"),
        (GTHREAD | {"GUNICORN_THREADS": "4"}, "DB_POOL_SIZE=4: must be less than GUNICORN_THREADS"),
        *(
            ({"BIND_ADDRESS": address}, "BIND_ADDRESS=.*: must be an IP address or the name")
            for address in (
                "127.0.0.1:80",
                "[::1]",
                "a..b",
                "-a",
                "256.1.1.1",
                "a b",
                "a" * 64,
                "a." * 127 + "a",
            )
        ),
        ({"DB_STATEMENT_TIMEOUT_MS": "900"}, "DB_STATEMENT_TIMEOUT_MS=900: must be less than"),
        ({"DB_DEADLINE_MS": "99"}, "DB_DEADLINE_MS=99: must be 100 to 60000"),
        ({"DB_DEADLINE_MS": "60001"}, "DB_DEADLINE_MS=60001: must be 100 to 60000"),
        ({"DB_STATEMENT_TIMEOUT_MS": "0"}, "DB_STATEMENT_TIMEOUT_MS=0: must be 1 to 60000"),
        ({"CACHE_MAX_AGE": "-1"}, "CACHE_MAX_AGE=-1: must be 0 to 31536000"),
        ({"CACHE_MAX_AGE": "31536001"}, "CACHE_MAX_AGE=31536001: must be 0 to 31536000"),
        ({"DB_CONNECT_TIMEOUT_MS": "99"}, "DB_CONNECT_TIMEOUT_MS=99: must be 100 to"),
        *(
            (
                {"DATABASE_URL": f"postgresql://a,b,c/database?{query}"},
                r"DATABASE_URL=\(hidden\): must name as many ports and hostaddr as hosts",
            )
            for query in ("port=1,2", "hostaddr=192.0.2.1,192.0.2.2", "port=1,2,3,4")
        ),
        *(
            ({"DATABASE_URL": f"postgresql://host:{port}/database"}, "a port that is not one of 1")
            for port in ("0", "65536")
        ),
    ],
)
def test_errors_name_the_variable(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings(environ)


@pytest.mark.parametrize("address", ["0.0.0.0", "::1", "::", "localhost", "app-1.example"])
def test_addresses(address: str) -> None:
    assert load_settings({"BIND_ADDRESS": address})["BIND_ADDRESS"] == address


def test_a_greenlet_worker_s_pool_has_nothing_to_do_with_threads() -> None:
    settings = load_settings({"GUNICORN_WORKER_CLASS": "greenlet", "DB_POOL_SIZE": "8"})
    assert settings["DB_POOL_SIZE"] == settings["GUNICORN_THREADS"]


def test_errors_name_every_variable_that_is_wrong() -> None:
    with pytest.raises(ConfigurationError, match=r"DB_POOL_SIZE=x.*PORT=y"):
        load_settings({"PORT": "y", "DB_POOL_SIZE": "x"})


@pytest.mark.parametrize(
    ("address", "written"),
    [("0.0.0.0", "0.0.0.0:9001"), ("shop", "shop:9001"), ("::1", "[::1]:9001")],
)
def test_where_gunicorn_listens(address: str, written: str) -> None:
    settings = load_settings({"BIND_ADDRESS": address, "PORT": "9001"})
    assert host_and_port(settings) == written


def test_every_setting_says_what_it_means() -> None:
    for name, field in SettingsSchema().fields.items():
        assert field.metadata.get("description"), name
