"""The index of searches rests on functions outside the catalogue: they outlast whatever it goes
through."""

import json
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from products_service.commands.migrate import migrate
from products_service.statements import read_statements
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import MIGRATIONS, Database
from tests.etl.upserts import run_upsert, write_changes
from tests.servers import Server, query
from tests.sessions import connect
from tests.waiting import HANG

SEARCH = read_statements()["search_products"]
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef ~ 'search[.]' ORDER BY 1"


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """The name of an empty database, whose owner is a role of that name which may do no more."""
    name = "plain_owner"
    with closing(psycopg2.connect(server.url())) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE ROLE {name} LOGIN")
        cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
        yield name
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        cursor.execute(f"DROP ROLE {name}")


def found(url: str, words: str, scan: bool = True) -> list[int]:
    """Return the ids that a search finds, by the index alone unless scanning is allowed."""
    with closing(connect(url)) as connection, connection.cursor() as cursor:
        if not scan:  # which makes what must be scanned look so expensive that it is compiled
            cursor.execute("SET enable_seqscan = off; SET jit = off")
        cursor.execute(SEARCH.prepare)
        cursor.execute(SEARCH.execute, (words, 1, 1_000))
        return [product["id"] for product in json.loads(cursor.fetchone()[2])]


def assert_found(url: str, words: str, ids: list[int]) -> None:
    assert found(url, words) == found(url, words, scan=False) == ids


def test_loads_and_upserts(database: Database, folder: Path, tmp_path: Path) -> None:
    for _ in range(3):  # with the third, what the first left is dropped
        load_catalogue(database.etl, folder, tmp_path)
        assert_found(database.app, "fatigues onesie", [1])
    changes = {
        "products": [
            (1, "Renamed", None, None, None, "1", False),
            (9, "Another onesie", None, None, None, "1", False),
            (2, 'The "X"', None, "", "null", "69.90", True),
        ]
    }
    run_upsert(database, write_changes(tmp_path / "changes", changes), tmp_path)
    assert_found(database.app, "onesie", [9])
    assert_found(database.app, "rename", [1])
    assert_found(database.app, "x", [])


def test_a_dump_and_its_restoration(
    server: Server, empty: str, database: Database, folder: Path, tmp_path: Path
) -> None:
    """As docs/operations.md says; what is restored can be loaded into as before."""
    load_catalogue(database.etl, folder, tmp_path)
    dump = tmp_path / "products.dump"
    restored = server.url(database=empty)
    save = ("--format=custom", f"--file={dump}", database.admin)
    subprocess.run([server.programs / "pg_dump", *save], check=True, timeout=HANG)
    migrate(restored, MIGRATIONS, "up")
    put_back = ("--clean", "--if-exists", "--single-transaction", f"--dbname={restored}", dump)
    subprocess.run([server.programs / "pg_restore", *put_back], check=True, timeout=HANG)
    assert query(restored, INDEXES) == query(database.admin, INDEXES)
    assert len(query(restored, INDEXES)) == 2
    assert_found(server.url("products_app", empty), "fatigues onesie", [1])
    assert load_catalogue(server.url("products_etl", empty), folder, tmp_path).number == 2


def test_a_role_that_is_no_superuser(
    server: Server, empty: str, folder: Path, tmp_path: Path
) -> None:
    url = server.url(empty, empty)
    migrate(url, MIGRATIONS, "up")
    for _ in range(2):
        load_catalogue(url, folder, tmp_path)
    assert_found(url, "fatigues onesie", [1])
    owners = "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE proname = 'document'"
    assert query(url, owners) == [(empty,)]


def test_the_migration_takes_the_catalogue_that_is_there(
    server: Server, empty: str, tmp_path: Path
) -> None:
    """Back and forth again: ranks are reckoned, indexes are left to `flask etl index build`."""
    url = server.url(database=empty)
    migrate(url, MIGRATIONS, "up")
    rows = {"products": [(id_, f"Name {id_}", None, None, None, "1") for id_ in range(5, 400)]}
    load_catalogue(url, write_catalogue(tmp_path / "many", rows), tmp_path)
    ranks = "SELECT * FROM catalogue.product_ranks ORDER BY first_id"
    before = query(url, ranks)
    assert before == [(1, 0), *((5 + rank, rank) for rank in (128, 256, 384))]
    migrate(url, MIGRATIONS, "down")
    assert query(url, INDEXES) == []
    migrate(url, MIGRATIONS, "up")
    assert query(url, ranks) == before
    assert found(url, "399") == [399]


def test_signs_of_every_script_separate_words(database: Database) -> None:
    """Whatever the locale takes for letters: it is C, or C.UTF-8 where the server is another."""
    signs = [sign for sign in map(chr, range(1, 0x10000)) if separates(sign) and sign != "<"]
    assert len(signs) > 800
    joined = """
        SELECT sign FROM unnest(%s) AS sign
        CROSS JOIN LATERAL (
          VALUES ('fox' || sign || 'cat', '{fox,cat}'), ('fox' || sign || '7', '{fox,7}'),
                 (sign || 'cat', '{cat}')
        ) AS tried (text, words)
        WHERE words::text[] <> ARRAY(
          SELECT token FROM ts_parse('default', search.plain(text)) WHERE tokid <> 12
        )
    """
    with closing(connect(database.admin)) as connection, connection.cursor() as cursor:
        cursor.execute(joined, (signs,))
        assert cursor.fetchall() == []


def separates(character: str) -> bool:
    """Whether Unicode has it for punctuation, a blank or a sign, now and in an early version."""
    return all(
        known.category(character)[0] in "PZ" or known.category(character) in ("Sc", "Sm")
        for known in (unicodedata, unicodedata.ucd_3_2_0)
    )


@pytest.mark.parametrize("sign", "@_./-%&<~+")
def test_no_text_takes_long_to_read(database: Database, sign: str) -> None:
    """Left to itself PostgreSQL's parser looks for the end of an address from each word on."""
    text = f"a{sign}1" * 6_666
    with closing(connect(database.admin)) as connection, connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'")
        cursor.execute("SELECT search.document(%s, %s, %s, %s)", [text] * 4)
