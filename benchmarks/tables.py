"""The results as text, for a terminal."""

from collections.abc import Iterator
from typing import Any

FORM = "{:<36}{:>10}{:>10}{:>6}{:>11}{:>11}{:>10}{:>6}{:>11}"


def index_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table for each statement, and what each index is used by."""
    for name, variants in result["statements"].items():
        yield ""
        yield FORM.format(
            name, "warm ms", "p95", "n", "x slower", "cold ms", "p95", "n", "x slower"
        )
        for variant, figures in variants.items():
            warm, cold = figures["warm"], figures["cold"]
            yield FORM.format(
                f"  {variant}",
                *(short(warm["median_ms"]), short(warm["p95_ms"]), warm["executions"]),
                short(figures["times_slower"]["warm"]),
                *(short(cold["median_ms"]), short(cold["p95_ms"]), cold["executions"]),
                short(figures["times_slower"]["cold"]),
            )
    yield ""
    for name, index in result["catalogue"]["indexes"].items():
        users = ", ".join(index["used_by"]) or "no statement of the service"
        kind = " (primary key)" if index["primary_key"] else ""
        yield f"{name}{kind}, {index['bytes'] / 2**20:,.1f} MB: used by {users}"


def short(figure: float) -> str:
    """Return a figure with three digits, or all of a large number's before the point."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:,.3g}"
