"""Whether this process serves, and whether it can answer from the database."""

from flask import Blueprint, Response, abort, current_app

from products_service.ops import metrics
from products_service.serving import draining
from products_service.web.problems import DRAINING, RETRY_AFTER, problem

blueprint = Blueprint("ops", __name__)


@blueprint.after_request
def forbid_storing(response: Response) -> Response:
    """An answer about now is worth nothing later."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/live")
def live() -> Response:
    """Say that the process serves; never touches the database."""
    return Response('{"status":"live"}', mimetype="application/json")


@blueprint.get("/ready")
def ready() -> Response:
    """Say which load the service answers from; 503 when the database does not, or draining."""
    if draining.is_draining():
        return problem(503, "This host is about to stop.", headers=RETRY_AFTER, slug=DRAINING)
    answer = current_app.extensions["database"].fetch("check_ready")
    return Response(answer.body, mimetype="application/json")


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Show what this host has counted, for Prometheus."""
    if not current_app.config["METRICS"]:
        abort(404)
    return metrics.exposition()
