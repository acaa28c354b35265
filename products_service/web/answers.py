"""What answers of every route are made of, for the API's description."""

from typing import Any

from marshmallow import EXCLUDE, Schema, fields
from marshmallow.validate import Length, Range, Regexp


class Answer(Schema):
    """A JSON object in an answer. The API's description describes it by its docstring.

    Other keys are allowed: a later version may add some.
    """

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        cls.Meta = type("Meta", (), {"description": cls.__doc__, "unknown": EXCLUDE})


class Problem(Answer):
    """An error as RFC 9457 has it, whichever part of the service it comes from."""

    type = fields.String(
        required=True,
        validate=Regexp(r"^urn:problem-type:[a-z-]+$"),
        metadata={"description": "The kind of error, for programs to tell by."},
    )
    title = fields.String(required=True, metadata={"description": "The kind of error, in words."})
    status = fields.Integer(
        required=True, validate=Range(400, 599), metadata={"description": "The HTTP status."}
    )
    detail = fields.String(required=True, metadata={"description": "What went wrong this time."})
    instance = fields.String(
        required=True,
        validate=Regexp(r"^urn:request:[A-Za-z0-9._-]{1,128}$"),
        metadata={
            "description": "The request's id, which is also in `X-Request-ID` and in the log."
        },
    )


class ParameterError(Answer):
    """What is wrong with a parameter."""

    parameter = fields.String(required=True, metadata={"description": "The parameter's name."})
    detail = fields.String(required=True, metadata={"description": "What is wrong with it."})


class InvalidParameters(Problem):
    """An error that names the query parameters which are not valid."""

    errors = fields.List(
        fields.Nested(ParameterError),
        required=True,
        validate=Length(min=1),
        metadata={"description": "Each parameter that is not valid."},
    )
