"""Contestants measured in turn, round after round, and what can be said of them afterwards."""

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.contestants import DESCRIPTIONS, LOOP, competing, forms_of
from benchmarks.draws import Draw
from benchmarks.errors import BenchmarkError
from benchmarks.generators import Turn
from benchmarks.steps import step
from benchmarks.subject import Subject
from benchmarks.turns import Contestant, Load

FLOOR = "pgbench-prepared"
REFERENCES = ("express", "fastify", FLOOR)
# What a peer must reach of the floor in the same run, or it is not fair to it.
LEAST_OF_FLOOR = {"express": 0.15, "fastify": 0.42}
WARM_ROUND = 0
# Of the connections of a closed loop: where fewer are served, the others were left waiting.
LEAST_BUSY = 0.8

Turns = dict[str, list[Turn]]


def measure(
    names: Sequence[str],
    mixes: Sequence[str],
    rounds: int,
    seconds: float,
    subject: Subject,
    references: Sequence[str] = REFERENCES,
) -> dict[str, Any]:
    """Run the contestants of these names and return all results by mix, ids uniform.

    Ratios are to `references`, those of them that take part. Raises BenchmarkError.
    """
    with competing(names, subject) as contestants:
        turns = {
            mix: take_turns(contestants, subject.draw, mix, rounds, seconds, LOOP) for mix in mixes
        }
    return {
        "distribution": "uniform",
        "connections": LOOP,
        "rounds": rounds,
        "seconds_a_turn": seconds,
        "contestants": {name: DESCRIPTIONS[name] for name in names},
        "mixes": {mix: summarise(each, references) for mix, each in turns.items()},
    }


def take_turns(
    contestants: Mapping[str, Contestant],
    draw: Draw,
    mix: str,
    rounds: int,
    seconds: float,
    connections: int,
) -> Turns:
    """Give each contestant its turn in each round, after one that does not count.

    In another order each time, and with paths of each turn's own: who comes after somebody that was
    asked for the same ones finds the database's caches full of them.
    """
    turns: Turns = {name: [] for name in contestants}
    names = list(contestants)
    chance = random.Random(mix)  # noqa: S311
    for number in range(rounds + 1):
        chance.shuffle(names)
        round_ = "warm-up" if number == WARM_ROUND else f"round {number}"
        for place, name in enumerate(names):
            load = Load(mix, number * len(names) + place, draw, connections)
            with step(f"{mix}, {round_}, {name}"), naming(name):
                turn = contestants[name].take(load, seconds)
            if number != WARM_ROUND:
                turns[name].append(turn)
    return turns


@contextmanager
def naming(contestant: str) -> Iterator[None]:
    """Say whose turn it was, in a BenchmarkError."""
    try:
        yield
    except BenchmarkError as error:
        raise BenchmarkError(f"{contestant} failed: {error}") from None


def summarise(turns: Turns, references: Sequence[str] = REFERENCES) -> dict[str, Any]:
    """Return medians of each contestant, its ratios to the others, and whether peers are fair.

    "at_best" is the form in which a reference is one.
    """
    found = {reference: _at_best(reference, turns) for reference in references}
    at_best = {reference: name for reference, name in found.items() if name}
    return {
        "contestants": {name: _figures(own) for name, own in turns.items()},
        "at_best": at_best,
        "ratios": {
            reference: {
                name: ratios(own, turns[best]) for name, own in turns.items() if name != best
            }
            for reference, best in at_best.items()
        },
        "peers_hold": _validity(turns, at_best),
    }


def _at_best(name: str, turns: Turns) -> str | None:
    """Return as what a contestant answered most requests a second; None: it did not take part.

    A peer takes part in several forms. One that was not answered right each time is its best only
    where none was.
    """

    def rank(form: str) -> tuple[bool, float]:
        of_form = turns[form]
        return all(map(is_valid, of_form)), statistics.median(turn.per_second for turn in of_form)

    return max(forms_of(name, turns), key=rank, default=None)


def _figures(turns: Sequence[Turn]) -> dict[str, Any]:
    def medians(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return {
            name: round(statistics.median(each[name] for each in values), 3) for name in values[0]
        }

    sizes = [turn.bytes for turn in turns if turn.bytes is not None]
    return {
        "valid": all(is_valid(turn) for turn in turns),
        "errors": sum(turn.errors for turn in turns),
        "busy": min((turn.busy for turn in turns if turn.busy is not None), default=None),
        "per_second": round(statistics.median(turn.per_second for turn in turns), 1),
        "latency_ms": medians([turn.latency_ms for turn in turns]),
        "bytes": statistics.median(sizes) if sizes else None,
        "cpu_us": medians([turn.cpu_us for turn in turns]),
        "turns": [turn.as_json() for turn in turns],
    }


def turns_of(figures: Mapping[str, Any]) -> list[Turn]:
    """Return the turns that a contestant's figures were made of."""
    return [Turn.from_json(turn) for turn in figures["turns"]]


def is_valid(turn: Turn) -> bool:
    """Return whether all were answered, and right."""
    return not turn.errors and (turn.busy is None or turn.busy >= LEAST_BUSY)


def ratios(own: Sequence[Turn], others: Sequence[Turn]) -> dict[str, float]:
    """Return the medians of `ratios_by_round`."""
    by_round = ratios_by_round(own, others)
    return {name: round(statistics.median(found), 3) for name, found in by_round.items()}


def ratios_by_round(own: Sequence[Turn], others: Sequence[Turn]) -> dict[str, list[float]]:
    """Return own requests a second and p99 over another's in the same round.

    Nothing, where the other was not answered at all.
    """
    pairs = list(zip(own, others, strict=True))
    if not all(other.requests for other in others):
        return {}
    found = {"per_second": [a.per_second / b.per_second for a, b in pairs]}
    if all("p99" in turn.latency_ms for pair in pairs for turn in pair):
        found["p99"] = [a.latency_ms["p99"] / b.latency_ms["p99"] for a, b in pairs]
    return found


def _validity(turns: Turns, at_best: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return of each peer at its best whether it is fair."""
    if FLOOR not in turns:
        return {}
    return {
        peer: fairness(peer, turns[at_best[peer]], turns[FLOOR])
        for peer in LEAST_OF_FLOOR
        if peer in at_best
    }


def fairness(peer: str, own: Sequence[Turn], floor: Sequence[Turn]) -> dict[str, Any]:
    """Return which share of the floor's requests a second a form of a peer reached.

    It holds where that is a fair one, and every answer of both was right.
    """
    share = ratios(own, floor).get("per_second", 0.0)
    return {
        "reached": share,
        "needed": LEAST_OF_FLOOR[peer],
        "holds": share >= LEAST_OF_FLOOR[peer] and all(is_valid(turn) for turn in (*own, *floor)),
    }
