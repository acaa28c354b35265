"""The routes under /products: each runs one statement and carries its body to the client."""

from typing import Any

from flask import Blueprint, Response, abort, current_app

from products_service.products.schemas import ListQuery
from products_service.web.caching import conditional
from products_service.web.parameters import check_query_encoding, load_query

blueprint = Blueprint("products", __name__, url_prefix="/products")
blueprint.before_request(check_query_encoding)

_list_query = ListQuery()


def _answer(statement: str, **parameters: Any) -> Response:
    """Return the statement's body as it came from PostgreSQL, or 404 where there is none."""
    database = current_app.extensions["database"]
    response = conditional(lambda: database.fetch(statement, **parameters))
    if response is None:
        abort(404)
    return response


@blueprint.get("")
def list_products() -> Response:
    """List products in id order, a page at a time."""
    return _answer("list_products", **load_query(_list_query))


@blueprint.get("/<id:product_id>")
def get_product(product_id: int) -> Response:
    """Show one product with its features."""
    return _answer("get_product", product_id=product_id)


@blueprint.get("/<id:product_id>/styles")
def get_styles(product_id: int) -> Response:
    """Show a product's styles with their photos and skus."""
    return _answer("get_styles", product_id=product_id)


@blueprint.get("/<id:product_id>/related")
def get_related(product_id: int) -> Response:
    """List the ids of a product's related products."""
    return _answer("get_related", product_id=product_id)
