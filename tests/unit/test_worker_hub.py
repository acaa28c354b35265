"""The hub: who goes on when, and when waiting ends."""

import math
import socket
import time
from threading import Thread

import pytest

from products_service import waiting
from products_service.serving.hub import READABLE, WRITABLE, Hub
from tests.unit.hubs import Clock, run
from tests.waiting import HANG


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


def test_who_is_no_greenlet_of_the_hub_blocks(installed: Hub, pair: tuple) -> None:
    ours, peer = pair
    assert waiting.scheduler() is None
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
        assert waiting.scheduler() is installed
        seen.append(waiting.wait(ours.fileno(), READABLE, math.inf))

    installed.spawn(wait)
    installed.spawn(peer.send, b"x")
    run(installed, lambda: seen)
    assert seen == [True]
