"""The four core routes against the contract, on raw bytes: what front ends rely on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.catalogue import load_catalogue
from tests.conftest import Database, make_app
from tests.http.conftest import Serve
from tests.json_text import compact

# Ids have gaps and stand out of order; product 5 has nothing, product 8 a style without anything.
ROWS = {
    "products": [
        (2, "Sunglasses", "Shades", 'A, b and "c"', "Accessories", "69"),
        (1, "Onesie", "Blend in", "Camouflage é 日本", "Jackets", "140"),
        (5, "Bare", None, None, None, "19.90"),
        (8, "null", "", "null", "", "0.50"),
    ],
    "features": [
        (7, 1, "Fabric", "Canvas"),
        (3, 1, "Cut", None),
        (5, 2, "Lenses", "null"),
        (4, 1, "Buttons", ""),
    ],
    "styles": [
        (12, 1, "Forest", None, "140", True),
        (11, 1, "Desert", "100.50", "140.00", False),
        (21, 8, "Only", "0", "500000000", False),
        (15, 2, "Gold", "0.00", "69", False),
    ],
    "photos": [
        (8, 12, "https://e.example/8", "https://e.example/8t"),
        (7, 12, "https://e.example/7", "uhttps://e.example/7t"),
        (9, 11, None, "https://e.example/9t"),
    ],
    "skus": [
        (58, 12, "S", 8),
        (57, 12, "XS", 0),
        (60, 12, "S", 4),
        (61, 11, None, None),
    ],
    "related": [(1, 1, 2), (2, 1, 8), (3, 1, 2), (5, 1, 1), (4, 2, 8)],
}


@pytest.fixture(scope="module")
def client(shared_database: Database, serve: Serve) -> FlaskClient:
    return serve(shared_database, ROWS).test_client()


@pytest.fixture(scope="module")
def get(client: FlaskClient) -> Callable[[str], str]:
    """Get a body without the white space that the contract leaves open."""

    def get_body(path: str) -> str:
        response = client.get(path)
        assert response.status_code == 200
        assert response.content_type == "application/json"
        assert not response.data.endswith(b"\n")
        # Tokens and their order stay; json would also keep duplicate keys out, so pairs are kept.
        return compact(response.get_data(as_text=True))

    return get_body


PRODUCT_1 = (
    '{"id":1,"name":"Onesie","slogan":"Blend in","description":"Camouflage é 日本",'
    '"category":"Jackets","default_price":"140"'
)
PRODUCT_2 = (
    '{"id":2,"name":"Sunglasses","slogan":"Shades","description":"A, b and \\"c\\"",'
    '"category":"Accessories","default_price":"69"'
)
PRODUCT_5 = (
    '{"id":5,"name":"Bare","slogan":null,"description":null,"category":null,"default_price":"19.90"'
)
PRODUCT_8 = (
    '{"id":8,"name":"null","slogan":"","description":"null","category":"","default_price":"0.50"'
)
ALL = [PRODUCT_1, PRODUCT_2, PRODUCT_5, PRODUCT_8]


@pytest.mark.parametrize(
    ("query", "products"),
    [
        ("", ALL),
        ("?page=1&count=5", ALL),
        ("?count=2", ALL[:2]),
        ("?page=2&count=2", ALL[2:]),
        ("?page=2&count=3", ALL[3:]),
        ("?page=4&count=1", ALL[3:]),
        ("?count=1000", ALL),
        ("?page=3&count=2", []),
        ("?page=2147483647&count=1000", []),
        ("?color=red&count=1&x=", ALL[:1]),
        ("?count=%31", ALL[:1]),
    ],
)
def test_list_is_in_id_order(get: Callable[[str], str], query: str, products: list[str]) -> None:
    assert get(f"/products{query}") == "[" + ",".join(text + "}" for text in products) + "]"


def test_product_with_features_in_file_order(get: Callable[[str], str]) -> None:
    assert get("/products/1") == PRODUCT_1 + (
        ',"features":[{"feature":"Fabric","value":"Canvas"},{"feature":"Cut","value":null},'
        '{"feature":"Buttons","value":""}]}'
    )


def test_quoted_null_is_text(get: Callable[[str], str]) -> None:
    assert get("/products/2") == PRODUCT_2 + ',"features":[{"feature":"Lenses","value":"null"}]}'


def test_product_without_anything(get: Callable[[str], str]) -> None:
    assert get("/products/5") == PRODUCT_5 + ',"features":[]}'
    assert get("/products/5/styles") == '{"product_id":"5","results":[]}'
    assert get("/products/5/related") == "[]"


def test_styles_photos_and_skus_in_file_order(get: Callable[[str], str]) -> None:
    assert get("/products/1/styles") == (
        '{"product_id":"1","results":['
        '{"style_id":12,"name":"Forest","original_price":"140","sale_price":null,"default?":true,'
        '"photos":[{"thumbnail_url":"https://e.example/8t","url":"https://e.example/8"},'
        '{"thumbnail_url":"uhttps://e.example/7t","url":"https://e.example/7"}],'
        '"skus":{"58":{"quantity":8,"size":"S"},"57":{"quantity":0,"size":"XS"},'
        '"60":{"quantity":4,"size":"S"}}},'
        '{"style_id":11,"name":"Desert","original_price":"140.00","sale_price":"100.50",'
        '"default?":false,"photos":[{"thumbnail_url":"https://e.example/9t","url":null}],'
        '"skus":{"61":{"quantity":null,"size":null}}}]}'
    )


@pytest.mark.parametrize(
    ("product", "style"),
    [
        (8, '"style_id":21,"name":"Only","original_price":"500000000"'),
        (2, '"style_id":15,"name":"Gold","original_price":"69"'),
    ],
)
def test_style_without_photos_skus_sale(
    get: Callable[[str], str], product: int, style: str
) -> None:
    assert get(f"/products/{product}/styles") == (
        f'{{"product_id":"{product}","results":[{{{style},"sale_price":null,"default?":false,'
        '"photos":[{"thumbnail_url":null,"url":null}],'
        '"skus":{"null":{"quantity":null,"size":null}}}]}'
    )


def test_related_keeps_order_and_duplicates(get: Callable[[str], str]) -> None:
    assert get("/products/1/related") == "[2,8,2,1]"
    assert get("/products/2/related") == "[8]"
    assert get("/products/8/related") == "[]"


NOT_IDS = [
    *("0", "-1", "01", "+1", "hello", "5.55", "null", "%ff", "1%00", "1%0a", "%201", "1%20", "1e0"),
    *(
        "\u0663",
        "\uff11",
        "%D9%A3",
        "2147483648",
        "9999999999",
        "99999999999",
        "1;drop",
        "1'",
        "0x1",
    ),
    *("3", "2147483647"),  # ids, but of no product
]


@pytest.mark.parametrize("tail", ["", "/styles", "/related"])
@pytest.mark.parametrize("text", NOT_IDS)
def test_what_no_product_has_is_404(client: FlaskClient, text: str, tail: str) -> None:
    response = client.get(f"/products/{text}{tail}")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/products/",
        "/products/1/",
        "/products/1/styles/",
        "//products",
        "/products%2F1",
        "/products/1%2fstyles",
        "/products//1",
        "/Products",
    ],
)
def test_other_spellings_of_a_path_are_404_without_redirect(client: FlaskClient, path: str) -> None:
    # The client would take what follows // for a host.
    overrides = {"PATH_INFO": path} if path.startswith("//") else {}
    assert client.get(path, environ_overrides=overrides).status_code == 404


NOT_NUMBERS = ["", "0", "-1", "01", "+1", "%2B1", "1.0", "1e1", "x", "null", "%201", "1%20", "1%0a"]


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("page", [*NOT_NUMBERS, "2147483648", "99999999999", "%D9%A3"]),
        ("count", [*NOT_NUMBERS, "1001", "2147483648"]),
    ],
)
def test_bad_paging_is_400_and_names_the_parameter(
    client: FlaskClient, parameter: str, values: list[str]
) -> None:
    for value in values:
        response = client.get(f"/products?{parameter}={value}")
        assert response.status_code == 400, value
        problem = json.loads(response.data)
        assert [error["parameter"] for error in problem["errors"]] == [parameter]
        assert parameter in problem["detail"]


def test_repeated_parameter_is_400(client: FlaskClient) -> None:
    for query in ("page=1&page=1", "page=1&count=2&page=2", "page=1&%70age=1"):
        response = client.get(f"/products?{query}")
        assert response.status_code == 400
        assert [error["parameter"] for error in response.json["errors"]] == ["page"]


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("count=5&count=6&page=0", {"count", "page"}),
        ("page=1&page=2&count=1&count=2", {"page", "count"}),
        ("page=x&count=1001&after=-1&ids=0&q=", {"page", "count", "after", "ids", "q"}),
        ("page=%ff&x=%c3%28&count=1", {"page", "x"}),
    ],
)
def test_every_wrong_parameter_is_named(
    client: FlaskClient, query: str, parameters: set[str]
) -> None:
    response = client.get(f"/products?{query}")
    assert response.status_code == 400
    assert {error["parameter"] for error in response.json["errors"]} == parameters


def test_undecodable_query_is_400(client: FlaskClient) -> None:
    for path in ("/products?page=%ff", "/products/1?x=%c3%28", "/products/1/styles?%ff=1"):
        response = client.get(path)
        assert response.status_code == 400, path
        assert len(response.json["errors"]) == 1
    # not percent-encoded at all: WSGI gives a byte as the character of that number (PEP 3333)
    response = client.get("/products", environ_overrides={"QUERY_STRING": "page=\xff"})
    assert response.status_code == 400
    assert [error["parameter"] for error in response.json["errors"]] == ["page"]


def test_sample_catalogue(database: Database, reports: Path) -> None:
    from tests.catalogue import SAMPLE

    if not SAMPLE.is_dir():
        pytest.skip("the sample data is not here")
    load_catalogue(database.etl, SAMPLE, reports)
    app = make_app(database)
    client = app.test_client()
    assert client.get("/products/1/related").json == [2, 3, 8, 7]
    photos = {}
    for product in range(3, 9):
        for style in client.get(f"/products/{product}/styles").json["results"]:
            photos[style["style_id"]] = style["photos"]
    # Plain COPY loses the photos of these styles, or makes one of them 39,000 characters long.
    assert all(photo["url"] for style in photos.values() for photo in style)
    assert len(photos[12]) > 1
    assert max(len(photo["thumbnail_url"]) for style in photos.values() for photo in style) < 400
    # Row 8 stands before row 7 in photos.csv and in skus.csv.
    style_2 = client.get("/products/1/styles").json["results"][1]
    assert list(style_2["skus"]) == ["8", "7", "9", "10", "11", "12"]
    app.extensions["database"].close()
