"""Writes a synthetic catalogue as the six CSV files, with the quirks and dirt of published ones."""

import os
from functools import cache
from itertools import chain, cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from etl.progress import Progress
from etl.recipe import Block, Recipe, identifier, plan, share
from etl.rereading import naming
from etl.vocabulary import (
    CATEGORIES,
    COLOURS,
    FEATURES,
    LETTER_SIZES,
    NAMES,
    PARAGRAPHS,
    PHOTO_SUFFIXES,
    PRICES,
    SENTENCES,
    SHOE_SIZES,
    SLOGANS,
)

UNCLOSED_PHOTOS = (48, 249, 263, 272, 282, 298, 304, 315, 326, 337)
FULL_ZEROS = 58  # rows of the published related.csv that refer to product 0
PHOTO_URL = "https://images.example.com/photo-"


def generate(
    folder: Path,
    products: int,
    seed: int = 1,
    dirty: bool = False,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write the six files into `folder`, made if missing, and return the rows per table.

    The files appear whole, in place of those of the same names. What is half-written is removed,
    unless the process is killed: then it stays, in a folder .generate-*.
    Without `dirty` a load repairs and rejects nothing. `progress` is told of the rows; nothing is
    shown without one. Raises ValueError for an impossible number of products, OSError.
    """
    recipe = Recipe(plan(products), seed, dirty)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".generate-", dir=folder) as scratch:
        for table in FILES:
            with naming(folder / f"{table}.csv"):
                write_file(recipe, table, Path(scratch, f"{table}.csv"), progress or Progress())
        for table in FILES:
            os.replace(Path(scratch, f"{table}.csv"), folder / f"{table}.csv")
    return recipe.rows


def write_file(recipe: Recipe, table: str, path: Path, progress: Progress) -> None:
    """Write one file, a block at a time."""
    header, lines = FILES[table]
    with (
        path.open("wb") as stream,
        progress.file(f"writing {table}", recipe.rows[table], "rows") as advance,
    ):
        stream.write(f"{header}\n".encode())
        for block in recipe.blocks(table):
            stream.write("".join(lines(block)).encode())
            advance(block.size)


def prices(block: Block) -> list[tuple[int, str]]:
    """Return the prices of the block's parents, products: alike for products.csv and styles.csv."""
    return block.recipe.picks(PRICES, block.parents, "prices", block.first_parent)


def product_lines(block: Block) -> list[str]:
    """Return the lines of products.csv; one price is absurd."""
    default_prices = [f"{whole}{fraction}" for whole, fraction in prices(block)]
    if block.first_row == 0:
        default_prices[min(9, block.size - 1)] = "500000000"
    return [
        f'{key}, "{name} {category}", "{slogan}", "{sentence} {paragraph}", "{category}", {price}\n'
        for key, name, category, slogan, sentence, paragraph, price in zip(
            block.ids,
            block.picks(NAMES, block.size, "name"),
            block.picks(CATEGORIES, block.size, "category"),
            block.picks(SLOGANS, block.size, "slogan"),
            block.picks(SENTENCES, block.size, "sentence"),
            block.picks(PARAGRAPHS, block.size, "paragraph"),
            default_prices,
            strict=True,
        )
    ]


def feature_lines(block: Block) -> list[str]:
    """Return the lines of features.csv; the first two values are the text null and NULL."""
    features = block.picks(FEATURES, block.size, "feature")
    if block.first_row == 0:
        features[:2] = ['"Care", "null"', '"Vegan", null']
    return [
        f"{key}, {parent}, {feature}\n"
        for key, parent, feature in zip(block.ids, block.parent_ids, features, strict=True)
    ]


def style_lines(block: Block) -> list[str]:
    """Return the lines of styles.csv: one in nine on sale, some products without a default."""
    chances = block.picks(range(256), block.parents, "default")
    if block.first_row == 0 and block.parents > 1:
        chances[1] = 255  # the second product has no default
    discounts = iter(block.picks((*[0] * 64, 10, 25, 40, 50, 60, 75, 80, 90), block.size, "sale"))
    cells = []
    for count, (whole, fraction), chance in zip(block.counts, prices(block), chances, strict=True):
        default = chance % count if count and chance < 240 else None
        for place, percent in enumerate(islice(discounts, count)):
            sale = f"{whole * percent // 100}{fraction}" if percent else "null"
            cells.append(f"{sale}, {whole}{fraction}, {int(place == default)}")
    colours = block.picks(COLOURS, block.size, "colour")
    return [
        f'{key}, {parent}, "{colour}", {rest}\n'
        for key, parent, colour, rest in zip(
            block.ids, block.parent_ids, colours, cells, strict=True
        )
    ]


def photo_lines(block: Block) -> list[str]:
    """Return the lines of photos.csv; one thumbnail's address is misspelt."""
    lines = [
        f'{key},{parent},"{PHOTO_URL}{name}{suffix}","{PHOTO_URL}{name}{thumbnail}"\n'
        for key, parent, name, (suffix, thumbnail) in zip(
            block.swapped_ids,
            block.parent_ids,
            block.noise(14 * block.size, "name").hex(" ", 14).split(),
            block.picks(PHOTO_SUFFIXES, block.size, "suffix"),
            strict=True,
        )
    ]
    if block.first_row == 0:
        lines[4] = ',"uhttps:'.join(lines[4].rsplit(',"https:', 1))
        if block.recipe.dirty:
            leave_unclosed(lines, block.swapped_ids)
    return lines


def leave_unclosed(lines: list[str], ids: list[int]) -> None:
    """Take the last quote from the lines of photos that are known for that, or from the first."""
    for place in [ids.index(key) for key in UNCLOSED_PHOTOS if key in ids] or [0]:
        lines[place] = lines[place].removesuffix('"\n') + "\n"


def sku_lines(block: Block) -> list[str]:
    """Return the lines of skus.csv; some styles have their last size but one twice."""
    sizes = list(chain.from_iterable(map(size_range, block.counts)))
    for _, end in block.every_so_often(0):
        sizes[end - 1] = sizes[end - 2]
    quantities = block.picks((0, 0, 0, *range(61)), block.size, "quantity")
    return [
        f'{key}, {parent}, "{size}", {quantity}\n'
        for key, parent, size, quantity in zip(
            block.swapped_ids, block.parent_ids, sizes, quantities, strict=True
        )
    ]


@cache
def size_range(count: int) -> list[str]:
    """Return the sizes of a style of so many skus: letters if they suffice, else a shoe's."""
    sizes = LETTER_SIZES if count <= len(LETTER_SIZES) else SHOE_SIZES
    return list(islice(cycle(sizes), count))


def related_lines(block: Block) -> list[str]:
    """Return the lines of related.csv; some pairs come twice, and dirty ones name product 0."""
    rows = block.recipe.rows
    others = [
        identifier(number % rows["products"] + 1) for number in block.numbers(block.size, "related")
    ]
    for start, _ in block.every_so_often(0):
        others[start + 1] = others[start]
    if block.recipe.dirty:
        for row in zero_rows(rows["related"], rows["products"]):
            if block.first_row <= row < block.end_row:
                others[row - block.first_row] = 0
    return [
        f"{key},{parent},{other}\n"
        for key, parent, other in zip(block.ids, block.parent_ids, others, strict=True)
    ]


@cache
def zero_rows(rows: int, products: int) -> list[int]:
    """Return which of the rows of related.csv, from 0, name product 0: as if spread evenly."""
    zeros = share(FULL_ZEROS, products)
    return [rows * (2 * zero + 1) // (2 * zeros) for zero in range(zeros)]


FILES = {
    "products": ("id, name, slogan, description, category, default_price", product_lines),
    "features": ("id, product_id, feature, value", feature_lines),
    "styles": (
        "id, product_id, name, sale_price, original_price, default_style",
        style_lines,
    ),
    "photos": ("id,style_id,url,thumbnail_url", photo_lines),
    "skus": ("id, style_id, size, quantity", sku_lines),
    "related": ("id,current_product_id,related_product_id", related_lines),
}
