"""The words of a synthetic catalogue: pools of texts, escaped for CSV, to pick from."""

import hashlib
from itertools import product

# A category stands here as often as its weight says: a few are common, the rest are not.
CATEGORIES = [
    category
    for category, weight in {
        "Shirts": 12,
        "Pants": 11,
        "Dresses": 9,
        "Sneakers": 9,
        "Jackets": 7,
        "Socks": 6,
        "Boots": 5,
        "Skirts": 5,
        "Sweaters": 4,
        "Hats": 4,
        "Shorts": 3,
        "Bags": 3,
        "Coats": 2,
        "Sunglasses": 2,
        "Scarves": 1,
        "Watches": 1,
    }.items()
    for _ in range(weight)
]

NAMES = (
    *("Alder", "Amberline", "Anchor", "Ash", "Aurora", "Basalt", "Beacon", "Birch", "Bluebell"),
    *("Bramble", "Brook", "Cedar", "Chalk", "Cinder", "Clover", "Cobalt", "Copper", "Coral"),
    *("Crescent", "Dakota", "Dune", "Ember", "Élan", "Fable", "Fern", "Fjord", "Flint", "Foxglove"),
    *("Granite", "Harbour", "Hazel", "Heather", "Indigo", "Juniper", "Kestrel", "Lagoon"),
    *("Linden", "Lumière", "Maple", "Marina", "Meadow", "Mesa", "Midnight", "Mulberry", "Nimbus"),
    *("Northern", "Oakwood", "Opal", "Orchard", "Pebble", "Prairie", "Quartz", "Quill", "Rowan"),
    *("Saffron", "Sierra", "Solstice", "Sorrel", "Tamarind", "Thistle", "Tundra", "Über", "Umber"),
    *("Velvet", "Verona", "Walnut", 'Weekend ""X""', "Willow", "Yarrow", "Zephyr", "日本"),
)

SLOGANS = [
    f"{start} {end}"
    for start, end in product(
        (
            *("Made for", "Ready for", "Born for"),
            *("Cut for", "Built to outlast", "Light enough for"),
            *("Your new answer to", "A quiet hello to", "Never too much for", "At home in"),
            *("The short way to", "Dressed up, dressed down and dressed for", "Nothing but"),
            *("Twice as warm in", "All the comfort of home, all the style of", "Wear it for"),
        ),
        (
            *("rain", "work", "everyone", "a day off", "Paris cafés", "the weekend"),
            *("the long way home", "cold mornings", "summer, and whatever follows it"),
            *("people who would rather walk", "a night out in Zürich"),
            "city streets and country lanes",
            *("that one drawer nobody ever opens", "whatever they call smart casual"),
            *("meetings that could have been a letter", "every season but the one you are in"),
        ),
    )
]

SENTENCES = [
    f"{subject} {verb} {rest}."
    for subject, verb, rest in product(
        (
            *("The hem", "Each seam", "The collar", "A soft lining", "The brushed cotton"),
            *("The waistband", "Every button", "The recycled yarn", "Its wide and relaxed shape"),
            *("The everyday cut", "The finer finish", "A hidden pocket"),
        ),
        (
            *("keeps", "was made for", "holds up to", "takes care of", "looks right after"),
            *("feels at home in", "makes light work of", "has been tested against"),
        ),
        (
            *("wind", "long days", "a full wash", "the daily ride to work", "early trains"),
            *("rain, mud and hurried breakfasts", "the walk from the station to the office"),
            *("whatever the season brings", "a shop window in full sun"),
            "nights in München or 東京",
            *("the weight of a good book", "children and other animals"),
        ),
    )
]
# Neighbours of a product() are alike; a fixed disorder makes them strangers.
SENTENCES.sort(key=lambda text: hashlib.sha256(text.encode()).digest())
PARAGRAPHS = [
    " ".join(SENTENCES[place : place + 1 + place % 5]) for place in range(len(SENTENCES) - 5)
]

# Features and their values as cells; a promise has no value.
FEATURES = [
    f'"{feature}", "{value}"'
    for feature, values in {
        "Fabric": ("Linen", "Wool", "Organic Cotton", "Cotton, brushed", "60% Wool 40% Silk"),
        "Fit": ("Slim", "Straight", "Loose", "Cropped", "Relaxed"),
        "Sole": ("Rubber", "Cork", "Crêpe", "Foam"),
        "Closure": ("Zip", "Laces", "Snap", "Brass Buttons", "Hook and Loop"),
        "Lining": ("Fleece", "Satin", "None", "Recycled Down"),
        "Care": ("Machine wash", "Dry clean only", "Wash cold", "null"),
    }.items()
    for value in values
] + [
    f'"{promise}", null'
    for promise in ("Vegan", "Handmade", "Two Year Warranty", "Carbon Neutral", "Free Returns")
    for _ in range(5)
]

COLOURS = (
    *("Red", "Blue", "Teal", "Navy", "Olive", "Black", "White", "Grey", "Ivory", "Plum", "Sand"),
    *("Cocoa", "Lime", "Coral", "Écru", "Pink", "Gold", "Mint green", "Sky blue", "Charcoal"),
    *("Burnt orange", "Navy, striped", "Black & White"),
)

# Whole and fraction apart, because a sale price is computed from the whole.
PRICES = [
    (whole, fraction)
    for whole in range(20, 1000)
    for fraction in ("", "", "", "", "", "", ".90", ".99")
]

LETTER_SIZES = ("XS", "S", "M", "L", "XL", "XXL")
SHOE_SIZES = ("7", "7.5", "8", "8.5", "9", "9.5", "10", "10.5", "11", "11.5", "12")

# What follows a photo's name in its address, and in its thumbnail's: signed (most) or plain.
PHOTO_SUFFIXES = [
    (f"?{token}auto=format&fit=crop&w={width}&q=80", f"?{token}auto=format&fit=crop&w=300&q=80")
    for token in (*(("version=1.20.1&sign=c3ludGhldGljIHNob3Ah&",) * 2), "version=1.20.1&")
    for width in (668, 668, 975, 1000, 1650, 1650, 2734)
]
