"""What a request for products may say."""

from marshmallow import EXCLUDE, Schema

from products_service.web.parameters import Number


class ListQuery(Schema):
    """The query of the list of products. The legacy API ignored what it did not know."""

    class Meta:
        """Ignore other parameters."""

        unknown = EXCLUDE

    page = Number(load_default=1, metadata={"description": "Page to show, the first is 1."})
    count = Number(most=1000, load_default=5, metadata={"description": "Products on a page."})
