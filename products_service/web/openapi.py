"""The API's description, OpenAPI 3.1: made when the service starts, from what its routes use.

Each package describes its own routes, with the schemas that check their requests.
"""

import json
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from flask import Blueprint, Flask, Response, current_app
from marshmallow import fields

from products_service.web.components import HEADERS, PAGE, PARAMETERS
from products_service.web.documents import send_document
from products_service.web.operations import Operation
from products_service.web.parameters import Number
from products_service.web.problem_responses import responses

DESCRIPTION = """\
The products of a shop, as its product detail page needs them.

Bodies are UTF-8 JSON. Keys come in the order described here; a later version may add some. Every \
path answers `GET`, `HEAD` and `OPTIONS`. Every error is problem JSON (RFC 9457), also where the \
HTTP parser or the balancer refuses a request.
"""
# The order in which one reads them.
PARTS = ("openapi", "info", "servers", "tags", "paths", "components")

blueprint = Blueprint("openapi", __name__)


class Description:
    """The description while the packages add to it."""

    def __init__(self) -> None:
        plugin = MarshmallowPlugin()
        self.spec = APISpec(
            "Products API",
            version("products-service"),
            "3.1.0",
            plugins=[plugin],
            info={"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            servers=[{"url": "/"}],
        )
        self.converter = plugin.converter
        self.converter.add_attribute_function(number_range)
        self.converter.add_attribute_function(names_of_keys)
        self.converter.map_to_openapi_type(Number, fields.Integer)
        self.converter.add_parameter_attribute_function(list_in_one)
        for name, header in HEADERS.items():
            self.spec.components.header(name, header)
        for name, parameter in PARAMETERS.items():
            self.spec.components.parameter(name, "header", {"name": name, **parameter})
        for status, response in responses().items():
            self.spec.components.response(str(status), response)

    def add_group(self, name: str, description: str) -> None:
        """Describe a group of operations."""
        self.spec.tag({"name": name, "description": description})

    def add_route(self, path: str, operation: Operation) -> None:
        """Describe a path by what GET of it does."""
        query = operation.query
        for parameter in self.converter.schema2parameters(query, location="query") if query else ():
            self.spec.components.parameter(parameter["name"], "query", parameter)
        self.spec.path(
            path,
            operations={
                "get": operation.get(),
                "head": operation.head(),
                "options": operation.options(),
            },
            parameters=[*operation.path_parameters, "X-Request-ID"],
        )


def number_range(self: OpenAPIConverter, field: fields.Field, **kwargs: Any) -> dict[str, Any]:
    """Return what a schema says of the range of a parameter that is a number."""
    return {"minimum": field.least, "maximum": field.most} if isinstance(field, Number) else {}


def names_of_keys(self: OpenAPIConverter, field: fields.Field, **kwargs: Any) -> dict[str, Any]:
    """Return what a schema says of the keys of an object that has any number of them."""
    key = field.key_field if isinstance(field, fields.Dict) else None
    return {"propertyNames": self.field2property(key)} if key else {}


def list_in_one(self: OpenAPIConverter, field: fields.Field, **kwargs: Any) -> dict[str, Any]:
    """Return how a parameter that is a list is written: once, with commas."""
    return {"explode": False} if isinstance(field, fields.List) else {}


def init_app(app: Flask, describe: Iterable[Callable[[Description], None]]) -> None:
    """Make the description, of what each function adds, and serve it."""
    description = Description()
    for each in (*describe, describe_itself):
        each(description)
    document = description.spec.to_dict()
    document = {part: document[part] for part in PARTS}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    app.extensions["openapi"] = text.encode()
    app.register_blueprint(blueprint)


def describe_itself(description: Description) -> None:
    """Describe the route of the description."""
    description.add_route(
        "/openapi.json",
        Operation(
            name="getDescription",
            group="pages",
            summary="Describe this API",
            description="This document. It changes with the service's version.",
            answer="The document, OpenAPI 3.1.",
            content={
                "application/json": {
                    "schema": {"type": "object", "required": ["openapi", "info", "paths"]}
                }
            },
            cache_control=PAGE,
        ),
    )


@blueprint.get("/openapi.json")
def show_description() -> Response:
    """Show the API's description. Raises PreconditionFailed."""
    return send_document(current_app.extensions["openapi"], "application/json")
