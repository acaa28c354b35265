"""What may wait is done once, in a moment; or at once where nobody arranges for that."""

from collections.abc import Sequence

import pytest

from products_service import later

UNNOTED = "What has happened could not be noted"


@pytest.fixture
def arranged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was arranged: a word for each time."""
    times: list[str] = []
    monkeypatch.setattr(later, "_arrange", lambda: times.append("again"))
    return times


def test_what_happened_is_noted_at_once_where_nothing_waits() -> None:
    noted: list[Sequence[int]] = []
    buffer = later.Buffer(noted.append)
    buffer.add(1)
    buffer.add(2)
    assert noted == [[1], [2]]


def test_what_happened_is_noted_in_a_moment_or_when_it_is_full(arranged: list[str]) -> None:
    noted: list[Sequence[int]] = []
    buffer = later.Buffer(noted.append, 3)
    for number in range(5):
        buffer.add(number)
    assert (noted, arranged) == ([[0, 1, 2]], ["again"])
    later.do_due()
    assert noted == [[0, 1, 2], [3, 4]]
    buffer.add(5)
    assert arranged == ["again"] * 2
    later.do_due()
    assert noted[-1] == [5]


def test_what_cannot_be_noted_is_nobodys_failure(
    arranged: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    noted: list[Sequence[int]] = []
    another = later.Buffer(noted.append)
    buffer = later.Buffer(lambda items: 1 / 0, 2)
    another.add(0)
    buffer.add(1)
    buffer.add(2)
    buffer.add(3)
    later.do_due()
    assert noted == [[0]]
    assert [entry.message for entry in caplog.records] == [UNNOTED] * 2
    assert arranged == ["again"]


def test_nor_is_it_where_nothing_waits(caplog: pytest.LogCaptureFixture) -> None:
    later.Buffer(lambda items: 1 / 0).add(1)
    assert [entry.message for entry in caplog.records] == [UNNOTED]
