"""The load generators, wrk and k6: run for a while, and what their answers took."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.prerequisites import find_programs
from benchmarks.processes import metering
from benchmarks.programs import run

SCRIPTS = Path(__file__).parent / "scripts"
PATIENCE = 30  # seconds; with less, those who wait longest would be left out of the latencies
SHOWN = ("p50", "p75", "p90", "p95", "p99", "p99.5", "p99.9", "max", "mean")
K6_TREND = {"p50": "med", "mean": "avg", "max": "max"}

Groups = Mapping[str, Iterable[int]]


@dataclass(frozen=True)
class Turn:
    """What came of asking for a while."""

    requests: int  # answered with 2xx
    seconds: float
    errors: int  # other answers, connections that failed, answers after more than 30 s (k6: 20 s)
    latency_ms: dict[str, float]
    cpu_us: dict[str, float]  # a request, by group of processes
    late_ms: dict[str, float] | None = None  # after it was due a request was sent
    hits: float | None = None  # share of answers that a cache gave, where that was watched
    # Of a closed loop, the share of connections that had a request under way and were answered, by
    # Little's law: one that is never answered shows nowhere else.
    busy: float | None = None
    bytes: float | None = None  # of an answer on average, its head among them

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds

    def as_json(self) -> dict[str, Any]:
        """Return it for the results."""
        return {"per_second": round(self.per_second, 1)} | {
            name: value for name, value in asdict(self).items() if value is not None
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Turn":
        """Return what a result has of a turn."""
        return cls(**{name: value for name, value in found.items() if name != "per_second"})


def per_request(seconds: Mapping[str, float], requests: int) -> dict[str, float]:
    """Return CPU seconds as microseconds per request."""
    return {name: round(each * 1e6 / max(1, requests), 1) for name, each in seconds.items()}


def ask(
    url: str,
    paths: Path,
    seconds: float,
    connections: int,
    groups: Groups,
    *,
    rate: float = 0,
    watch: bool = False,
) -> Turn:
    """Have wrk ask for the paths of a file in one thread.

    In a closed loop, or at `rate` requests a second; `watch` the answers' X-Cache. Raises
    BenchmarkError.
    """
    wrk = find_programs("wrk")["wrk"]
    size = ("-t", "1", "-c", str(connections), "-d", f"{max(1, round(seconds))}s")
    patience = ("--timeout", f"{PATIENCE}s")
    given = (paths, str(connections), str(rate), "watch" if watch else "")
    with metering(groups) as taken:
        printed = run([wrk, *size, *patience, "-s", SCRIPTS / "paths.lua", url, "--", *given])
    found = json.loads(printed.splitlines()[-1])
    # wrk counts answers that come too late as timeouts too, and refusals among the requests
    answered = found["requests"] - found["errors"]["status"] - found["errors"]["timeout"]
    taken["generator"] -= found["prepared_cpu"]
    under_way = found["latency_ms"]["mean"] / 1000 * found["requests"] / found["seconds"]
    return Turn(
        requests=answered,
        seconds=round(found["seconds"], 3),
        errors=sum(found["errors"].values()),
        latency_ms={name: found["latency_ms"][name] for name in SHOWN},
        cpu_us=per_request(taken, answered),
        late_ms=found["late_ms"] if rate else None,
        hits=round(found["hits"] / max(1, found["watched"]), 4) if watch else None,
        busy=None if rate else round(under_way / connections, 3),
        bytes=round(found["bytes"] / max(1, found["requests"]), 1),
    )


def ask_with_k6(
    url: str,
    paths: Path,
    seconds: float,
    groups: Groups,
    *,
    rate: int | None = None,
    users: int | None = None,
) -> Turn:
    """Have k6 ask for the paths of a file: so many a second, or so many users without a pause.

    Of a rate, those that could not begin in time count as errors. Raises BenchmarkError.
    """
    k6 = find_programs("k6")["k6"]
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder, "summary.json")
        given = {
            "URL": url,
            "PATHS": paths.absolute(),
            "SUMMARY": summary,
            "SECONDS": max(1, round(seconds)),
            **({"RATE": rate} if rate else {"USERS": users}),
        }
        options = [part for name, value in given.items() for part in ("-e", f"{name}={value}")]
        with metering(groups) as taken:
            run([k6, "run", "--quiet", "--no-usage-report", *options, SCRIPTS / "paths.js"])
        metrics = json.loads(summary.read_text("utf-8"))
    return _read_k6(metrics, taken)


def _read_k6(metrics: Mapping[str, Any], taken: Mapping[str, float]) -> Turn:
    def count(name: str) -> int:
        return metrics[name]["values"]["count"] if name in metrics else 0

    times = metrics["http_req_duration"]["values"]
    asked, failures = count("http_reqs"), metrics["http_req_failed"]["values"]["passes"]
    hits, misses = count("cache_hits"), count("cache_misses")
    return Turn(
        requests=asked - failures,
        seconds=round(asked / metrics["http_reqs"]["values"]["rate"], 3),
        errors=failures + count("dropped_iterations"),
        latency_ms={
            name: round(times[K6_TREND.get(name, f"p({name[1:]})")], 3)
            for name in SHOWN
            if K6_TREND.get(name, f"p({name[1:]})") in times
        },
        cpu_us=per_request(taken, asked - failures),
        hits=round(hits / (hits + misses), 4) if hits + misses else None,
    )
