"""Whether this process serves, whether it can answer from the database, and its metrics."""

from flask import Blueprint, Response, current_app
from flask.blueprints import BlueprintSetupState
from prometheus_client import CONTENT_TYPE_LATEST

from products_service.ops import multiprocess
from products_service.serving import draining
from products_service.web.problem_types import DRAINING, PROBLEM_TYPES
from products_service.web.problems import RETRY_AFTER, problem

blueprint = Blueprint("ops", __name__)

# An answer about now is worth nothing later.
_NOT_STORED = {"Cache-Control": "no-store"}


@blueprint.get("/live")
def live() -> Response:
    """Say that the process serves; never touches the database."""
    return Response('{"status":"live"}', mimetype="application/json", headers=_NOT_STORED)


@blueprint.get("/ready")
def ready() -> Response:
    """Say which load the service answers from; 503 when the database does not, or draining."""
    if draining.is_draining():
        return problem(503, PROBLEM_TYPES[DRAINING].detail, headers=RETRY_AFTER, slug=DRAINING)
    answer = current_app.extensions["database"].fetch("check_ready")
    return Response(answer.body, mimetype="application/json", headers=_NOT_STORED)


def show_metrics() -> Response:
    """Show what this host has counted, for Prometheus."""
    counted = multiprocess.exposition()
    return Response(counted, content_type=CONTENT_TYPE_LATEST, headers=_NOT_STORED)


@blueprint.record
def _add_metrics(state: BlueprintSetupState) -> None:
    """Have /metrics where something is counted."""
    if state.app.config["METRICS"]:
        state.add_url_rule("/metrics", "show_metrics", show_metrics)
