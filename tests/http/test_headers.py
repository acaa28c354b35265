"""Headers that every answer has, and what pages of other origins may read."""

import pytest
from flask.testing import FlaskClient

from tests.conftest import Database, make_app

# of each kind: an answer, what does not exist, a wrong parameter, a wrong method, the host
PATHS = ["/products", "/products/1", "/nonsense", "/products?page=0", "/live", "/ready", "/metrics"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "BREW"])
def test_every_answer(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(path, method=method)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert len(answer.headers.getlist("X-Request-ID")) == 1
    assert "Server" not in answer.headers
    for name in set(answer.headers.keys()):
        assert len(answer.headers.getlist(name)) == 1, name
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/products", "/products/1", "/live", "/ready", "/metrics"])
def test_options_lists_the_methods(client: FlaskClient, path: str) -> None:
    answer = client.options(path)
    assert answer.status_code == 200
    assert answer.data == b""
    assert "Content-Type" not in answer.headers
    assert answer.headers.getlist("Cache-Control") == ["no-store"]
    assert answer.headers.getlist("Allow") == ["GET, HEAD, OPTIONS"]
    refused = client.post(path)
    assert refused.status_code == 405
    assert refused.headers.getlist("Allow") == ["GET, HEAD, OPTIONS"]


def test_a_browser_that_asks_first_may_send_conditions(client: FlaskClient) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    answer = client.options("/products/1", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert set(allowed) == {
        *("If-Match", "If-None-Match", "X-Request-ID"),
        *("Authorization", "Content-Type"),  # which pages of before send
    }
    assert int(answer.headers["Access-Control-Max-Age"]) == 24 * 3600


def test_a_page_may_read_what_it_needs(client: FlaskClient) -> None:
    exposed = client.get("/products").headers["Access-Control-Expose-Headers"]
    assert {"ETag", "Link", "Retry-After", "X-Request-ID"} <= set(exposed.split(", "))


def test_origins_can_be_named(database: Database) -> None:
    app = make_app(database, CORS_ORIGINS="https://shop.example http://localhost:3000")
    client = app.test_client()
    for origin in ("https://shop.example", "http://localhost:3000"):
        answer = client.get("/live", headers={"Origin": origin})
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
    for headers in ({"Origin": "https://other.example"}, {}):
        answer = client.get("/products", headers=headers)
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert {"Origin", "Accept-Encoding"} == set(answer.headers["Vary"].split(", "))
        assert (
            "Access-Control-Allow-Methods" not in client.options("/live", headers=headers).headers
        )
    app.extensions["database"].close()


def test_origins_can_be_none(database: Database) -> None:
    app = make_app(database, CORS_ORIGINS="none")
    answer = app.test_client().get("/live", headers={"Origin": "https://shop.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Vary" not in answer.headers
    app.extensions["database"].close()


def test_a_valid_request_id_is_kept(client: FlaskClient) -> None:
    answer = client.get("/live", headers={"X-Request-ID": "a-Valid_1.id"})
    assert answer.headers["X-Request-ID"] == "a-Valid_1.id"


@pytest.mark.parametrize("given", ["", "a b", "é", "x" * 129, "a\tb", "<script>"])
def test_another_one_is_replaced(client: FlaskClient, given: str) -> None:
    made = [
        client.get("/live", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        for _ in range(2)
    ]
    assert made[0] != made[1]
    assert all(len(each) == 32 for each in made)


@pytest.mark.parametrize("path", ["/live", "/ready", "/metrics"])
def test_what_holds_now_is_not_kept(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"
