"""How many requests the application works on at a time."""

from collections import deque

from products_service.serving.hub import Hub

# Longer than any statement of a sound database takes, the worst search included, and short enough
# to be refused "at once".
PATIENCE = 0.15  # seconds
# Where slots are given back, but to others: the balancer gives up a little later, and a thousand
# clients who ask one host again and again have their turn by then.
LONGEST = 0.55  # seconds


class Slots:
    """A semaphore with several slots for each database connection, for requests that are worked on.

    A request that has a slot waits for a connection among few. But when the requests that have
    slots keep them, as they do when the database is stuck, the others go on without: the
    application refuses them, unless they need no database.
    """

    def __init__(self, hub: Hub, count: int) -> None:
        self._hub = hub
        self._free = count
        self._queue: deque[object] = deque()
        self._moved_at = hub.now  # when a slot was taken or given back
        self._watched = False

    def acquire(self) -> bool:
        """Wait for a slot, but not long where none is given back; return whether we have one."""
        if self._free:
            self._free -= 1
            self._moved_at = self._hub.now
            return True
        # Who comes while the slots are stuck is refused by the watch in the same turn, and not
        # here: by the turn's end one may be given back.
        place = object()
        self._queue.append(place)
        if not self._watched:
            self._watched = True
            self._hub.spawn(self._watch)
        if self._hub.park(place, self._hub.now + LONGEST):
            return True
        if place in self._queue:  # it is not, where the watch has refused it
            self._queue.remove(place)
        return False

    def release(self) -> None:
        """Give our slot to who waits longest."""
        self._moved_at = self._hub.now
        if self._queue:
            self._hub.wake(self._queue.popleft())
        else:
            self._free += 1

    def _is_stuck(self) -> bool:
        return self._moved_at + PATIENCE <= self._hub.now

    def _watch(self) -> None:
        """Refuse all who wait once no slot has moved for too long: one looks out for all of them.

        Did each for itself, a thousand would be resumed seven times a second to look.
        """
        # In the turn that began the watch somebody may have been told to go on who has a slot.
        self._hub.go_last()
        while self._queue:
            if not self._is_stuck():
                self._hub.park(self, self._moved_at + PATIENCE)
                continue
            for place in self._queue:
                self._hub.wake(place, False)
            self._queue.clear()
        self._watched = False
