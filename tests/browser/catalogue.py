"""The shop that the browser visits: few products, each of which has something to get wrong."""

from tests.catalogue import Rows

CAMO, SHADES, JOGGERS, BARE, HOSTILE, COSTLY, TEXTUAL, NAMELESS = 1, 2, 3, 5, 6, 7, 8, 9
FOREST, OCEAN, DIGITAL, SKY = 11, 12, 13, 14
WIDE = 32
FILLERS = range(20, 59)  # enough products for pages, and for a long row of related ones

# Would change the page's title if any of it were taken for markup.
MARKUP = """<img src=x onerror="document.title='owned'">"""
SCRIPT = "</script><script>document.title='owned'</script>"


def catalogue(url: str) -> Rows:
    """Return the rows; photos are at the service's own `url`."""

    def photo(number: int) -> str:
        return f"{url}/photos/{number}.svg"

    return {
        "products": [
            (
                CAMO,
                "Camo Onesie",
                "Blend in to your crowd",
                "The So Fatigues will wake you up and fit you in. This high energy camo will have "
                "you blending in to even the wildest surroundings.",
                "Jackets",
                "140",
            ),
            (
                SHADES,
                "Bright Future Sunglasses",
                "You've got to wear shades",
                None,
                "Accessories",
                "69",
            ),
            (JOGGERS, "Morning Joggers", None, "Everyone looks good in joggers.", "Pants", "40"),
            (BARE, "Bare", None, None, None, "19.90"),
            (HOSTILE, MARKUP, SCRIPT, f"{MARKUP} {SCRIPT}", f'"><b>{MARKUP}', "10"),
            (COSTLY, "Juniper Dress", "", "", "Dresses", "500000000"),
            # longer than the API takes for a category
            (NAMELESS, "", None, None, "Long " * 41, "12"),
            (TEXTUAL, "null", "null", "undefined", "null", "0.5"),
            *(
                (number, f"Plain Shirt {number}", "Plain", "Plain.", "Shirts", f"{number}.90")
                for number in FILLERS
            ),
        ],
        "features": [
            (1, CAMO, "Fabric", "Canvas"),
            (2, CAMO, "Buttons", "Brass"),
            (3, CAMO, "Handmade", None),
            (4, HOSTILE, MARKUP, SCRIPT),
        ],
        "styles": [
            (DIGITAL, CAMO, "Digital Red & Black", None, "140", False),
            (FOREST, CAMO, "Forest Green & Black", None, "140", True),
            (OCEAN, CAMO, "Ocean Blue & Grey", "100", "140", False),
            (SKY, CAMO, "Sky Blue & White", "99.90", "1140.00", False),
            (21, SHADES, "Gold Lenses & Black Frame", "49.50", "69", False),
            (31, JOGGERS, "Black", None, "40", True),
            (WIDE, JOGGERS, "Black, wide", None, "40", False),
            (61, HOSTILE, MARKUP, None, "10", True),
            (71, COSTLY, "Navy, striped", None, "500000000", False),
            (91, NAMELESS, "\N{NO-BREAK SPACE}", "12.00", "12", True),
            # turns what follows it around
            (92, FILLERS[6], "\N{RIGHT-TO-LEFT OVERRIDE}Noir", None, "120", True),
            # Out of view in the row of related products.
            (241, FILLERS[4], "White", "9.90", "24.90", True),
        ],
        "photos": [
            (2, FOREST, photo(2), photo(2)),
            (1, FOREST, photo(1), photo(1)),
            (3, FOREST, photo(3), photo(3)),
            (4, OCEAN, photo(4), photo(4)),
            (5, OCEAN, photo(5), photo(5)),
            (6, SKY, f"{url}/photos/gone/6.svg", f"{url}/photos/gone/6t.svg"),
            (7, SKY, photo(7), f"u{photo(7)}"),
            (8, SKY, None, None),
            (9, 21, photo(9), photo(9)),
            (10, 31, photo(10), photo(10)),
            (91, 91, f"{url}/photos/gone/91.svg", photo(91)),
            (61, 61, "javascript:document.title='owned'", f"data:text/html,{SCRIPT}"),
            (62, 61, f'x" onerror="document.title=1" {MARKUP}', "http://127.0.0.1:1/elsewhere.png"),
        ],
        "skus": [
            (102, FOREST, "S", 16),
            (101, FOREST, "XS", 8),
            (103, FOREST, "M", 0),
            (104, FOREST, "L", None),
            (105, FOREST, "XL", 3),
            (106, FOREST, "XL", 4),
            (107, OCEAN, "S", 0),
            (108, OCEAN, "M", 2),
            (109, OCEAN, "L", 40),
            (110, SKY, None, 5),
            (211, 21, "One size", 0),
            (311, 31, "32", 9),
            (312, 31, "28", 9),
            (313, 31, "30.5", 9),
            (314, 31, "28W", 9),
            (315, 31, "4", 9),
            (316, 31, "0", 9),
            (321, WIDE, "6XL", 9),
            (322, WIDE, "4XL", 9),
            (323, WIDE, "5XL", 9),
            (324, WIDE, "XL", 9),
            (611, 61, MARKUP, 1),
            (911, 91, "M", 1),
            (921, 92, "M", 1),
        ],
        "related": [
            (number, CAMO, related)
            for number, related in enumerate(
                [JOGGERS, SHADES, JOGGERS, CAMO, BARE, COSTLY, *FILLERS[:6]], 1
            )
        ],
    }
