"""The inbox of every host: two lanes, conflation, meters; no lock on the common path.

| message | what happens |
|---|---|
| a type in `topology.CONTROL`, or Pykka's own stop | overtakes everything that waits |
| a type in `topology.CONFLATE` | takes the place of the unread one of its name, type and key |
| anything else | waits its turn; never lost, never reordered |

Any number of threads put, one takes (the host's own). What travels is Pykka's `Envelope`; inside is
a `Delivery`: role name and message, because a host may carry several roles. It is the runner's own
pair, a plain tuple, the cheapest thing that can say this.

Why it is safe without a lock. Each step below is one operation of a built-in container, which
CPython performs whole: `SimpleQueue.put/get`, `deque.append/popleft`, `dict.setdefault/pop` with
keys made of built-in types, `list[0] = x`, `list.pop()`.

Control lane. A producer appends to the control deque, *then* puts a wake token into the queue on
which the consumer sleeps. The consumer looks into the deque before each item it takes, so it may
pop a message before it meets that message's token; such tokens are *stale*, and are skipped when
their turn comes. Tokens follow their messages, so a consumer that finds the deque empty and goes
to sleep is woken by every message appended after it looked.

Conflation. A snapshot waits in a cell, and the dictionary of cells holds the one unread cell of a
key. The producer whose `setdefault` brought the cell in, and only that one, queues it: one turn in
the queue for each cell, however many producers there are. All others overwrite the cell's content.
The consumer removes the cell from the dictionary *first* and empties it *second*:

- an overwrite before the emptying is what the consumer reads;
- an overwrite after it fails (the list is empty, IndexError), and the producer starts over: that
  cell is no longer in the dictionary, so it brings in or finds a newer one, with a later turn.

So the newest snapshot is always read, none is read twice, and for one key nothing overtakes.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import msgspec
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from core.runner import Outgoing
from core.topology import CONFLATE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from core.messages import Message

Delivery = Outgoing
"""Name of a role and what it is told: the only thing that hosts are sent, but for Pykka's stop."""

_Key = tuple[str, type["Message"], "Hashable"]


class InboxMeters(msgspec.Struct, frozen=True, kw_only=True):
    """How an inbox fares."""

    depth: int
    """Messages waiting now."""
    taken: int
    """Messages taken since the start."""
    conflated: int
    """Snapshots replaced unread. Exact while each key has one producer, as the topology has it."""
    oldest_ns: int
    """Longest wait of a taken message since the last reading."""


class _Cell:
    """The place of one unread snapshot; see the module's text for the protocol."""

    __slots__ = ("_box", "key")

    def __init__(self, key: _Key, envelope: Envelope[Any]) -> None:
        self.key = key
        self._box = [(envelope, 0)]

    def replace(self, envelope: Envelope[Any]) -> bool:
        """Overwrite the snapshot; False when it has been taken."""
        try:
            self._box[0] = (envelope, self._box[0][1] + 1)
        except IndexError:
            return False
        return True

    def take(self) -> tuple[Envelope[Any], int]:
        """Empty the cell: the newest snapshot, and how many it replaced."""
        return self._box.pop()


class Inbox:
    """Pykka's inbox protocol (`put`, `get`, `empty`) with the promises of this module."""

    def __init__(self, meter: Callable[[], int] = monotonic_ns) -> None:
        self.meter = meter
        """The clock that ages are measured with, nanoseconds."""
        self._queue: SimpleQueue[tuple[int, Envelope[Any] | _Cell | None]] = SimpleQueue()
        """Time of put with an envelope, a cell, or None: the wake token of a control message."""
        self._control: deque[tuple[int, Envelope[Any]]] = deque()
        self._cells: dict[_Key, _Cell] = {}
        self._reclaim: Callable[[Inbox], None] | None = None
        """Set once the inbox is closed."""
        self._stale = 0
        """Control messages taken before their wake token."""
        self._taken = 0
        self._conflated = 0
        self._oldest_ns = 0
        self.taken_at_ns = 0
        """Reading of `meter` at the last `get`; the host measures handling time from it."""

    # --- any thread ------------------------------------------------------------------------------

    def put(self, envelope: Envelope[Any], /) -> None:
        """Leave an envelope; never blocks."""
        content = envelope.message
        if type(content) is tuple:
            kind = type(content[1])
            if kind in CONFLATE and envelope.reply_to is None:
                self._put_snapshot(content, envelope)
            elif kind in CONTROL:
                self._put_control(envelope)
            else:
                self._queue.put((self.meter(), envelope))
        elif type(content) is _ActorStop:
            self._put_control(envelope)
        else:
            self._queue.put((self.meter(), envelope))
        # Read after the put: either this sees the closing, or the closing sees what was put.
        if self._reclaim is not None:
            self._give_back(self._reclaim)

    def close(self, reclaim: Callable[[Inbox], None]) -> None:
        """Serve this consumer no longer: `reclaim` is called now, and again after each later put.

        It takes what waits from `unread`, one call at a time. What the consumer has in its hands
        stays there: it may be the very message that brought it down. Should the consumer come back
        for more, it is told to stop.
        """
        self._reclaim = reclaim
        self._give_back(reclaim)

    def unread(self) -> Iterator[Envelope[Any]]:
        """Remove and yield what waits in a closed inbox: control first, then in order."""
        with suppress(IndexError):
            while True:
                yield self._control.popleft()[1]
        with suppress(Empty):
            while True:
                _, item = self._queue.get_nowait()
                if item is not None:
                    yield self._open(item) if isinstance(item, _Cell) else item

    @property
    def depth(self) -> int:
        """Messages waiting; 0 once closed. A put or get under way may count either way."""
        return 0 if self._reclaim else max(0, self._queue.qsize() - self._stale)

    def _put_control(self, envelope: Envelope[Any]) -> None:
        now = self.meter()
        self._control.append((now, envelope))
        self._queue.put((now, None))

    def _put_snapshot(self, delivery: Delivery, envelope: Envelope[Any]) -> None:
        name, message = delivery
        kind = type(message)
        key = (name, kind, CONFLATE[kind](message))
        mine = _Cell(key, envelope)
        while True:
            cell = self._cells.setdefault(key, mine)
            if cell is mine:
                self._queue.put((self.meter(), mine))
                return
            if cell.replace(envelope):
                return

    def _give_back(self, reclaim: Callable[[Inbox], None]) -> None:
        reclaim(self)
        self._queue.put((0, None))  # `unread` swallows wake tokens; the consumer may be asleep

    # --- the host's thread -----------------------------------------------------------------------

    def get(self) -> Envelope[Any]:
        """The next envelope: control first, then in order of arrival; sleeps until there is one.

        From a closed inbox it is Pykka's stop, whatever waits there: that belongs to the successor.
        """
        while self._reclaim is None:
            if self._control:
                try:
                    put_at, envelope = self._control.popleft()
                except IndexError:  # closed in between
                    continue
                self._stale += 1
            else:
                put_at, item = self._queue.get()
                if item is None:
                    self._stale -= 1
                    continue
                envelope = self._open(item) if isinstance(item, _Cell) else item
            if self._reclaim is not None:  # closed in between: nobody has begun to handle this one
                self._queue.put((put_at, envelope))
                self._give_back(self._reclaim)
                break
            now = self.taken_at_ns = self.meter()
            waited = now - put_at
            if waited > self._oldest_ns:  # noqa: PLR1730 - a call to max costs more than all of this
                self._oldest_ns = waited
            self._taken += 1
            return envelope
        return Envelope(_ActorStop())

    def empty(self) -> bool:
        """Whether the next `get` would sleep."""
        return self.depth == 0

    def read_meters(self) -> InboxMeters:
        """The meters; the longest wait begins anew."""
        oldest_ns, self._oldest_ns = self._oldest_ns, 0
        return InboxMeters(
            depth=self.depth, taken=self._taken, conflated=self._conflated, oldest_ns=oldest_ns
        )

    def _open(self, cell: _Cell) -> Envelope[Any]:
        del self._cells[cell.key]
        envelope, replaced = cell.take()
        self._conflated += replaced
        return envelope
