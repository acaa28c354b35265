"""The API's description: valid, complete, made of real answers, and true of all others."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.test import TestResponse

from etl.files import TABLES
from products_service import create_app
from products_service.config import load_settings
from products_service.database.errors import DatabaseBusyError, DatabaseTimeoutError
from products_service.products.openapi import EXAMPLES
from products_service.products.schemas import ListQuery, ProductQuery
from products_service.serving import draining
from products_service.web import components, problem_types, problems
from tests.conftest import Database
from tests.http import example_catalogue, test_core_routes
from tests.http.conftest import Serve

ROOT = Path(__file__).parents[2]
URI = "urn:description"
NAMED = {"X-Request-ID": components.REQUEST_ID}
# Files that pages are made of: no part of the API.
NOT_DESCRIBED = {"/static/<path:name>"}


@pytest.fixture(scope="module")
def app() -> Flask:
    """The application without a database."""
    return create_app(load_settings({"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"}))


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    return app.test_client().get("/openapi.json").json


@pytest.fixture(scope="module")
def examples(clone: Callable[[], Database], serve: Serve) -> FlaskClient:
    return serve(clone(), example_catalogue.ROWS).test_client()


def follow(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference leads to; anything else as it is."""
    while "$ref" in value:
        found = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Raise what is wrong with a value: by its schema, and a key without a description."""
    resource = Resource(document, DRAFT202012)
    # References are the document's.
    based = json.loads(json.dumps(schema).replace('"$ref": "#', f'"$ref": "{URI}#'))
    OAS31Validator(based, registry=Registry().with_resource(URI, resource)).validate(value)
    check_keys(document, schema, value)


def check_keys(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Every key is described, and they come in the order in which they are."""
    schema = follow(document, schema)
    if "oneOf" in schema:
        schema = next(
            each
            for each in schema["oneOf"]
            if each["allOf"][1]["properties"]["type"]["const"] == value["type"]
        )
    if "allOf" in schema:
        schema = follow(document, schema["allOf"][0])
    if isinstance(value, list):
        for item in value:
            check_keys(document, schema["items"], item)
    elif isinstance(value, dict) and "properties" in schema:
        assert list(value) == [name for name in schema["properties"] if name in value]
        for name, item in value.items():
            check_keys(document, schema["properties"][name], item)
    elif isinstance(value, dict) and "additionalProperties" in schema:
        for item in value.values():
            check_keys(document, schema["additionalProperties"], item)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation with its path and method."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def test_it_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1.")


def test_every_route_and_method_is_described(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule not in NOT_DESCRIBED
        for method in rule.methods
    }
    assert {(path, method) for path, method, _ in operations(document)} == routes


def test_every_parameter_of_a_query_is_described(document: dict[str, Any]) -> None:
    for path, schema in (("/products", ListQuery), ("/products/{product_id}", ProductQuery)):
        for method in ("get", "head"):
            parameters = [
                follow(document, each) for each in document["paths"][path][method]["parameters"]
            ]
            described = {each["name"]: each for each in parameters if each["in"] == "query"}
            assert list(described) == list(schema().fields)
            for name, field in schema().fields.items():
                assert described[name]["description"] == field.metadata["description"]
                assert field.metadata["description"].endswith(".")


def test_no_parameter_has_a_default_that_may_not_be_sent(document: dict[str, Any]) -> None:
    schemas = [each["schema"] for each in document["components"]["parameters"].values()]
    assert schemas
    assert not [schema for schema in schemas if "default" in schema]


def test_everything_has_a_description(document: dict[str, Any]) -> None:
    components = document["components"]
    for schema in components["schemas"].values():
        assert schema["description"]
        for name, each in schema["properties"].items():
            assert each["description"], name
    for kind in ("parameters", "headers", "responses"):
        assert all(each["description"] for each in components[kind].values())
    used = json.dumps(document)
    for kind in ("parameters", "headers", "schemas", "links"):
        for name in components[kind]:
            assert f'"#/components/{kind}/{name}"' in used, name


@pytest.mark.parametrize(
    ("schema", "table"),
    [("Product", "products"), ("Feature", "features"), ("Style", "styles"), ("Photo", "photos")],
)
def test_null_is_described_where_the_catalogue_may_have_it(
    document: dict[str, Any], schema: str, table: str
) -> None:
    (columns,) = [each.columns for each in TABLES if each.name == table]
    properties = document["components"]["schemas"][schema]["properties"]
    shared = [column for column in columns if column.name in properties]
    assert shared
    for column in shared:
        assert ("null" in properties[column.name]["type"]) == column.nullable, column.name


def test_everything_is_always_there_but_what_is_to_be_asked_for(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        asked_for = {"styles", "related"} if name == "WholeProduct" else set()
        assert set(schema["required"]) == set(schema["properties"]) - asked_for, name


def test_every_type_of_error_is_described(document: dict[str, Any]) -> None:
    described = {(kind.status, slug) for slug, kind in problem_types.PROBLEM_TYPES.items()}
    responses = document["components"]["responses"]
    shown = {
        (example["value"]["status"], example["value"]["type"].removeprefix("urn:problem-type:"))
        for response in responses.values()
        for example in response["content"][problems.MEDIA_TYPE]["examples"].values()
    }
    assert shown == described


def test_every_operation_has_the_errors_that_may_come(document: dict[str, Any]) -> None:
    of_the_parser = {"400", "405", "408", "413", "414", "417", "431", "500", "501", "505"}
    everywhere = of_the_parser | {"429", "503", "504"}
    for path, method, operation in operations(document):
        statuses = set(operation["responses"])
        assert everywhere | {"200"} <= statuses
        if "{product_id}" in path:
            assert "404" in statuses
        if method != "options":
            tagged = "ETag" in operation["responses"]["200"]["headers"]
            assert tagged == ("304" in statuses) == ("412" in statuses)


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for response in operation["responses"].values():
            for content in follow(document, response).get("content", {}).values():
                for example in content.get("examples", {}).values():
                    check(document, content["schema"], example["value"])
                if "example" in content:
                    check(document, content["schema"], content["example"])


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_every_stored_example_is_shown(document: dict[str, Any], name: str) -> None:
    stored = json.loads((EXAMPLES / name).read_text("utf-8"))
    assert stored["answer"] in [
        example["value"]
        for _, _, operation in operations(document)
        for response in operation["responses"].values()
        for content in follow(document, response).get("content", {}).values()
        for example in content.get("examples", {}).values()
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_examples_are_what_is_answered(examples: FlaskClient, name: str) -> None:
    stored = (EXAMPLES / name).read_text("utf-8")
    path = json.loads(stored)["path"]
    example = {"path": path, "answer": examples.get(path).json}
    answered = json.dumps(example, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("WRITE_EXAMPLES"):
        (EXAMPLES / name).write_text(answered, "utf-8")
    assert answered == (EXAMPLES / name).read_text("utf-8"), "make examples writes them anew"


ANSWERED = {
    "invalid-parameter": ("GET", "/products?page=1&page=2", {}),
    "not-found": ("GET", "/products/99", {}),
    "method-not-allowed": ("POST", "/products", {}),
    "precondition-failed": ("GET", "/products", {"If-Match": '"x"'}),
}
RAISED = {
    "database-unavailable": DatabaseBusyError("busy"),
    "database-timeout": DatabaseTimeoutError("slow"),
    "internal-error": RuntimeError("broken"),
}


def check_problem(document: dict[str, Any], answer: TestResponse, slug: str) -> None:
    """The answer is the example of that type of problem."""
    response = document["components"]["responses"][str(answer.status_code)]
    assert response["content"][answer.content_type]["examples"][slug]["value"] == answer.json


@pytest.mark.parametrize("slug", ANSWERED)
def test_examples_of_errors_are_what_is_answered(
    document: dict[str, Any], examples: FlaskClient, slug: str
) -> None:
    method, path, headers = ANSWERED[slug]
    answer = examples.open(path, method=method, headers=NAMED | headers)
    check_problem(document, answer, slug)


@pytest.mark.parametrize("slug", RAISED)
def test_examples_of_failures_are_what_is_answered(
    app: Flask, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, slug: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RAISED[slug]

    monkeypatch.setattr(app.extensions["database"], "fetch", fail)
    check_problem(document, app.test_client().get("/products", headers=NAMED), slug)


def test_the_example_of_draining_is_what_is_answered(
    app: Flask, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "is_draining", lambda: True)
    check_problem(document, app.test_client().get("/ready", headers=NAMED), problem_types.DRAINING)


def test_examples_of_refusals_are_what_the_balancer_says() -> None:
    maps = (ROOT / "nginx" / "problems.conf").read_text("utf-8")
    types, details = (
        dict(re.findall(r'^ +(\w+) "?(.*?)"?;$', text.partition("}")[0], re.MULTILINE))
        for text in (maps.partition("$problem_type {")[2], maps.partition("$problem_detail {")[2])
    )
    types["default"] = "bad-gateway"
    said = {(types[status], detail) for status, detail in details.items()}
    shown = {(slug, kind.detail) for slug, kind in problem_types.PROBLEM_TYPES.items()}
    # of these the service's own words are shown
    assert {slug for slug, _ in said - shown} == {"method-not-allowed", "internal-error"}


PATHS = [
    "/products",
    "/products?page=2&count=1",
    "/products?page=9",
    "/products?after=2&count=2",
    "/products?ids=8,1",
    "/products?category=Jackets",
    "/products?q=camouflage",
    *(
        f"/products/{product}{tail}"
        for product in (1, 2, 5, 8)
        for tail in ("", "/styles", "/related", "?include=styles,related", "?include=related")
    ),
    "/live",
    "/ready",
    "/openapi.json",
    "/products/3",
    "/products/x/styles",
    "/products?page=0",
    "/products?ids=1&q=x&page=x",
    "/products/1?include=all",
    "/products?x=%ff",
]


def test_every_answer_is_as_described(
    document: dict[str, Any], clone: Callable[[], Database], serve: Serve
) -> None:
    client = serve(clone(), test_core_routes.ROWS).test_client()
    for path in PATHS:
        answer = client.get(path)
        described = re.sub(r"^/products/\w+", "/products/{product_id}", path.partition("?")[0])
        operation = document["paths"][described]["get"]
        response = follow(document, operation["responses"][str(answer.status_code)])
        check(document, response["content"][answer.content_type]["schema"], answer.json)
        check_headers(document, response, answer)
        if answer.status_code == 200:
            listed = document["paths"][described]["options"]["responses"]["200"]
            check_headers(document, follow(document, listed), client.options(path))


def check_headers(
    document: dict[str, Any], described: dict[str, Any], answer: TestResponse
) -> None:
    for name, header in described["headers"].items():
        shape = follow(document, header)
        if shape["required"]:
            assert name in answer.headers
        if name == "Cache-Control":
            assert answer.headers[name] == shape["example"]


def test_what_may_come_compressed_says_so(document: dict[str, Any], app: Flask) -> None:
    client = app.test_client()
    for path in ("/", "/docs", "/openapi.json", "/live"):
        answer = client.get(path, headers={"Accept-Encoding": "gzip"})
        operation = document["paths"][path]["get"]
        described = follow(document, operation["responses"]["200"])["headers"]
        assert ("Vary" in answer.headers) == ("Vary" in described), path
        named = [follow(document, each)["name"] for each in operation.get("parameters", ())]
        assert ("Vary" in answer.headers) == ("Accept-Encoding" in named), path
