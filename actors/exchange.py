"""The actor `exchange`: everything that is asked of the exchange over its REST side.

Its own thread never waits for the network: it hands each request to a worker, which tells the
answer to whom the topology says. It decides nothing but the last check before an order leaves (see
`actors.exchange_orders`).

When it falls or is retired, requests that have not begun are dropped, and orders among them are
told to have never been sent. A request that has begun is finished, and its answer told: a late
answer is still the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.exchange_orders import DeskTerms, OrderDesk
from actors.exchange_reads import ReadDesk
from actors.exchange_sweep import Sweep
from actors.outside import OutsideActor
from actors.workers import Urgency, Workers
from core import messages as m
from core.topology import MARKETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.host import Station
    from core.exchange.port import Exchange
    from core.topology import Routing


class ExchangeActor(OutsideActor):
    """Hands requests to workers and routes their answers.

    `exchange` makes the client, in the actor's thread; the client is used by all workers at once.
    """

    def __init__(
        self, station: Station, routing: Routing, exchange: Callable[[], Exchange], terms: DeskTerms
    ) -> None:
        super().__init__(station, routing)
        self._make_exchange = exchange
        self._terms = terms
        self._workers = Workers(station.name, terms.workers, self.thread_failed)
        self._sweep: Sweep | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Also the one that answers for markets, which on paper is the only one with mail."""
        return tuple(dict.fromkeys((self.station.name, MARKETS)))

    def begin(self) -> None:
        """Build client and desks; connects to nothing yet."""
        clock, terms = self.station.clock, self._terms
        exchange = self._make_exchange()
        self._orders = OrderDesk(exchange, clock, terms, self.is_fenced)
        self._reads = ReadDesk(exchange, clock, terms)
        self._sweep = Sweep(exchange, self._orders, clock, terms)
        self._workers.start()
        self.report_started()

    def receive(self, to: str, message: m.Message) -> object:
        """Hand a request to the workers."""
        submit = self._workers.submit
        match message:
            case m.Permit():
                self._orders.permit = message
            case m.PlaceOrder():
                submit(
                    Urgency.PLACE,
                    lambda: self._place(message),
                    lambda: self.deliver((self._orders.never_sent(message),)),
                )
            case m.CancelOrder():
                submit(Urgency.CANCEL, lambda: self.deliver((self._orders.cancel(message),)))
            case m.CancelAllOrders():
                self._cancel_all(message)
            case m.QueryOrder():
                submit(Urgency.ORDER, lambda: self.deliver(self._reads.order(message)))
            case m.QueryAccount():
                submit(Urgency.READ, lambda: self.deliver(self._reads.account(message)))
            case m.QueryMarkets():
                submit(Urgency.READ, lambda: self.deliver(self._reads.markets(message)))
            case _:
                return super().receive(to, message)
        return None

    def end(self) -> None:
        """Drop what has not begun."""
        if self._sweep is not None:
            self._sweep.stop()
        self._workers.stop()

    def _cancel_all(self, command: m.CancelAllOrders) -> None:
        sweep = self._sweep
        assert sweep is not None
        if sweep.request(command):
            self._workers.submit(
                Urgency.CANCEL, lambda: sweep.run(lambda done: self.deliver((done,)))
            )

    def _place(self, order: m.PlaceOrder) -> None:
        """On a worker's thread: whatever happens, execution gets an answer."""
        answer: m.Message | None = None
        try:
            answer = self._orders.place(order)
        finally:
            self.deliver((answer or self._orders.broken_off(order),))
