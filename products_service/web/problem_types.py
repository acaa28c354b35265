"""The types of problem that the service, gunicorn's parser or the balancer answers with."""

from typing import NamedTuple

# Types that share a status with another one, and are not what it is answered with by itself.
INVALID_PARAMETER = "invalid-parameter"
DRAINING = "draining"


class ProblemType(NamedTuple):
    """A type of problem: its status, when it comes, what is said of it: of some, by example."""

    status: int
    when: str
    detail: str


PROBLEM_TYPES = {
    INVALID_PARAMETER: ProblemType(
        400,
        "A query parameter, where the path has any, is malformed, out of its range, empty, given "
        "twice or together with one that it does not go with, or the query is not UTF-8; `errors` "
        "names each.",
        "Not valid in the query: page.",
    ),
    "bad-request": ProblemType(
        400, "Or this is not a valid HTTP request.", "This is not a valid HTTP request."
    ),
    "forbidden": ProblemType(
        403, "The HTTP parser does not let the request in.", "This request is not allowed."
    ),
    "not-found": ProblemType(
        404,
        "There is nothing at this path: no such route, or no product with this id. A text that "
        "cannot be an id is such a path.",
        "There is nothing at this path.",
    ),
    "method-not-allowed": ProblemType(
        405,
        "This path lacks the method; `Allow` lists those that it has.",
        "The method is not allowed for the requested URL.",
    ),
    "request-timeout": ProblemType(
        408, "The request did not arrive in time.", "The request did not arrive in time."
    ),
    "precondition-failed": ProblemType(
        412,
        "`If-Match` does not name the answer that there is.",
        "What is here is not what the request's condition names.",
    ),
    "content-too-large": ProblemType(
        413,
        "The request's body is too large: no resource takes one.",
        "The request's body is too large: no resource takes one.",
    ),
    "uri-too-long": ProblemType(
        414, "The request line is too long.", "The request line is too long."
    ),
    "expectation-failed": ProblemType(
        417,
        "`Expect` asks for something else than `100-continue`.",
        "The expectation is not one that this server meets.",
    ),
    "misdirected-request": ProblemType(
        421,
        "The request is for another host.",
        "This server does not answer for that host name.",
    ),
    "too-many-requests": ProblemType(
        429,
        "The client's address sends more requests than the balancer lets through.",
        "More requests from this address than are allowed.",
    ),
    "request-header-fields-too-large": ProblemType(
        431,
        "The header fields are too many or too long.",
        "The header fields are too many or too long.",
    ),
    "internal-error": ProblemType(
        500,
        "A defect of the service; it is logged under the request's id.",
        "The service failed on this request. The failure is logged under the request's id.",
    ),
    "not-implemented": ProblemType(
        501,
        "The transfer coding is none that the server knows.",
        "The transfer coding is not supported.",
    ),
    "bad-gateway": ProblemType(
        502,
        "Another balancer, before that of the service, got an answer that makes no sense.",
        "The request could not be answered.",
    ),
    "database-unavailable": ProblemType(
        503,
        "The answer needs the database, which cannot be reached, or every connection is busy.",
        "Every database connection is busy.",
    ),
    DRAINING: ProblemType(
        503, "Or, from `/ready`, the host is about to stop.", "This host is about to stop."
    ),
    "no-host-available": ProblemType(
        503,
        "Or no host can take the request.",
        "None of the service's hosts can take this request now.",
    ),
    "database-timeout": ProblemType(
        504,
        "The answer needs the database, which did not give it within its time limit; the statement "
        "is not run again.",
        "The database did not answer within its time limit.",
    ),
    "gateway-timeout": ProblemType(
        504, "Or the hosts did not answer in time.", "The service's hosts did not answer in time."
    ),
    "http-version-not-supported": ProblemType(
        505,
        "The HTTP version is none that the server speaks.",
        "This version of HTTP is not supported.",
    ),
}
# The type of a status where nobody names one: the first of those above that have it.
TYPE_OF_STATUS = {
    kind.status: name for name, kind in reversed(PROBLEM_TYPES.items()) if name != INVALID_PARAMETER
}
