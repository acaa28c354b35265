"""Parameters of a request: one grammar for numbers, and 400 or 404 for everything else."""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields
from werkzeug.routing import BaseConverter
from werkzeug.routing import ValidationError as NoMatch

MAX_ID = 2147483647  # PostgreSQL's integer
_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}")


class InvalidParametersError(Exception):
    """Query parameters are not valid: `errors` has the details by parameter."""

    def __init__(self, errors: dict[str, str]):
        super().__init__("; ".join(f"{name}: {detail}" for name, detail in errors.items()))
        self.errors = errors


class Number(fields.Field[int]):
    """A whole number from `least` to `most` in its one spelling: no sign, no leading zero."""

    def __init__(self, least: int = 1, most: int = MAX_ID, **kwargs: Any):
        super().__init__(**kwargs)
        self.least = least
        self.most = most

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if not _NUMBER.fullmatch(value) or not self.least <= int(value) <= self.most:
            raise ValidationError(
                f"must be a whole number from {self.least} to {self.most}, "
                "written without sign, leading zeros or spaces"
            )
        return int(value)


class IdConverter(BaseConverter):
    """An id in a path. A text that cannot be an id is a path that does not exist."""

    regex = r"[1-9][0-9]{0,9}"
    _field = Number()

    def to_python(self, value: str) -> int:
        """Return the id. Raises werkzeug's ValidationError, which makes it a 404."""
        try:
            return self._field.deserialize(value)
        except ValidationError:
            raise NoMatch from None


def init_app(app: Flask) -> None:
    """Let routes say <id:product_id>."""
    app.url_map.converters["id"] = IdConverter


def check_query_encoding() -> None:
    """Raise InvalidParametersError when the query has bytes that are not UTF-8.

    werkzeug would hand `%FF` on as text, and fail on a byte that is not encoded.
    """
    asked = request._get_current_object()
    if not asked.environ["QUERY_STRING"]:
        return
    query = asked.query_string
    if b"%" not in query and query.isascii():
        return
    errors = {}
    for part in query.split(b"&"):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            name = unquote_to_bytes(part.partition(b"=")[0]).decode(errors="replace")
            errors[name] = "must be percent-encoded UTF-8"
    if errors:
        raise InvalidParametersError(errors)


def load_query(schema: Schema) -> dict[str, Any]:
    """Return the query's parameters as the schema reads them; those it lacks are ignored, as the
    Atelier API did, which this one replaces.

    Raises InvalidParametersError for those that are not valid or are given twice.
    """
    check_query_encoding()
    repeated = [name for name in schema.fields if len(request.args.getlist(name)) > 1]
    errors = dict.fromkeys(repeated, "is given more than once")
    try:
        loaded = schema.load(request.args, unknown=EXCLUDE)
    except ValidationError as error:
        invalid = {name: " ".join(messages) for name, messages in error.messages_dict.items()}
        errors = invalid | errors
    if errors:
        raise InvalidParametersError(errors)
    return loaded
