"""Conditional requests, Cache-Control and compression: what caches may keep, and when they ask."""

import gzip
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient

import products_service
from products_service import statements as statements_module
from products_service.statements import read_statements
from products_service.web import caching
from products_service.web.caching import COMPRESS_FROM, KNOWN_FOR, form, read_makers
from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database, make_app

LONG = "description " * (COMPRESS_FROM // 8)
ROWS = {"products": [(1, "Onesie", "Blend in", LONG, "Jackets", "140"), (2, "S", "", "", "", "1")]}
CHANGED = {"products": [(1, "Twosie", "Blend in", LONG, "Jackets", "150")]}


@pytest.fixture
def app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    load_catalogue(database.etl, write_catalogue(tmp_path / "catalogue", ROWS), tmp_path)
    app = make_app(database)
    yield app
    app.extensions["database"].close()


def load_changed(database: Database, folder: Path) -> None:
    load_catalogue(database.etl, write_catalogue(folder / "changed", CHANGED), folder)


@pytest.mark.parametrize(
    "path",
    ["/products", "/products?page=1", "/products/1", "/products/1/styles", "/products/1/related"],
)
def test_an_answer_can_be_kept_and_checked(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["Cache-Control"] == (
        "public, max-age=30, stale-while-revalidate=10, stale-if-error=600"
    )
    assert first.headers["Vary"] == "Accept-Encoding"
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"1-[0-9a-f]{24}"', tag)
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert again.headers["Vary"] == first.headers["Vary"]
    assert "Content-Type" not in again.headers


def test_the_times_are_settings(database: Database, tmp_path: Path) -> None:
    load_catalogue(database.etl, write_catalogue(tmp_path / "catalogue", ROWS), tmp_path)
    app = make_app(
        database,
        CACHE_MAX_AGE="0",
        CACHE_STALE_WHILE_REVALIDATE="1",
        CACHE_STALE_IF_ERROR="2",
    )
    assert app.test_client().get("/products/1").headers["Cache-Control"] == (
        "public, max-age=0, stale-while-revalidate=1, stale-if-error=2"
    )
    app.extensions["database"].close()


def test_each_url_has_a_tag_of_its_own(client: FlaskClient) -> None:
    paths = ["/products", "/products?count=5", "/products?count=6", "/products/1", "/products/2"]
    tags = {client.get(path).headers["ETag"] for path in paths}
    assert len(tags) == len(paths)
    for path in paths:
        others = ", ".join(tags - {client.get(path).headers["ETag"]})
        assert client.get(path, headers={"If-None-Match": others}).status_code == 200


@pytest.mark.parametrize("form_", ["W/{tag}", '"x", {tag}', "*", '"a",W/"b" , {tag}'])
def test_every_way_to_name_the_tag(client: FlaskClient, form_: str) -> None:
    tag = client.get("/products/1").headers["ETag"]
    answer = client.get("/products/1", headers={"If-None-Match": form_.format(tag=tag)})
    assert answer.status_code == 304
    assert answer.headers["ETag"] == tag


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("path", ["/products/1", "/products/2"])
def test_a_star_is_told_the_tag_that_the_body_would_have(
    client: FlaskClient, path: str, accepted: str
) -> None:
    whole = client.get(path, headers={"Accept-Encoding": accepted})
    answer = client.get(path, headers={"Accept-Encoding": accepted, "If-None-Match": "*"})
    assert answer.status_code == 304
    assert answer.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize("asked", ["bytes=0-9", "bytes=999999-"])
@pytest.mark.parametrize("path", ["/products/1", "/docs", "/static/shop/shop.css", "/openapi.json"])
def test_no_answer_comes_in_parts(client: FlaskClient, path: str, asked: str) -> None:
    answer = client.get(path, headers={"Range": asked})
    assert answer.status_code == 200
    assert answer.data == client.get(path).data
    assert "Accept-Ranges" not in answer.headers


@pytest.mark.parametrize("given", ['"x"', 'W/"x"', "x", "", '"', "*, *", "\x7f"])
def test_other_tags_get_the_body(client: FlaskClient, given: str) -> None:
    assert client.get("/products/1", headers={"If-None-Match": given}).status_code == 200


@pytest.mark.parametrize("path", ["/products", "/products/1", "/products/1/related"])
def test_who_names_another_answer_gets_none(client: FlaskClient, path: str) -> None:
    first = client.get(path)
    tag = first.headers["ETag"]
    for holds in (tag, "*", f'"other", {tag}', "", " ,, "):
        assert client.get(path, headers={"If-Match": holds}).data == first.data
    # a weak tag names no bytes
    for fails in ('"other"', f"W/{tag}", '"cut'):
        answer = client.get(path, headers={"If-Match": fails, "If-None-Match": tag})
        assert (answer.status_code, answer.mimetype) == (412, "application/problem+json")
        assert answer.json["type"] == "urn:problem-type:precondition-failed"
        assert answer.headers["Cache-Control"] == "no-store"
    assert client.get(path, headers={"If-Match": tag, "If-None-Match": tag}).status_code == 304
    assert client.get("/products/3", headers={"If-Match": '"other"'}).status_code == 404


def test_the_other_coding_of_an_answer_is_another_answer(client: FlaskClient) -> None:
    long, short = "/products/1", "/products/2"
    packed = {"Accept-Encoding": "gzip"}
    plain, coded = (client.get(long, headers=given).headers["ETag"] for given in ({}, packed))
    assert plain != coded
    assert client.get(long, headers=packed | {"If-Match": coded}).status_code == 200
    assert client.get(long, headers=packed | {"If-Match": plain}).status_code == 412
    assert client.get(long, headers={"If-Match": coded}).status_code == 412
    # which is not compressed, so there is no such answer
    tag = client.get(short, headers=packed).headers["ETag"]
    assert client.get(short, headers=packed | {"If-Match": tag}).status_code == 200
    assert client.get(short, headers=packed | {"If-Match": f'{tag[:-1]}-gzip"'}).status_code == 412


@pytest.mark.parametrize("path", ["/products/3", "/products/3/styles", "/products/x"])
def test_what_does_not_exist_matches_nothing(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"If-None-Match": "*"})
    assert answer.status_code == 404
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_wrong_parameter_is_told_to_those_who_hold_a_tag(client: FlaskClient) -> None:
    assert client.get("/products?page=0", headers={"If-None-Match": "*"}).status_code == 400


def test_a_load_changes_the_tag(client: FlaskClient, database: Database, tmp_path: Path) -> None:
    before = client.get("/products/1")
    load_changed(database, tmp_path)
    time.sleep(KNOWN_FOR)
    after = client.get("/products/1", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.json["name"] == "Twosie"
    assert after.headers["ETag"] != before.headers["ETag"]


def test_a_tag_of_a_load_that_was_taken_back_is_not_right_for_another_of_its_number(
    client: FlaskClient, database: Database, tmp_path: Path
) -> None:
    """As after the restore of an older database, which is then loaded with something else."""
    load_changed(database, tmp_path)
    time.sleep(KNOWN_FOR)
    second = client.get("/products/1")
    with psycopg2.connect(database.admin) as admin, admin.cursor() as cursor:
        cursor.execute("UPDATE catalogue.products SET name = 'Restored'")
        cursor.execute("UPDATE catalogue.published_load SET digest = 'another'")
    admin.close()
    time.sleep(KNOWN_FOR)
    answer = client.get("/products/1", headers={"If-None-Match": second.headers["ETag"]})
    assert (answer.status_code, answer.json["name"]) == (200, "Restored")


def test_another_form_of_the_answers_has_other_tags() -> None:
    statements = read_statements()
    changed = dict(statements)
    one = changed["get_product"]
    changed["get_product"] = type(one)(one.name, one.parameters, one.sql + " -- changed")
    shipped = form(statements, "max-age=30", {"*"}, "count=5")
    assert form(changed, "max-age=30", {"*"}, "count=5") != shipped
    assert form(statements, "max-age=5", {"*"}, "count=5") != shipped
    assert form(statements, "max-age=30", {"https://shop.example"}, "count=5") != shipped
    assert form(statements, "max-age=30", {"*"}, "count=4") != shipped
    assert form(dict(reversed(statements.items())), "max-age=30", {"*"}, "count=5") == shipped


def test_a_form_has_all_code_that_makes_answers(tmp_path: Path) -> None:
    shipped = read_makers()
    for folder in ("products", "web"):
        shutil.copytree(Path(products_service.__file__).parent / folder, tmp_path / folder)
    assert read_makers(tmp_path) == shipped
    for name in ("products/schemas.py", "products/links.py", "web/parameters.py", "web/headers.py"):
        source = tmp_path / name
        text = source.read_text("utf-8")
        source.write_text(f"{text}# changed\n", "utf-8")
        assert read_makers(tmp_path) != shipped, name
        source.write_text(text, "utf-8")


def test_a_worker_that_starts_later_reads_no_other_release(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise FileNotFoundError

    monkeypatch.setattr(caching, "read_makers", fail)
    monkeypatch.setattr(statements_module, "_read", fail)
    app = make_app(database)
    app.extensions["database"].close()


def test_a_long_answer_is_compressed_for_those_who_ask(client: FlaskClient) -> None:
    plain = client.get("/products/1")
    assert "Content-Encoding" not in plain.headers
    for accepted in ("gzip", "br, gzip;q=0.5", "*"):
        packed = client.get("/products/1", headers={"Accept-Encoding": accepted})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data)
        assert gzip.decompress(packed.data) == plain.data
        assert packed.headers["ETag"] != plain.headers["ETag"]
    for refused in ("", "identity", "br", "gzip;q=0", "gzip-x, x-gzip", "x-nonsense;;q=;"):
        answer = client.get("/products/1", headers={"Accept-Encoding": refused})
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["ETag"] == plain.headers["ETag"]


def test_a_short_answer_is_not_compressed(client: FlaskClient) -> None:
    answer = client.get("/products/2", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_the_compressed_form_is_checked_by_its_own_tag(client: FlaskClient) -> None:
    packed = {"Accept-Encoding": "gzip"}
    tag = client.get("/products/1", headers=packed).headers["ETag"]
    again = client.get("/products/1", headers=packed | {"If-None-Match": tag})
    assert (again.status_code, again.headers["ETag"]) == (304, tag)
    # Who cannot unpack it cannot use what the tag names.
    assert client.get("/products/1", headers={"If-None-Match": tag}).status_code == 200


def test_head_has_the_headers_of_get(client: FlaskClient) -> None:
    ignored = {"X-Request-ID"}
    for path in ("/products/1", "/products", "/products/9", "/live", "/ready"):
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code
        assert head.data == b""
        kept = [item for item in got.headers if item[0] not in ignored]
        assert [item for item in head.headers if item[0] not in ignored] == kept
