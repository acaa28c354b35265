"""Says which rows a synthetic catalogue has: how many, of which parents, with which ids."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, cycle, islice, pairwise, repeat
from typing import Any

# The published set; a catalogue of another size has its proportions.
FULL_SET = {
    "products": 1_000_011,
    "features": 2_219_279,
    "styles": 1_958_102,
    "photos": 5_655_656,
    "skus": 11_323_917,
    "related": 4_508_263,
}
MAX_ID = 2**31 - 1

# Parents whose rows are made at once: fewer cost more calls, more cost fresh memory each time.
BLOCK = 1024
# Where a quirk strikes now and then, it is one parent in so many.
QUIRK = 16


@dataclass(frozen=True)
class Children:
    """How many rows of a table the rows of its parent have."""

    parent: str
    counts: tuple[int, ...]  # each as often as it is likely; the mean is about the table's
    first: tuple[int, ...]  # of the first parents, so that a small catalogue has every quirk


CHILDREN = {
    "products": Children("products", (1,), ()),  # each is its own
    "features": Children(
        "products",
        (*[0] * 4, *[1] * 7, *[2] * 8, *[3] * 8, *[4] * 3, 5, 6),
        (2, 4, 0, 3),
    ),
    "styles": Children(
        "products",
        (*[0] * 5, *[1] * 10, *[2] * 7, *[3] * 5, *[4] * 3, 5, 6),
        (6, 4, 3, 0),
    ),
    "photos": Children(
        "styles",
        (*[0] * 4, *[1] * 8, *[2] * 6, *[3] * 4, *[4] * 3, 5, 5, *[6] * 3, 8, 11),
        (6, 4, 0, 3),
    ),
    "skus": Children(
        "styles",
        (*[0] * 5, 4, 4, 5, 5, *[6] * 16, 7, *[11] * 6),
        (6, 11, 6, 0),
    ),
    "related": Children(
        "products",
        (0, 0, 0, 1, 1, 2, 2, 2, *[3] * 4, *[4] * 5, *[5] * 4, *[6] * 4, 7, 7, 7, 8, 8, 10, 12),
        (4, 4, 5, 0),
    ),
}


def share(count: int, products: int) -> int:
    """Return what `count` in the published set is among so many products, at least 1."""
    full = FULL_SET["products"]
    return max(1, (2 * count * products + full) // (2 * full))


def plan(products: int) -> dict[str, int]:
    """Return the number of rows per table of a catalogue of so many products.

    Raises ValueError for fewer than one, or so many that a sku's id would not be an int.
    """
    if products < 1:
        raise ValueError(f"{products} products: expected at least 1")
    rows = {table: share(count, products) for table, count in FULL_SET.items()}
    if identifier(max(rows.values())) > MAX_ID:
        raise ValueError(f"{products} products: too many for ids up to {MAX_ID}")
    return rows


def identifier(row: int) -> int:
    """Return the id of the row of that number, from 1: 11 is left out, then every 1001st.

    Being arithmetic, it lets a file refer to the rows of another without reading it.
    """
    return row + (row + 989) // 1000


@dataclass(frozen=True)
class Recipe:
    """What a catalogue follows from: the same recipe makes the same bytes on every machine."""

    rows: dict[str, int]
    seed: int
    dirty: bool

    def noise(self, size: int, *key: object) -> bytes:
        """Return random bytes, other ones for every key.

        They are a hash, because Python promises little about what its random module picks.
        """
        return hashlib.shake_128(repr((self.seed, *key)).encode()).digest(size)

    def numbers(self, count: int, *key: object) -> tuple[int, ...]:
        """Return random numbers below 2**32."""
        return struct.unpack(f"<{count}I", self.noise(4 * count, *key))

    def picks(self, pool: Sequence[Any], count: int, *key: object) -> list[Any]:
        """Return so many random elements of the pool."""
        size = len(pool)
        return [pool[number % size] for number in self.numbers(count, *key)]

    def blocks(self, table: str) -> Iterator["Block"]:
        """Yield the table's blocks, which together have exactly its number of rows."""
        parents, rows = self.rows[CHILDREN[table].parent], self.rows[table]
        for start in range(0, parents, BLOCK):
            end = min(start + BLOCK, parents)
            # A prefix of the parents has its share of the rows, so all of them have all.
            yield Block(self, table, start, end, rows * start // parents, rows * end // parents)


@dataclass(frozen=True)
class Block:
    """Neighbouring parents and their rows, numbered from 0; it needs no other block."""

    recipe: Recipe
    table: str
    first_parent: int
    end_parent: int
    first_row: int
    end_row: int

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.end_row - self.first_row

    @property
    def parents(self) -> int:
        """The number of parents."""
        return self.end_parent - self.first_parent

    @cached_property
    def counts(self) -> list[int]:
        """The number of rows of each parent."""
        children = CHILDREN[self.table]
        counts = self.picks(children.counts, self.parents, "counts")
        fixed = 0
        if self.first_parent == 0 and self.parents > 2 * len(children.first):
            fixed = len(children.first)
            counts[:fixed] = children.first
        settle(counts, fixed, self.size)
        return counts

    @property
    def ids(self) -> list[int]:
        """The ids of the rows."""
        return [identifier(row) for row in range(self.first_row + 1, self.end_row + 1)]

    @property
    def swapped_ids(self) -> list[int]:
        """The ids of the rows, some parents' first two the wrong way round."""
        ids = self.ids
        for start, _ in self.every_so_often(1):
            ids[start], ids[start + 1] = ids[start + 1], ids[start]
        return ids

    @property
    def parent_ids(self) -> Iterator[int]:
        """The ids of the rows' parents."""
        parents = range(self.first_parent + 1, self.end_parent + 1)
        return chain.from_iterable(map(repeat, map(identifier, parents), self.counts))

    def noise(self, size: int, purpose: str) -> bytes:
        """Return random bytes for a purpose of this block's own."""
        return self.recipe.noise(size, self.table, self.first_parent, purpose)

    def numbers(self, count: int, purpose: str) -> tuple[int, ...]:
        """Return random numbers below 2**32 for a purpose of this block's own."""
        return self.recipe.numbers(count, self.table, self.first_parent, purpose)

    def picks(self, pool: Sequence[Any], count: int, purpose: str) -> list[Any]:
        """Return so many random elements of the pool for a purpose of this block's own."""
        return self.recipe.picks(pool, count, self.table, self.first_parent, purpose)

    def every_so_often(self, place: int) -> Iterator[tuple[int, int]]:
        """Yield where rows begin and end: of every QUIRKth parent that has two or more."""
        bounds = pairwise(accumulate(self.counts, initial=0))
        for start, end in islice(bounds, place, None, QUIRK):
            if end - start > 1:
                yield start, end


def settle(counts: list[int], fixed: int, total: int) -> None:
    """Add or take ones, from the last count back to the fixed ones, until the sum is `total`."""
    missing = total - sum(counts)
    step = 1 if missing > 0 else -1
    for place in cycle(range(len(counts) - 1, fixed - 1, -1)):
        if not missing:
            return
        if counts[place] + step >= 0:
            counts[place] += step
            missing -= step
