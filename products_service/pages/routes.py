"""The pages for people and the files under /static, with a policy and each with a tag."""

import posixpath
from pathlib import Path

from flask import Blueprint, Response, abort, send_from_directory

from products_service.web.documents import send_document

STATIC = Path(__file__).parents[1] / "static"
# Nothing from elsewhere but photos, which the catalogue has from any host; nothing inline.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' https:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def show_shop() -> Response:
    """Show the shop; its script reads the query and asks the API."""
    return _send("shop/index.html")


@blueprint.get("/docs")
def show_docs() -> Response:
    """Show the API's description to read; its script asks for /openapi.json."""
    return _send("docs/index.html")


@blueprint.get("/static/<path:name>")
def send_static(name: str) -> Response:
    """Send a file that pages are made of, by its one name."""
    if posixpath.normpath(name) != name:
        abort(404)
    return _send(name)


def _send(name: str) -> Response:
    """Return a file of the package, or 304 where the client has it.

    Its modules fit those of the same release, so a client asks each time: what it kept may be of
    another. Raises NotFound, PreconditionFailed.
    """
    with send_from_directory(STATIC, name, conditional=False, etag=False) as file:
        file.direct_passthrough = False
        body = file.get_data()
    return send_document(body, file.content_type, {"Content-Security-Policy": POLICY})
