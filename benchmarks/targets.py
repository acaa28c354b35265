"""The figures that this service is to reach, and what was measured of each."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.contest import FLOOR, fairness, ratios, ratios_by_round, turns_of
from benchmarks.contestants import forms_of
from benchmarks.index import NO_READ_AHEAD
from benchmarks.rate import LEAST_SHARE

Results = Mapping[str, Mapping[str, Any]]
# What is found of a target: the figure in words, and whether it is reached; None: does not count.
Finding = tuple[str, bool | None]
# As many places as results have, so that none that falls short is rounded up to its target.
RATIO = "{:.3f} x"
# Where there is no ratio.
UNANSWERED: Finding = ("a round of it was not answered at all", False)

SHIPPED = "greenlet"
OURS = (SHIPPED, "greenlet-1", "gthread")


@dataclass(frozen=True)
class Target:
    """A figure to reach: what it is of, what is to be reached, and what results say of it."""

    what: str
    wanted: str
    benchmark: str
    find: Callable[[Mapping[str, Any]], Finding | None]


def at_least(figure: float, bound: float, form: str = RATIO) -> Finding:
    """Return the finding on a figure that is to be large."""
    return form.format(figure), figure >= bound


def at_most(figure: float, bound: float, form: str = RATIO) -> Finding:
    """Return the finding on a figure that is to be small."""
    return form.format(figure), figure <= bound


def best(figures: Mapping[str, Any]) -> str | None:
    """Return the variant of this service that answers most requests, with log and metrics.

    None where none of them counts.
    """
    return max(
        (name for name in OURS if _is_valid(figures, name)),
        key=lambda name: figures["contestants"][name]["per_second"],
        default=None,
    )


def _is_valid(figures: Mapping[str, Any], name: str) -> bool:
    """Return whether it took part and every answer was right."""
    return figures["contestants"].get(name, {"valid": False})["valid"]


def _judge(figures: Mapping[str, Any], peer: str, form: str, found: Finding) -> Finding:
    """Return the finding. It does not count as reached where there is reason to doubt the peer.

    `form` is the one in which it is beside ours; `figures` has that, and pgbench's.
    """
    text, reached = found
    if FLOOR not in figures["contestants"]:
        doubt = f"without pgbench, so whether {form} is fair is not known"
    else:
        own, floor = (turns_of(figures["contestants"][name]) for name in (form, FLOOR))
        share = fairness(peer, own, floor)
        if share["holds"]:
            return found
        doubt = (
            f"{form} is not fair, at {share['reached']:.3f} of pgbench instead of {share['needed']}"
            if share["reached"] < share["needed"]
            else f"not all answers of {form}, or of pgbench, were right"
        )
    return f"{text}; {doubt}", None if reached else False


def _index(result: Mapping[str, Any]) -> Finding | None:
    if "get_styles" not in result["statements"]:
        return None
    none = result["statements"]["get_styles"][NO_READ_AHEAD]["times_slower"]["warm"]
    with_all = result["statements"]["get_styles"]["all"]["warm"]["median_ms"]
    return f"{none:,.0f} x, {with_all:.3f} ms with", none >= 5_000 and with_all < 1


def _pool(result: Mapping[str, Any]) -> Finding | None:
    worker_class = result["worker_class"]
    figures = result["mixes"]["styles"]
    ratio = figures["ratios"][f"{worker_class}-unpooled"][worker_class].get("per_second")
    if ratio is None:
        return UNANSWERED
    text, reached = at_least(ratio, 5.0)
    valid = all(_is_valid(figures, name) for name in (worker_class, f"{worker_class}-unpooled"))
    return (text if valid else f"{text}; not all answers were right"), reached and valid


def _constant(result: Mapping[str, Any]) -> Finding | None:
    rounds: dict[tuple[int, int], list[float]] = {}
    for each in result["constant"]:
        rounds.setdefault((each["hosts"], each["rate"]), []).append(each["latency_ms"]["p99"])
    p99 = max(statistics.median(found) for found in rounds.values())
    errors = sum(each["errors"] + each["warming_errors"] for each in result["constant"])
    steady = all(each["steady"] for each in result["constant"])
    kept = all(each["per_second"] >= LEAST_SHARE * each["rate"] for each in result["constant"])
    said = f"{errors} errors, p99 {p99:.1f} ms"
    said += ("" if steady else "; hits not steady") + ("" if kept else "; not all were answered")
    return said, errors == 0 and p99 < 15 and steady and kept


def _users(result: Mapping[str, Any]) -> Finding | None:
    users, ours = result["users"], result["worker_class"]
    said, errors = [], 0
    for generator in ("k6", "wrk"):
        figures = users[generator]
        errors += figures["contestants"][ours]["errors"]
        form, by_round = _nearest(figures, ours, "express")
        ratio = round(statistics.median(by_round.get("per_second", [0.0])), 3)
        said.append(f"{RATIO.format(ratio)} by {generator}")
        if generator == "k6":
            reached, judged = ratio >= 3.0, form
        for name in (ours, form):
            if not _is_valid(figures, name):
                said.append(f"not all of {name}'s answers by {generator} were right")
                reached = False
    found = f"{errors} errors, " + ", ".join(said), reached and errors == 0
    # only there does pgbench take part
    return _judge(users["wrk"], "express", judged, found)


def _highest(result: Mapping[str, Any]) -> Finding | None:
    return at_least(result["highest"]["rate"], 10_000, "{:,}/s")


def _beside(
    result: Mapping[str, Any],
    mix: str,
    peer: str,
    measure: str,
    judge: Callable[[float], Finding],
) -> Finding | None:
    """Judge what our best has of a peer at its best; None where one of them was not measured."""
    figures = result["mixes"].get(mix, {"contestants": {}, "ratios": {}})
    ours = best(figures)
    if ours is None:
        return _nothing_of_ours(figures)
    if not figures["ratios"].get(peer, {}).get(ours):
        return None
    form, of_rounds = _nearest(figures, ours, peer)
    by_round = of_rounds[measure]
    text, reached = judge(round(statistics.median(by_round), 3))
    if len(by_round) > 1:
        text += f" ({min(by_round):.2f} to {max(by_round):.2f})"
    text += f", {ours} to {form}"
    if ours != SHIPPED and _is_valid(figures, SHIPPED):
        turns = [turns_of(figures["contestants"][name]) for name in (SHIPPED, form)]
        text += f"; {SHIPPED}, as shipped, {RATIO.format(ratios(*turns)[measure])}"
    return _judge(figures, peer, form, (text, reached))


def _nearest(
    figures: Mapping[str, Any], ours: str, peer: str
) -> tuple[str, Mapping[str, Sequence[float]]]:
    """Return the form of a peer against which ours has least, round by round, and the ratios.

    Of two that are near each other, which answers most overall is a matter of the moments that they
    had.
    """
    forms = forms_of(peer, figures["contestants"])
    turns = {name: turns_of(figures["contestants"][name]) for name in (ours, *forms)}
    found = {form: ratios_by_round(turns[ours], turns[form]) for form in forms}
    right = [form for form in forms if found[form] and _is_valid(figures, form)]
    right = right or [figures["at_best"][peer]]
    nearest = min(right, key=lambda form: statistics.median(found[form].get("per_second", [0.0])))
    return nearest, found[nearest]


def _nothing_of_ours(figures: Mapping[str, Any]) -> Finding | None:
    """Return the finding where none of ours counts; None where none took part."""
    took_part = any(name in figures["contestants"] for name in OURS)
    return ("not all answers of this service were right", False) if took_part else None


def _cpu(result: Mapping[str, Any]) -> Finding | None:
    figures = result["mixes"].get("styles", {"contestants": {}})
    name = best(figures)
    if name is None:
        return _nothing_of_ours(figures)
    said, reached = at_most(figures["contestants"][name]["cpu_us"]["app"], 225, "{:.0f} us")
    said += f", {name}"
    if name != SHIPPED and _is_valid(figures, SHIPPED):
        shipped = figures["contestants"][SHIPPED]["cpu_us"]["app"]
        said += f"; {SHIPPED}, as shipped, {shipped:.0f}"
    return said, reached


def _load(result: Mapping[str, Any]) -> Finding | None:
    peak = max(each["load"]["peak_pss_bytes"] for each in result["rounds"]) / 1e6
    said = f"{RATIO.format(result['ratio'])}, {peak:.0f} MB"
    return said, result["ratio"] <= 1.5 and peak < 300


def _last_page(result: Mapping[str, Any]) -> Finding | None:
    pages = result["pages_of_the_list"]
    ratio = pages["ratios"]["first"]["last"].get("per_second")
    if ratio is None:
        return UNANSWERED
    valid = all(_is_valid(pages, page) for page in ("first", "last"))
    said = RATIO.format(ratio) + ("" if valid else "; not all answers were right")
    return said, valid and 1 / 1.2 <= ratio <= 1.2


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
        Target(
            f"{mix}, one host, no cache, against {name}",
            f"{bound} x",
            "mixes",
            partial(
                _beside, mix=mix, peer=peer, measure=measure, judge=partial(judge, bound=bound)
            ),
        )
        for mix in ("styles", "page")
        for name, peer, measure, judge, bound in (
            ("Express + pg", "express", "per_second", at_least, 3.0),
            ("Fastify at its best", "fastify", "per_second", at_least, 1.1),
            ("Fastify's p99", "fastify", "p99", at_most, 0.5),
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
