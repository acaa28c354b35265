"""The routes under /products: each runs one statement and carries its body to the client."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, current_app, request

from products_service.database import Row
from products_service.products.links import page_links
from products_service.products.schemas import ListQuery, ProductQuery
from products_service.web.caching import conditional
from products_service.web.parameters import check_query_encoding, load_query

blueprint = Blueprint("products", __name__, url_prefix="/products")

_list_query = ListQuery()
_product_query = ProductQuery()

# The statement of a list by what it is a list of and by what names its page.
_LISTS = {
    ("all", "page"): "list_products",
    ("all", "after"): "list_products_after",
    ("category", "page"): "list_products_by_category",
    ("category", "after"): "list_products_by_category_after",
    ("q", "page"): "search_products",
}


def _answer(
    statement: str, links: Callable[[Row], str] | None = None, **parameters: Any
) -> Response:
    """Return the statement's body as it came from PostgreSQL, or 404 where there is none."""
    database = current_app._get_current_object().extensions["database"]
    response = conditional(lambda: database.fetch(statement, **parameters), links)
    if response is None:
        abort(404)
    return response


@blueprint.get("")
def list_products() -> Response:
    """List products: all in id order, those of a category, of a search, or of the given ids."""
    query = load_query(_list_query)
    if "ids" in query:
        return _answer("list_products_by_ids", ids=query["ids"])
    listed = next((name for name in ("q", "category") if name in query), "all")
    paging = "after" if "after" in query else "page"
    return _answer(_LISTS[listed, paging], page_links(paging), **query)


@blueprint.get("/<id:product_id>")
def get_product(product_id: int) -> Response:
    """Show one product with its features, and what else belongs on its page if asked to."""
    asked = request._get_current_object()
    included = load_query(_product_query).get("include") if asked.query_string else None
    if not included:
        return _answer("get_product", product_id=product_id)
    return _answer(
        "get_product_page",
        product_id=product_id,
        styles="styles" in included,
        related="related" in included,
    )


@blueprint.get("/<id:product_id>/styles")
def get_styles(product_id: int) -> Response:
    """Show a product's styles with their photos and skus."""
    check_query_encoding()
    return _answer("get_styles", product_id=product_id)


@blueprint.get("/<id:product_id>/related")
def get_related(product_id: int) -> Response:
    """List the ids of a product's related products."""
    check_query_encoding()
    return _answer("get_related", product_id=product_id)
