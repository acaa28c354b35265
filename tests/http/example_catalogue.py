"""The small catalogue whose answers are the examples in the API's description."""

from tests.catalogue import Rows

PHOTOS = "https://images.example.com"
ROWS: Rows = {
    "products": [
        (
            1,
            "Camo Onesie",
            "Blend in to your crowd",
            "The So Fatigues will wake you up and fit you in. This high energy camo will have you "
            "blending in to even the wildest surroundings.",
            "Jackets",
            "140",
        ),
        (
            2,
            "Bright Future Sunglasses",
            "You've got to wear shades",
            "Where you're going you might not need roads, but you definitely need some shades.",
            "Accessories",
            "69",
        ),
        (3, "Morning Joggers", "Make yourself a morning person", None, "Pants", "40"),
        (5, "Gift Card", None, None, None, "19.90"),
    ],
    "features": [(1, 1, "Fabric", "Canvas"), (2, 1, "Buttons", "Brass"), (3, 1, "Handmade", None)],
    "styles": [
        (1, 1, "Forest Green & Black", None, "140", True),
        (2, 1, "Desert Brown & Tan", "99.90", "140", False),
        (7, 2, "Black Lenses & Gold Frame", "49.50", "69", False),
        (11, 3, "Black", None, "40", True),
    ],
    "photos": [
        (1, 1, f"{PHOTOS}/forest-1.jpg", f"{PHOTOS}/forest-1-small.jpg"),
        (2, 1, f"{PHOTOS}/forest-2.jpg", f"{PHOTOS}/forest-2-small.jpg"),
        (3, 2, f"{PHOTOS}/desert.jpg", f"{PHOTOS}/desert-small.jpg"),
        (4, 7, f"{PHOTOS}/gold.jpg", f"{PHOTOS}/gold-small.jpg"),
    ],
    "skus": [
        (1, 1, "XS", 8),
        (2, 1, "S", 16),
        (3, 1, "M", 0),
        (8, 2, "S", 3),
        (9, 7, "One size", 21),
    ],
    "related": [(1, 1, 2), (2, 1, 3), (3, 1, 5), (4, 1, 2), (5, 2, 3), (6, 3, 1)],
}
