"""Checks of schemathesis' that know what OpenAPI cannot say of this service."""

import schemathesis
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

# Parameters that do not go together.
APART = [{"page", "after"}, {"q", "after"}, {"q", "category"}] + [
    {"ids", other} for other in ("page", "after", "count", "category", "q")
]


@schemathesis.check
def valid_requests_are_accepted(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """As positive_data_acceptance has it, but parameters that do not go together are refused.

    And so is an If-Match, where it names another answer.
    """
    given = set(case.query or {})
    if case.path == "/products" and any(pair <= given for pair in APART):
        assert response.status_code not in (200, 304)
        return None
    if response.status_code == 412:
        assert "If-Match" in case.headers
        return None
    return positive_data_acceptance(ctx, response, case)
