"""A path with one id finds the route that werkzeug finds for it, also when its shape is known."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.test import EnvironBuilder

from products_service import create_app
from products_service.config import load_settings

PATHS = [
    "/products/7",
    "/products/7/styles",
    "/products/7/related",
    "/products/2147483647",
    "/products/07",
    "/products/7/",
    "/products/7/nothing",
    "/products/7/styles/8",
    "/nothing/7",
    "/products/\u0667",
    "/static/7",
    "/static/docs/7",
    "//products/7",
    "/products",
    "/7",
]


@pytest.fixture(scope="module")
def app() -> Flask:
    return create_app(load_settings({"DATABASE_URL": "postgresql://nobody@localhost/nothing"}))


def found(adapter: Any) -> Any:
    try:
        return adapter.match(return_rule=True)
    except HTTPException as error:
        return type(error)


def adapter_for(app: Flask, path: str, method: str) -> Any:
    environ = EnvironBuilder(method=method).get_environ()
    environ["PATH_INFO"] = path.encode().decode("latin-1")
    return app.create_url_adapter(app.request_class(environ))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_route_is_werkzeug_s(app: Flask, path: str, method: str) -> None:
    for asked in (path.replace("7", "1234567"), path, path):
        adapter = adapter_for(app, asked, method)
        expected = super(type(adapter), adapter)
        assert found(adapter) == found(expected)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", ["/products/2147483648", "/products/9999999999/styles"])
def test_what_is_no_id_is_not_found_whatever_the_method(app: Flask, path: str, method: str) -> None:
    """werkzeug says that it has no POST before it asks whether it is one."""
    assert found(adapter_for(app, path, method)) is NotFound


def test_shape_is_remembered_without_the_id(app: Flask) -> None:
    for number in range(1, 100):
        found(adapter_for(app, f"/products/{number}/styles", "GET"))
    shapes = [after for _, _, after in app.shapes if after == "/styles"]
    assert 1 <= len(shapes) <= 4  # a method each
