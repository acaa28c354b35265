"""What a request has as a condition on an answer that has its tag: If-Match, If-None-Match."""

from flask import Response, abort, request


def heed_conditions(response: Response) -> Response:
    """Return the response, or make it 304 where the client has it. Raises PreconditionFailed.

    For answers that are at hand; those of the catalogue need not be asked for (caching.py).
    """
    wanted = request.if_match
    if wanted and not wanted.star_tag and not wanted.is_strong(response.get_etag()[0] or ""):
        abort(412)
    # One that holds is none: werkzeug would not look at If-None-Match then (RFC 9110, 13.2.2).
    return response.make_conditional(request.environ | {"HTTP_IF_MATCH": ""})
