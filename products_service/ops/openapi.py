"""The part of the API's description that is about the host."""

from marshmallow import fields
from marshmallow.validate import Equal, Range
from prometheus_client import CONTENT_TYPE_LATEST

from products_service.web.answers import Answer
from products_service.web.openapi import Description
from products_service.web.operations import Operation

GROUP = "host"


class Live(Answer):
    """A process that serves."""

    status = fields.String(
        required=True, validate=Equal("live"), metadata={"description": "Always the same."}
    )


class Ready(Answer):
    """A host that can answer from the database."""

    load = fields.Integer(
        required=True,
        validate=Range(0),
        metadata={"description": "The number of the load that answers come from."},
    )


def describe(description: Description) -> None:
    """Describe the routes for operators and balancers."""
    description.add_group(
        GROUP, "For operators and balancers; the balancer passes only /live on to the outside."
    )
    for path, operation in OPERATIONS.items():
        description.add_route(path, operation)


OPERATIONS = {
    "/live": Operation(
        name="isLive",
        group=GROUP,
        summary="Say whether the process serves",
        description="Never asks the database.",
        answer="It does.",
        content={"application/json": {"schema": Live, "example": {"status": "live"}}},
    ),
    "/ready": Operation(
        name="isReady",
        group=GROUP,
        summary="Say whether the host can answer from the database now",
        description="200 while the database answers and the host is not about to stop, else 503.",
        answer="It can.",
        content={"application/json": {"schema": Ready, "example": {"load": 7}}},
        errors=(404,),
    ),
    "/metrics": Operation(
        name="showMetrics",
        group=GROUP,
        summary="Show what the host has counted",
        description="Requests, statements, the pool and the load, in Prometheus' text format.",
        answer="The metrics.",
        content={
            CONTENT_TYPE_LATEST: {
                "schema": {"type": "string"},
                "example": "# HELP products_load_number Number of the load that the last answer "
                "came from.\n# TYPE products_load_number gauge\nproducts_load_number 7.0\n",
            }
        },
        errors=(404,),
    ),
}
