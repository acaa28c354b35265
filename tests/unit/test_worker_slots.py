"""Slots: who may be worked on when, and how long the others wait."""

import math

import pytest

from products_service.serving.hub import READABLE, Hub
from products_service.serving.slots import LONGEST, PATIENCE, Slots
from tests.unit.hubs import LATE, ROUNDING, Clock, run


def test_slots_are_handed_over_in_order(hub: Hub) -> None:
    slots = Slots(hub, 2)
    order: list[int] = []
    inside = 0

    def work(number: int) -> None:
        nonlocal inside
        assert slots.acquire()
        inside += 1
        assert inside <= 2
        hub.pause()
        order.append(number)
        inside -= 1
        slots.release()

    for number in range(9):
        hub.spawn(work, number)
    run(hub, lambda: len(order) == 9)
    assert order == list(range(9))


def test_slots_that_are_given_back_are_waited_for_longer_but_not_for_ever(
    hub: Hub, clock: Clock
) -> None:
    slots = Slots(hub, 1)
    waited: dict[bool, list[float]] = {True: [], False: []}
    started = clock.now

    def work(number: int) -> None:
        slot = slots.acquire()
        waited[slot].append(clock.now - started)
        if slot:
            assert not hub.park(number, clock.now + PATIENCE / 2)
            slots.release()

    count = round(3 * LONGEST / PATIENCE)
    for number in range(count):
        hub.spawn(work, number)
    run(hub, lambda: sum(map(len, waited.values())) == count)
    assert PATIENCE < max(waited[True]) < LONGEST
    assert all(LONGEST - ROUNDING <= seconds <= LONGEST + LATE for seconds in waited[False])
    # and no slot is kept for those who have gone
    served = len(waited[True])
    hub.spawn(work, count)
    run(hub, lambda: sum(map(len, waited.values())) == count + 1)
    assert len(waited[True]) == served + 1


def test_slots_after_a_quiet_while(hub: Hub, clock: Clock, pair: tuple) -> None:
    ours, peer = pair
    slots = Slots(hub, 1)
    held: list[bool] = []

    def work(key: str) -> None:
        if key == "first":
            hub.wait(ours.fileno(), READABLE, math.inf)
            hub.spawn(work, "second")
        held.append(slots.acquire())
        for _ in range(4):  # longer than the watch needs to look
            hub.pause()
        slots.release()

    hub.spawn(work, "first")
    hub.turn(clock.now)
    clock.now += 2 * PATIENCE
    peer.send(b"x")
    run(hub, lambda: len(held) == 2)
    assert held == [True, True]


def test_who_comes_after_a_halt_has_a_slot_that_is_given_back_next(hub: Hub, clock: Clock) -> None:
    """Somebody may have been told to go on, who has one, after the watch began."""
    slots = Slots(hub, 1)
    held: list[bool] = []

    def hold() -> None:
        assert slots.acquire()
        hub.park("holder", math.inf)
        slots.release()

    hub.spawn(hold)
    hub.turn(clock.now)
    clock.now += 2 * PATIENCE
    hub.spawn(lambda: held.append(slots.acquire()))
    hub.spawn(hub.wake, "holder")
    run(hub, lambda: held)
    assert held == [True]


def test_slots_that_are_kept_are_not_waited_for(hub: Hub, clock: Clock) -> None:
    slots = Slots(hub, 1)
    entered: list[float] = []

    def work(key: str) -> None:
        slot = slots.acquire()
        entered.append(clock.now - started)
        hub.park(key, math.inf)
        if slot:
            slots.release()

    started = clock.now
    for key in "abc":
        hub.spawn(work, key)
    run(hub, lambda: len(entered) == 3)
    assert entered == pytest.approx([0, PATIENCE, PATIENCE])
    assert entered[1] == entered[2]
    # who comes later does not wait at all
    hub.spawn(work, "d")
    for _ in range(3):  # those of the watch and of the refused one among them
        hub.turn(clock.now)
    assert len(entered) == 4
    # and it is one slot again when all have ended
    for key in "abcd":
        hub.wake(key)
    hub.turn(clock.now)
    hub.spawn(work, "e")
    hub.spawn(work, "f")
    hub.turn(clock.now)
    assert len(entered) == 5
