"""The account of a load: an object for programs, and the same as a table."""

from collections.abc import Iterator
from typing import Any

from etl.outcome import Outcome, name_folder
from etl.tally import Tally

_FILES = "{:<14}{:>12}{:>12}{:>10}{:>10}{:>9}{:>12}"
_STEPS = "{:<14}{:>9}"


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Return what became of every line that was read, and how long each step took, in seconds."""
    tallies = outcome.tallies.values()
    added = (*Tally().counts(), "reading", "checking")
    totals = Tally(**{name: sum(getattr(tally, name) for tally in tallies) for name in added})
    steps = {"read": totals.reading, "check": totals.checking} | outcome.steps
    return {
        "source": name_folder(outcome.folder),
        "seconds": round(outcome.seconds, 3),
        "files": {name: _figures(tally) for name, tally in outcome.tallies.items()},
        "totals": _figures(totals),
        "removed": {} if outcome.published is False else outcome.removed,
        "steps": {name: round(seconds, 3) for name, seconds in steps.items()},
    }


def _figures(tally: Tally) -> dict[str, int | float | None]:
    rate = round(tally.read / tally.seconds) if tally.seconds else None
    return tally.counts() | {"seconds": round(tally.seconds, 3), "rows_per_second": rate}


def table_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of the files and one of the steps; none if nothing was read."""
    if not summary["files"]:
        return
    yield _FILES.format("file", "read", "loaded", "repaired", "rejected", "seconds", "rows/s")
    for name, figures in (summary["files"] | {"total": summary["totals"]}).items():
        *counts, seconds, rate = figures.values()
        shown = "-" if rate is None else f"{rate:,}"
        yield _FILES.format(name, *(f"{count:,}" for count in counts), f"{seconds:.2f}", shown)
    yield ""
    yield _STEPS.format("step", "seconds")
    for name, seconds in (summary["steps"] | {"total": summary["seconds"]}).items():
        yield _STEPS.format(name, f"{seconds:.2f}")
    if any(summary["removed"].values()):
        removed = (f"{table} {rows:,}" for table, rows in summary["removed"].items() if rows)
        yield f"Removed rows: {', '.join(removed)}"
