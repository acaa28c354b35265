"""What `flask doctor` says of what migrations and loads have made."""

import shutil
from contextlib import closing
from pathlib import Path

import psycopg2

from etl.indexes import read_indexes
from tests.conftest import MIGRATIONS, Database, janitor
from tests.doctor.examined import Said, change, doctor
from tests.servers import Server
from tests.sessions import session


def test_a_database_that_is_not_migrated(server: Server, template: str) -> None:
    with janitor(server, "products_empty"):
        said = doctor(Database(server, "products_empty"))
    first = min(path.name for path in MIGRATIONS.iterdir())
    assert said["migrations"].label == "FAIL"
    assert said["migrations"].found.startswith(f"pending: {first}")
    assert said["migrations"].hint == "flask db upgrade"
    assert said["catalogue"].label == "FAIL"
    assert said["catalogue"].found == "the database that the service reads is not migrated"
    assert said["indexes"] == Said("skip", "the database is not migrated", "")
    assert said["connections"].label == "ok"


def test_a_service_whose_database_is_another_than_the_migrated_one(
    loaded: Database, server: Server
) -> None:
    with janitor(server, "products_typo"):
        said = doctor(loaded, DATABASE_URL=Database(server, "products_typo").app)
    assert said["migrations"].label == "ok"
    assert said["catalogue"].label == "FAIL"
    assert "MIGRATIONS_DATABASE_URL name different databases" in said["catalogue"].hint


def test_an_administrator_that_is_not_let_in_is_told_without_migrations_too(
    loaded: Database, tmp_path: Path
) -> None:
    wrong = loaded.server.url("nobody_of_that_name", loaded.name)
    said = doctor(loaded, "--directory", tmp_path / "nowhere", MIGRATIONS_DATABASE_URL=wrong)
    assert said["migrations"].label == "FAIL"
    assert "nobody_of_that_name" in said["migrations"].found
    assert said["catalogue"].label == "ok"


def test_migrations_of_another_release(loaded: Database, tmp_path: Path) -> None:
    newer = shutil.copytree(MIGRATIONS, tmp_path / "newer")
    (newer / "9998_more.sql").write_text("-- migrate:up\n-- migrate:down\n")
    check = doctor(loaded, "--directory", newer)["migrations"]
    assert check == Said("FAIL", "pending: 9998_more.sql", "flask db upgrade")
    change(loaded, "INSERT INTO public.schema_migrations VALUES ('9999')")
    check = doctor(loaded)["migrations"]
    assert (check.label, check.found) == ("warn", "the database is ahead of this release by 9999")
    check = doctor(loaded, "--directory", tmp_path / "nowhere")["migrations"]
    assert check.label == "FAIL"
    assert "--directory" in check.hint


def test_no_load(database: Database) -> None:
    said = doctor(database)
    assert said["catalogue"] == Said("FAIL", "no load was published", "flask etl load FOLDER")
    for name in ("indexes", "statistics"):
        assert said[name] == Said("skip", "no load was published", "")


def test_indexes(loaded: Database) -> None:
    for name, index in read_indexes().items():
        with session(loaded) as cursor:
            cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [f"catalogue.{name}"])
            (definition,) = cursor.fetchone()
        change(loaded, f"DROP INDEX catalogue.{name}")
        assert doctor(loaded)["indexes"] == Said(
            "FAIL", f"missing: {name} on {index.table}", "flask etl index build"
        )
        change(loaded, definition)
    invalidate(loaded, name)
    check = doctor(loaded)["indexes"]
    assert (check.label, check.found) == ("FAIL", f"not valid: {name}")
    assert check.hint.startswith(f"flask etl index drop {name}")


def invalidate(database: Database, index: str) -> None:
    """Leave an index as a build that was cancelled does."""
    change(
        database,
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'catalogue.{index}'::regclass",
    )


def test_an_index_of_somebody_else(loaded: Database) -> None:
    change(loaded, "CREATE INDEX mine ON catalogue.products (name)")
    invalidate(loaded, "mine")
    check = doctor(loaded)["indexes"]
    assert (check.label, check.found) == ("warn", "not valid, and none of ours: mine")
    assert "DROP INDEX catalogue.mine" in check.hint


def test_what_a_load_holds_is_skipped(loaded: Database) -> None:
    change(loaded, "CREATE SCHEMA catalogue_next", "CREATE TABLE catalogue_next.skus ()")
    with closing(psycopg2.connect(loaded.admin)) as other:
        other.cursor().execute("LOCK TABLE catalogue_next.skus IN ACCESS EXCLUSIVE MODE")
        said = doctor(loaded)
    assert {name: said[name].label for name in ("catalogue", "disk")} == {
        "catalogue": "ok",
        "disk": "skip",
    }
    assert "a load or a migration holds" in said["disk"].found


def test_keys(loaded: Database) -> None:
    change(loaded, "ALTER TABLE catalogue.related DROP CONSTRAINT related_pkey")
    assert doctor(loaded)["keys"].found == "missing: the primary key of related"
    change(
        loaded,
        "ALTER TABLE catalogue.related ADD PRIMARY KEY (id)",
        "ALTER TABLE catalogue.photos DROP CONSTRAINT photos_style_id_fkey",
    )
    check = doctor(loaded)["keys"]
    assert (check.label, check.found) == ("FAIL", "missing: photos.style_id to styles")
    assert "flask etl load" in check.hint
    change(
        loaded,
        "ALTER TABLE catalogue.photos ADD FOREIGN KEY (style_id) REFERENCES catalogue.styles "
        "NOT VALID",
    )
    check = doctor(loaded)["keys"]
    assert (check.label, check.found) == ("FAIL", "not validated: photos_style_id_fkey")
    statement = check.hint.removeprefix("as the owner: ")
    change(loaded, statement)
    assert doctor(loaded)["keys"].label == "ok"


def test_statistics(loaded: Database) -> None:
    change(loaded, "UPDATE pg_class SET reltuples = -1 WHERE oid = 'catalogue.skus'::regclass")
    check = doctor(loaded)["statistics"]
    assert (check.label, check.found) == ("warn", "stale: skus")
    assert "VACUUM (ANALYZE) catalogue.skus" in check.hint
    change(
        loaded,
        "VACUUM (ANALYZE) catalogue.skus",
        "ALTER TABLE catalogue.photos SET (autovacuum_enabled = off)",
        "SELECT pg_stat_reset_single_table_counters('catalogue.photos'::regclass)",
        "INSERT INTO catalogue.photos (id, style_id) SELECT n, 1 FROM generate_series(2, 500) AS n",
    )
    check = doctor(loaded)["statistics"]
    assert (check.label, check.found) == ("warn", "stale: photos")
    change(loaded, "VACUUM (ANALYZE) catalogue.photos")
    assert doctor(loaded)["statistics"].label == "ok"
