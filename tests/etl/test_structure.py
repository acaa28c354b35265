"""The same files make the same catalogue, with the keys, indexes and rights of the migrations."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from etl.connection import Connection
from etl.digest import combine, compute_digests
from etl.indexes import read_indexes
from tests.catalogue import load_catalogue
from tests.conftest import Database
from tests.etl.loads import ROWS, assert_account, served
from tests.servers import query


def test_the_same_files_again_are_the_same_catalogue(
    database: Database, folder: Path, reports: Path
) -> None:
    first = load_catalogue(database.etl, folder, reports)
    assert served(database) == (first.number, first.digest) == (1, first.digest)
    second = load_catalogue(database.etl, folder, reports)
    assert served(database) == (second.number, second.digest) == (2, first.digest)
    recorded = "SELECT number, digest FROM catalogue.published_load"
    assert query(database.app, recorded) == [(2, first.digest)]


STRUCTURE = {
    "relations": """
        SELECT relname, relkind, relpersistence, relowner::regrole::text, relrowsecurity
        FROM pg_class WHERE relnamespace = 'catalogue'::regnamespace""",
    "columns": """
        SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default,
          is_identity, identity_generation, collation_name, is_generated
        FROM information_schema.columns WHERE table_schema = 'catalogue'""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype, convalidated, condeferrable,
          pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'catalogue'::regnamespace""",
    "indexes": """
        SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'catalogue'""",
    "sequences": """
        SELECT sequencename, sequenceowner::text, start_value, min_value, max_value,
          increment_by, cycle, cache_size
        FROM pg_sequences WHERE schemaname = 'catalogue'""",
    "rights": """
        SELECT relname, grantor::regrole::text, grantee::regrole::text, privilege_type, is_grantable
        FROM pg_class, aclexplode(coalesce(relacl, acldefault('r', relowner)))
        WHERE relnamespace = 'catalogue'::regnamespace AND relkind = 'r'""",
    "schema": """
        SELECT nspowner::regrole::text, grantee::regrole::text, privilege_type, is_grantable
        FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'catalogue'""",
}


def structure(database: Database) -> dict[str, set[tuple]]:
    """Return everything that the catalogue's tables are, but for their rows."""
    return {name: set(query(database.admin, text)) for name, text in STRUCTURE.items()}


def test_keys_indexes_owners_and_grants_are_those_of_the_migrations(
    database: Database, folder: Path, reports: Path
) -> None:
    migrated = structure(database)
    for _ in range(2):  # the second is made like the first
        load_catalogue(database.etl, folder, reports)
        published = structure(database)
        added = published["indexes"] - migrated["indexes"]
        built = {(index.table, index.name) for index in read_indexes().values()}
        assert {(table, name) for table, name, _ in added} == built
        assert built
        published["indexes"] -= added
        names = {name for _, name, _ in added}
        published["relations"] = {row for row in published["relations"] if row[0] not in names}
        assert published == migrated
    # What was compared is there at all.
    constraints = [(row[2], row[3]) for row in migrated["constraints"]]
    tables = {row[0] for row in migrated["relations"] if row[1] == "r"}
    assert tables >= {"published_load", *ROWS}
    assert [kind for kind, _ in constraints].count("p") == len(tables)
    assert [kind for kind, _ in constraints].count("f") >= 6
    assert [kind for kind, _ in constraints].count("c") >= 12
    assert all(valid for _, valid in constraints)
    assert {row[3] for row in migrated["relations"]} == {"products_owner"}
    readable = {row[0] for row in migrated["rights"] if row[2:4] == ("products_app", "SELECT")}
    assert readable == tables


def test_what_was_served_before_is_there_until_the_next_load(
    database: Database, folder: Path, reports: Path
) -> None:
    """As rows to go back to, and for what others have built on its tables."""
    first = load_catalogue(database.etl, folder, reports)
    query(database.admin, "CREATE VIEW public.counted AS SELECT count(*) FROM catalogue.skus")
    (folder / "skus.csv").write_text("id,style_id,size,quantity\n")
    second = load_catalogue(database.etl, folder, reports)
    assert second.digest != first.digest
    with closing(Connection(database.etl)) as connection:
        assert combine(compute_digests(connection, "catalogue_previous")) == first.digest
    assert query(database.admin, "TABLE public.counted") == [(len(ROWS["skus"]),)]
    load_catalogue(database.etl, folder, reports)
    assert query(database.admin, "SELECT to_regclass('public.counted')") == [(None,)]


def test_grants_that_were_added_stay(database: Database, folder: Path, reports: Path) -> None:
    query(database.admin, "GRANT SELECT ON catalogue.products TO PUBLIC")
    query(database.admin, "GRANT USAGE ON SCHEMA catalogue TO pg_monitor")
    query(database.admin, "GRANT SELECT (id, name) ON catalogue.products TO pg_monitor")
    query(database.admin, "GRANT SELECT ON catalogue.skus TO pg_monitor WITH GRANT OPTION")
    granted = structure(database)
    load_catalogue(database.etl, folder, reports)
    published = structure(database)
    assert published["rights"] == granted["rights"]
    passed_on = "SELECT has_table_privilege('pg_monitor', 'catalogue.skus', %s)"
    assert query(database.admin, passed_on, "SELECT WITH GRANT OPTION") == [(True,)]
    column = "SELECT has_column_privilege('pg_monitor', 'catalogue.products', %s, 'SELECT')"
    assert query(database.admin, column, "name") == [(True,)]
    assert published["schema"] == granted["schema"]


def test_the_service_reads_and_cannot_write(
    shared_database: Database, folder: Path, reports: Path
) -> None:
    load_catalogue(shared_database.etl, folder, reports)
    writable = shared_database.app + "&options=-c%20default_transaction_read_only%3Doff"
    for table in [*ROWS, "published_load"]:
        assert query(shared_database.app, f"SELECT count(*) FROM catalogue.{table}")[0][0] in (1, 3)
        for statement in (
            f"DELETE FROM catalogue.{table}",
            f"TRUNCATE catalogue.{table} CASCADE",
            f"INSERT INTO catalogue.{table} SELECT * FROM catalogue.{table}",
            f"DROP TABLE catalogue.{table} CASCADE",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                query(writable, statement)


def test_statistics_are_fresh(database: Database, large: Path, reports: Path) -> None:
    result = load_catalogue(database.etl, large, reports)
    assert_account(database, result)
    found = query(
        database.admin,
        "SELECT relname, reltuples::integer, relallvisible = relpages, "
        "(SELECT count(*)::integer FROM pg_stats WHERE schemaname = 'catalogue' "
        "AND tablename = relname) "
        "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'catalogue'::regnamespace "
        "AND relname = ANY(%s)",
        list(ROWS),
    )
    columns = {"products": 7, "features": 5, "styles": 7, "photos": 5, "skus": 5, "related": 4}
    assert set(found) == {
        (table, result.tallies[f"{table}.csv"].loaded, True, columns[table]) for table in ROWS
    }
