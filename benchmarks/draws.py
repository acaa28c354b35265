"""What clients ask for: paths, drawn from the ids of the catalogue."""

import itertools
import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.connection import Connection
from benchmarks.errors import BenchmarkError

# Of each route, by the statement that answers it: its path.
PATHS = {
    "get_product": "/products/{id}",
    "get_styles": "/products/{id}/styles",
    "get_related": "/products/{id}/related",
    "list_products": "/products?page={page}",
}
# How often each is asked for. A product page with four related products: the five products, their
# styles, the first one's related ids; a page of the list for every ten of them.
MIXES = {
    "styles": {"get_styles": 1},
    "page": {"get_product": 50, "get_styles": 50, "get_related": 10, "list_products": 1},
}
# Products on a page of the list, unless a client asks for another number.
PAGE_SIZE = 5
SEED = 1
ALL = 2**31


def sample_ids(connection: Connection, count: int, schema: str = "catalogue") -> list[int]:
    """Return ids of so many products, the same ones each time; fewer where there are fewer.

    By the hash of the id, so in an order that has nothing to do with theirs. Raises BenchmarkError
    if there are none.
    """
    rows = connection.run("sample_ids", {"seed": SEED, "count": count}, schema=schema)
    if not rows:
        raise BenchmarkError("the catalogue is empty: run `flask etl load`")
    return [id_ for (id_,) in rows]


class Draw:
    """Draws paths from so many ids; popular products lie anywhere in the catalogue.

    Zipf's exponent is 1.0: the product of rank r is asked for 1/r times as often as the first.
    """

    def __init__(self, ids: Sequence[int]):
        self.ids = ids
        self._weights = {
            "uniform": None,
            "zipf": list(itertools.accumulate(1 / rank for rank in range(1, len(ids) + 1))),
        }

    @classmethod
    def of_catalogue(cls, connection: Connection) -> "Draw":
        """Draw from all products that are served. Raises BenchmarkError if there are none."""
        return cls(sample_ids(connection, ALL))

    def paths(self, mix: str, distribution: str, count: int, seed: int) -> list[str]:
        """Return that many paths of a mix, the same ones for the same seed."""
        chance = random.Random(seed)  # noqa: S311
        ranks = chance.choices(
            range(len(self.ids)), cum_weights=self._weights[distribution], k=count
        )
        routes = chance.choices(list(MIXES[mix]), list(MIXES[mix].values()), k=count)
        return [
            PATHS[route].format(id=self.ids[rank], page=rank // PAGE_SIZE + 1)
            for rank, route in zip(ranks, routes, strict=True)
        ]

    def write(self, file: Path, mix: str, distribution: str, count: int, seed: int) -> Path:
        """Write such paths, one a line, and return the file."""
        file.write_text("\n".join(self.paths(mix, distribution, count, seed)) + "\n", "utf-8")
        return file
