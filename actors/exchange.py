"""The actor `exchange`: everything that is asked of the exchange over its REST side.

Its own thread never waits for the network: it hands each request to a worker, which tells the
answer to whom the topology says. It decides nothing but the last check before an order leaves (see
`actors.exchange_orders`). A request without tokens waits in the queue of its urgency (see
`actors.gate`); an order that would wait to its deadline is refused there, and was never sent.

When it falls or is retired, requests that have not begun are dropped, and orders among them are
told to have never been sent. A request that has begun is finished, and its answer told: a late
answer is still the truth.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from actors.ahead import Ahead
from actors.exchange_orders import RATE_LIMITED, DeskTerms, OrderDesk
from actors.exchange_reads import ReadDesk
from actors.exchange_sweep import Sweep
from actors.express import ExpressDoor
from actors.outside import OutsideActor
from actors.workers import Job, Workers
from config.logs import kv
from core import messages as m
from core.exchange.costs import FREE, READ, Bill, Call, bill
from core.exchange.endpoints import ORDERS
from core.exchange.express import ExpressExchange
from core.exchange.port import ExchangeError
from core.exchange.throttle import Urgency
from core.topology import MARKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.gate import Gate
    from actors.host import Station
    from core.exchange.port import Exchange
    from core.topology import Routing
    from core.units import Nanos


_log = logging.getLogger(__name__)

_ONE_READ: Final[Bill] = ((READ, 10),)
"""The first request of whatever asks for own data."""


class ExchangeActor(OutsideActor):
    """Hands requests to workers and routes their answers.

    `exchange` makes the client, in the actor's thread; the client is used by all workers at once.
    It should pass `gate`, which outlives the actor: the account's tokens do not come back with it.
    """

    def __init__(
        self,
        station: Station,
        routing: Routing,
        exchange: Callable[[], Exchange],
        terms: DeskTerms,
        gate: Gate,
    ) -> None:
        super().__init__(station, routing)
        self._make_exchange = exchange
        self._terms = terms
        self._gate = gate
        self._limits_known = False
        self._limits_why = ""
        """Why the last question for them failed, as the log was told."""
        self._workers = Workers(station.name, terms.workers, gate, self.thread_failed)
        self._sweep: Sweep | None = None
        self._ahead: Ahead | None = None
        self._door: ExpressDoor | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Also the one that answers for markets, which on paper is the only one with mail."""
        return tuple(dict.fromkeys((self.station.name, MARKETS)))

    def begin(self) -> None:
        """Build client and desks; connects to nothing by itself."""
        clock, terms = self.station.clock, self._terms
        exchange = self._make_exchange()
        self._exchange = exchange
        self._orders = OrderDesk(exchange, clock, terms, self._gate.line, self.is_fenced)
        self._reads = ReadDesk(exchange, clock, terms)
        self._sweep = Sweep(exchange, self._orders, clock, terms)
        self._workers.start()
        if isinstance(exchange, ExpressExchange):
            self._ahead = Ahead(exchange, terms.prepare_seconds, self.thread_failed)
            self._ahead.start()
            self._door = ExpressDoor(
                exchange, self._orders, self._gate, self._workers, self.deliver
            )
        self.report_started()

    def express(self, to: str, message: m.Message) -> bool:
        """Orders, where they can leave at once (`actors.express`). On the sender's thread."""
        del to
        door = self._door
        return door is not None and type(message) is m.PlaceOrder and door.take(message)

    def receive(self, to: str, message: m.Message) -> object:
        """Hand a request to the workers."""
        match message:
            case m.Permit():
                self._orders.permit = message
            case m.PlaceOrder() | m.CancelOrder() | m.DecreaseOrder():
                self._workers.submit(self._writing(message))
            case m.CancelAllOrders():
                self._cancel_all(message)
            case m.QueryOrder() | m.QueryAccount() | m.QueryPlaces():
                self._question(message)
            case m.QueryMarkets():
                self._read(Urgency.READ, FREE, lambda: self._reads.markets(message))
            case m.QueryTrades():
                self._read(Urgency.READ, FREE, lambda: self._reads.trades(message))
            case _:
                return super().receive(to, message)
        return None

    def _answer(self, heartbeat: m.Heartbeat) -> None:
        """Beside the pulse, tell how full the buckets are and what time it is there."""
        super()._answer(heartbeat)
        compared = self._gate.compared()
        self.deliver((self._gate.gauge(self._workers.waiting),))
        self.deliver(() if compared is None else (compared,))

    def end(self) -> None:
        """Drop what has not begun."""
        if self._sweep is not None:
            self._sweep.stop()
        self._door = None
        self._workers.stop()
        if self._ahead is not None:
            self._ahead.stop()

    # --- jobs ------------------------------------------------------------------------------------

    def _writing(self, order: m.PlaceOrder | m.CancelOrder | m.DecreaseOrder) -> Job:
        match order:
            case m.PlaceOrder():
                return self._placing(order)
            case m.CancelOrder():
                return self._cancelling(order, self._orders.patience())
            case m.DecreaseOrder():
                return self._decreasing(order)

    def _placing(self, order: m.PlaceOrder) -> Job:
        desk = self._orders
        return Job(
            Urgency.PLACE,
            run=lambda: self._place(order),
            dropped=lambda: self.deliver((desk.never_sent(order),)),
            bill=bill(Call("POST", ORDERS, shard=order.request.shard)),
            deadline=order.deadline,
            late=lambda: self.deliver((desk.without_tokens(order),)),
        )

    def _place(self, order: m.PlaceOrder) -> None:
        """On a worker's thread: whatever happens, execution gets an answer."""
        answer: m.Message | None = None
        try:
            answer = self._orders.place(order)
        finally:
            self.deliver((answer or self._orders.broken_off(order),))

    def _cancelling(self, order: m.CancelOrder, until: Nanos) -> Job:
        path = f"{ORDERS}/{order.venue_order_id}"
        return Job(
            Urgency.CANCEL,
            run=lambda: self._cancel(order, until),
            bill=bill(Call("DELETE", path, shard=order.shard)),
        )

    def _cancel(self, order: m.CancelOrder, until: Nanos) -> None:
        """On a worker's thread. What a 429 turned away did not happen, and is due all the same."""
        answer = self._orders.cancel(order)
        limited = isinstance(answer, m.CancelRefused) and answer.code == RATE_LIMITED
        if limited and self.station.clock.now() < until:
            self._workers.submit(self._cancelling(order, until))
        else:
            self.deliver((answer,))

    def _decreasing(self, order: m.DecreaseOrder) -> Job:
        path = f"{ORDERS}/{order.venue_order_id}/decrease"
        return Job(
            Urgency.CANCEL,
            run=lambda: self.deliver((self._orders.decrease(order),)),
            bill=bill(Call("POST", path, shard=order.shard)),
        )

    def _cancel_all(self, command: m.CancelAllOrders) -> None:
        sweep = self._sweep
        assert sweep is not None
        if sweep.request(command):
            run = partial(sweep.run, lambda done: self.deliver((done,)))
            self._workers.submit(Job(Urgency.CANCEL, run, bill=_ONE_READ))

    def _read(self, urgency: Urgency, price: Bill, ask: Callable[[], Sequence[m.Message]]) -> None:
        self._workers.submit(Job(urgency, lambda: self.deliver(ask()), bill=price))

    def _question(self, query: m.QueryOrder | m.QueryAccount | m.QueryPlaces) -> None:
        """About our own things. Places are for the screen alone: what finds no tokens in time is
        not asked at all.
        """
        match query:
            case m.QueryOrder():
                self._read(Urgency.ORDER, _ONE_READ, lambda: self._reads.order(query))
            case m.QueryAccount():
                self._learn_limits()
                self._read(Urgency.READ, _ONE_READ, lambda: self._reads.account(query))
            case m.QueryPlaces():
                run = partial(self._tell_places, query)
                until = query.expires
                self._workers.submit(Job(Urgency.READ, run, bill=_ONE_READ, deadline=until))

    def _tell_places(self, query: m.QueryPlaces) -> None:
        """On a worker's thread, which may have come to it late."""
        if self.station.clock.now() < query.expires:
            self.deliver(self._reads.places(query))

    def _learn_limits(self) -> None:
        """With every look at the account until the venue has told the size of its buckets."""
        if not self._limits_known:
            self._workers.submit(Job(Urgency.ORDER, self._ask_limits, bill=_ONE_READ))

    def _ask_limits(self) -> None:
        """On a worker's thread."""
        try:
            limits = self._exchange.limits()
        except ExchangeError as error:
            why, self._limits_why = self._limits_why, str(error)
            if why != self._limits_why:  # asked again and again: one line for each reason
                _log.warning("the account's limits are not known", extra=kv(why=error))
            return
        self._gate.set_limits(limits)
        self._limits_known = True
