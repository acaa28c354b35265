"""The results as text, for a terminal."""

import statistics
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
        yield f"{name}{kind}, {index['bytes'] / 1e6:,.1f} MB: used by {users}"


def load_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of the rounds, one of the steps, and one of the readers."""
    form = "{:<26}{:>12}{:>12}{:>12}"
    yield form.format("round", "load s", "floor s", "ratio")
    for number, each in enumerate(result["rounds"], 1):
        yield form.format(
            number, each["load"]["seconds"], each["floor"]["seconds"], f"{each['ratio']:.2f}"
        )
    yield form.format("median", "", "", f"{result['ratio']:.2f}")
    peak = max(each["load"]["peak_pss_bytes"] for each in result["rounds"])
    yield f"{result['rows']:,} rows, {result['bytes'] / 1e6:,.1f} MB of files"
    yield f"at most {peak / 1e6:,.0f} MB of memory"
    for who in ("load", "floor"):
        yield ""
        yield form.format(f"{who}: step", "median s", "", "").rstrip()
        for name in result["rounds"][0][who]["steps"]:
            times = [each[who]["steps"][name] for each in result["rounds"]]
            yield form.format(f"  {name}", f"{statistics.median(times):.2f}", "", "").rstrip()
    if readers := result["readers"]:
        form = "{:<26}" + "{:>12}" * 5
        yield ""
        yield form.format("readers", "requests", "errors", "p50 ms", "p99 ms", "max ms")
        for when in ("before", "loading", "publishing"):
            shown = ("requests", "errors", "p50_ms", "p99_ms", "max_ms")
            figures = (readers[when][name] for name in shown)
            yield form.format(f"  {when}", *("-" if each is None else each for each in figures))


def short(figure: float) -> str:
    """Return a figure with three digits, or all of a large number's before the point."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:,.3g}"
