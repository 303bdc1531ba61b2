"""Cancel everything that rests, and prove it.

Orders are cancelled one by one with ticker and shard, because the exchange's own cancel-all also
takes orders of the following minute (kalshi.md, traps 2 and 14). The proof is a list without
resting orders, read after the last order under way was answered, and from data that reach beyond
the last write: portfolio reads may come from a replica that is behind.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from actors.exchange_orders import resting
from core import messages as m
from core.exchange.port import ExchangeError, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.exchange_orders import DeskTerms, OrderDesk
    from core.clock import Clock
    from core.exchange.port import Exchange


class Sweep:
    """One at a time: requests that come while one runs are answered by one more after it."""

    def __init__(self, exchange: Exchange, desk: OrderDesk, clock: Clock, terms: DeskTerms) -> None:
        self._exchange = exchange
        self._desk = desk
        self._clock = clock
        self._terms = terms
        self._lock = threading.Lock()
        self._wanted: m.CancelAllOrders | None = None
        self._running = False
        self._stopping = threading.Event()

    def request(self, command: m.CancelAllOrders) -> bool:
        """Note a request; whether `run` must be called for it. Any thread."""
        with self._lock:
            self._wanted = command
            start, self._running = not self._running, True
            return start

    def stop(self) -> None:
        """End a running sweep at its next pause. Any thread."""
        self._stopping.set()

    def run(self, answer: Callable[[m.Message], None]) -> None:
        """Sweep until no request is left. Blocks; on a worker's thread."""
        try:
            while (command := self._take()) is not None:
                answer(self._sweep(command))
        finally:
            with self._lock:
                self._running = False

    def _take(self) -> m.CancelAllOrders | None:
        with self._lock:
            command, self._wanted = self._wanted, None
            if command is None:
                self._running = False
            return command

    def _sweep(self, command: m.CancelAllOrders) -> m.Message:
        deadline = time.monotonic() + self._terms.sweep_seconds
        cancelled, left, trouble = 0, -1, "no list in time"
        self._desk.line.forbid(command.epoch)
        while True:
            try:
                proof, gone, left = self._round(deadline)
            except ExchangeError as error:
                proof, gone, left, trouble = False, 0, -1, str(error)
                if isinstance(error, Unauthorized):
                    break
            cancelled += gone
            if proof or time.monotonic() >= deadline:
                break
            if self._stopping.wait(self._terms.sweep_pause_seconds):
                break
        return self._told(command, cancelled, left, proven=proof, trouble=trouble)

    def _round(self, deadline: float) -> tuple[bool, int, int]:
        """List and cancel once: whether nothing rests for certain, what went, what was listed.

        The first list is read at once, whatever is under way: what rests now shall go now.
        """
        listed = resting(self._exchange)
        gone = sum(self._desk.cancel_listed(order) for order in listed)
        if listed:
            return False, gone, len(listed)
        line = self._desk.line
        quiet = line.wait_until_quiet(max(0.0, deadline - time.monotonic()))
        written = line.last_write
        reaches = self._exchange.user_data_timestamp() >= written
        listed = resting(self._exchange)
        return quiet and reaches and not listed, 0, len(listed)

    def _told(
        self, command: m.CancelAllOrders, cancelled: int, left: int, *, proven: bool, trouble: str
    ) -> m.Message:
        """Without a proof nothing is claimed: who asked will ask again."""
        if proven or left > 0:
            return m.CancelAllDone(
                cancelled=cancelled,
                resting=left,
                reason=command.reason,
                epoch=command.epoch,
                ts_recv=self._clock.now(),
            )
        if left == 0:
            trouble = "nothing is listed, but the list does not reach beyond the last write"
        return m.QueryFailed(
            what="cancel_all",
            key=command.reason,
            reason=f"{trouble}; {cancelled} cancelled",
            ts_recv=self._clock.now(),
        )
