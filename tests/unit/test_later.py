"""What may wait is done once, in a moment; or at once where nobody arranges for that."""

import pytest

from products_service import later


@pytest.fixture
def arranged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was arranged: a word for each time."""
    times: list[str] = []
    monkeypatch.setattr(later, "_arrange", lambda: times.append("again"))
    return times


def test_nothing_waits_unless_that_is_arranged_for() -> None:
    done = []
    later.do(lambda: done.append(1))
    assert done == [1]


def test_what_is_asked_for_often_is_done_once(arranged: list[str]) -> None:
    done = []

    def function() -> None:
        done.append(1)

    later.do(function)
    later.do(function)
    assert (done, arranged) == ([], ["again"])
    later.do_due()
    assert done == [1]
    later.do_due()
    assert done == [1]


def test_it_is_arranged_for_again_after_it_was_done(arranged: list[str]) -> None:
    later.do(list)
    later.do_due()
    later.do(list)
    assert arranged == ["again"] * 2
    later.do_due()
