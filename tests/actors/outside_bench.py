"""An actor that does I/O, with mailboxes where the rest of the system would be."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from actors.address import Directory
from actors.host import Station
from core import messages as m
from core.exchange.port import Exchange
from core.topology import (
    DASHBOARD,
    EXCHANGE,
    EXECUTION,
    FEED,
    MARKETS,
    RISK,
    STREAM,
    SUPERVISION,
    Routing,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pykka import ActorRef

    from actors.outside import OutsideActor
    from core.clock import Clock
    from core.exchange.listing import Limits
    from core.exchange.records import Canceled, CancelRequest, Order, OrderRequest, Placed
    from core.messages import Message
    from core.units import Nanos

T = TypeVar("T")

HANG_SECONDS: Final = 30.0
"""Nothing here takes that long; a test that waits for it has failed."""
_UNTROUBLED: Final = (
    "order",
    "fills",
    "positions",
    "settlements",
    "balance",
    "markets",
    "queue_positions",
    "series",
    "fee_changes",
)
LISTENERS: Final = (EXECUTION, FEED, RISK, SUPERVISION, DASHBOARD)


class Mailboxes:
    """A directory in which every name but those of the actors is a queue."""

    def __init__(
        self,
        clock: Clock,
        listeners: tuple[str, ...] = LISTENERS,
        actors: tuple[str, ...] = (EXCHANGE, MARKETS, STREAM),
    ) -> None:
        self.directory = Directory()
        self.clock = clock
        self.routing = Routing((*listeners, *actors))
        self._boxes: dict[str, queue.SimpleQueue[Message]] = {}
        for name in listeners:
            box = self._boxes[name] = queue.SimpleQueue()
            self.directory.register_sink(name, box.put)

    def station(self, name: str, generation: int = 1) -> Station:
        return Station(name=name, generation=generation, directory=self.directory, clock=self.clock)

    def get(self, name: str, wait: float = HANG_SECONDS) -> Message:
        """The next message to `name`; waits for it. Raises queue.Empty."""
        return self._boxes[name].get(timeout=wait)

    def until(self, name: str, kind: type[T], wanted: Callable[[T], bool] = lambda _: True) -> T:
        """The next wanted message of a kind to `name`; what comes before it is left unread."""
        while True:
            message = self.get(name)
            if isinstance(message, kind) and wanted(message):
                return message

    def empty(self, name: str) -> bool:
        return self._boxes[name].empty()


def settle(actor: ActorRef[OutsideActor], boxes: Mailboxes, name: str) -> None:
    """Return when the actor has handled everything told to it so far."""
    sent = boxes.clock.now()
    boxes.directory.tell(name, m.Heartbeat(sent=sent))
    boxes.until(SUPERVISION, m.HostPulse)
    assert actor.is_alive()


class Gate:
    """Lets a call of the exchange wait until the test opens it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._opened = threading.Event()

    def open(self) -> None:
        self._opened.set()

    def pass_through(self) -> None:
        self.reached.set()
        assert self._opened.wait(HANG_SECONDS)


class Troubled(Exchange):
    """A real exchange behind a line that fails as the test says. `calls` is what arrived there."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._lock = threading.Lock()
        self.calls: list[str] = []
        self.before: dict[str, list[Exception | Gate]] = {}
        """Per call: raised or waited for before anything is sent, one each time."""
        self.after: dict[str, list[Exception]] = {}
        """Per call: raised in place of the answer, when all has been done."""
        self.lag: Nanos | None = None
        """Portfolio reads are known to reach only to this time."""
        self.tier: Limits | None = None
        """The account's limits, where they differ from the venue's."""
        for name in _UNTROUBLED:
            setattr(self, name, getattr(exchange, name))

    def _trouble(self, plan: dict[str, list[Exception]] | object, call: str) -> None:
        with self._lock:
            planned = plan.get(call) if isinstance(plan, dict) else None
            trouble = planned.pop(0) if planned else None
        if isinstance(trouble, Gate):
            trouble.pass_through()
        elif trouble is not None:
            raise trouble

    def create_order(self, request: OrderRequest) -> Placed:
        self._trouble(self.before, "create")
        with self._lock:
            self.calls.append(f"create {request.client_order_id}")
        placed = self._exchange.create_order(request)
        self._trouble(self.after, "create")
        return placed

    def cancel_order(self, request: CancelRequest) -> Canceled:
        self._trouble(self.before, "cancel")
        with self._lock:
            self.calls.append(f"cancel {request.ticker} {request.shard}")
        return self._exchange.cancel_order(request)

    def orders(self, **filters: object) -> tuple[Order, ...]:
        self._trouble(self.before, "orders")
        return self._exchange.orders(**filters)  # type: ignore[arg-type]

    def limits(self) -> Limits:
        self._trouble(self.before, "limits")
        return self.tier or self._exchange.limits()

    def user_data_timestamp(self) -> Nanos:
        return self._exchange.user_data_timestamp() if self.lag is None else self.lag
