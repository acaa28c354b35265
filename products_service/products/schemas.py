"""What a request for products may say."""

from typing import Any

from marshmallow import Schema, ValidationError, post_load, validates_schema

from products_service.products.fields import Choices, Ids, Text
from products_service.web.parameters import Number


class ListQuery(Schema):
    """The query of the list of products."""

    page = Number(metadata={"description": "Page to show; without it the first, which is 1."})
    after = Number(
        least=0,
        metadata={"description": "Show the products after this id, in place of a page; 0: first."},
    )
    count = Number(most=1000, metadata={"description": "Products on a page; without it, 5."})
    ids = Ids(
        most=100,
        metadata={
            "description": "Show the products of these ids in this order, alone: no parameter "
            "goes with it."
        },
    )
    category = Text(
        most=200, metadata={"description": "Show products of this category alone, exactly so."}
    )
    q = Text(
        most=200,
        metadata={
            "description": "Search for products that have all these words; best match first. The "
            "last may be the beginning of a word, which outside of names and categories goes "
            "without its English ending. Goes with page and count."
        },
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _check_combinations(self, data: Any, original: Any, **_: Any) -> None:
        """Refuse parameters that contradict each other. Each is named."""
        given = [name for name in self.fields if name in original]
        errors = {}
        for name in given:
            others = [other for other in given if {name, other} in _APART]
            if others:
                errors[name] = [f"cannot be given together with {', '.join(others)}"]
        if errors:
            raise ValidationError(errors)

    # Not load_default, which the API's description would show: a client that was made from it and
    # sends what it shows is refused beside `after` or `ids`.
    @post_load
    def _complete(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Say which page is meant where nothing is said."""
        return {"page": 1, "count": 5} | data


_APART = [{"page", "after"}, {"q", "after"}, {"q", "category"}] + [
    {"ids", other} for other in ("page", "after", "count", "category", "q")
]


class ProductQuery(Schema):
    """The query of one product."""

    include = Choices(
        ("styles", "related"),
        metadata={
            "description": "What to show besides: its styles as in /styles, and cards of its "
            "related products."
        },
    )
