"""The figures that this service is to reach, and what was measured of each."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Mapping[str, Any]]
# What is found of a target: the figure in words, and whether it is reached.
Finding = tuple[str, bool]

OURS = ("greenlet", "gthread")


@dataclass(frozen=True)
class Target:
    """A figure to reach: what it is of, what is to be reached, and what results say of it."""

    what: str
    wanted: str
    benchmark: str
    find: Callable[[Mapping[str, Any]], Finding | None]


def at_least(figure: float, bound: float, form: str = "{:.2f} x") -> Finding:
    """Return the finding on a figure that is to be large."""
    return form.format(figure), figure >= bound


def at_most(figure: float, bound: float, form: str = "{:.2f}") -> Finding:
    """Return the finding on a figure that is to be small."""
    return form.format(figure), figure <= bound


def best(figures: Mapping[str, Any]) -> str:
    """Return the variant of this service, as shipped, that answers most requests."""
    there = [name for name in OURS if name in figures["contestants"]]
    valid = [name for name in there if figures["contestants"][name]["valid"]] or there
    return max(valid, key=lambda name: figures["contestants"][name]["per_second"])


def _index(result: Mapping[str, Any]) -> Finding | None:
    if "get_styles" not in result["statements"]:
        return None
    none = result["statements"]["get_styles"]["none, no read-ahead"]["times_slower"]["warm"]
    with_all = result["statements"]["get_styles"]["all"]["warm"]["median_ms"]
    return f"{none:,.0f} x, {with_all:.3f} ms with", none >= 5_000 and with_all < 1


def _pool(result: Mapping[str, Any]) -> Finding | None:
    worker_class = result["worker_class"]
    ratios = result["mixes"]["styles"]["ratios"][f"{worker_class}-unpooled"]
    return at_least(ratios[worker_class]["per_second"], 5.0)


def _constant(result: Mapping[str, Any]) -> Finding | None:
    p99 = max(each["latency_ms"]["p99"] for each in result["constant"])
    errors = sum(each["errors"] for each in result["constant"])
    return f"{errors} errors, p99 {p99:.1f} ms", errors == 0 and p99 < 15


def _users(result: Mapping[str, Any]) -> Finding | None:
    k6 = result["users"]["k6"]
    errors = sum(turn["errors"] for turn in k6[result["worker_class"]])
    said = f"{errors} errors, {k6['times_express']:.2f} x"
    return said, errors == 0 and k6["times_express"] >= 3.0


def _highest(result: Mapping[str, Any]) -> Finding | None:
    return at_least(result["highest"]["rate"], 10_000, "{:,}/s")


def _against(mix: str, peer: str, bound: float) -> Callable[[Mapping[str, Any]], Finding | None]:
    def find(result: Mapping[str, Any]) -> Finding | None:
        figures = result["mixes"].get(mix, {"ratios": {}})
        if peer not in figures["ratios"]:
            return None
        ratio = figures["ratios"][peer][best(figures)]["per_second"]
        text, reached = at_least(ratio, bound)
        fair = figures["peers_hold"].get(peer, {"holds": False})["holds"]
        return (text if fair else f"{text}; {peer} was below its least share"), reached and fair

    return find


def _p99(mix: str) -> Callable[[Mapping[str, Any]], Finding | None]:
    def find(result: Mapping[str, Any]) -> Finding | None:
        figures = result["mixes"].get(mix, {"ratios": {}})
        if "fastify" not in figures["ratios"]:
            return None
        return at_most(figures["ratios"]["fastify"][best(figures)]["p99"], 0.5, "{:.2f} x")

    return find


def _cpu(result: Mapping[str, Any]) -> Finding | None:
    figures = result["mixes"].get("styles")
    if figures is None:
        return None
    return at_most(figures["contestants"][best(figures)]["cpu_us"]["app"], 225, "{:.0f} us")


def _load(result: Mapping[str, Any]) -> Finding | None:
    peak = max(each["load"]["peak_pss_bytes"] for each in result["rounds"]) / 1e6
    said = f"{result['ratio']:.2f} x, {peak:.0f} MB"
    return said, result["ratio"] <= 1.5 and peak < 300


def _last_page(result: Mapping[str, Any]) -> Finding | None:
    ratio = result["pages_of_the_list"]["ratios"]["first"]["last"]["per_second"]
    return f"{ratio:.2f} x", 1 / 1.2 <= ratio <= 1.2


TARGETS = (
    Target("styles without indexes against with", "5,000 x, under 1 ms with", "index", _index),
    Target("a pool against a connection a request", "5 x the requests/s", "pool", _pool),
    Target(
        "800 and 900 clients a second through nginx and 4 hosts, and 5",
        "0 errors, p99 under 15 ms",
        "rate",
        _constant,
    ),
    Target(
        "1,000 users on one host", "0 errors, 3 x the requests/s of Express + pg", "rate", _users
    ),
    Target(
        "highest rate with 0 errors and p99 under 65 ms, zipf ids, through nginx",
        "10,000/s",
        "rate",
        _highest,
    ),
    *(
        Target(f"{mix}, one host, no cache, against {name}", f"{bound} x", "mixes", find)
        for mix in ("styles", "page")
        for name, bound, find in (
            ("Express + pg", 3.0, _against(mix, "express", 3.0)),
            ("Fastify at its best", 1.1, _against(mix, "fastify", 1.1)),
            ("Fastify's p99", 0.5, _p99(mix)),
        )
    ),
    Target("CPU a request of gunicorn, styles", "under 225 us", "mixes", _cpu),
    Target("a load against psql's bare copy", "1.5 x the time, under 300 MB", "load", _load),
    Target(
        "last page of the list against the first, requests/s", "within 1.2 x", "growth", _last_page
    ),
)


def findings(results: Results) -> Iterator[tuple[Target, Finding | None]]:
    """Yield every target with what the results say of it; None: it was not measured."""
    for target in TARGETS:
        result = results.get(target.benchmark)
        yield target, target.find(result) if result is not None else None
