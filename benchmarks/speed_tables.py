"""The results of what serves, as text for a terminal."""

from collections.abc import Iterator
from typing import Any

from benchmarks.contest import ratios, turns_of
from benchmarks.contestants import forms_of
from benchmarks.quick import cost
from benchmarks.tables import short
from benchmarks.targets import OURS

CONTEST = "{:<22}{:>11}{:>9}{:>9}{:>9}{:>13}{:>14}{:>8}{:>12}{:>12}"
FORM = "{:>21}"
GROWTH = "{:<14}{:>12}{:>9}{:>9}{:>9}{:>13}"
RATE = "{:>6}{:>11}{:>12}{:>8}{:>9}{:>9}{:>7}"


def contest_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table for each mix, with the ratios to the peers."""
    for mix, figures in result["mixes"].items():
        yield ""
        yield CONTEST.format(
            *(mix, "requests/s", "p50 ms", "p99 ms", "app us"),
            *("postgres us", "generator us", "bytes", "x express", "x fastify"),
        )
        for name, each in figures["contestants"].items():
            latency, cpu = each["latency_ms"], each["cpu_us"]
            against = figures["ratios"] if each["valid"] else {}
            yield CONTEST.format(
                name,
                f"{each['per_second']:,.0f}",
                *(_or_dash(latency.get(key)) for key in ("p50", "p99")),
                *(_or_dash(cpu.get(key)) for key in ("app", "postgres", "generator")),
                _or_dash(each.get("bytes")),
                *(
                    _ratio(against.get(peer, {}).get(name, {}).get("per_second"))
                    for peer in ("express", "fastify")
                ),
            ) + _void(each)
        yield from _forms_table(figures)
        for peer, share in figures["peers_hold"].items():
            yield (
                f"{figures['at_best'][peer]} reached {share['reached']:.2f} of pgbench-prepared, "
                f"at least {share['needed']} is fair: "
                f"{'holds' if share['holds'] else 'DOES NOT HOLD'}"
            )


def _forms_table(figures: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of this service against each form of its peers, if several."""
    turns = {name: turns_of(each) for name, each in figures["contestants"].items()}
    of_peers = [forms_of(peer, turns) for peer in ("express", "fastify")]
    forms = [form for forms in of_peers for form in forms]
    ours = [name for name in OURS if name in turns and figures["contestants"][name]["valid"]]
    if any(len(forms) > 1 for forms in of_peers) and ours:
        yield ""
        yield f"{'x requests/s, p99 of':<22}" + "".join(FORM.format(form) for form in forms)
        for name in ours:
            found = [ratios(turns[name], turns[form]) for form in forms]
            line = [
                ", ".join(_ratio(each.get(key)) for key in ("per_second", "p99")) for each in found
            ]
            yield f"{name:<22}" + "".join(FORM.format(each) for each in line)


def pool_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the same table, and what a pool is worth to each."""
    yield from contest_table(result)
    ratios = result["mixes"]["styles"]["ratios"]
    for without, worth in ratios.items():
        pooled = {"pgbench-reconnecting": "pgbench-prepared"}.get(without, result["worker_class"])
        ratio = _ratio(worth[pooled].get("per_second"))
        yield f"{pooled}: {ratio} x the requests/s of {without}"


def rate_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of the rates, and of what many users got."""
    yield RATE.format("hosts", "offered/s", "answered/s", "errors", "p50 ms", "p99 ms", "hits")
    for each in result["constant"]:
        yield _rate_line(each, each["hosts"], each["latency_ms"]["p99"])
    highest = result["highest"]
    for each in highest["tried"]:
        held = "" if each["held"] else "  not held"
        yield _rate_line(each, highest["hosts"], each["p99_ms_at_most"]) + held
    yield f"highest rate held: {highest['rate']:,}/s"
    steady = max(each["rate"] for each in result["constant"])
    yield f"hits: up to {steady}/s while it was asked, above that in the last seconds of warming"
    places = {each["in_memory"] for each in (*result["constant"], highest)}
    for place in sorted(places):
        yield f"cache and logs {'in memory' if place else 'ON DISK'}"
    users = result["users"]
    for generator in ("k6", "wrk"):
        yield from contest_table(
            {"mixes": {f"{users['users']:,} by {generator}": users[generator]}}
        )


def quick_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each route."""
    for name, route in result["routes"].items():
        yield f"{cost(name, route)}, {route['relative']:.2f} times the yardstick"


def growth_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table for each thing that grows, then of memory and starts."""
    tables = {
        "products": {f"{each['products']:,}": each for each in result["by_products"]},
        "workers": result["by_workers"],
        "connections": result["by_connections"],
    }
    for heading, rows in tables.items():
        yield GROWTH.format(heading, "requests/s", "p50 ms", "p99 ms", "app us", "postgres us")
        for name, each in rows.items():
            cpu = [_or_dash(each["cpu_us"].get(key)) for key in ("app", "postgres")]
            latency = [short(each["latency_ms"][key]) for key in ("p50", "p99")]
            line = GROWTH.format(name, f"{each['per_second']:,.0f}", *latency, *cpu)
            yield line + _void(each)
        yield ""
    last = _ratio(result["pages_of_the_list"]["ratios"]["first"]["last"].get("per_second"))
    yield f"the last page of the list: {last} x the requests/s of the first"
    memory = result["memory_bytes"]
    yield (
        f"a worker takes {memory['a_worker'] / 1e6:,.1f} MB, "
        f"an idle connection {memory['a_connection'] / 1e3:,.1f} kB"
    )
    for workers, seconds in result["start_seconds_by_workers"].items():
        yield f"GUNICORN_WORKERS={workers}: {seconds:.2f} s from start to first answer"


def include_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of a product page, by the way it is asked for."""
    yield GROWTH.format("a page", "requests", "p50 ms", "p99 ms", "app us", "postgres us")
    for name, each in result["contestants"].items():
        cpu = [_or_dash(each["cpu_us"].get(key)) for key in ("app", "postgres")]
        latency = [short(each["latency_ms"][key]) for key in ("p50", "p99")]
        yield GROWTH.format(name, f"{result['a_page'][name]['requests']:.1f}", *latency, *cpu)
    ratios = result["ratios"]["separately"]["together"]
    yield f"together: {ratios['per_second']:.2f} x the pages a second"


def features_table(result: dict[str, Any]) -> Iterator[str]:
    """Yield a line on each feature: microseconds, and those that it adds."""
    for name, each in result["features"].items():
        yield f"{name:<38}{each['microseconds']:>8.1f} us{each['added_microseconds']:>+9.1f}"


def _rate_line(each: dict[str, Any], hosts: int, p99: float) -> str:
    hits = each.get("hits", each["warming"][-1])
    line = RATE.format(
        *(hosts, f"{each['rate']:,}", f"{each['per_second']:,.0f}", each["errors"]),
        *(short(each["latency_ms"]["p50"]), short(p99), f"{hits:.2f}"),
    )
    return line if each["steady"] else f"{line}  hits not steady"


def _void(each: dict[str, Any]) -> str:
    if each["valid"]:
        return ""
    served = "" if each["busy"] is None else f", {each['busy']:.0%} of the connections served"
    return f"  VOID: {each['errors']} errors{served}"


def _ratio(figure: float | None) -> str:
    """Return a ratio with all its places: none that is near a target is to look like it."""
    return "-" if figure is None else f"{figure:.3f}"


def _or_dash(figure: float | None) -> str:
    return "-" if figure is None else short(figure)
