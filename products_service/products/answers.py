"""What answers about products are, for the API's description."""

from marshmallow import fields
from marshmallow.validate import Length, Range, Regexp

from products_service.web.answers import Answer
from products_service.web.parameters import MAX_ID


def integer_id(description: str) -> fields.Integer:
    """Return the field of an id."""
    return fields.Integer(
        required=True, validate=Range(1, MAX_ID), metadata={"description": description}
    )


def text(description: str, nullable: bool = False) -> fields.String:
    """Return the field of a text."""
    return fields.String(required=True, allow_none=nullable, metadata={"description": description})


def price(description: str, nullable: bool = False) -> fields.String:
    """Return the field of a price."""
    return fields.String(
        required=True,
        allow_none=nullable,
        validate=Regexp(r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"),
        metadata={"description": f"{description} It keeps the digits of its source."},
    )


def array(
    schema: type[Answer], description: str, least: int | None = None, required: bool = True
) -> fields.List:
    """Return the field of an array of objects."""
    return fields.List(
        fields.Nested(schema),
        required=required,
        validate=Length(min=least),
        metadata={"description": description},
    )


class Product(Answer):
    """A product, as lists show it."""

    id = integer_id("The product's id.")
    name = text("The product's name.")
    slogan = text("A line that advertises it.", nullable=True)
    description = text("A longer text about it.", nullable=True)
    category = text("The category that it belongs to.", nullable=True)
    default_price = price("The price, unless a style has another.")


class Feature(Answer):
    """A feature of a product."""

    feature = text("The feature, such as the fabric.")
    value = text("Its value, such as canvas.", nullable=True)


class Photo(Answer):
    """A photo of a style. A style without photos has one whose addresses are null."""

    thumbnail_url = text("The address of a small version.", nullable=True)
    url = text("The photo's address.", nullable=True)


class Sku(Answer):
    """A size in stock. A style without skus has one under the key "null", with nulls."""

    quantity = fields.Integer(
        required=True,
        allow_none=True,
        validate=Range(0, MAX_ID),
        metadata={"description": "How many are in stock."},
    )
    size = text("The size; several skus of a style may have the same.", nullable=True)


class Style(Answer):
    """A style of a product."""

    style_id = integer_id("The style's id.")
    name = text("The style's name.")
    original_price = price("The price without a sale.")
    sale_price = price("The price in a sale; null where there is none.", nullable=True)
    is_default = fields.Boolean(
        required=True,
        data_key="default?",
        metadata={
            "description": "Whether to show this style first; true for one style, none or several."
        },
    )
    photos = array(Photo, "The style's photos; the first is the one to show.", least=1)
    skus = fields.Dict(
        required=True,
        keys=fields.String(validate=Regexp(r"^([1-9][0-9]{0,9}|null)$")),
        values=fields.Nested(Sku),
        metadata={"description": "The style's skus by their ids.", "minProperties": 1},
    )


class RelatedProduct(Answer):
    """A related product, as a card shows it."""

    id = integer_id("The product's id.")
    name = text("The product's name.")
    category = text("The category that it belongs to.", nullable=True)
    default_price = price("The price, unless a style has another.")
    sale_price = price(
        "The sale price of its default style, else of its first; null where there is none.",
        nullable=True,
    )
    thumbnail_url = text("The first photo of that style, small.", nullable=True)


class WholeProduct(Product):
    """A product with what belongs to it."""

    features = array(Feature, "The product's features.")
    styles = array(Style, "The product's styles, with `include=styles`.", required=False)
    related = array(
        RelatedProduct, "Cards of related products, with `include=related`.", required=False
    )


class Styles(Answer):
    """The styles of a product."""

    product_id = fields.String(
        required=True,
        validate=Regexp(r"^[1-9][0-9]{0,9}$"),
        metadata={"description": "The product's id, as a string."},
    )
    results = array(Style, "The styles.")
