"""The hub: who goes on when, and when waiting ends."""

import math
import socket
import time
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from products_service import waiting
from products_service.serving import hub as hubs
from products_service.serving.hub import READABLE, WRITABLE, Hub
from products_service.serving.slots import LONGEST, PATIENCE, Slots

# seconds; a limit on what hangs, not a promise
HANG = 60
# seconds: what times differ by after a sum, and by how much the hub may look at deadlines late
ROUNDING = 1e-6
LATE = 0.01 + ROUNDING


@pytest.fixture
def hub() -> Hub:
    return Hub()


class Clock:
    """A hub's time, and its epoll: all that ever takes time is waiting, which is done at once."""

    def __init__(self, hub: Hub) -> None:
        # not when this machine was started, on which it depends how sums are rounded
        self.now = hub.now = hub._looked_at = 1000.0
        self._epoll = hub._epoll
        self.register, self.modify = self._epoll.register, self._epoll.modify

    def monotonic(self) -> float:
        return self.now

    def poll(self, seconds: float) -> list[tuple[int, int]]:
        found = self._epoll.poll(0)
        if not found:
            # never so little that it is rounded away
            self.now = math.nextafter(self.now + seconds, math.inf)
        return found


@pytest.fixture
def clock(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(hub)
    monkeypatch.setattr(hubs, "time", clock)
    monkeypatch.setattr(hub, "_epoll", clock)
    return clock


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, peer = socket.socketpair()
    with ours, peer:
        ours.setblocking(False)
        yield ours, peer


def run(hub: Hub, done: Callable[[], object]) -> None:
    """Take turns until it is done."""
    end = time.monotonic() + HANG
    while not done():
        assert time.monotonic() < end, "waited too long"
        hub.turn(end)


def test_greenlet_goes_on_when_its_socket_is_ready(hub: Hub, pair: tuple) -> None:
    ours, peer = pair
    seen = []

    def wait() -> None:
        seen.append(hub.wait(ours.fileno(), WRITABLE, math.inf))
        seen.append(hub.wait(ours.fileno(), READABLE, math.inf))
        seen.append(ours.recv(10))

    hub.spawn(wait)
    run(hub, lambda: len(seen) == 1)
    hub.turn(time.monotonic() + 0.05)
    assert seen == [True]
    peer.send(b"hello")
    run(hub, lambda: len(seen) == 3)
    assert seen == [True, True, b"hello"]


def test_deadline_ends_only_who_has_it(hub: Hub, clock: Clock) -> None:
    seen = []

    def wait(seconds: float) -> None:
        assert not hub.park(seconds, clock.now + seconds)
        seen.append((seconds, clock.now - started))

    started = clock.now
    for seconds in (0.3, 0.1, 60, 0.2):
        hub.spawn(wait, seconds)
    run(hub, lambda: len(seen) == 3)
    assert [seconds for seconds, _ in seen] == [0.1, 0.2, 0.3]
    for seconds, ended in seen:
        assert ended == pytest.approx(seconds)


def test_deadline_comes_in_real_time(hub: Hub) -> None:
    ended = []

    def wait() -> None:
        hub.park("nobody", started + 0.1)
        ended.append(time.monotonic())

    started = time.monotonic()
    hub.spawn(wait)
    run(hub, lambda: ended)
    assert ended[0] >= started + 0.1


def test_greenlet_of_a_greenlet_waits_like_any_other(hub: Hub, clock: Clock) -> None:
    seen = []

    def inner() -> None:
        hub.park("inner", clock.now + 0.1)
        seen.append("inner")

    def outer() -> None:
        hub.spawn(inner)
        hub.park("outer", clock.now + 0.2)
        seen.append("outer")

    def other() -> None:
        reader, writer = socket.socketpair()
        with reader, writer:
            hub.spawn(lambda: seen.append(hub.wait(reader.fileno(), READABLE, math.inf)))
            hub.pause()
            writer.send(b"x")
            hub.pause()
            hub.pause()

    hub.spawn(outer)
    hub.spawn(other)
    run(hub, lambda: len(seen) == 3)
    assert seen == [True, "inner", "outer"]


def test_what_nobody_waits_for_wakes_nobody(hub: Hub, pair: tuple) -> None:
    ours, peer = pair

    def wait() -> None:
        hub.wait(ours.fileno(), READABLE, math.inf)
        hub.park("something else", math.inf)

    hub.spawn(wait)
    peer.send(b"unread")
    hub.turn(time.monotonic())
    hub.turn(time.monotonic() + 1)
    started = time.monotonic()
    hub.turn(started + 0.2)
    assert time.monotonic() - started >= 0.2


def test_woken_greenlet_goes_on_once(hub: Hub, pair: tuple) -> None:
    ours, peer = pair
    seen = []

    def wait() -> None:
        while True:
            seen.append(hub.wait(ours.fileno(), READABLE, math.inf))

    hub.spawn(wait)
    hub.turn(time.monotonic())
    hub.wake(ours.fileno())
    hub.wake(ours.fileno())
    hub.wake("nobody")
    hub.turn(time.monotonic())
    assert seen == [True]
    peer.send(b"x")
    run(hub, lambda: len(seen) == 2)


def test_who_hands_over_goes_on_after_who_was_parked_and_who_was_ready(hub: Hub) -> None:
    seen: list[str] = []

    def parked() -> None:
        assert hub.park("key", math.inf)
        seen.append("parked")
        hub.pause()
        seen.append("parked again")

    def hand_over() -> None:
        hub.pause()
        hub.spawn(seen.append, "ready")
        hub.hand_over("key")
        seen.append("handed over")
        hub.hand_over("nobody")
        seen.append("went on")

    hub.spawn(parked)
    hub.spawn(hand_over)
    run(hub, lambda: len(seen) == 5)
    assert seen == ["parked", "ready", "handed over", "went on", "parked again"]


def test_who_goes_last_goes_after_all_others_of_the_turn(hub: Hub) -> None:
    seen: list[str] = []
    sockets = [socket.socketpair() for _ in range(3)]

    def go(name: str, fd: int) -> None:
        hub.wait(fd, READABLE, math.inf)
        hub.go_last()
        seen.append(name)
        hub.park(name, math.inf)

    def go_on(name: str, fd: int) -> None:
        hub.wait(fd, READABLE, math.inf)
        seen.append(name)

    for (ours, _), name, function in zip(
        sockets, ("last", "first", "second"), (go, go_on, go_on), strict=True
    ):
        hub.spawn(function, name, ours.fileno())
    hub.turn(time.monotonic())
    for _, peer in sockets:
        peer.send(b"x")
    hub.turn(time.monotonic() + 5)
    assert seen[-1] == "last"
    assert sorted(seen) == ["first", "last", "second"]
    for pair in sockets:
        for end in pair:
            end.close()


def test_who_goes_last_and_is_alone_goes_on_at_once(hub: Hub, pair: tuple) -> None:
    ours, peer = pair
    seen: list[bool] = []

    def go() -> None:
        hub.wait(ours.fileno(), READABLE, math.inf)
        switched: list[bool] = []
        hub.pause, pause = lambda: switched.append(True), hub.pause
        hub.go_last()
        hub.pause = pause
        seen.append(not switched)

    hub.spawn(go)
    hub.turn(time.monotonic())
    peer.send(b"x")
    run(hub, lambda: seen)
    assert seen == [True]


def test_who_pauses_lets_all_others_go_first(hub: Hub, pair: tuple) -> None:
    ours, peer = pair
    order = []

    def greedy() -> None:
        for number in range(3):
            order.append(number)
            hub.pause()

    def other() -> None:
        hub.wait(ours.fileno(), READABLE, math.inf)
        order.append("other")

    hub.spawn(other)
    hub.turn(time.monotonic())
    peer.send(b"x")
    hub.spawn(greedy)
    run(hub, lambda: len(order) == 4)
    assert order.index("other") <= 1


def test_handler_of_a_watched_socket(hub: Hub, pair: tuple) -> None:
    ours, peer = pair
    seen = []
    hub.watch(ours.fileno(), lambda: seen.append(ours.recv(1)))
    peer.send(b"ab")
    run(hub, lambda: len(seen) == 2)
    hub.unwatch(ours.fileno())
    peer.send(b"c")
    hub.turn(time.monotonic() + 0.05)
    assert seen == [b"a", b"b"]


@pytest.fixture
def installed(hub: Hub) -> Iterator[Hub]:
    """The process's way to wait."""
    waiting.install(hub)
    yield hub
    waiting.install(None)


def test_who_is_no_greenlet_of_the_hub_blocks(installed: Hub, pair: tuple) -> None:
    ours, peer = pair
    assert waiting.others() is None
    assert not waiting.wait(ours.fileno(), READABLE, time.monotonic() + 0.05)
    peer.send(b"x")
    assert waiting.wait(ours.fileno(), READABLE, math.inf)
    seen = []
    thread = Thread(target=lambda: seen.append(waiting.wait(ours.fileno(), READABLE, math.inf)))
    thread.start()
    thread.join(HANG)
    assert seen == [True]


def test_greenlet_of_the_hub_lets_others_go_on(installed: Hub, pair: tuple) -> None:
    ours, peer = pair
    seen = []

    def wait() -> None:
        assert waiting.others() is installed
        seen.append(waiting.wait(ours.fileno(), READABLE, math.inf))

    installed.spawn(wait)
    installed.spawn(peer.send, b"x")
    run(installed, lambda: seen)
    assert seen == [True]


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


def test_slots_after_a_quiet_while(hub: Hub, clock: Clock, pair: tuple) -> None:
    ours, peer = pair
    slots = Slots(hub, 1)
    held: list[bool] = []

    def work(key: str) -> None:
        if key == "first":
            hub.wait(ours.fileno(), READABLE, math.inf)
            hub.spawn(work, "second")
        held.append(slots.acquire())
        hub.pause()
        hub.pause()
        slots.release()

    hub.spawn(work, "first")
    hub.turn(clock.now)
    clock.now += 2 * PATIENCE
    peer.send(b"x")
    run(hub, lambda: len(held) == 2)
    assert held == [True, True]


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
