"""The list of products: by page, by id, by category, by given ids; and its links."""

import random
import re
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from flask.testing import FlaskClient

from tests.conftest import Database, make_app
from tests.http.conftest import Serve

ODD = 'Hats & "Caps", 日本/=?#%'
# Ids with gaps and out of order, more than the ranks stand apart; every third is a hat.
IDS = [*range(1, 700, 2), *range(5_000, 5_003), 2**31 - 1]
LONG = "L" * 5_000


def row(id_: int) -> tuple:
    category = [ODD, "Jackets", None][id_ % 3] if id_ != 5_001 else LONG
    return (id_, f"Product {id_}", None, "", category, "19.90")


@pytest.fixture(scope="module")
def client(shared_database: Database, serve: Serve) -> FlaskClient:
    rows = {"products": [row(id_) for id_ in sorted(IDS, key=hash, reverse=True)]}
    return serve(shared_database, rows).test_client()


def ids_of(client: FlaskClient, path: str) -> list[int]:
    return page_of(client, path)[0]


def links_of(client: FlaskClient, path: str) -> dict[str, str]:
    return page_of(client, path)[1]


def page_of(client: FlaskClient, path: str) -> tuple[list[int], dict[str, str]]:
    """Return the ids of a page, and its links by relation."""
    response = client.get(path)
    assert response.status_code == 200, response.data
    header = response.headers.get("Link", "")
    links = re.findall(r'<([^<> ]*)>; rel="(first|prev|next)"', header)
    assert header == ", ".join(f'<{target}>; rel="{relation}"' for target, relation in links)
    ids = [product["id"] for product in response.json]
    return ids, {relation: target for target, relation in links}


def walk(client: FlaskClient, path: str, relation: str) -> list[list[int]]:
    """Return the ids of each page from `path` on, led by the links of that relation."""
    pages = []
    while path:
        ids, links = page_of(client, path)
        pages.append(ids)
        path = links.get(relation, "")
        assert len(pages) <= len(IDS) + 1
    return pages


def cut(ids: list[int], count: int) -> list[list[int]]:
    return [ids[start : start + count] for start in range(0, len(ids), count)]


HATS = [id_ for id_ in IDS if row(id_)[4] == ODD]
LISTS = [("", IDS), (f"&category={quote(ODD, safe='')}", HATS)]


@pytest.mark.parametrize(("filter_", "ids"), LISTS)
@pytest.mark.parametrize("count", [7, 128, 129, 1000])
def test_links_lead_through_the_whole_list(
    client: FlaskClient, filter_: str, ids: list[int], count: int
) -> None:
    pages = cut(ids, count)
    assert walk(client, f"/products?page=1&count={count}{filter_}", "next") == pages
    assert walk(client, f"/products?after=0&count={count}{filter_}", "next") == pages
    back = walk(client, f"/products?page={len(pages)}&count={count}{filter_}", "prev")
    assert back[::-1] == pages


@pytest.mark.parametrize(("filter_", "ids"), LISTS)
@pytest.mark.parametrize("count", [3, 7, 129])
def test_after_leads_back_page_by_page(
    client: FlaskClient, filter_: str, ids: list[int], count: int
) -> None:
    back = walk(client, f"/products?after={ids[-1]}&count={count}{filter_}", "prev")
    assert back[0] == []
    assert [page[-1] for page in back[1:-1]] == ids[::-1][::count][: len(back) - 2]
    assert back[-1] == ids[:count]
    assert {id_ for page in back for id_ in page} == set(ids)


@pytest.mark.parametrize("count", [3, 127, 128, 500])
def test_every_page_has_its_place(client: FlaskClient, count: int) -> None:
    for page in range(1, len(IDS) // count + 3):
        expected = IDS[(page - 1) * count : page * count]
        assert ids_of(client, f"/products?page={page}&count={count}") == expected


@pytest.mark.parametrize("after", [0, 1, 2, 699, 700, 4_999, 5_002, 2**31 - 2, 2**31 - 1])
def test_after_may_be_an_id_that_no_product_has(client: FlaskClient, after: int) -> None:
    expected = [id_ for id_ in IDS if id_ > after][:4]
    assert ids_of(client, f"/products?after={after}&count=4") == expected
    links = links_of(client, f"/products?after={after}&count=4")
    assert links["first"] == "/products?after=0&count=4"
    assert ("next" in links) == (2**31 - 1 not in expected and bool(expected))
    if any(id_ <= after for id_ in IDS):
        before = [id_ for id_ in IDS if id_ <= after][-4:]
        assert ids_of(client, links["prev"])[: len(before)] == before
    else:
        assert "prev" not in links


def test_links_keep_what_was_asked(client: FlaskClient) -> None:
    path = f"/products?x=1&category={quote(ODD, safe='')}&count=5&page=2"
    for relation, page in (("first", "1"), ("prev", "1"), ("next", "3")):
        target = links_of(client, path)[relation]
        assert target.isascii()
        parts = urlsplit(target)
        assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/products")
        wanted = [("page", page), ("count", "5"), ("category", ODD)]
        assert parse_qsl(parts.query, strict_parsing=True) == wanted


@pytest.mark.parametrize(
    ("query", "links"),
    [
        ("", {"first": "page=1", "next": "page=2"}),
        ("?page=2", {"first": "page=1", "prev": "page=1", "next": "page=3"}),
        ("?count=1000", {"first": "page=1&count=1000"}),
        ("?page=71", {"first": "page=1", "prev": "page=70"}),
        ("?page=2147483647", {"first": "page=1", "prev": "page=2147483646"}),
        ("?category=none", {"first": "page=1&category=none"}),
    ],
)
def test_links_are_absolute_paths(client: FlaskClient, query: str, links: dict[str, str]) -> None:
    expected = {relation: f"/products?{target}" for relation, target in links.items()}
    assert links_of(client, f"/products{query}") == expected
    assert client.head(f"/products{query}").headers["Link"]


def test_ids_come_in_the_order_asked_and_once(client: FlaskClient) -> None:
    assert ids_of(client, "/products?ids=5001,1,3") == [5001, 1, 3]
    assert ids_of(client, "/products?ids=3,2,1,3,2147483647,1&x=") == [3, 1, 2**31 - 1]
    assert ids_of(client, "/products?ids=3%2C1") == [3, 1]
    assert ids_of(client, "/products?ids=2,4") == []
    hundred = random.Random(1).sample(IDS, 100)
    assert ids_of(client, "/products?ids=" + ",".join(map(str, hundred))) == hundred
    by_ids, listed = client.get("/products?ids=1"), client.get("/products?count=1")
    assert by_ids.data == listed.data
    assert "Link" not in by_ids.headers


def test_category_is_taken_as_it_is(client: FlaskClient) -> None:
    jackets = [id_ for id_ in IDS if row(id_)[4] == "Jackets"]
    assert ids_of(client, "/products?category=Jackets&count=1000") == jackets
    for other in ("jackets", "Jackets%20", "%25", "Jacket", "J_ckets", "L" * 200, "%F0%9F%A6%8A"):
        assert ids_of(client, f"/products?category={other}") == []
        assert ids_of(client, f"/products?category={other}&after=0") == []


NOT_IDS = ["", ",", "1,", ",1", "1,,2", "0", "-1", "01", "1, 2", "1;2", "x", "2147483648", "1%00"]
INVALID = [
    *((f"ids={value}", ["ids"]) for value in NOT_IDS),
    ("ids=" + ",".join(map(str, range(1, 102))), ["ids"]),
    ("ids=" + ",".join(["1"] * 101), ["ids"]),
    ("ids=1&ids=2", ["ids"]),
    *((f"after={value}", ["after"]) for value in ["", "-1", "00", "1.0", "x", "2147483648"]),
    *((f"category={value}", ["category"]) for value in ["", "a%00b", "x" * 201]),
    ("page=1&after=0", ["page", "after"]),
    ("after=3&category=Jackets&page=1", ["page", "after"]),
    ("ids=1&page=1", ["page", "ids"]),
    ("ids=1&after=0", ["after", "ids"]),
    ("ids=1&count=5", ["count", "ids"]),
    ("ids=1&category=Jackets", ["ids", "category"]),
    ("ids=1&q=camo", ["ids", "q"]),
    ("q=camo&category=Jackets", ["category", "q"]),
    ("q=camo&after=0", ["after", "q"]),
    ("q=camo&after=0&page=1&ids=1", ["page", "after", "ids", "q"]),
    ("ids=1&page=0&count=x", ["page", "count", "ids"]),
]


@pytest.mark.parametrize(("query", "named"), INVALID)
def test_what_cannot_be_asked_is_400_and_named(
    client: FlaskClient, query: str, named: list[str]
) -> None:
    response = client.get(f"/products?{query}")
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    errors = response.json["errors"]
    assert [error["parameter"] for error in errors] == named
    assert all(len(error["detail"]) > 10 for error in errors)


def test_limits_are_told(client: FlaskClient) -> None:
    for query, limit in (("ids=" + "1," * 100 + "1", "100"), ("category=" + "x" * 201, "200")):
        assert limit in client.get(f"/products?{query}").json["errors"][0]["detail"]
    assert "NUL" in client.get("/products?category=%00").json["errors"][0]["detail"]


def test_an_empty_catalogue_has_an_empty_page(database: Database) -> None:
    app = make_app(database)
    client = app.test_client()
    for query in ("", "?page=7", "?after=0", "?ids=1", "?category=x", "?category=x&after=0"):
        assert client.get(f"/products{query}").data == b"[]"
    app.extensions["database"].close()
