"""Any catalogue: what the statements render is what plain Python renders of the same rows."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalogue import load_catalogue, write_catalogue
from tests.conftest import Database, make_app
from tests.json_text import compact

TEXTS = st.text(
    # A row is a line, PostgreSQL's text has no NUL and UTF-8 no surrogates.
    st.characters(exclude_characters="\n\0", exclude_categories=("Cs",)),
    max_size=12,
)
NULLABLE = st.none() | TEXTS
WHOLE = st.integers(0, 10**12 - 1).map(str)
PRICES = st.builds(
    "".join, st.tuples(WHOLE, st.just("") | st.from_regex(r"\.[0-9]{1,6}", fullmatch=True))
)
QUANTITIES = st.none() | st.integers(0, 2**31 - 1)


@st.composite
def catalogues(draw: st.DrawFn) -> dict[str, list[tuple]]:
    """A small catalogue: ids with gaps and out of order, parents with few or no children."""
    ids = st.lists(st.integers(1, 40) | st.just(2**31 - 1), unique=True, max_size=6)
    products = draw(ids.filter(bool))
    styles = draw(ids)
    parent, style = st.sampled_from(products), st.sampled_from(styles or [0])

    def rows(ids: list[int], *columns: st.SearchStrategy) -> list[tuple]:
        return [(id_, *(draw(column) for column in columns)) for id_ in ids]

    return {
        "products": rows(products, TEXTS, NULLABLE, NULLABLE, NULLABLE, PRICES),
        "features": rows(draw(ids), parent, TEXTS, NULLABLE),
        "styles": rows(styles, parent, TEXTS, st.none() | PRICES, PRICES, st.booleans()),
        "photos": rows(draw(ids) if styles else [], style, NULLABLE, NULLABLE),
        "skus": rows(draw(ids) if styles else [], style, NULLABLE, QUANTITIES),
        "related": rows(draw(ids), parent, parent),
    }


def product_of(row: tuple) -> dict[str, Any]:
    names = ("id", "name", "slogan", "description", "category", "default_price")
    return dict(zip(names, row, strict=True))


def style_of(row: tuple, rows: dict[str, list[tuple]]) -> dict[str, Any]:
    style_id, _, name, sale_price, original_price, default = row
    photos = [
        {"thumbnail_url": thumbnail, "url": url}
        for _, owner, url, thumbnail in rows["photos"]
        if owner == style_id
    ]
    skus = {
        str(id_): {"quantity": quantity, "size": size}
        for id_, owner, size, quantity in rows["skus"]
        if owner == style_id
    }
    return {
        "style_id": style_id,
        "name": name,
        "original_price": original_price,
        "sale_price": sale_price if sale_price and float(sale_price) else None,
        "default?": default,
        "photos": photos or [{"thumbnail_url": None, "url": None}],
        "skus": skus or {"null": {"quantity": None, "size": None}},
    }


def expected_answers(rows: dict[str, list[tuple]]) -> Iterator[tuple[str, Any]]:
    """Yield each path of the catalogue with what it should answer."""
    products = sorted(map(product_of, rows["products"]), key=lambda product: product["id"])
    yield "/products?count=1000", products
    yield "/products?page=2&count=2", products[2:4]
    for product in products:
        id_ = product["id"]
        features = [
            {"feature": feature, "value": value}
            for _, owner, feature, value in rows["features"]
            if owner == id_
        ]
        yield f"/products/{id_}", product | {"features": features}
        styles = [style_of(row, rows) for row in rows["styles"] if row[1] == id_]
        yield f"/products/{id_}/styles", {"product_id": str(id_), "results": styles}
        related = [other for _, owner, other in rows["related"] if owner == id_]
        yield f"/products/{id_}/related", related


@pytest.fixture(scope="module")
def client(shared_database: Database) -> Iterator[FlaskClient]:
    app = make_app(shared_database)
    yield app.test_client()
    app.extensions["database"].close()


@settings(max_examples=30)
@given(rows=catalogues(), separator=st.sampled_from([",", ", "]), camel=st.booleans())
def test_statements_render_what_python_renders(
    client: FlaskClient,
    shared_database: Database,
    rows: dict[str, list[tuple]],
    separator: str,
    camel: bool,
) -> None:
    with TemporaryDirectory() as name:
        folder = write_catalogue(Path(name, "catalogue"), rows, separator, camel)
        result = load_catalogue(shared_database.etl, folder, Path(name))
    assert all(tally.rejected == tally.repaired == 0 for tally in result.tallies.values())
    for path, expected in expected_answers(rows):
        body = client.get(path).get_data(as_text=True)
        rendered = json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
        assert compact(body) == rendered, path
