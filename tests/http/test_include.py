"""A whole product page in one request: ?include=styles,related, on raw bytes."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import Database
from tests.http.conftest import Serve
from tests.http.test_core_routes import ROWS
from tests.json_text import compact

# Products to be shown on cards, by what decides which of their styles is.
CARDS = {
    "products": [
        (31, "Late default", None, None, "Hats", "10"),
        (32, "Two defaults", None, None, "Hats", "20.00"),
        (33, "No default", None, None, None, "30"),
        (34, "No photo", None, None, "Hats", "40"),
        (35, "Shown", None, None, "Hats", "50"),
    ],
    "styles": [
        (311, 31, "First", "1", "10", False),
        (310, 31, "Default", "9.50", "10", True),
        (322, 32, "First default", None, "20", True),
        (321, 32, "Second default", "5", "20", True),
        (332, 33, "First", "25.0", "30", False),
        (331, 33, "Second", "24", "30", False),
        (341, 34, "Bare", "0", "40", True),
    ],
    "photos": [
        (3101, 311, "u", "first style's"),
        (3103, 310, "u", "default's first"),
        (3102, 310, "u", "default's second"),
        (3201, 322, "u", None),
        (3202, 322, "u", "second"),
        (3301, 332, "u", "first's"),
    ],
    "related": [(90 - place, 35, other) for place, other in enumerate([34, 31, 33, 32, 31, 35])],
}


@pytest.fixture(scope="module")
def app(shared_database: Database, serve: Serve) -> Flask:
    rows = {name: [*rows, *CARDS.get(name, [])] for name, rows in ROWS.items()}
    return serve(shared_database, rows)


@pytest.fixture
def get(client: FlaskClient) -> Callable[[str], str]:
    def get_body(path: str) -> str:
        response = client.get(path)
        assert response.status_code == 200
        assert response.content_type == "application/json"
        return compact(response.get_data(as_text=True))

    return get_body


PRODUCTS = [row[0] for row in ROWS["products"] + CARDS["products"]]


@pytest.mark.parametrize("product", PRODUCTS)
def test_styles_are_those_of_their_route(get: Callable[[str], str], product: int) -> None:
    alone = get(f"/products/{product}").removesuffix("}")
    head, styles = f'{{"product_id":"{product}","results":', get(f"/products/{product}/styles")
    assert styles.startswith(head)
    results = styles.removeprefix(head).removesuffix("}")
    assert get(f"/products/{product}?include=styles") == f'{alone},"styles":{results}}}'


@pytest.mark.parametrize("product", PRODUCTS)
def test_cards_come_in_the_order_of_their_route(client: FlaskClient, product: int) -> None:
    related = client.get(f"/products/{product}/related").json
    cards = client.get(f"/products/{product}?include=related").json["related"]
    assert [card["id"] for card in cards] == related


@pytest.mark.parametrize("include", ["styles,related", "related,styles", "related%2Cstyles"])
def test_styles_come_before_related(get: Callable[[str], str], include: str) -> None:
    alone = get("/products/1").removesuffix("}")
    styles = get("/products/1?include=styles").removeprefix(alone).removesuffix("}")
    related = get("/products/1?include=related").removeprefix(alone).removesuffix("}")
    assert get(f"/products/1?include={include}") == f"{alone}{styles}{related}}}"
    assert styles.startswith(',"styles":[{"style_id":12,')
    assert related.startswith(',"related":[{"id":2,')


def test_a_card_shows_the_default_style(get: Callable[[str], str]) -> None:
    body = get("/products/35?include=related")
    late = (
        '{"id":31,"name":"Late default","category":"Hats","default_price":"10",'
        '"sale_price":"9.50","thumbnail_url":"default\'s first"}'
    )
    assert body.endswith(
        ',"features":[],"related":['
        '{"id":34,"name":"No photo","category":"Hats","default_price":"40","sale_price":null,'
        '"thumbnail_url":null},'
        f"{late},"
        '{"id":33,"name":"No default","category":null,"default_price":"30","sale_price":"25.0",'
        '"thumbnail_url":"first\'s"},'
        '{"id":32,"name":"Two defaults","category":"Hats","default_price":"20.00",'
        '"sale_price":null,"thumbnail_url":null},'
        f"{late},"
        '{"id":35,"name":"Shown","category":"Hats","default_price":"50","sale_price":null,'
        '"thumbnail_url":null}]}'
    )


def test_a_product_without_anything(get: Callable[[str], str]) -> None:
    assert get("/products/5?include=related,styles").endswith(
        '"features":[],"styles":[],"related":[]}'
    )


@pytest.mark.parametrize(
    "include",
    [
        *("", ",", "styles,", ",styles", "styles,styles", "styles,,related", "styles;related"),
        *("styles,related,styles", "styles%20", "styles%00", "features", "Styles", "x" * 5000),
    ],
)
def test_other_includes_are_400(client: FlaskClient, include: str) -> None:
    for product in (1, 3):
        response = client.get(f"/products/{product}?include={include}")
        assert response.status_code == 400
        (error,) = response.json["errors"]
        assert error["parameter"] == "include"
        assert "styles, related" in error["detail"]


def test_include_may_be_given_once(client: FlaskClient) -> None:
    response = client.get("/products/1?include=styles&include=related")
    assert response.status_code == 400
    assert [error["parameter"] for error in response.json["errors"]] == ["include"]


def test_other_parameters_and_routes_know_no_include(
    client: FlaskClient, get: Callable[[str], str]
) -> None:
    assert get("/products/1?included=styles&x") == get("/products/1")
    assert get("/products/1/styles?include=x") == get("/products/1/styles")
    assert get("/products?include=x") == get("/products")
    assert client.get("/products/3?include=styles").status_code == 404


def test_one_statement_answers(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = app.extensions["database"]
    asked = []
    fetch = database.fetch

    def counted(statement: str, **parameters: object) -> object:
        asked.append(statement)
        return fetch(statement, **parameters)

    monkeypatch.setattr(database, "fetch", counted)
    client.get("/products/1?include=styles,related")
    client.get("/products/1?x=1")
    client.get("/products/1")
    assert asked == ["get_product_page", "get_product", "get_product"]


def test_without_a_query_no_schema_is_asked(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain route is the one that is asked most."""

    def refuse(*_: object) -> None:
        raise AssertionError("the query was parsed")

    monkeypatch.setattr("products_service.products.routes.load_query", refuse)
    assert client.get("/products/1").status_code == 200
