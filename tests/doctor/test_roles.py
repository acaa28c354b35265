"""What `flask doctor` says of the roles: too much, too little, or the wrong one."""

from contextlib import closing
from pathlib import Path

import click
import psycopg2
import pytest

from products_service.commands.migrate import migrate
from tests.catalogue import load_catalogue
from tests.conftest import MIGRATIONS, Database
from tests.doctor.examined import UNHURRIED, change, doctor
from tests.servers import query, throwaway


@pytest.mark.parametrize(
    ("statement", "found", "hint"),
    [
        (
            "GRANT INSERT ON catalogue.products TO products_app",
            "products_app may INSERT ON catalogue.products",
            "as the owner: REVOKE INSERT ON catalogue.products FROM products_app",
        ),
        (
            "GRANT UPDATE (name) ON catalogue.products TO products_app",
            "products_app may UPDATE ON catalogue.products",
            "REVOKE UPDATE ON catalogue.products",
        ),
        (
            "GRANT CREATE ON SCHEMA catalogue TO products_app",
            "products_app may CREATE ON SCHEMA catalogue",
            "REVOKE CREATE ON SCHEMA catalogue",
        ),
        (
            "GRANT ALL ON ALL TABLES IN SCHEMA etl TO products_app",
            "products_app may DELETE ON etl.loads, INSERT ON etl.loads, TRUNCATE ON etl.loads and "
            "1 more",
            "REVOKE DELETE ON etl.loads",
        ),
        (
            "REVOKE SELECT ON catalogue.skus FROM products_app",
            "products_app may not read catalogue.skus",
            "as the owner: GRANT SELECT ON catalogue.skus TO products_app",
        ),
        (
            "REVOKE USAGE ON SCHEMA catalogue FROM products_app",
            "products_app may not read SCHEMA catalogue",
            "GRANT USAGE ON SCHEMA catalogue TO products_app",
        ),
        (
            "REVOKE USAGE ON SCHEMA search FROM PUBLIC, products_app",
            "products_app may not read SCHEMA search",
            "GRANT USAGE ON SCHEMA search TO products_app",
        ),
    ],
)
def test_privileges_of_the_service(loaded: Database, statement: str, found: str, hint: str) -> None:
    change(loaded, statement)
    said = doctor(loaded)
    assert said["app role"].label == "FAIL"
    assert said["app role"].found == found
    assert hint in said["app role"].hint
    # and none of the others stumbles over it
    assert not any("Error" in check.found for check in said.values())


@pytest.mark.parametrize(
    ("setting", "found", "hint"),
    [
        ("statement_timeout = 0", "no statement_timeout", "SET statement_timeout = '500ms'"),
        ("statement_timeout = '5s'", "a statement_timeout of 5,000 ms", "'500ms'"),
        (
            "default_transaction_read_only = off",
            "does not begin read-only",
            "SET default_transaction_read_only = on",
        ),
    ],
)
def test_limits_of_the_services_role(loaded: Database, setting: str, found: str, hint: str) -> None:
    change(loaded, f"ALTER ROLE products_app IN DATABASE {{name}} SET {setting}")
    check = doctor(loaded)["app role"]
    assert check.label == "warn"
    assert found in check.found
    assert hint in check.hint


def test_a_service_that_logs_in_as_somebody_else(well: Database) -> None:
    said = doctor(well, DATABASE_URL=well.admin)
    assert said["app role"].label == "FAIL"
    assert said["app role"].found.startswith("postgres may ")
    assert said["app role"].hint == "let DATABASE_URL log in as products_app, which only reads"
    # a load would not see the statements of such a service, for which it has to wait
    assert said["etl role"].label == "FAIL"
    assert "membership in postgres" in said["etl role"].found


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("REVOKE CREATE ON DATABASE {name} FROM products_owner", "CREATE ON DATABASE"),
        ("REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC", "TEMPORARY ON DATABASE"),
        (
            "REVOKE SELECT ON public.schema_migrations FROM products_owner",
            "SELECT ON public.schema_migrations",
        ),
        ("ALTER SCHEMA catalogue OWNER TO postgres", "to own SCHEMA catalogue"),
        ("ALTER TABLE catalogue.skus OWNER TO postgres", "to own catalogue.skus"),
        ("ALTER TABLE etl.loads OWNER TO postgres", "INSERT ON etl.loads, SELECT ON etl.loads"),
        ("ALTER SCHEMA etl OWNER TO postgres", "USAGE ON SCHEMA etl"),
    ],
)
def test_a_load_that_lacks_something(loaded: Database, statement: str, lacking: str) -> None:
    change(loaded, statement)
    # also seen from a host that has the service's URL alone
    for only in ({}, {"ETL_DATABASE_URL": "", "MIGRATIONS_DATABASE_URL": ""}):
        check = doctor(loaded, **only)["etl role"]
        assert check.label == "FAIL"
        assert check.found.startswith("products_etl lacks ")
        assert lacking in check.found
        assert "give it to products_owner" in check.hint


def test_one_role_for_everything(folder: Path, reports: Path) -> None:
    with throwaway() as elsewhere:
        with closing(psycopg2.connect(elsewhere.url())) as admin:
            admin.autocommit = True
            admin.cursor().execute("CREATE ROLE solo LOGIN")
            admin.cursor().execute("CREATE DATABASE products OWNER solo")
        url = elsewhere.url("solo", "products")
        migrate(url, MIGRATIONS, "up")
        load_catalogue(url, folder, reports)
        said = doctor(None, DATABASE_URL=url, **UNHURRIED)
    labels = {name: check.label for name, check in said.items() if check.label != "ok"}
    labels.pop("open files", None)
    assert labels == {"app role": "warn", "disk": "skip"}
    assert "one role does everything here" in said["app role"].hint
    assert said["etl role"].found == "solo can load"


def test_an_administrator_whom_others_roles_are_granted_to_can_migrate() -> None:
    with throwaway() as elsewhere:
        for name in ("first", "second"):
            query(elsewhere.url(), f"CREATE ROLE {name} LOGIN CREATEROLE CREATEDB")
            query(elsewhere.url(name), f"CREATE DATABASE of_{name}")
        migrate(elsewhere.url("first", "of_first"), MIGRATIONS, "up")
        second = elsewhere.url("second", "of_second")
        ((version,),) = query(elsewhere.url(), "SHOW server_version_num")
        if int(version) >= 160000:  # before, CREATEROLE is enough
            with pytest.raises(click.ClickException, match="dbmate up failed"):
                migrate(second, MIGRATIONS, "up")
            query(
                elsewhere.url("first"),
                "GRANT products_owner, products_etl, products_app TO second WITH ADMIN OPTION",
            )
        migrate(second, MIGRATIONS, "up")
