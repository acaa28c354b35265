"""What a request has as a condition on an answer that has its tag: If-Match, If-None-Match."""

from flask import Response, abort, request


def heed_conditions(response: Response) -> Response:
    """Return the response, or make it 304 where the client has it. Raises PreconditionFailed.

    For answers that are at hand; those of the catalogue need not be asked for (caching.py).
    """
    # of If-Match: *, which holds for whatever is there, werkzeug takes none for the tag
    conditions = {} if not request.if_match.star_tag else {"HTTP_IF_MATCH": ""}
    response.make_conditional(request.environ | conditions)
    if response.status_code == 412:
        abort(412)
    return response
