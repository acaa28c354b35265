"""What the benchmarks ask for: the mix, the distributions, the same paths for the same seed."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks import generators
from benchmarks.draws import Draw
from benchmarks.generators import Turn
from benchmarks.pgbench import script
from benchmarks.servers import Server
from benchmarks.turns import HttpContestant, Load
from products_service.statements import read_statements

IDS = [7, 3, 9, *range(20, 1_020)]


@pytest.fixture(scope="module")
def draw() -> Draw:
    return Draw(IDS)


def ids_of(paths: list[str]) -> Counter[int]:
    return Counter(
        int(match[1]) for path in paths if (match := re.search(r"/products/(\d+)", path))
    )


def test_a_seed_names_its_paths(draw: Draw) -> None:
    first, again, other = (draw.paths("page", "zipf", 1_000, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_the_mix_of_a_page(draw: Draw) -> None:
    kinds = Counter(
        re.sub(r"\d+", "N", path) for path in draw.paths("page", "uniform", 111_000, seed=1)
    )
    assert kinds.keys() == {
        *("/products/N", "/products/N/styles", "/products/N/related", "/products?page=N")
    }
    assert kinds["/products/N"] == pytest.approx(50_000, rel=0.05)
    assert kinds["/products/N/styles"] == pytest.approx(50_000, rel=0.05)
    assert kinds["/products/N/related"] == pytest.approx(10_000, rel=0.05)
    assert kinds["/products?page=N"] == pytest.approx(1_000, rel=0.2)


def test_uniform_and_zipf(draw: Draw) -> None:
    uniform = ids_of(draw.paths("styles", "uniform", 100_000, seed=1))
    assert set(uniform) == set(IDS)
    assert max(uniform.values()) < 2 * 100_000 / len(IDS)
    zipf = ids_of(draw.paths("styles", "zipf", 100_000, seed=1))
    # the first is asked for twice as often as the second, three times as often as the third
    assert zipf[7] / zipf[3] == pytest.approx(2, rel=0.1)
    assert zipf[7] / zipf[9] == pytest.approx(3, rel=0.1)


def test_a_turn_is_warmed_up_by_paths_of_its_own_and_what_fails_then_counts(
    draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = set()

    def ask(url: str, paths: Path, *_: Any) -> Turn:
        asked.add(tuple(paths.read_text().splitlines()[:100]))
        return Turn(1, 1.0, 1, {}, {})

    monkeypatch.setattr(generators, "ask", ask)
    contestant = HttpContestant(Server(port=1, pid=1, start_seconds=1.0), {})
    turns = [contestant.take(Load("styles", seed, draw, 1), 1) for seed in range(3)]
    assert len(asked) == 6
    assert [turn.errors for turn in turns] == [2, 2, 2]


def test_statements_for_pgbench(draw: Draw) -> None:
    text = script(read_statements()["get_styles"], draw)
    assert text.startswith("\\set product_id random(3, 1019)\n")
    assert "products.id = :product_id" in text
    assert "$1" not in text
    # what pgbench would take for a variable of its own
    assert not re.search(r'":\w', text)
    assert "::text" in text
