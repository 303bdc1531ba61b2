"""Where answers to an operator's commands arrive, and where web threads wait for them.

Roles answer a command by message, like everything else; the topology names this place `operator`.
`take` runs on the thread of whoever answers and never blocks; `answer` and `events` block a web
thread for as long as it says. Bounded: what nobody collects is forgotten.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, TypeVar

from core import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable

OrderNews = (
    m.OrderAccepted
    | m.OrderRejected
    | m.OrderUnknown
    | m.OrderClosed
    | m.CancelRefused
    | m.DecreaseAccepted
    | m.DecreaseRefused
)
"""What is told of an order while somebody may wait for it."""

_KEPT: Final = 256
T = TypeVar("T")


class Answers:
    """Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._answers: OrderedDict[str, m.CommandAnswered] = OrderedDict()
        self._news: OrderedDict[str, list[OrderNews]] = OrderedDict()

    def take(self, message: m.Message) -> None:
        """Keep an answer or news of an order, and wake who waits. About 2 us."""
        with self._changed:
            if isinstance(message, m.CommandAnswered):
                self._answers[message.command_id] = message
                _bound(self._answers)
            elif isinstance(message, OrderNews):
                self._news.setdefault(message.order_id, []).append(message)
                self._news.move_to_end(message.order_id)
                _bound(self._news)
            self._changed.notify_all()

    def answer(self, command_id: str, timeout: float) -> m.CommandAnswered | None:
        """What became of a command; None when nobody has said within `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: command_id in self._answers, timeout)
            return self._answers.pop(command_id, None)

    def count(self, order_id: str) -> int:
        """News of an order so far: what comes after is new."""
        with self._changed:
            return len(self._news.get(order_id, ()))

    def news(
        self, order_id: str, seen: int, fits: Callable[[OrderNews], bool], deadline: float
    ) -> OrderNews | None:
        """The first news of an order after the first `seen` that fits; None after `deadline`.

        `deadline` is a reading of `time.monotonic`.
        """

        def found() -> OrderNews | None:
            return next((n for n in self._news.get(order_id, [])[seen:] if fits(n)), None)

        with self._changed:
            self._changed.wait_for(
                lambda: found() is not None, max(0.0, deadline - time.monotonic())
            )
            return found()


def _bound(kept: OrderedDict[str, T]) -> None:
    while len(kept) > _KEPT:
        kept.popitem(last=False)
