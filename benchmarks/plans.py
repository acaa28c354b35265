"""Reads PostgreSQL's plans, as EXPLAIN (FORMAT JSON) writes them."""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]


def nodes(plan: Node) -> Iterator[Node]:
    """Yield every node of a plan, the top one first."""
    top = plan.get("Plan", plan)
    yield top
    for below in top.get("Plans", ()):
        yield from nodes(below)


def tables_read(plan: Node) -> set[str]:
    """Return the tables that a plan reads."""
    return {node["Relation Name"] for node in nodes(plan) if "Relation Name" in node}


def indexes_used(plan: Node) -> set[str]:
    """Return the indexes that a plan reads."""
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
