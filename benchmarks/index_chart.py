"""The chart of what indexes are worth; matplotlib, which it needs, is in the extra `bench`."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.tables import short

COLOURS = {"cold": "#7aa6c2", "warm": "#c8553d"}
BAR = 0.4  # of the room for one variant


def draw(result: Mapping[str, Any]) -> Figure:
    """Return bars of the medians: a panel for each statement, a pair of bars for each variant."""
    statements = result["statements"]
    sizes = [len(variants) for variants in statements.values()]
    figure = Figure(figsize=(10, 1.6 + 0.34 * sum(sizes) + 0.5 * len(sizes)), layout="constrained")
    panels = figure.subplots(
        len(sizes), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": sizes}
    )[:, 0]
    for panel, (name, variants) in zip(panels, statements.items(), strict=True):
        _draw_statement(panel, name, variants)
    panels[0].legend(loc="upper right", fontsize=8)
    panels[-1].set_xlabel("median milliseconds an execution, logarithmic")
    rows = result["catalogue"]["tables"]["products"]["rows"]
    version = result["postgresql"]["server_version"].split()[0]
    figure.suptitle(f"What indexes are worth: {rows:,} products, PostgreSQL {version}")
    return figure


def _draw_statement(panel: Axes, name: str, variants: dict[str, Any]) -> None:
    for shift, (temperature, colour) in zip((-BAR / 2, BAR / 2), COLOURS.items(), strict=True):
        medians = [figures[temperature]["median_ms"] for figures in variants.values()]
        places = [place + shift for place in range(len(medians))]
        panel.barh(places, medians, BAR, color=colour, label=temperature)
        for place, median in zip(places, medians, strict=True):
            panel.text(median * 1.08, place, short(median), va="center", fontsize=6)
    panel.set_xscale("log")
    panel.set_yticks(range(len(variants)), variants, fontsize=8)
    panel.invert_yaxis()
    panel.margins(x=0.12)
    panel.set_title(name, fontsize=10, loc="left")
