"""The last resort of a stop: everything is cancelled through a client that nobody else uses.

The exchange actor cancels what rests as long as it lives. When it is dead, hung, or just being
started again, the supervisor cancels through this; and when the supervisor is gone as well, the
main thread does. All of them look and prove alike (`actors.exchange_sweep`), and all stand on the
account's one line, so an order that is just leaving is waited for, whoever sends it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from actors.exchange_orders import DeskTerms, OrderDesk
from actors.exchange_sweep import Sweep
from actors.gate import Gate
from config.logs import kv
from core import messages as m
from core.clock import Clock
from core.exchange.costs import FREE
from core.exchange.port import Exchange
from core.exchange.throttle import Urgency

if TYPE_CHECKING:
    from core.messages import Message

_log = logging.getLogger(__name__)

_NAME: Final = "direct-cancel"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one account, for whoever needs a client of his own."""

    client: Callable[[Gate], Exchange]
    """Makes the exchange actor's client; connects to nothing by itself."""
    slow_client: Callable[[Gate], Exchange]
    """Makes one that shares nothing with it but the gate."""
    gate: Gate
    terms: DeskTerms
    clock: Clock


class Canceller:
    """Cancels all on a thread of its own. `cancel` and `stop` on any thread.

    `tell` gets the proof, or why there is none; on that thread.
    """

    def __init__(self, account: Account, tell: Callable[[Message], None]) -> None:
        self._account = account
        self._tell = tell
        self._lock = threading.Lock()
        self._sweep: Sweep | None = None

    def cancel(self, command: m.CancelAllOrders) -> None:
        """Begin to cancel; where that is under way, look once more after it. Never waits."""
        # Before anything else, and not on the thread: no order may leave from now on.
        self._account.gate.line.forbid(command.epoch)
        if self._only_sweep().request(command):
            threading.Thread(target=self._run, name=_NAME, daemon=True).start()

    def stop(self) -> None:
        """Give up at the next pause."""
        if self._sweep is not None:
            self._sweep.stop()

    def _only_sweep(self) -> Sweep:
        with self._lock:
            if self._sweep is None:
                self._sweep = sweep_of(self._account)
            return self._sweep

    def _run(self) -> None:
        try:
            with self._account.gate.errand(Urgency.CANCEL, FREE):
                self._only_sweep().run(self._tell)
        except Exception as error:  # noqa: BLE001 - border: the supervisor will ask again
            _log.exception("the direct cancel failed")
            self._tell(
                m.QueryFailed(
                    what="cancel_all",
                    key=_NAME,
                    reason=f"{type(error).__name__}: {error}",
                    ts_recv=self._account.clock.now(),
                )
            )


def sweep_of(account: Account) -> Sweep:
    """A sweep through a client of its own."""
    client = account.slow_client(account.gate)
    desk = OrderDesk(client, account.clock, account.terms, account.gate.line, lambda: True)
    return Sweep(client, desk, account.clock, account.terms)


def cancel_now(account: Account, command: m.CancelAllOrders) -> m.CancelAllDone | None:
    """Cancel all on this very thread: the proof, or None where the exchange gave none."""
    sweep = sweep_of(account)
    answers: list[Message] = []
    sweep.request(command)
    with account.gate.errand(Urgency.CANCEL, FREE):
        sweep.run(answers.append)
    last = answers[-1]
    if isinstance(last, m.QueryFailed):
        _log.error("no proof of the stop", extra=kv(why=last.reason))
    return last if isinstance(last, m.CancelAllDone) else None
