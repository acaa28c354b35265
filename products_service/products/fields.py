"""Kinds of query parameters that only products have."""

from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate

from products_service.web.parameters import Number


class Ids(fields.List):
    """Ids separated by commas, up to `most` of them; each counts once, where it comes first."""

    def __init__(self, most: int, **kwargs: Any):
        super().__init__(Number(), **kwargs)
        self.most = most

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[int]:
        texts = value.split(",")
        if len(texts) > self.most:
            raise ValidationError(f"must be at most {self.most} ids")
        try:
            return list(dict.fromkeys(map(self.inner.deserialize, texts)))
        except ValidationError as error:
            raise ValidationError(
                f"must be ids separated by commas; each {' '.join(error.messages)}"
            ) from None


class Choices(fields.List):
    """Some of the given words, separated by commas, each at most once."""

    def __init__(self, words: Sequence[str], **kwargs: Any):
        super().__init__(fields.String(validate=validate.OneOf(words)), **kwargs)
        self.words = words

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[str]:
        chosen = value.split(",")
        if len(set(chosen)) < len(chosen) or not set(chosen) <= set(self.words):
            raise ValidationError(
                f"must be one or more of {', '.join(self.words)}, separated by commas, "
                "each at most once"
            )
        return chosen


class Text(fields.String):
    """A text of 1 to `most` characters."""

    def __init__(self, most: int, **kwargs: Any):
        super().__init__(
            validate=[
                validate.Length(1, most, error=f"must be 1 to {most} characters long"),
                validate.ContainsNoneOf(
                    "\0", error="must not contain NUL (%00), which no text of the catalogue does"
                ),
            ],
            **kwargs,
        )
