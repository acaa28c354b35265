"""All results that are there as a page that stands on its own, as Markdown, and as pictures."""

import base64
import io
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment
from matplotlib.figure import Figure

from benchmarks import index_chart, speed_charts, speed_tables, tables
from benchmarks.targets import findings

CONTESTS = ("peers", "styles", "page")
MIXES = "mixes"
EXPECTED = ("index", "load", "peers", "pool", "rate", "growth", "include", "features", "quick")
VERDICTS = {True: "reached", False: "missed", None: "does not count"}
FAIRNESS = (
    "A peer is fair that reaches a set share of what pgbench does in the same run. What is reached "
    "against one that is not does not count; what is missed is missed. Of its forms that one is "
    "judged by which comes nearest round by round; in parentheses, between which figures that was."
)
BEST_FORM = (
    '"x express" and "x fastify" are against that peer in the form, of those that took part, in '
    "which it answers most."
)
PIXELS_PER_INCH = 120
COMMIT_SHOWN = 7  # characters

Result = Mapping[str, Any]
Table = Callable[[Result], Iterator[str]]


@dataclass(frozen=True)
class Chart:
    """A chart: the name of its picture, what it shows, and how it is drawn."""

    name: str
    alt: str
    draw: Callable[[Any], Figure]

    def render(self, shown: Any, folder: Path) -> dict[str, str]:
        """Write the PNG and return the SVG, base64. Raises OSError."""
        figure = self.draw(shown)
        figure.savefig(folder / f"{self.name}.png", dpi=PIXELS_PER_INCH)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg")
        svg = base64.b64encode(drawn.getvalue()).decode()
        return {"name": self.name, "alt": self.alt, "svg": svg}


@dataclass(frozen=True)
class Section:
    """A part of the page: of which benchmark, its table, and its charts."""

    title: str
    benchmark: str
    table: Table
    charts: tuple[Chart, ...] = ()


SECTIONS = (
    Section(
        "Side by side with its peers",
        MIXES,
        speed_tables.contest_table,
        (
            Chart("throughput", "Requests a second of each contestant", speed_charts.throughput),
            Chart("latency", "Latency percentiles of each contestant", speed_charts.latency),
            Chart("cpu", "CPU microseconds a request by process", speed_charts.cpu),
        ),
    ),
    Section(
        "The fleet through nginx",
        "rate",
        speed_tables.rate_table,
        (Chart("rate", "Answers, latency and cache hits by rate", speed_charts.rates),),
    ),
    Section(
        "Growth",
        "growth",
        speed_tables.growth_table,
        (Chart("growth", "By products, workers and connections", speed_charts.growth),),
    ),
    Section(
        "A pool against a connection a request",
        "pool",
        speed_tables.pool_table,
        (Chart("pool", "Requests a second with and without a pool", speed_charts.pool),),
    ),
    Section(
        "Indexes",
        "index",
        tables.index_table,
        (Chart("index", "Milliseconds with and without each index", index_chart.draw),),
    ),
    Section("A load", "load", tables.load_table),
    Section("A product page in one request", "include", speed_tables.include_table),
    Section("What each feature costs", "features", speed_tables.features_table),
    Section("In process", "quick", speed_tables.quick_table),
)


def write_report(results: Mapping[str, Result], folder: Path) -> list[str]:
    """Write report.html, report.md and the pictures into `folder`; return what is missing.

    Raises OSError.
    """
    shown = dict(results)
    contests = newest([results[name] for name in CONTESTS if name in results])
    if contests:
        shown[MIXES] = {"mixes": dict(ChainMap(*(each["mixes"] for each in contests)))}
    missing = [name for name in EXPECTED if name not in results]
    if {"styles", "page"} <= results.keys() and "peers" in missing:
        missing.remove("peers")
    context = {
        "missing": missing,
        "origins": origins(results),
        "targets": list(findings(shown)),
        "verdicts": VERDICTS,
        "fairness": FAIRNESS,
        "best_form": BEST_FORM,
        "contestants": {
            name: description
            for each in contests
            for name, description in each["contestants"].items()
        },
        "sections": [
            render(section, shown, contests, folder)
            for section in SECTIONS
            if section.benchmark in shown
        ],
        "relations": next((each["data"]["relations"] for each in contests), []),
    }
    for name in ("report.html", "report.md"):
        template = resources.files("benchmarks").joinpath(name).read_text("utf-8")
        environment = Environment(
            autoescape=name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        (folder / name).write_text(environment.from_string(template).render(context), "utf-8")
    return missing


def newest(contests: Sequence[Result]) -> list[Result]:
    """Return results with those of their mixes that count.

    That is of each mix the last one in which most took part.
    """
    counts: dict[str, Result] = {}
    for result in sorted(contests, key=lambda each: each["started_at"]):
        for mix, figures in result["mixes"].items():
            known = counts[mix]["mixes"][mix]["contestants"] if mix in counts else ()
            if len(figures["contestants"]) >= len(known):
                counts[mix] = result
    left = (
        {**each, "mixes": {mix: each["mixes"][mix] for mix, of in counts.items() if of is each}}
        for each in contests
    )
    return [each for each in left if each["mixes"]]


def origins(results: Mapping[str, Result]) -> dict[str, list[str]]:
    """Return which results are of the same commit and machine, by what these are."""
    found: dict[str, list[str]] = {}
    for name, result in results.items():
        commit = result["commit"] or "unknown"
        changed = "+" if commit.endswith("+") else ""
        commit = commit[:COMMIT_SHOWN] + changed
        found.setdefault(f"commit {commit} on {result['machine']['cpu']}", []).append(name)
    return found


def render(
    section: Section, shown: Mapping[str, Result], contests: Sequence[Result], folder: Path
) -> dict[str, Any]:
    """Return a section for the template. Raises OSError."""
    result = shown[section.benchmark]
    drawn = result["mixes"] if section.benchmark == MIXES else result
    described = contests if section.benchmark == MIXES else [result]
    return {
        "title": section.title,
        "charts": [chart.render(drawn, folder) for chart in section.charts],
        "results": [describe(each, section.table) for each in described],
    }


def describe(result: Result, table: Table) -> dict[str, Any]:
    """Return a result for the template: its table, and on what it was measured."""
    machine, data = result["machine"], result.get("data")
    programs = "".join(f", {name} {number}" for name, number in result["programs"].items())
    return {
        "table": "\n".join(table(result)).strip(),
        "machine": f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GiB, "
        f"{machine['system']}, Python {machine['python']}{programs}, "
        f"of whose time {result['stolen']:.1%} was stolen",
        "data": data
        and f"{data['products']:,} products, {data['bytes'] / 1e9:.2f} GB, PostgreSQL "
        f"{data['postgresql']['server_version'].split()[0]}.",
        **{name: result.get(name) for name in ("command", "started_at", "seconds", "commit")},
    }
