"""What the fleet holds: fixed rates, very many users, and the highest rate without an error."""

from typing import Any

from benchmarks import contest
from benchmarks.contestants import LOOP, PEERS, competing, forms_of
from benchmarks.fleet import Fleet, fleet
from benchmarks.generators import Turn
from benchmarks.installation import install_peers
from benchmarks.steps import step
from benchmarks.subject import Subject
from benchmarks.turns import AskedByK6, Connected

MIX = "page"
RATES = (800, 900)  # clients a second
FLEETS = (4, 5)  # hosts
# Processes of each host, which on this machine has its cores together with all others.
WORKERS = 1
USERS = 1_000
USER_SECONDS = 15
# Of the search: where it begins, and how near it comes.
FIRST = 2_000
RESOLUTION = 500
HIGHEST = 64_000
# When a rate is held.
LEAST_SHARE = 0.99  # of what was to be asked
P99_MS = 65.0
TRIES = 2  # another program may have had the machine once


def measure(
    subject: Subject, seconds: float, warm: float, rounds: int, worker_class: str
) -> dict[str, Any]:
    """Run all, each measurement `seconds` long after the cache was warmed for `warm` seconds.

    `worker_class` is that of all hosts; `rounds` is how often the fleets are asked at fixed rates,
    in turn, and how often very many users ask this service and Express.
    Raises BenchmarkError.
    """
    install_peers()
    settings = {"GUNICORN_WORKER_CLASS": worker_class, "GUNICORN_WORKERS": str(WORKERS)}
    constant: list[dict[str, Any]] = []
    for number in range(1, rounds + 1):
        for hosts in FLEETS:
            with fleet(subject, hosts, MIX, settings) as running:
                of_all = {"round": number, "hosts": hosts, "in_memory": running.in_memory}
                constant += [of_all | measure_rate(running, rate, seconds, warm) for rate in RATES]
    with fleet(subject, FLEETS[0], MIX, settings) as running:
        of_all = {"hosts": FLEETS[0], "in_memory": running.in_memory}
        highest = of_all | find_highest(running, seconds, warm)
    return {
        "distribution": "zipf",
        "mix": MIX,
        "worker_class": worker_class,
        "workers_a_host": WORKERS,
        "seconds_a_rate": seconds,
        "warmed_for_seconds": warm,
        "constant": constant,
        "highest": highest,
        "users": measure_users(subject, rounds, min(seconds, USER_SECONDS), worker_class),
    }


def measure_rate(running: Fleet, rate: int, seconds: float, warm: float) -> dict[str, Any]:
    """Return what came of k6 asking at a rate once the cache is warm."""
    warming = running.warm(rate, warm)
    with step(f"{rate}/s by k6"):
        turn = running.ask_with_k6(rate, seconds)
    return {"rate": rate, "generator": "k6", **warming, **turn.as_json()}


def find_highest(running: Fleet, seconds: float, warm: float) -> dict[str, Any]:
    """Return the highest rate that is held, and all that was tried: doubled first, then halved."""
    tried: list[dict[str, Any]] = []

    def holds(rate: int) -> bool:
        for _ in range(TRIES):
            tried.append(attempt(running, rate, seconds, warm))
            if tried[-1]["held"]:
                return True
        return False

    held, refused = 0, FIRST
    while refused <= HIGHEST and holds(refused):
        held, refused = refused, refused * 2
    refused = min(refused, HIGHEST)
    while refused - held > RESOLUTION:
        middle = (held + refused) // 2 // RESOLUTION * RESOLUTION
        if holds(middle):
            held = middle
        else:
            refused = middle
    return {"generator": "wrk", "p99_below_ms": P99_MS, "rate": held, "tried": tried}


def attempt(running: Fleet, rate: int, seconds: float, warm: float) -> dict[str, Any]:
    """Return what came of wrk asking at a rate once the cache is warm, and whether it was held."""
    warming = running.warm(rate, warm)
    with step(f"{rate}/s by wrk"):
        turn = running.ask(rate, seconds)
    bound = p99_bound(turn)
    errors = warming["warming_errors"] + turn.errors
    answered = errors == 0 and turn.per_second >= LEAST_SHARE * rate
    held = answered and bound < P99_MS and warming["steady"]
    return {
        "rate": rate,
        "held": held,
        "p99_ms_at_most": round(bound, 2),
        **warming,
        **turn.as_json(),
    }


def p99_bound(turn: Turn) -> float:
    """Return what 99 of 100 answers took at most, in ms from when their requests were due.

    wrk times an answer from when its request was sent, so how late that was comes on top. Of
    the sums, at most 0.5 % have a greater first part than the 99.5th percentile, and at most
    0.5 % a greater second one: 99 % are below the sum of the two.
    """
    assert turn.late_ms is not None
    return turn.latency_ms["p99.5"] + turn.late_ms["p99.5"]


def measure_users(subject: Subject, rounds: int, seconds: float, ours: str) -> dict[str, Any]:
    """Return what very many users get who ask one host again and again, here and from Express.

    Uniform ids, no cache; by k6, and by wrk, which leaves more of the machine to who is asked: only
    there the floor, of as many connections as in other contests, tells whether Express is fair.
    """
    asked = (ours, *forms_of("express", PEERS))
    with competing((*asked, contest.FLOOR), subject) as contestants:
        floor = Connected(contestants[contest.FLOOR], LOOP)
        by = {
            "k6": {name: AskedByK6(contestants[name]) for name in asked},
            "wrk": {name: contestants[name] for name in asked} | {contest.FLOOR: floor},
        }
        users = {
            f"{name} by {generator}": each
            for generator, of_it in by.items()
            for name, each in of_it.items()
        }
        turns = contest.take_turns(users, subject.draw, MIX, rounds, seconds, USERS)
    return {
        "users": USERS,
        "seconds_a_turn": seconds,
        "rounds": rounds,
        **{
            generator: contest.summarise({name: turns[f"{name} by {generator}"] for name in of_it})
            for generator, of_it in by.items()
        },
    }
