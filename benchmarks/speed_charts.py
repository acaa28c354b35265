"""Charts of what serves; matplotlib, which they need, is in the extra `bench`."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.contestants import FLOORS
from benchmarks.tables import short

WIDTH = 10
OURS, OTHERS, VOID = "#c8553d", "#7aa6c2", "#d9d9d9"
PROCESSES = {"nginx": "#8ab17d", "app": "#c8553d", "postgres": "#7aa6c2", "generator": "#d9d9d9"}
PERCENTILES = ("p50", "p75", "p90", "p95", "p99", "p99.9")

Mixes = Mapping[str, Mapping[str, Any]]


def throughput(mixes: Mixes) -> Figure:
    """Return bars of requests a second, a panel for each mix."""
    figure, panels = _panels(len(mixes), max(len(each["contestants"]) for each in mixes.values()))
    for panel, (mix, each) in zip(panels, mixes.items(), strict=True):
        figures = each["contestants"]
        _bars(
            panel,
            {name: one["per_second"] for name, one in figures.items()},
            [_colour(name, one) for name, one in figures.items()],
        )
        panel.set_title(f"{mix}, uniform ids: requests a second", fontsize=10, loc="left")
    return figure


def cpu(mixes: Mixes) -> Figure:
    """Return bars of CPU per request, stacked by process, a panel for each mix."""
    figure, panels = _panels(len(mixes), max(len(each["contestants"]) for each in mixes.values()))
    for panel, (mix, each) in zip(panels, mixes.items(), strict=True):
        figures = {
            name if one["valid"] else f"{name} (does not count)": one["cpu_us"]
            for name, one in each["contestants"].items()
        }
        _stack(panel, figures)
        panel.set_title(f"{mix}: CPU microseconds a request", fontsize=10, loc="left")
    panels[0].legend(fontsize=8)
    return figure


def latency(mixes: Mixes) -> Figure:
    """Return lines of latency percentiles, a panel for each mix."""
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    panels = figure.subplots(1, len(mixes), squeeze=False, sharey=True)[0]
    everybody = dict.fromkeys(name for each in mixes.values() for name in each["contestants"])
    looks = _looks([name for name in everybody if name not in FLOORS])
    for panel, (mix, each) in zip(panels, mixes.items(), strict=True):
        for name, one in each["contestants"].items():
            if name not in FLOORS and one["valid"]:
                times = [one["latency_ms"][percentile] for percentile in PERCENTILES]
                panel.plot(PERCENTILES, times, label=name, **looks[name])
        panel.set_yscale("log")
        panel.grid(axis="y", which="both", linewidth=0.3)
        panel.set_title(f"{mix}: latency, ms", fontsize=10, loc="left")
    lines: dict[str, Any] = {}
    for panel in panels:
        drawn, names = panel.get_legend_handles_labels()
        lines |= dict(zip(names, drawn, strict=True))
    figure.legend(lines.values(), lines, fontsize=8, loc="outside right upper")
    return figure


def pool(result: Mapping[str, Any]) -> Figure:
    """Return bars of requests a second with pooled connections, and with a new one each time."""
    figures = result["mixes"]["styles"]["contestants"]
    figure, (panel,) = _panels(1, len(figures))
    _bars(
        panel,
        {name: one["per_second"] for name, one in figures.items()},
        [_colour(name, one) for name, one in figures.items()],
    )
    title = "A pool, or a connection a request: requests a second"
    panel.set_title(title, fontsize=10, loc="left")
    return figure


def rates(result: Mapping[str, Any]) -> Figure:
    """Return what was answered and how fast, by the rate that was asked at."""
    tried = sorted(result["highest"]["tried"], key=lambda each: each["rate"])
    offered = [each["rate"] for each in tried]
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    answered, times, ratio = figure.subplots(1, 3)
    answered.plot(offered, [each["per_second"] for each in tried], "o", markersize=4, color=OURS)
    answered.plot(offered, offered, linewidth=0.5, color="black")
    answered.set_title("answered a second", fontsize=10, loc="left")
    for name, values in {
        "p50, from when it was sent": [each["latency_ms"]["p50"] for each in tried],
        "p99, from when it was due, at most": [each["p99_ms_at_most"] for each in tried],
    }.items():
        times.plot(offered, values, "o", markersize=4, label=name)
    limit = result["highest"]["p99_below_ms"]
    times.axhline(limit, linewidth=0.5, color="black", label=f"{limit:.0f} ms")
    times.set_yscale("log")
    times.legend(fontsize=8)
    times.set_title("latency, ms", fontsize=10, loc="left")
    ratio.plot(offered, [each["warming"][-1] for each in tried], "o", markersize=4, color=OURS)
    ratio.set_ylim(0, 1)
    ratio.set_title("share from the cache, when warm", fontsize=10, loc="left")
    for panel in (answered, times, ratio):
        panel.set_xlabel("asked a second", fontsize=8)
    return figure


def growth(result: Mapping[str, Any]) -> Figure:
    """Return requests a second and p99 by products, by workers, and by connections."""
    series = {
        "products": {str(each["products"]): each for each in result["by_products"]},
        "workers": result["by_workers"],
        "connections": result["by_connections"],
    }
    figure = Figure(figsize=(WIDTH, 5), layout="constrained")
    panels = figure.subplots(2, len(series))
    for number, (name, figures) in enumerate(series.items()):
        top, bottom = panels[0][number], panels[1][number]
        amounts = [int(amount) for amount in figures]
        colours = [OURS if each["valid"] else VOID for each in figures.values()]
        for panel, values in (
            (top, [each["per_second"] for each in figures.values()]),
            (bottom, [each["latency_ms"]["p99"] for each in figures.values()]),
        ):
            panel.plot(amounts, values, linewidth=0.5, color="black")
            panel.scatter(amounts, values, c=colours, zorder=3)
            panel.set_xscale("log")
            panel.set_xticks(amounts, [f"{amount:,}" for amount in amounts], fontsize=7)
            panel.minorticks_off()
            panel.set_ylim(0, 1.08 * max(values))  # or the edge cuts the highest
        top.set_title(f"by {name}", fontsize=10, loc="left")
    panels[0][0].set_ylabel("requests a second", fontsize=8)
    panels[1][0].set_ylabel("p99, ms", fontsize=8)
    return figure


def _panels(count: int, bars: int) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(WIDTH, 0.8 + count * (0.5 + 0.3 * bars)), layout="constrained")
    return figure, figure.subplots(count, 1, squeeze=False)[:, 0]


def _bars(panel: Axes, values: Mapping[str, float], colours: Sequence[str]) -> None:
    panel.barh(range(len(values)), list(values.values()), color=colours)
    for place, value in enumerate(values.values()):
        panel.text(value, place, f" {short(value)}", va="center", fontsize=7)
    _name(panel, list(values))


def _stack(panel: Axes, values: Mapping[str, Mapping[str, float]]) -> None:
    left = [0.0] * len(values)
    for process, colour in PROCESSES.items():
        widths = [each.get(process, 0.0) for each in values.values()]
        if any(widths):
            panel.barh(range(len(values)), widths, left=left, color=colour, label=process)
            left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, end in enumerate(left):
        panel.text(end, place, f" {short(end)}", va="center", fontsize=7)
    _name(panel, list(values))


def _name(panel: Axes, names: Sequence[str]) -> None:
    panel.set_yticks(range(len(names)), names, fontsize=8)
    panel.invert_yaxis()
    panel.margins(x=0.1)


def _colour(name: str, figures: Mapping[str, Any]) -> str:
    """Return the colour of a bar: ours, another's, or of what does not count."""
    if not figures["valid"]:
        return VOID
    return OURS if _is_ours(name) else OTHERS


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return how each one's line is drawn: no two alike, ours solid and with dots."""
    ours = [name for name in names if _is_ours(name)]
    others = [name for name in names if not _is_ours(name)]
    return {
        name: {"color": f"C{place}", "linestyle": line, "marker": marker, "markersize": 4}
        for group, line, marker in ((ours, "-", "o"), (others, "--", "x"))
        for place, name in enumerate(group)
    }


def _is_ours(name: str) -> bool:
    return name.startswith(("greenlet", "gthread"))
