"""Where the time of an order goes, from the frame read to its bytes handed over, fused placement.

The same daemon and exchange as `order_path`, with a stamp at every border that an order crosses:
the host's thread takes the frame, each role is asked and has answered, an entry is in the journal,
the express door opens, the bytes are gone. The stamps cost about 5 us together. Each row is the
median of what lies between a border and the one before; orders that took another way (some heard an
index print too) are left out and counted.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from actors.express import ExpressDoor
from actors.host import RoleActor
from actors.reader import SocketReader
from core import messages as m
from core.exchange.lines import Line
from core.journal_sqlite import SqliteJournal
from tests.benchmarks.bench_order_path import turn_fused
from tests.benchmarks.measure import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TITLE = "stages of an order, fused placement"
_READ: Final = "frame read"
_SENT: Final = "bytes handed to the kernel"
_PACES_MS: Final = (10.0, 2.5)
"""Between two frames: what is done more often finds more of itself in the caches."""
_WAYS: Final = 3
"""Fewer orders than this on a way are no way."""


class Stamps:
    """Borders as they are crossed, over all threads; one order at a time is on its way."""

    def __init__(self) -> None:
        self.crossed: list[tuple[str, int]] = []
        self.orders: list[tuple[tuple[str, int], ...]] = []

    def begin(self) -> None:
        """A frame was read."""
        self.crossed = [(_READ, time.monotonic_ns())]

    def at(self, border: str) -> None:
        """A border is crossed now."""
        self.crossed.append((border, time.monotonic_ns()))

    def end(self) -> None:
        """The order is gone."""
        self.at(_SENT)
        self.orders.append(tuple(self.crossed))


@contextmanager
def _around(
    owner: type, method: str, before: Callable[..., object], after: Callable[..., object]
) -> Iterator[None]:
    """With a method of ours watched."""
    plain = getattr(owner, method)

    def watched(self: Any, *args: Any) -> Any:  # noqa: ANN401 - as the method has it
        before(*args)
        try:
            return plain(self, *args)
        finally:
            after(*args)

    setattr(owner, method, watched)
    try:
        yield
    finally:
        setattr(owner, method, plain)


def _nothing(*_: object) -> None:
    """No stamp here."""


@contextmanager
def _watched(stamps: Stamps) -> Iterator[None]:
    def taken(_to: str, message: m.Message) -> None:
        if isinstance(message, m.BookDelta):
            stamps.at("taken up by the host")

    def written(events: list[m.Message], _now: int) -> None:
        stamps.at(f"{type(events[0]).__name__} in the journal")

    def sent(request: bytes) -> None:
        if request.startswith(b"POST "):
            stamps.end()

    with ExitStack() as stack:
        for owner, method, before, after in (
            (SocketReader, "hand_over", lambda _texts: stamps.begin(), _nothing),
            (RoleActor, "receive", taken, _nothing),
            (SqliteJournal, "append", lambda *_: stamps.at("decided"), written),
            (ExpressDoor, "take", lambda _order: stamps.at("at the express door"), _nothing),
            (
                Line,
                "send",
                lambda _bytes: stamps.at("looked at for the last time, put into bytes"),
                sent,
            ),
        ):
            stack.enter_context(_around(owner, method, before, after))
        yield


def run(rounds: int) -> list[Row]:
    """Medians of each stage on the way that most orders took, at two paces of frames."""
    taken = {pace: Stamps() for pace in _PACES_MS}
    for _ in range(rounds):
        for pace, stamps in taken.items():
            with _watched(stamps):
                turn_fused(pace)
    return [row for pace, stamps in taken.items() for row in _stages(pace, stamps)]


def _stages(pace: float, stamps: Stamps) -> list[Row]:
    ways = Counter(tuple(border for border, _ in order) for order in stamps.orders)
    if not ways or ways.most_common(1)[0][1] < _WAYS:
        return []
    way, count = ways.most_common(1)[0]
    usual = [order for order in stamps.orders if tuple(border for border, _ in order) == way]
    whole = median(order[-1][1] - order[0][1] for order in usual) / 1e3
    rows = []
    for number in range(1, len(way)):
        took = median(order[number][1] - order[number - 1][1] for order in usual) / 1e3
        case = f"{pace:g} ms: {number}. {way[number]}"
        rows.append(Row(case=case, value=took, unit="us", ratio=took / whole, against="whole"))
    case = f"{pace:g} ms: whole, {count} of {len(stamps.orders)} orders"
    return [*rows, Row(case=case, value=whole, unit="us")]
