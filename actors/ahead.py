"""A thread that prepares what orders will need: signatures, a warm connection.

It belongs to an actor and ends with it. What goes wrong in it costs latency, not orders: they are
signed in line and connect by themselves then.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.exchange.express import ExpressExchange

_log = logging.getLogger(__name__)


class Ahead:
    """Calls the exchange's `prepare` every `seconds` of the machine, on a thread of its own."""

    def __init__(
        self, exchange: ExpressExchange, seconds: float, failed: Callable[[Exception], None]
    ) -> None:
        self._exchange = exchange
        self._seconds = seconds
        self._failed = failed
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)

    def start(self) -> None:
        """Begin, once."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is under way, and keep no connection; does not wait."""
        self._end.set()
        self._exchange.retire()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self._exchange.prepare()
            except Exception as error:  # noqa: BLE001 - border: its owner falls and starts again
                _log.exception("preparing orders failed")
                self._failed(error)
                return
            self._end.wait(self._seconds)
