"""The shop's page and its files: types, tags, and nothing in them that their policy forbids."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.http import generate_etag

from products_service import create_app
from products_service.config import load_settings

STATIC = Path(__file__).parents[2] / "products_service" / "static"
FILES = sorted(
    path.relative_to(STATIC.parent).as_posix() for path in STATIC.rglob("*") if path.is_file()
)
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' https:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


class Tags(HTMLParser):
    """The tags of a page, with their attributes and the text right after them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs), []))

    def handle_data(self, data: str) -> None:
        if self.tags:
            self.tags[-1][2].append(data)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """A client of an application whose database nobody has: pages need none."""
    settings = load_settings({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    return create_app(settings).test_client()


@pytest.mark.parametrize("path", ["/", "/?product=5&style=12", "/?q=%FF"])
def test_page_is_html_with_its_policy(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    assert response.text.startswith("<!doctype html>")
    policy = response.headers["Content-Security-Policy"].split("; ")
    assert dict(part.split(" ", 1) for part in policy) == POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("file", [file for file in FILES if file.endswith(".html")])
def test_pages_have_nothing_inline(file: str) -> None:
    for tag, attributes, text in Tags((STATIC.parent / file).read_text("utf-8")).tags:
        assert tag != "style"
        assert tag != "script" or (attributes.get("src") and not "".join(text).strip())
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_every_file_that_the_page_names_is_served(client: FlaskClient) -> None:
    tags = Tags(client.get("/").text).tags
    named = [attributes.get("src") or attributes.get("href", "") for _, attributes, _ in tags]
    files = [path for path in named if path.startswith("/static/")]
    assert len(files) > 3
    for path in files:
        assert client.get(path).status_code == 200, path


def test_modules_import_modules_that_are_there_and_the_page_preloads_them() -> None:
    page = (STATIC / "shop" / "index.html").read_text("utf-8")
    for module in (STATIC / "shop").glob("*.js"):
        assert f'"/static/shop/{module.name}"' in page
        for name in re.findall(r'from "(.+?)"', module.read_text("utf-8")):
            assert (module.parent / name).is_file(), f"{module.name} imports {name}"


@pytest.mark.parametrize("file", FILES)
def test_files_have_their_type_and_a_tag(client: FlaskClient, file: str) -> None:
    response = client.get(f"/{file}")
    assert response.status_code == 200
    assert response.data == (STATIC.parent / file).read_bytes()
    # either name of JavaScript's type will do, it depends on the machine
    mimetype = response.mimetype.replace("application/javascript", "text/javascript")
    assert mimetype == TYPES[Path(file).suffix]
    tag = response.headers["ETag"]

    head = client.head(f"/{file}")
    assert (head.status_code, head.data) == (200, b"")
    assert head.content_length == len(response.data)
    assert head.headers["ETag"] == tag

    for known, status in [(tag, 304), (f'W/{tag}, "other"', 304), ('"other"', 200)]:
        again = client.get(f"/{file}", headers={"If-None-Match": known})
        assert again.status_code == status
        assert (again.data == b"") == (status == 304)
        assert again.headers["ETag"] == tag


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 21 Oct 2035 07:28:00 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +99999999999999",
        "yesterday",
    ],
)
def test_a_date_is_no_condition(client: FlaskClient, date: str) -> None:
    for path in ("/", "/openapi.json"):
        assert client.get(path, headers={"If-Modified-Since": date}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/static/shop/shop.css"])
def test_documents_are_compressed_for_those_who_ask(client: FlaskClient, path: str) -> None:
    plain = client.get(path)
    for accepted in ("gzip", "br, gzip;q=0.5"):
        packed = client.get(path, headers={"Accept-Encoding": accepted})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.content_length == len(packed.data) < len(plain.data)
        assert gzip.decompress(packed.data) == plain.data
        # of the bytes that are sent: another host's zlib may make others
        assert packed.headers["ETag"] == f'"{generate_etag(packed.data)}"'
        conditions = {"Accept-Encoding": accepted, "If-None-Match": packed.headers["ETag"]}
        assert client.get(path, headers=conditions).status_code == 304
    refused = client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert (refused.data, refused.headers["ETag"]) == (plain.data, plain.headers["ETag"])
    assert {answer.headers["Vary"] for answer in (plain, packed, refused)} == {"Accept-Encoding"}


def test_a_short_file_is_not_compressed(client: FlaskClient) -> None:
    answer = client.get("/static/shop/late.css", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/static/docs/main.js"])
def test_condition_that_does_not_hold_is_a_problem(client: FlaskClient, path: str) -> None:
    for fails in ('"other"', '"cut'):
        answer = client.get(path, headers={"If-Match": fails})
        assert (answer.status_code, answer.mimetype) == (412, "application/problem+json")
        assert answer.json["type"] == "urn:problem-type:precondition-failed"
    tag = client.get(path).headers["ETag"]
    for holds in (tag, "*"):
        assert client.get(path, headers={"If-Match": holds}).status_code == 200
        known = {"If-Match": holds, "If-None-Match": tag}
        assert client.get(path, headers=known).status_code == 304
    weak = client.get(path, headers={"If-Match": f"W/{tag}", "If-None-Match": tag})
    assert weak.status_code == 412


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
def test_what_is_kept_is_checked_before_it_is_used(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.headers["Cache-Control"] == "no-cache"
    # times differ from host to host, and a release may bring older files than the one before
    assert "Last-Modified" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/static",
        "/static/",
        "/static/nonsense",
        "/static/shop",
        "/static/shop/",
        "/static/shop/main.js/",
        "/static/shop//main.js",
        "/static/./shop/main.js",
        "/static/../config.py",
        "/static/..%2fconfig.py",
        "/static/shop/..%2f..%2fconfig.py",
        "/static/%2fetc/passwd",
        "/static//etc/passwd",
        "/static/%00",
        "/static/shop/main.js%00.css",
        "/static/" + "x" * 5000,
        "/index.html",
    ],
)
def test_other_paths_are_not_found(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.json["status"] == 404


@pytest.mark.parametrize("path", ["/", "/static/shop/main.js"])
def test_pages_are_only_read(client: FlaskClient, path: str) -> None:
    response = client.post(path)
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
